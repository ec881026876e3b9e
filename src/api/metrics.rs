//! `GET /metrics`: metrics of the service, for monitoring. It is not part of the contract, since the format is a standard.
//!
//! The answer is in the OpenMetrics text format for clients that ask for it, and else in Prometheus's text format.

use std::{borrow::Cow, collections::HashSet};

use poem::{
    Endpoint, Request, Response,
    endpoint::make_sync,
    http::{HeaderMap, header},
};

use super::{AppState, accept, caller::ensure_metrics_access};

/// The path of the metrics.
pub(super) const PATH: &str = "/metrics";

/// The content type of the OpenMetrics text format.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// The content type of Prometheus's text format.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Returns the handler of the metrics.
pub(super) fn endpoint(state: AppState) -> impl Endpoint<Output = Response> {
    make_sync(move |request: Request| {
        ensure_metrics_access(&request, &state)?;
        let metrics = state.turns.metrics();
        let (media_type, text) = if prefers_open_metrics(request.headers()) {
            (OPEN_METRICS, metrics)
        } else {
            (PROMETHEUS, to_prometheus(&metrics))
        };
        let response = Response::builder().header(header::CONTENT_TYPE, media_type).header(header::VARY, "accept");
        Ok::<_, poem::Error>(response.body(text))
    })
}

/// Whether `Accept` lists OpenMetrics with at least the weight of plain text.
fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    let weight = accept::weight(headers, &accept::OPEN_METRICS);
    weight > 0.0 && weight >= accept::weight(headers, &accept::PLAIN_TEXT)
}

/// Converts metrics from the OpenMetrics text format to Prometheus's, version 0.0.4: its comments name a counter with the
/// suffix `_total`, and there is no `# EOF` line.
fn to_prometheus(open_metrics: &str) -> String {
    let comment = |line: &str| -> Option<(&'static str, usize)> {
        ["# TYPE ", "# HELP "].into_iter().find_map(|kind| Some((kind, line.strip_prefix(kind)?.find(' ')?)))
    };
    let types = open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let counters = types.filter(|(_, kind)| *kind == "counter").map(|(name, _)| name).collect::<HashSet<_>>();
    let lines = open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")).map(|line| {
        let Some((kind, length)) = comment(line) else { return Cow::Borrowed(line) };
        let (name, rest) = line[kind.len()..].split_at(length);
        if counters.contains(name) { Cow::Owned(format!("{kind}{name}_total{rest}")) } else { Cow::Borrowed(line) }
    });
    lines.flat_map(|line| [line, Cow::Borrowed("\n")]).collect()
}

#[cfg(test)]
mod tests {
    use poem::http::HeaderValue;

    use super::*;

    fn prefers(accept: &[&'static str]) -> bool {
        let mut headers = HeaderMap::new();
        for line in accept {
            headers.append(header::ACCEPT, HeaderValue::from_static(line));
        }
        prefers_open_metrics(&headers)
    }

    #[test]
    fn open_metrics_is_sent_to_clients_that_prefer_it() {
        assert!(prefers(&["application/openmetrics-text"]));
        // What Prometheus itself sends.
        assert!(prefers(&[
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
        ]));
        assert!(prefers(&["text/plain;q=0.3", "Application/OpenMetrics-Text; version=0.0.1; q=0.4"]));
        for accept in [
            &[][..],
            &["*/*"],
            &["text/plain"],
            &["application/*"],
            &["application/openmetrics-text;q=0"],
            &["application/openmetrics-text;q=0.2, text/plain"],
            &["application/openmetrics-text;q=x"],
            &[""],
        ] {
            assert!(!prefers(accept), "{accept:?}");
        }
    }

    #[test]
    fn counters_have_full_names_in_the_prometheus_format() {
        let open_metrics = "# HELP turns Turns that ended.\n# TYPE turns counter\n# UNIT turns x\nturns_total{a=\"# EOF\"} 1\n\
                            # HELP turns_running Now.\n# TYPE turns_running gauge\nturns_running 0\n# EOF\n";
        assert_eq!(
            to_prometheus(open_metrics),
            "# HELP turns_total Turns that ended.\n# TYPE turns_total counter\nturns_total{a=\"# EOF\"} 1\n\
             # HELP turns_running Now.\n# TYPE turns_running gauge\nturns_running 0\n"
        );
    }
}
