//! Settings of traces, under the names of OpenTelemetry's specification.

use std::time::Duration;

use percent_encoding::percent_decode_str;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use url::Url;

use super::{
    parse::{self, HTTP_URL},
    source::Reader,
    variables as var,
};
use crate::foundation::secret::ServerUrl;

const PAIRS: &str = "pairs such as key=value,other=value, with special characters percent-encoded";
const SAMPLERS: &str = "always_on, always_off, traceidratio, parentbased_always_on, parentbased_always_off or \
                        parentbased_traceidratio";

/// Settings of traces.
#[derive(Clone, Debug)]
pub struct Traces {
    /// The address that spans are posted to.
    pub endpoint: ServerUrl,
    /// The headers that are sent with them. Their values are marked as sensitive.
    pub headers: HeaderMap,
    /// The time for one post.
    pub timeout: Duration,
    /// Which traces are sampled.
    pub sampling: TraceSampling,
    /// The name of this service.
    pub service_name: String,
    /// What else is said of this service, as pairs of names and values.
    pub resource: Vec<(String, String)>,
}

/// Which traces are sampled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceSampling {
    /// Whether the decision of a client counts that has sent `traceparent`.
    pub follows_parent: bool,
    /// The part of all other traces that is sampled, from 0 to 1.
    pub ratio: f64,
}

impl Traces {
    /// Reads the settings, if spans are sent. All are read in any case, so that mistakes in them are reported.
    #[expect(clippy::option_option, reason = "none is a setting, too")]
    pub(super) fn read(reader: &mut Reader<'_>) -> Option<Option<Self>> {
        let base = reader.read_optional(var::OTEL_EXPORTER_OTLP_ENDPOINT, HTTP_URL, parse::exact_http_url);
        let exact = reader.read_optional(var::OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, HTTP_URL, parse::exact_http_url);
        let headers = reader.read(var::OTEL_EXPORTER_OTLP_HEADERS, PAIRS, headers);
        let timeout =
            reader.read(var::OTEL_EXPORTER_OTLP_TIMEOUT, "a number of milliseconds, or a time such as 10s", timeout);
        let sampling = read_sampling(reader);
        let service_name = reader.text(var::OTEL_SERVICE_NAME).map(str::to_owned);
        let resource = reader.read(var::OTEL_RESOURCE_ATTRIBUTES, PAIRS, pairs);
        let is_disabled = reader.read(var::OTEL_SDK_DISABLED, "true or false", parse::switch);
        let (base, exact, headers, timeout) = (base?, exact?, headers?, timeout?);
        let (sampling, mut resource, is_disabled) = (sampling?, resource?, is_disabled?);
        let Some(endpoint) = exact.or_else(|| base.map(|base| below(&base))).filter(|_| !is_disabled) else {
            return Some(None);
        };
        let named = resource.iter().position(|(name, _)| name == "service.name").map(|at| resource.remove(at).1);
        let service_name = service_name.or(named).unwrap_or_else(|| "al-chat".to_owned());
        Some(Some(Self { endpoint: endpoint.into(), headers, timeout, sampling, service_name, resource }))
    }
}

fn read_sampling(reader: &mut Reader<'_>) -> Option<TraceSampling> {
    let sampler = reader.read(var::OTEL_TRACES_SAMPLER, SAMPLERS, |text| {
        let (follows_parent, root) = text.strip_prefix("parentbased_").map_or((false, text), |root| (true, root));
        let ratio = match root {
            "always_on" => Some(1.0),
            "always_off" => Some(0.0),
            "traceidratio" => None,
            _ => return None,
        };
        Some((follows_parent, ratio))
    });
    let argument = reader.read(var::OTEL_TRACES_SAMPLER_ARG, "a number from 0 to 1, such as 0.01", |text| {
        text.parse::<f64>().ok().filter(|ratio| (0.0..=1.0).contains(ratio))
    });
    let ((follows_parent, ratio), argument) = (sampler?, argument?);
    Some(TraceSampling { follows_parent, ratio: ratio.unwrap_or(argument) })
}

