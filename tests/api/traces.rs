//! Traces of turns: the spans that a collector gets, the headers that go on with a trace, and collectors that fail.

use std::time::{Duration, Instant};

use hyper::header::HeaderMap;
use serde_json::{Value, json};

use crate::{
    fakes::{
        collector::{CollectorBehaviour, FakeCollector, TakenSpan},
        hook::{FakeHook, pass},
        model::{Behaviour, Ending, FakeModel, Script},
    },
    support::{
        client::{Client, HttpResponse},
        diagnostics::Diagnostics,
        events::Events,
        service::{Service, TestSetup, wait_until},
        user::User,
    },
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const TURN: &str = "invoke_agent";

async fn start(settings: &[(&str, &str)]) -> (FakeCollector, FakeModel, TestSetup, Service) {
    let (collector, model) = (FakeCollector::start().await, FakeModel::start().await);
    let setup = TestSetup::for_model(&model).with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url());
    let setup = setup.with_all(settings);
    let service = setup.start().await;
    (collector, model, setup, service)
}

async fn chat_in_trace(client: &Client, flags: &str, state: &str) -> HttpResponse {
    let request = client.json_request("/api/chat", &json!({ "message": "hello" }));
    let parent = format!("00-{TRACE}-b7ad6b7169203331-{flags}");
    client.send(request.header("traceparent", parent).header("tracestate", state)).await
}

fn named<'s>(spans: &'s [TakenSpan], name: &str) -> &'s TakenSpan {
    let mut found = spans.iter().filter(|span| span.name == name);
    let span = found.next().unwrap_or_else(|| panic!("a span with the name {name} in {spans:#?}"));
    assert!(found.next().is_none(), "one span with the name {name}");
    span
}

fn parent_in(headers: &HeaderMap) -> String {
    headers["traceparent"].to_str().expect("a text").to_owned()
}

/// Returns the sum of a counter with all its labels.
async fn counted(service: &Service, series: &str) -> u64 {
    let text = service.client.get("/metrics").await.text;
    let lines = text.lines().filter(|line| line.starts_with(series));
    lines.map(|line| line.rsplit(' ').next().expect("a value").parse::<u64>().expect("a number")).sum()
}

async fn wait_for_count(service: &Service, series: &str, least: u64) {
    wait_until(series, async || (counted(service, series).await >= least).then_some(())).await;
}

#[tokio::test]
async fn a_turn_is_a_trace_of_what_it_waits_for() {
    let guard = FakeHook::start().await;
    let context = FakeHook::answering(|_| json!({ "texts": [{ "text": "We open at nine." }] })).await;
    let hooks = [("GUARD_URL", guard.url()), ("CONTEXT_URL", context.url())];
    let hooks = hooks.iter().map(|(name, url)| (*name, url.as_str())).collect::<Vec<_>>();
    let (collector, model, setup, service) = start(&hooks).await;
    model.behave_once(Behaviour::Respond { status: 500, headers: vec![], body: String::new() });
    let answer = service.client.post("/api/chat", &json!({ "message": "hello", "sessionId": "s1" })).await;
    answer.assert_ok();
    let spans = collector.wait_for(1, TURN).await;
    let turn = named(&spans, TURN);
    assert_eq!(turn.parent, "");
    let line = &setup.wait_for_log_lines("chat", 1).await[0];
    for (name, value) in [
        ("gen_ai.operation.name", json!("invoke_agent")),
        ("gen_ai.request.model", json!("gpt-4o-mini")),
        ("session.id", json!("s1")),
        ("gen_ai.usage.input_tokens", line["prompt_tokens"].clone()),
        ("gen_ai.usage.output_tokens", line["completion_tokens"].clone()),
        ("gen_ai.response.finish_reasons", json!([line["finish"]])),
        ("http.response.status_code", json!(200)),
        ("al_chat.attempts", json!(2)),
        ("al_chat.cost_usd", line["cost_usd"].clone()),
        ("al_chat.request_id", json!(answer.header("x-request-id"))),
    ] {
        assert_eq!(turn.attributes[name], value, "{name}");
    }
    assert_eq!(turn.resource["service.name"], "al-chat");
    assert_eq!(turn.resource["service.instance.id"], line["instance"]);
    assert_eq!(line["trace_id"], turn.trace_id);
    for span in spans.iter().filter(|span| span.name != TURN) {
        assert_eq!((&span.trace_id, &span.parent), (&turn.trace_id, &turn.id), "{span:?}");
        assert!(span.time.0 >= turn.time.0 && span.time.1 >= span.time.0, "{span:?}");
    }
    for name in ["provider key", "session log write", "database write", "guard question", "context hook"] {
        assert!(!named(&spans, name).has_failed, "{name}");
    }
    let calls = spans.iter().filter(|span| span.name == "chat gpt-4o-mini").collect::<Vec<_>>();
    let errors = calls.iter().map(|call| (call.has_failed, &call.attributes["error.type"])).collect::<Vec<_>>();
    assert_eq!(errors, [(true, &json!("model_failed")), (false, &Value::Null)]);
    assert_eq!(calls[1].attributes["gen_ai.usage.input_tokens"], 12);
    assert_eq!(calls[1].attributes["server.address"], "127.0.0.1");
    // Servers that were called have the span of their call as the parent of their own.
    let of_calls = model.calls().iter().map(|call| parent_in(&call.headers)).collect::<Vec<_>>();
    let expected = |span: &TakenSpan| format!("00-{}-{}-01", span.trace_id, span.id);
    assert_eq!(of_calls, [expected(calls[0]), expected(calls[1])]);
    assert_eq!(guard.trace_parents(), [Some(expected(named(&spans, "guard question")))]);
    assert_eq!(context.trace_parents(), [Some(expected(named(&spans, "context hook")))]);
}

