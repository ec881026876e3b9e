//! `GET /metrics`: numbers for those who watch the service. Not part of the contract: what scrapes it reads the format,
//! not our document.
//!
//! In the OpenMetrics text format for those who ask for it, and else in Prometheus's own, which every tool reads.

use std::{borrow::Cow, collections::HashSet};

use poem::{
    Endpoint, Request, Response,
    endpoint::make_sync,
    http::{HeaderMap, header},
};

use crate::services::turn::Turns;

/// Where the numbers are.
pub(super) const PATH: &str = "/metrics";

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(super) fn endpoint(turns: Turns) -> impl Endpoint<Output = Response> {
    make_sync(move |request: Request| {
        let numbers = turns.metrics();
        let (media_type, text) = if prefers_open_metrics(request.headers()) {
            (OPEN_METRICS, numbers)
        } else {
            (PROMETHEUS, prometheus(&numbers))
        };
        Response::builder().header(header::CONTENT_TYPE, media_type).header(header::VARY, "accept").body(text)
    })
}

/// Whether OpenMetrics is asked for by its name, and plain text is not asked for more.
fn prefers_open_metrics(headers: &HeaderMap) -> bool {
    let lines = headers.get_all(header::ACCEPT).iter().filter_map(|line| line.to_str().ok());
    let (mut open_metrics, mut plain) = (0.0_f32, 0.0_f32);
    for range in lines.flat_map(|line| line.split(',')) {
        let mut parts = range.split(';').map(str::trim);
        let preferred = match parts.next() {
            Some(name) if name.eq_ignore_ascii_case("application/openmetrics-text") => &mut open_metrics,
            Some(name) if name.eq_ignore_ascii_case("text/plain") => &mut plain,
            _ => continue,
        };
        let weight = parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        *preferred = preferred.max(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)));
    }
    open_metrics > 0.0 && open_metrics >= plain
}

/// OpenMetrics text in Prometheus's text format, version 0.0.4: there, a counter has its whole name in the lines about
/// it, too, and a text has no last line.
fn prometheus(open_metrics: &str) -> String {
    let about = |line: &str| -> Option<(&'static str, usize)> {
        ["# TYPE ", "# HELP "].into_iter().find_map(|kind| Some((kind, line.strip_prefix(kind)?.find(' ')?)))
    };
    let types = open_metrics.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let counters = types.filter(|(_, kind)| *kind == "counter").map(|(name, _)| name).collect::<HashSet<_>>();
    let lines = open_metrics.lines().filter(|line| *line != "# EOF" && !line.starts_with("# UNIT ")).map(|line| {
        let Some((kind, length)) = about(line) else { return Cow::Borrowed(line) };
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
    fn open_metrics_is_for_those_who_ask_for_it() {
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
    fn counters_have_their_whole_names_in_the_prometheus_format() {
        let open_metrics = "# HELP turns Turns that ended.\n# TYPE turns counter\n# UNIT turns x\nturns_total{a=\"# EOF\"} 1\n\
                            # HELP turns_running Now.\n# TYPE turns_running gauge\nturns_running 0\n# EOF\n";
        assert_eq!(
            prometheus(open_metrics),
            "# HELP turns_total Turns that ended.\n# TYPE turns_total counter\nturns_total{a=\"# EOF\"} 1\n\
             # HELP turns_running Now.\n# TYPE turns_running gauge\nturns_running 0\n"
        );
    }
}
