//! Tokens and cost: the totals, and the usage records sent to Papita.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{
    fakes::{
        model::{Behaviour, FakeModel, Reply},
        papita::FakePapita,
    },
    support::service::{Service, TEST_TIMEOUT, TestSetup, wait_until},
};

async fn totals(service: &Service) -> Value {
    service.client.get("/api/openai/usage").await.assert_ok()
}

/// Asserts that the value is this amount in dollars, to a billionth of a cent.
#[track_caller]
fn assert_dollars(value: &Value, expected: f64) {
    let dollars = value.as_f64().unwrap_or_else(|| panic!("{value} is not an amount"));
    assert!((dollars - expected).abs() < 1e-11, "{dollars} instead of {expected}");
}

/// Sets the token counts of the model's next answer.
fn set_next_usage(model: &FakeModel, prompt_tokens: usize, completion_tokens: usize) {
    model.behave_once(Behaviour::Answer(Reply { prompt_tokens, completion_tokens, ..Reply::default() }));
}

async fn ask_model(service: &Service, name: &str) {
    service.client.post("/api/chat", &json!({"message": "hello", "model": name})).await.assert_ok();
}

/// Sends a turn as this user, in a session that all of these turns share.
async fn turn_of(service: &Service, username: &str) {
    turn_in(service, username, Some("s-1")).await;
}

async fn turn_in(service: &Service, username: &str, session: Option<&str>) {
    let body = json!({"message": "hello", "username": username, "isGuest": false, "sessionId": session});
    service.client.post("/api/chat", &body).await.assert_ok();
}

/// Puts 2,000 records without a session into the outbox of a service that does not run.
const FILL_OUTBOX: &str = "INSERT INTO papita_outbox (request_id, body)
    WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 2000)
    SELECT 'request-' || n, '{\"username\":\"user' || n || '\",\"sessionId\":null}' FROM numbers";

/// Starts a Papita that accepts usage records but has no key, and a service with a local key.
async fn open_with_papita(settings: &[(&str, &str)]) -> (FakeModel, FakePapita, TestSetup, Service) {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let mut setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local");
    for (name, value) in settings {
        setup = setup.with(name, value);
    }
    let service = setup.start().await;
    (model, papita, setup, service)
}

/// Returns the users in the records that Papita accepted, in order.
fn users(papita: &FakePapita) -> Vec<String> {
    let users = papita.usage().into_iter().map(|record| record["username"].as_str().expect("a name").to_owned());
    users.collect()
}

/// Returns the length of the outbox and the number of dropped records.
async fn outbox(service: &Service) -> (u64, u64) {
    let health = service.client.get("/api/health").await.assert_ok();
    let count = |name: &str| health[name].as_u64().expect("a count");
    (count("papita_queue_depth"), count("papita_queue_dropped"))
}

async fn wait_for_empty_queue(service: &Service) {
    wait_until("an empty queue", async || (outbox(service).await.0 == 0).then_some(())).await;
}

/// Settings whose limits are not reached while the test advances the time.
const LONG_LIMITS: [(&str, &str); 3] =
    [("PAPITA_TIMEOUT", "1h"), ("DATABASE_CONNECT_TIMEOUT", "1h"), ("DATABASE_STATEMENT_TIMEOUT", "1h")];

