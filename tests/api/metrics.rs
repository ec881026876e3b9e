//! The formats of the metrics, checked against their specifications.

use std::collections::{HashMap, HashSet};

use reqwest::Method;

use crate::support::{
    client::{Client, HttpResponse},
    service::start_with,
};

async fn scrape(client: &Client, accept: &str) -> HttpResponse {
    let request = client.request(Method::GET, "/metrics");
    client.send(if accept.is_empty() { request } else { request.header("accept", accept) }).await
}

/// Words that no name of a metric has, as names have base units: seconds, bytes and whole dollars, and ratios instead of percents.
const OTHER_UNITS: [&str; 10] = ["_ms", "milli", "micro", "nano", "minute", "hour", "_days", "_kb", "_mib", "percent"];

/// Checks the name of a metric: a unit is one of the base units, and at its end; a histogram has one.
fn check_name(name: &str, kind: &str) {
    let base = name.strip_suffix("_total").unwrap_or(name);
    assert!(OTHER_UNITS.iter().all(|unit| !base.contains(unit)), "{name} has a unit that is no base unit");
    for unit in ["seconds", "bytes", "usd"] {
        assert!(!base.contains(unit) || base.ends_with(unit), "{name} has its unit in the middle");
    }
    assert!(kind != "histogram" || base.ends_with("_seconds"), "{name} is a histogram without a unit");
}

/// Checks a text against Prometheus's text format 0.0.4, and its names against the rules of `promtool check metrics`.
pub fn check_prometheus_text(text: &str) {
    assert!(text.ends_with('\n') && !text.contains("\n\n"), "{text}");
    let (mut types, mut helped, mut samples) = (HashMap::new(), HashSet::new(), HashSet::new());
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, about) = help.split_once(' ').expect("a text about the setting");
            assert!(helped.insert(name) && !about.is_empty(), "{line}");
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').expect("a type");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            check_name(name, kind);
            assert!(helped.contains(name) && types.insert(name, kind).is_none(), "{line}");
        } else {
            assert!(!line.starts_with('#'), "{line}");
            let (series, value) = line.rsplit_once(' ').expect("a value");
            value.parse::<f64>().expect("a number");
            assert!(samples.insert(series), "{line} is logged twice");
            let name = series.split('{').next().expect("a name");
            let of_histogram = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            let is_known = match of_histogram {
                Some(base) => types.get(base) == Some(&"histogram"),
                None => types.get(name).is_some_and(|kind| *kind != "histogram"),
            };
            assert!(is_known, "{line} has no type");
            assert!(name.starts_with("al_chat_") && !name.contains("milliseconds"), "{line}");
        }
    }
    assert!(types.len() > 8 && samples.len() > types.len(), "{text}");
}

#[tokio::test]
async fn metrics_have_the_requested_format() {
    let (_model, _setup, service) = start_with(&[("OPENAI_MODEL", "a\"b\\c")]).await;
    service.client.chat("hello").await.assert_ok();
    for accept in ["", "*/*", "text/plain", "text/plain; version=0.0.4", "text/html", "application/json"] {
        let answer = scrape(&service.client, accept).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4; charset=utf-8", "{accept}");
        check_prometheus_text(&answer.text);
    }
    let prometheus = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    for accept in [prometheus, "application/openmetrics-text"] {
        let answer = scrape(&service.client, accept).await;
        assert_eq!(answer.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
        assert!(answer.text.ends_with("\n# EOF\n"), "{}", answer.text);
        assert!(answer.text.contains("# TYPE al_chat_turns counter\n"), "{}", answer.text);
    }
}
