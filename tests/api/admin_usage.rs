//! `GET /api/admin/usage`: the report of the session log, for the operator.

use std::fs;

use serde_json::{Map, Value, json};

use crate::{
    command_line::run,
    log_report::{sample, write_days},
    support::{
        client::{Client, HttpResponse},
        service::start_with,
    },
};

const PATH: &str = "/api/admin/usage";

async fn read(client: &Client, query: &str) -> HttpResponse {
    client.get(&format!("{PATH}{query}")).await
}

/// Returns the fields of the command's figures that the endpoint has.
fn figures(of_command: &Value, of_endpoint: &Value) -> Map<String, Value> {
    let fields = of_endpoint.as_object().unwrap().keys();
    fields.map(|field| (field.clone(), of_command[field].clone())).collect()
}

#[tokio::test]
async fn the_figures_are_those_of_the_report() {
    let (_model, setup, service) = start_with(&[]).await;
    service.client.chat("hello").await.assert_ok();
    write_days(&setup.log_dir(), &sample());
    for by in ["user", "site", "key", "persona", "model", "code", "day", "hour"] {
        for filter in ["", "&since=2026-11-29T04:00&until=2026-11-29"] {
            let answer = read(&service.client, &format!("?by={by}{filter}")).await;
            let found = answer.assert_ok();
            let arguments = ["log", "report", "--by", by, "--since", "2026-11-29T04:00", "--until", "2026-11-29"];
            let arguments = if filter.is_empty() { &arguments[..4] } else { &arguments };
            let json_report = run(&setup, &[arguments, &["--format", "json"]].concat()).await.out;
            let expected = serde_json::from_str::<Value>(&json_report).unwrap();
            assert_eq!(found["by"], by);
            let period = json!([found["first_line_at"], found["last_line_at"]]);
            assert_eq!(period, expected["period"], "{by}");
            assert_eq!(*found["total"].as_object().unwrap(), figures(&expected["turns"], &found["total"]), "{by}");
            let groups = found["groups"].as_array().unwrap();
            assert_eq!(groups.len(), expected["groups"].as_array().unwrap().len(), "{by}");
            for (group, expected) in groups.iter().zip(expected["groups"].as_array().unwrap()) {
                assert_eq!(group["group"], expected["group"], "{by}");
                assert_eq!(*group["figures"].as_object().unwrap(), figures(expected, &group["figures"]), "{by}");
            }
            let csv = read(&service.client, &format!("/csv?by={by}{filter}")).await;
            assert_eq!(csv.header("x-lines-left-out"), "0");
            assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
            assert_eq!(csv.text, run(&setup, &[arguments, &["--format", "csv"]].concat()).await.out);
        }
    }
    let total = read(&service.client, "").await.assert_ok();
    assert_eq!((total.get("by"), &total["groups"], &total["total"]["turns"]), (None, &json!([]), &json!(701)));
}

#[tokio::test]
async fn a_report_without_turns_is_empty() {
    let (_model, _setup, service) = start_with(&[]).await;
    let answer = read(&service.client, "?by=site&until=2020-01-01").await.assert_ok();
    assert_eq!(
        (&answer["first_line_at"], &answer["groups"], answer.get("other_groups")),
        (&Value::Null, &json!([]), None)
    );
    assert_eq!((&answer["total"]["turns"], &answer["total"]["latency_ms"]["p50"]), (&json!(0), &Value::Null));
}

#[tokio::test]
async fn damaged_lines_of_the_log_are_counted() {
    let (_model, setup, service) = start_with(&[]).await;
    fs::write(setup.log_dir().join("session_2026-11-01.log"), "{\"event\": \"chat\"\nnothing\n").unwrap();
    let unreadable = zstd::encode_all(&b"{}\n"[..], 1).unwrap();
    fs::write(setup.log_dir().join("session_2026-11-02.log.zst"), &unreadable[..unreadable.len() - 3]).unwrap();
    let answer = read(&service.client, "/csv").await;
    assert_eq!((answer.header("x-lines-left-out"), answer.header("x-unreadable-files")), ("2", "1"));
    let answer = read(&service.client, "").await.assert_ok();
    assert_eq!([&answer["lines_left_out"], &answer["unreadable_files"]], [&json!(2), &json!(1)]);
    // These days are outside of the period.
    let answer = read(&service.client, "?since=2026-11-04").await.assert_ok();
    assert_eq!([&answer["lines_left_out"], &answer["unreadable_files"]], [&json!(0), &json!(0)]);
}

#[tokio::test]
async fn a_log_that_cannot_be_read_is_an_error() {
    let (_model, setup, service) = start_with(&[]).await;
    setup.block_log();
    let answer = read(&service.client, "").await;
    answer.assert_error(503, "session_log_unreadable");
    assert_eq!(answer.header("retry-after"), "5");
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let (_model, _setup, service) = start_with(&[]).await;
    for (query, field) in [
        ("?by=colour", "by"),
        ("?since=yesterday", "since"),
        ("?until=2026-13-01", "until"),
        ("?since=2026-11-29&until=2026-11-28", "until"),
    ] {
        let answer = read(&service.client, query).await;
        let error = answer.assert_error(400, "invalid_request");
        assert!(error.contains(field), "{query}: {error}");
    }
}

#[tokio::test]
async fn only_the_operator_gets_a_report() {
    let (_model, _setup, service) = start_with(&[("ADMIN_TOKEN", "Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P")]).await;
    read(&service.client, "").await.assert_error(401, "operator_only");
    let request = service.client.request(reqwest::Method::GET, PATH).bearer_auth("Wq8nR2vTz5LxYb1kCd7uHs9aFg3eJm6P");
    service.client.send(request).await.assert_ok();
}