/// Advances the time between attempts until `done` returns true, with the settings `LONG_LIMITS`.
async fn advance_until(what: &str, done: impl Fn() -> bool) {
    let started = Instant::now();
    while !done() {
        assert!(started.elapsed() < TEST_TIMEOUT, "waited too long for {what}");
        tokio::time::pause();
        // In small steps: a wait for a database connection ends after 5 s, also by this clock.
        tokio::time::advance(Duration::from_secs(1)).await;
        tokio::time::resume();
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn totals_before_the_first_turn_match_the_contract() {
    let model = FakeModel::start().await;
    let mut result = totals(&TestSetup::for_model(&model).start().await).await;
    let result = result.as_object_mut().unwrap();
    for name in ["usage_dashboard_url", "billing_dashboard_url"] {
        let url = result.remove(name).expect("a dashboard");
        assert!(url.as_str().is_some_and(|url| url.starts_with("https://")), "{url}");
    }
    assert!(result.remove("note").is_some_and(|note| note.is_string()));
    let prefix = result["account_info"].as_object_mut().unwrap().remove("api_key_prefix").expect("a fingerprint");
    assert!(prefix.as_str().is_some_and(|prefix| !prefix.is_empty() && !"sk-local".contains(prefix)), "{prefix}");
    let expected = json!({
        "total_prompt_tokens": 0, "total_completion_tokens": 0, "total_tokens": 0, "request_count": 0,
        "model": "gpt-4o-mini", "estimated_cost_usd": 0.0, "prompt_cost_usd": 0.0, "completion_cost_usd": 0.0,
        "account_info": {"model": "gpt-4o-mini", "status": "active"}, "billing_credit_balance": null,
    });
    assert_eq!(Value::Object(result.clone()), expected);
}

#[tokio::test]
async fn each_turn_is_priced_by_its_own_model() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("ALLOWED_MODELS", "gpt-4o");
    let service = setup.start().await;
    set_next_usage(&model, 1000, 100);
    ask_model(&service, "gpt-4o-mini").await;
    set_next_usage(&model, 2000, 300);
    ask_model(&service, "gpt-4o").await;
    set_next_usage(&model, 10, 1);
    ask_model(&service, "gpt-4o-mini").await;
    let check = |result: &Value, last: &str| {
        assert_eq!(result["total_prompt_tokens"], 3010);
        assert_eq!(result["total_completion_tokens"], 401);
        assert_eq!(result["total_tokens"], 3411);
        assert_eq!(result["request_count"], 3);
        assert_eq!(result["model"], last);
        assert_dollars(&result["prompt_cost_usd"], (1010.0 * 0.15 + 2000.0 * 2.5) / 1e6);
        assert_dollars(&result["completion_cost_usd"], (101.0 * 0.60 + 300.0 * 10.0) / 1e6);
        assert_dollars(&result["estimated_cost_usd"], (1010.0 * 0.15 + 2000.0 * 2.5 + 101.0 * 0.60 + 3000.0) / 1e6);
    };
    let result = totals(&service).await;
    check(&result, "gpt-4o-mini");
    service.stop().await;
    let service = setup.start().await;
    check(&totals(&service).await, "gpt-4o-mini");
    set_next_usage(&model, 5, 5);
    ask_model(&service, "gpt-4o").await;
    let result = totals(&service).await;
    assert_eq!((&result["request_count"], &result["model"]), (&json!(4), &json!("gpt-4o")));
    let costs = setup.log_lines("chat");
    assert_dollars(&costs[0]["cost_usd"], (1000.0 * 0.15 + 100.0 * 0.60) / 1e6);
    assert_dollars(&costs[1]["cost_usd"], (2000.0 * 2.5 + 300.0 * 10.0) / 1e6);
    service.stop().await;
}

#[tokio::test]
async fn configured_prices_replace_and_extend_the_list() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model)
        .with("ALLOWED_MODELS", "llama3, gpt-4o")
        .with("MODEL_PRICES", "gpt-4o-mini=100/200, llama3=1.5/0");
    let service = setup.start().await;
    let mut sum = 0.0;
    for (name, dollars) in [("gpt-4o-mini", 0.2), ("llama3", 0.0015), ("gpt-4o", 0.0075)] {
        set_next_usage(&model, 1000, 500);
        ask_model(&service, name).await;
        assert_dollars(&setup.log_lines("chat").pop().expect("a chat line")["cost_usd"], dollars);
        sum += dollars;
        assert_dollars(&totals(&service).await["estimated_cost_usd"], sum);
    }
}

#[tokio::test]
async fn a_model_without_a_price_counts_tokens_and_no_cost() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("OPENAI_MODEL", "llama3");
    let service = setup.start().await;
    set_next_usage(&model, 1000, 500);
    service.client.chat("hello").await.assert_ok();
    let lines = setup.log_lines("chat");
    assert_eq!((&lines[0]["cost_usd"], &lines[0]["total_tokens"]), (&Value::Null, &json!(1500)));
    let result = totals(&service).await;
    assert_eq!((&result["total_tokens"], &result["model"]), (&json!(1500), &json!("llama3")));
    assert_dollars(&result["estimated_cost_usd"], 0.0);
}