/// Returns the address for traces below the one for all kinds of telemetry.
fn below(base: &Url) -> Url {
    let mut url = base.clone();
    url.set_path(&format!("{}/v1/traces", base.path().trim_end_matches('/')));
    url
}

/// Parses a time: a number alone is one of milliseconds, as the specification has it.
fn timeout(text: &str) -> Option<Duration> {
    match text.parse::<u64>() {
        Ok(milliseconds) => Some(Duration::from_millis(milliseconds)).filter(|timeout| !timeout.is_zero()),
        Err(_) => parse::duration(text),
    }
}

fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let pairs = text.split(',').map(str::trim).filter(|pair| !pair.is_empty());
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?.into_owned();
        Some((name.trim().to_owned(), value)).filter(|(name, _)| !name.is_empty())
    };
    pairs.map(pair).collect()
}

fn headers(text: &str) -> Option<HeaderMap> {
    let header = |(name, value): (String, String)| {
        let mut value = HeaderValue::try_from(value).ok()?;
        value.set_sensitive(true);
        Some((HeaderName::try_from(name).ok()?, value))
    };
    pairs(text)?.into_iter().map(header).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::config::{Config, Source};

    fn read(pairs: &[(&str, &str)]) -> Option<Traces> {
        Config::read(&Source::of_pairs(pairs.iter().copied())).unwrap().traces
    }

    #[test]
    fn the_address_is_exact_or_below_that_of_all_telemetry() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example:4318/otlp/");
        let endpoint = |pairs: &[_]| read(pairs).map(|traces| traces.endpoint.as_str().to_owned());
        assert_eq!(endpoint(&[base]).as_deref(), Some("http://collector.example:4318/otlp/v1/traces"));
        let exact = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://other.example/spans");
        assert_eq!(endpoint(&[base, exact]).as_deref(), Some("https://other.example/spans"));
        assert_eq!(endpoint(&[base, ("OTEL_SDK_DISABLED", "true")]), None);
        assert_eq!(endpoint(&[]), None);
    }

    #[test]
    fn samplers_are_those_of_the_specification() {
        let base = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example");
        let sampling = |pairs: &[(&str, &str)]| {
            let sampling = read(&[&[base], pairs].concat()).unwrap().sampling;
            (sampling.follows_parent, sampling.ratio.to_string())
        };
        let name = |name| ("OTEL_TRACES_SAMPLER", name);
        assert_eq!(sampling(&[]), (true, "1".to_owned()));
        assert_eq!(sampling(&[name("always_off")]), (false, "0".to_owned()));
        assert_eq!(sampling(&[name("parentbased_always_off")]), (true, "0".to_owned()));
        let one_percent = ("OTEL_TRACES_SAMPLER_ARG", "0.01");
        assert_eq!(sampling(&[name("traceidratio"), one_percent]), (false, "0.01".to_owned()));
        assert_eq!(sampling(&[name("parentbased_traceidratio"), one_percent]), (true, "0.01".to_owned()));
        for wrong in [&[name("sometimes")][..], &[name("traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "2")]] {
            assert!(Config::read(&Source::of_pairs(wrong.iter().copied())).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn headers_are_decoded_and_not_printed() {
        let traces = read(&[
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector.example?key=hidden"),
            ("OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20hidden, x-team=hidden"),
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "1500"),
            ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=other"),
        ]);
        let traces = traces.unwrap();
        assert_eq!(traces.headers["authorization"], "Bearer hidden");
        assert_eq!((traces.timeout, traces.service_name.as_str()), (Duration::from_millis(1500), "other"));
        assert_eq!(traces.resource, [("deployment.environment.name".to_owned(), "test".to_owned())]);
        assert!(!format!("{traces:?}").contains("hidden"), "{traces:?}");
    }
}