#[tokio::test]
async fn a_clients_trace_goes_on() {
    let (collector, model, _setup, service) = start(&[]).await;
    chat_in_trace(&service.client, "01", "vendor=abc").await.assert_ok();
    let spans = collector.wait_for(1, TURN).await;
    let turn = named(&spans, TURN);
    assert_eq!((turn.trace_id.as_str(), turn.parent.as_str()), (TRACE, "b7ad6b7169203331"));
    assert_eq!(turn.trace_state, "vendor=abc");
    assert_eq!(model.calls()[0].headers["tracestate"], "vendor=abc");
}

#[tokio::test]
async fn a_trace_that_is_not_sampled_only_goes_on() {
    let (collector, model, setup, service) = start(&[]).await;
    chat_in_trace(&service.client, "00", "").await.assert_ok();
    assert_eq!(setup.wait_for_log_lines("chat", 1).await[0]["trace_id"], Value::Null);
    service.client.chat("hello").await.assert_ok();
    let spans = collector.wait_for(1, TURN).await;
    assert!(spans.iter().all(|span| span.trace_id != TRACE), "{spans:?}");
    let parent = parent_in(&model.calls()[0].headers);
    assert!(parent.starts_with(&format!("00-{TRACE}-")) && parent.ends_with("-00"), "{parent}");
    assert!(!parent.contains("b7ad6b7169203331"), "the turn is the parent: {parent}");
}

#[tokio::test]
async fn the_sampler_of_the_settings_decides() {
    let (collector, _model, _setup, service) = start(&[("OTEL_TRACES_SAMPLER", "parentbased_always_off")]).await;
    service.client.chat("hello").await.assert_ok();
    chat_in_trace(&service.client, "01", "").await.assert_ok();
    let spans = collector.wait_for(1, TURN).await;
    assert!(spans.iter().all(|span| span.trace_id == TRACE), "{spans:?}");
    let ratio = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0")];
    let (collector, _model, _setup, service) = start(&ratio).await;
    chat_in_trace(&service.client, "01", "").await.assert_ok();
    service.stop().await;
    assert!(collector.headers().is_empty(), "the client's decision does not count");
}

#[tokio::test]
async fn without_a_collector_no_trace_begins() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    chat_in_trace(&service.client, "01", "vendor=abc").await.assert_ok();
    let headers = &model.calls()[0].headers;
    assert!(!headers.contains_key("traceparent") && !headers.contains_key("tracestate"), "{headers:?}");
    assert!(!service.client.get("/metrics").await.text.contains("al_chat_spans"));
}

#[tokio::test]
async fn a_failing_collector_is_said_once_and_costs_nothing() {
    let diagnostics = Diagnostics::collect();
    let (collector, _model, _setup, service) = start(&[("OTEL_EXPORTER_OTLP_TIMEOUT", "200")]).await;
    let garbage = CollectorBehaviour::Respond(200, "<html>".to_owned());
    let failing = [
        CollectorBehaviour::Respond(500, String::new()),
        CollectorBehaviour::CloseImmediately,
        garbage,
        CollectorBehaviour::Silent,
    ];
    for (n, behaviour) in failing.into_iter().enumerate() {
        let dropped = counted(&service, "al_chat_spans_dropped_total").await;
        collector.behave(behaviour);
        service.client.chat("hello").await.assert_ok();
        wait_for_count(&service, "al_chat_spans_dropped_total", dropped + 1).await;
        assert_eq!(diagnostics.lines("takes no spans").len(), 1, "after {} behaviours", n + 1);
    }
    assert_eq!(counted(&service, "al_chat_spans_exported_total").await, 0);
    collector.behave(CollectorBehaviour::Reject(1));
    service.client.chat("hello").await.assert_ok();
    wait_for_count(&service, "al_chat_spans_dropped_total{reason=\"rejected\"}", 1).await;
    let taken = collector.spans().len();
    assert_eq!(counted(&service, "al_chat_spans_exported_total").await, taken as u64 - 1);
    collector.stop().await;
    service.client.chat("hello").await.assert_ok();
    wait_until("a second report", async || (diagnostics.lines("takes no spans").len() == 2).then_some(())).await;
    let said = diagnostics.lines("takes no spans").remove(1);
    assert!(said.contains("the connection is refused"), "{said}");
}