#[tokio::test]
async fn failed_turns_cost_nothing_and_model_tests_are_counted() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).with("MODEL_RETRIES", "0").start().await;
    model.behave_once(Behaviour::CloseImmediately);
    service.client.chat("hello").await.assert_error(502, "model_connection_lost");
    assert_eq!(totals(&service).await["request_count"], 0);
    set_next_usage(&model, 7, 1);
    assert_eq!(service.client.get("/api/openai/test").await.assert_ok()["status"], "success");
    let result = totals(&service).await;
    assert_eq!((&result["request_count"], &result["total_tokens"]), (&json!(1), &json!(8)));
}

#[tokio::test]
async fn totals_need_no_key() {
    let service = TestSetup::new().start().await;
    service.client.chat("hello").await.assert_ok();
    let result = totals(&service).await;
    assert_eq!(result["account_info"], json!({"api_key_prefix": null, "model": "gpt-4o-mini", "status": "no_key"}));
    assert_eq!((&result["total_tokens"], &result["estimated_cost_usd"]), (&json!(0), &json!(0.0)));
}

#[tokio::test]
async fn papita_gets_a_usage_record_of_each_turn() {
    let (model, papita, _setup, service) = open_with_papita(&[]).await;
    set_next_usage(&model, 14, 9);
    let request = json!({"message": "hello", "username": "ada", "isGuest": false, "sessionId": "s-1"});
    let first = service.client.post("/api/chat", &request).await;
    first.assert_ok();
    papita.wait_for_usage(1).await;
    let second = service.client.chat("hello").await;
    second.assert_ok();
    papita.wait_for_usage(2).await;
    let of_ada = json!({
        "userId": null, "username": "ada", "isGuest": false, "sessionId": "s-1", "projectId": "al-chat",
        "model": "gpt-4o-mini", "inputTokens": 14, "outputTokens": 9, "totalTokens": 23,
    });
    let of_a_guest = json!({
        "userId": null, "username": "guest", "isGuest": true, "sessionId": null, "projectId": "al-chat",
        "model": "gpt-4o-mini", "inputTokens": 12, "outputTokens": 6, "totalTokens": 18,
    });
    assert_eq!(papita.usage(), [of_ada, of_a_guest]);
    let ids = [&first, &second].map(|answer| Some(answer.header("x-request-id").to_owned()));
    assert_eq!(papita.usage_keys(), ids);
    wait_for_empty_queue(&service).await;
}

#[tokio::test]
async fn records_of_a_session_arrive_in_the_order_of_its_turns() {
    let (_model, papita, _setup, service) = open_with_papita(&[]).await;
    let names = (0..40).map(|number| format!("user{number}")).collect::<Vec<_>>();
    for name in &names {
        turn_of(&service, name).await;
    }
    papita.wait_for_usage(names.len()).await;
    assert_eq!(users(&papita), names);
}

#[tokio::test]
async fn usage_records_are_retried_until_papita_accepts_them() {
    for status in [500, 404] {
        let (_model, papita, _setup, service) = open_with_papita(&LONG_LIMITS).await;
        papita.set_usage_status(status);
        turn_of(&service, "ada").await;
        papita.wait_for_usage_attempts(1).await;
        turn_of(&service, "bob").await;
        assert_eq!(outbox(&service).await, (2, 0));
        // More attempts than the number after which a malformed record is dropped.
        advance_until("many attempts", || papita.usage_attempts() > 6).await;
        papita.set_usage_status(200);
        advance_until("both records", || papita.usage().len() == 2).await;
        assert_eq!(users(&papita), ["ada", "bob"], "{status}");
        wait_for_empty_queue(&service).await;
    }
}