#[tokio::test]
async fn a_stop_sends_what_is_left_within_a_bound() {
    let (collector, _model, _setup, service) = start(&[]).await;
    service.client.chat("hello").await.assert_ok();
    service.stop().await;
    let spans = collector.spans();
    assert!(named(&spans, "database write").time.1 > 0 && !named(&spans, TURN).has_failed, "{spans:?}");
    let (collector, _model, _setup, service) = start(&[]).await;
    collector.behave(CollectorBehaviour::Silent);
    service.client.chat("hello").await.assert_ok();
    let begun = Instant::now();
    service.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn refused_and_cut_off_turns_say_why() {
    let (collector, model, _setup, service) = start(&[("RESUME_GRACE", "0")]).await;
    service.client.post("/api/chat", &json!({ "message": "" })).await.assert_error(400, "message_required");
    let spans = collector.wait_for(1, TURN).await;
    let refused = named(&spans, TURN);
    assert!(refused.has_failed && refused.attributes["error.type"] == "message_required", "{refused:?}");
    assert!(spans.len() == 1, "{spans:?}");
    model.set_behaviour(Behaviour::Stream(Script { ending: Ending::Stall, ..Script::default() }));
    let mut events: Events = service.client.stream_chat("hello").await;
    events.read_deltas(1).await;
    drop(events);
    let spans = collector.wait_for(2, TURN).await;
    let call = named(&spans, "chat gpt-4o-mini");
    assert_eq!(call.attributes["error.type"], "cancelled");
    let turn = spans.iter().rfind(|span| span.name == TURN).expect("the second turn");
    assert_eq!(turn.attributes["error.type"], "client_gone");
}

#[tokio::test]
async fn a_turn_of_a_stored_chat_has_spans_of_its_chat() {
    let (collector, _model, _setup, service) = start(&[]).await;
    let user = User::register(&service.client, "ada").await;
    let chat = user.create_chat().await;
    user.send(chat, "hello").await.assert_ok();
    let spans = collector.wait_for(1, TURN).await;
    assert_eq!(named(&spans, TURN).attributes["gen_ai.conversation.id"], chat.to_string());
    for name in ["stored chat open", "stored chat close"] {
        assert_eq!(named(&spans, name).parent, named(&spans, TURN).id, "{name}");
    }
}

#[tokio::test]
async fn texts_are_traced_only_where_they_are_logged_openly() {
    for (content, has_texts) in [("off", false), ("on", false), ("plain", true)] {
        let guard = FakeHook::answering(|_| pass()).await;
        let settings = [("SESSION_LOG_CONTENT", content), ("GUARD_URL", &guard.url())];
        let (collector, _model, _setup, service) = start(&settings).await;
        service.client.chat("a quokka question").await.assert_ok();
        let spans = collector.wait_for(1, TURN).await;
        let all = format!("{spans:?}");
        assert_eq!(all.contains("quokka"), has_texts, "{content}: {all}");
        assert_eq!(all.contains("Hello from the fake model"), has_texts, "{content}: {all}");
        if has_texts {
            let said = &named(&spans, TURN).attributes["gen_ai.input.messages"];
            let said: Value = serde_json::from_str(said.as_str().expect("a text")).expect("JSON");
            assert_eq!(
                said,
                json!([{ "role": "user", "parts": [{ "type": "text", "content": "a quokka question" }] }])
            );
        }
    }
}

#[tokio::test]
async fn the_collector_gets_the_headers_of_the_settings() {
    let diagnostics = Diagnostics::collect();
    let headers = [("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20quokka")];
    let named_service =
        [("OTEL_SERVICE_NAME", "shop-chat"), ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")];
    let (collector, _model, _setup, service) = start(&[&headers[..], &named_service[..]].concat()).await;
    collector.behave(CollectorBehaviour::Respond(401, "quokka".to_owned()));
    service.client.chat("hello").await.assert_ok();
    wait_for_count(&service, "al_chat_spans_dropped_total", 1).await;
    let said = diagnostics.lines("takes no spans");
    assert!(said[0].contains("check OTEL_EXPORTER_OTLP_HEADERS") && diagnostics.lines("quokka").is_empty(), "{said:?}");
    collector.behave(CollectorBehaviour::Take);
    service.client.chat("hello").await.assert_ok();
    let spans = collector.wait_for(1, TURN).await;
    assert!(collector.headers().iter().all(|headers| headers["authorization"] == "Bearer quokka"));
    let resource = &named(&spans, TURN).resource;
    assert_eq!(
        (&resource["service.name"], &resource["deployment.environment.name"]),
        (&json!("shop-chat"), &json!("test"))
    );
}