#[tokio::test]
async fn usage_records_are_queued_during_an_outage_of_papita() {
    let (_model, papita, _setup, service) = open_with_papita(&[]).await;
    papita.stop().await;
    for name in ["ada", "bob", "cleo"] {
        turn_of(&service, name).await;
    }
    assert_eq!(outbox(&service).await, (3, 0));
    papita.restart().await;
    papita.wait_for_usage(3).await;
    assert_eq!(users(&papita), ["ada", "bob", "cleo"]);
    wait_for_empty_queue(&service).await;
}

#[tokio::test]
async fn queued_usage_records_survive_a_restart() {
    let (_model, papita, setup, service) = open_with_papita(&[]).await;
    papita.stop().await;
    turn_of(&service, "ada").await;
    turn_of(&service, "bob").await;
    service.stop().await;
    let service = setup.start().await;
    assert_eq!(outbox(&service).await, (2, 0));
    turn_of(&service, "cleo").await;
    service.stop().await;
    papita.restart().await;
    let service = setup.start().await;
    papita.wait_for_usage(3).await;
    assert_eq!(users(&papita), ["ada", "bob", "cleo"]);
    wait_for_empty_queue(&service).await;
    service.stop().await;
    assert_eq!(papita.usage_attempts(), 3, "a record was sent twice");
}

#[tokio::test]
async fn queued_usage_records_are_sent_before_shutdown() {
    let (_model, papita, _setup, service) = open_with_papita(&[]).await;
    papita.set_usage_status(500);
    turn_of(&service, "ada").await;
    papita.wait_for_usage_attempts(1).await;
    papita.set_usage_status(200);
    service.stop().await;
    assert_eq!(users(&papita), ["ada"]);
}

#[tokio::test]
async fn without_papita_no_usage_record_is_queued() {
    let model = FakeModel::start().await;
    let service = TestSetup::for_model(&model).start().await;
    for _ in 0..3 {
        service.client.chat("hello").await.assert_ok();
    }
    assert_eq!(outbox(&service).await, (0, 0));
}

#[tokio::test]
async fn a_papita_at_its_default_address_gets_usage_records() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-brokered");
    let setup = TestSetup::new().with("OPENAI_BASE_URL", &model.base_url()).with_papita_at_default_address(&papita);
    let service = setup.start().await;
    turn_of(&service, "ada").await;
    papita.wait_for_usage(1).await;
    assert_eq!(users(&papita), ["ada"]);
}

#[tokio::test]
async fn a_papita_that_hangs_does_not_delay_turns() {
    const PAPITA_TIMEOUT: Duration = Duration::from_secs(5);
    let (_model, papita, _setup, service) = open_with_papita(&[("PAPITA_TIMEOUT", "5s")]).await;
    papita.hang();
    turn_of(&service, "user0").await;
    papita.wait_for_usage_attempts(1).await;
    let started = Instant::now();
    for number in 1..20 {
        turn_of(&service, &format!("user{number}")).await;
    }
    assert!(started.elapsed() < PAPITA_TIMEOUT, "turns waited for Papita: {:?}", started.elapsed());
    assert_eq!(outbox(&service).await, (20, 0));
    assert_eq!(papita.usage_attempts(), 1);
}

#[tokio::test]
async fn a_record_rejected_five_times_is_dropped_and_counted() {
    for status in [400, 422] {
        let (_model, papita, _setup, service) = open_with_papita(&LONG_LIMITS).await;
        papita.set_usage_status_of("ada", status);
        turn_in(&service, "ada", Some("s-1")).await;
        turn_in(&service, "bob", Some("s-1")).await;
        let started = Instant::now();
        let mut accepted = 0;
        // Rejections count while other records are accepted.
        while outbox(&service).await.1 == 0 {
            assert!(started.elapsed() < TEST_TIMEOUT, "the record is not dropped");
            let attempts = papita.usage_attempts();
            advance_until("an attempt", || papita.usage_attempts() > attempts).await;
            turn_in(&service, "cleo", None).await;
            accepted += 1;
            advance_until("another record", || papita.usage().len() >= accepted).await;
        }
        wait_for_empty_queue(&service).await;
        let users = users(&papita);
        assert!(users.iter().any(|user| user == "bob") && !users.iter().any(|user| user == "ada"), "{users:?}");
        assert!(papita.usage_attempts() - users.len() >= 5, "{status}");
        assert_eq!(outbox(&service).await.1, 1);
    }
}

#[tokio::test]
async fn no_record_is_dropped_while_all_are_rejected() {
    let (_model, papita, _setup, service) = open_with_papita(&LONG_LIMITS).await;
    papita.set_usage_status(400);
    turn_in(&service, "ada", None).await;
    turn_in(&service, "bob", None).await;
    advance_until("many attempts", || papita.usage_attempts() > 20).await;
    papita.set_usage_status(200);
    advance_until("both records", || papita.usage().len() == 2).await;
    wait_for_empty_queue(&service).await;
    assert_eq!(outbox(&service).await.1, 0);
}

#[tokio::test]
async fn a_failing_record_holds_up_its_session_only() {
    let (_model, papita, _setup, service) = open_with_papita(&LONG_LIMITS).await;
    papita.set_usage_status_of("ada", 500);
    turn_in(&service, "ada", Some("s-1")).await;
    papita.wait_for_usage_attempts(1).await;
    turn_in(&service, "bob", Some("s-1")).await;
    turn_in(&service, "cleo", Some("s-2")).await;
    turn_in(&service, "dan", None).await;
    papita.wait_for_usage(2).await;
    let mut others = users(&papita);
    others.sort();
    assert_eq!(others, ["cleo", "dan"]);
    papita.set_usage_status_of("ada", 200);
    advance_until("all records", || papita.usage().len() == 4).await;
    assert_eq!(users(&papita)[2..], ["ada", "bob"]);
    wait_for_empty_queue(&service).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_usage_records_are_posted_at_a_time() {
    const DELAY: Duration = Duration::from_millis(20);
    let (_model, papita, setup, service) = open_with_papita(&[]).await;
    service.stop().await;
    setup.change_database(FILL_OUTBOX).await;
    papita.set_usage_delay(DELAY);
    let service = setup.start().await;
    let started = Instant::now();
    papita.wait_for_usage(2000).await;
    let took = started.elapsed();
    assert!((40..=64).contains(&papita.most_usage_in_flight()), "{} at a time", papita.most_usage_in_flight());
    assert!(took < 2000 * DELAY / 4, "{took:?} are more than a fourth of the time of single posts");
    wait_for_empty_queue(&service).await;
    service.stop().await;
    let keys = papita.usage_keys();
    assert_eq!(keys.iter().collect::<HashSet<_>>().len(), 2000);
    assert_eq!(keys.len(), 2000, "a record was sent twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn records_in_flight_at_sigkill_are_sent_again_with_their_key() {
    let (_model, papita, setup, service) = open_with_papita(&[]).await;
    service.stop().await;
    setup.change_database(FILL_OUTBOX).await;
    papita.set_usage_delay(Duration::from_millis(5));
    let mut process = setup.start_process().await;
    papita.wait_for_usage(500).await;
    process.kill().await;
    let _process = setup.start_process().await;
    wait_until("all records", async || {
        (papita.usage_keys().into_iter().collect::<HashSet<_>>().len() == 2000).then_some(())
    })
    .await;
    let mut users = HashMap::new();
    for (key, record) in papita.usage_keys().into_iter().zip(papita.usage()) {
        let known = users.entry(key.expect("a key")).or_insert_with(|| record["username"].clone());
        assert_eq!(*known, record["username"]);
    }
    assert!(papita.usage().len() <= 2256, "{} records were sent twice", papita.usage().len() - 2000);
}

#[tokio::test]
async fn only_a_json_object_shows_that_a_record_has_arrived() {
    let pages = [(200, "<html>Sign in</html>"), (200, ""), (201, "[]"), (200, "\"ok\""), (202, "{\"a\":"), (204, "")];
    for (status, page) in pages {
        let (_model, papita, _setup, service) = open_with_papita(&LONG_LIMITS).await;
        papita.serve_usage_page(status, page);
        turn_of(&service, "ada").await;
        advance_until("attempts", || papita.usage_attempts() > 2).await;
        assert_eq!(outbox(&service).await, (1, 0), "{status} {page}");
        papita.set_usage_status(201);
        advance_until("the record", || papita.usage().len() == 1).await;
        wait_for_empty_queue(&service).await;
    }
}

#[tokio::test]
async fn the_diagnostics_name_an_answer_that_is_not_papitas_once() {
    let (_model, papita, setup, service) = open_with_papita(&[]).await;
    service.stop().await;
    papita.serve_usage_page(200, "<html>Sign in</html>");
    let mut process = setup.start_process().await;
    let ask = async |session: &str| {
        let body = json!({"message": "hello", "sessionId": session});
        process.client.post("/api/chat", &body).await.assert_ok();
    };
    for session in ["s-1", "s-2", "s-3"] {
        ask(session).await;
    }
    papita.wait_for_usage_attempts(4).await;
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let mut lines = 0;
    while let Some(line) = process.diagnostics.recv().await {
        lines += usize::from(line.contains("status 200 but is not a JSON object"));
    }
    assert_eq!(lines, 1);
}

#[tokio::test]
async fn the_diagnostics_say_once_that_the_queue_fills_up() {
    let (_model, papita, setup, service) = open_with_papita(&[("PAPITA_QUEUE_LIMIT", "10")]).await;
    service.stop().await;
    papita.stop().await;
    let mut process = setup.start_process().await;
    for _ in 0..14 {
        process.client.chat("hello").await.assert_ok();
    }
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let mut lines = Vec::new();
    while let Some(line) = process.diagnostics.recv().await {
        lines.push(line);
    }
    for text in ["is half full", "is nearly full", "PAPITA_QUEUE_LIMIT is reached"] {
        assert_eq!(lines.iter().filter(|line| line.contains(text)).count(), 1, "{text}: {lines:#?}");
    }
}

#[tokio::test]
async fn a_record_rejected_a_few_times_is_not_lost() {
    let (_model, papita, _setup, service) = open_with_papita(&LONG_LIMITS).await;
    papita.set_usage_status(400);
    turn_of(&service, "ada").await;
    advance_until("three attempts", || papita.usage_attempts() >= 3).await;
    papita.set_usage_status(200);
    advance_until("the record", || !papita.usage().is_empty()).await;
    assert_eq!(users(&papita), ["ada"]);
}

#[tokio::test]
async fn the_outbox_is_bounded_and_dropped_records_are_counted() {
    let (_model, papita, setup, service) = open_with_papita(&[("PAPITA_QUEUE_LIMIT", "2")]).await;
    papita.stop().await;
    for name in ["ada", "bob", "cleo", "dan", "eve"] {
        turn_of(&service, name).await;
    }
    assert_eq!(outbox(&service).await, (2, 3));
    papita.restart().await;
    papita.wait_for_usage(2).await;
    wait_for_empty_queue(&service).await;
    turn_of(&service, "fay").await;
    papita.wait_for_usage(3).await;
    assert_eq!(users(&papita), ["ada", "bob", "fay"]);
    assert_eq!(outbox(&service).await.1, 3);
    service.stop().await;
    let service = setup.start().await;
    assert_eq!(outbox(&service).await.1, 3, "the count survives a restart");
    let metrics = service.client.get("/metrics").await.text;
    assert!(metrics.contains("al_chat_papita_queue_dropped_total 3"), "{metrics}");
}

#[tokio::test]
async fn built_in_answers_and_failed_turns_are_not_recorded() {
    let (model, papita, _setup, service) = open_with_papita(&[("MODEL_RETRIES", "0")]).await;
    model.behave_once(Behaviour::CloseImmediately);
    service.client.chat("hello").await.assert_error(502, "model_connection_lost");
    assert_eq!(outbox(&service).await, (0, 0));
    // A shutdown sends all queued records.
    service.stop().await;
    assert_eq!(papita.usage_attempts(), 0);
    let (_model, papita, _setup, service) = open_with_papita(&[("AI_SERVICE", "basic")]).await;
    service.client.chat("hello").await.assert_ok();
    assert_eq!(outbox(&service).await, (0, 0));
    service.stop().await;
    assert_eq!(papita.usage_attempts(), 0);
}
