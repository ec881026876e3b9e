//! Events that are posted to the owner's receiver: signed, in order for each session, at least once, and bounded.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream};
use serde_json::{Value, json};

use crate::{
    fakes::{
        event_receiver::{EventReceiver, Received, SECRET},
        model::{Behaviour, FakeModel},
        papita::FakePapita,
    },
    support::{
        client::{Client, HttpResponse},
        event_check::assert_described,
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
    },
};

/// Starts a receiver, and a service that sends its events there.
async fn start(settings: &[(&str, &str)]) -> (FakeModel, EventReceiver, TestSetup, Service) {
    let (model, receiver) = (FakeModel::start().await, EventReceiver::start().await);
    let setup = TestSetup::for_model(&model).with("MODEL_RETRIES", "0").with_receiver(&receiver).with_all(settings);
    let service = setup.start().await;
    (model, receiver, setup, service)
}

async fn turn_in(client: &Client, session: &str) -> HttpResponse {
    client.post("/api/chat", &json!({ "message": "a question", "sessionId": session })).await
}

async fn start_session(client: &Client) -> String {
    let started = client.post("/api/session/start", &json!({})).await.assert_ok();
    started["session_id"].as_str().expect("an id").to_owned()
}

async fn stop_session(client: &Client, session: &str) {
    client.post("/api/session/stop", &json!({ "session_id": session })).await.assert_ok();
}

/// Returns the number of events that wait, and of dropped ones.
async fn queue(client: &Client) -> (u64, u64) {
    let health = client.get("/api/health").await.assert_ok();
    let count = |name: &str| health[name].as_u64().expect("a count");
    (count("event_queue_depth"), count("event_queue_dropped"))
}

async fn wait_for_empty_queue(client: &Client) {
    wait_until("an empty queue", async || (queue(client).await.0 == 0).then_some(())).await;
}

/// Returns the request ids of the events of each session, in order of arrival; those without one are `session.ended`. Fails
/// unless each event is as described.
#[track_caller]
fn by_session(posts: &[Received]) -> BTreeMap<String, Vec<Option<String>>> {
    let mut sessions = BTreeMap::<_, Vec<_>>::new();
    for Received { body, .. } in posts {
        assert_described(body);
        let text = |name: &str| body["data"][name].as_str().map(str::to_owned);
        sessions.entry(text("session_id").unwrap_or_default()).or_default().push(text("request_id"));
    }
    sessions
}

#[tokio::test]
async fn an_ended_turn_is_an_event_without_its_texts() {
    let (_model, receiver, setup, service) = start(&[]).await;
    let request =
        json!({"message": "a question", "username": "visitor-of-this-test", "isGuest": false, "sessionId": "s-1"});
    let answer = service.client.post("/api/chat", &request).await;
    let text = answer.assert_ok()["message"].as_str().expect("an answer").to_owned();
    let event = receiver.wait_for(1).await.remove(0);
    let line = setup.log_lines("chat").remove(0);
    let expected = json!({
        "type": "turn.ended",
        "timestamp": line["timestamp"],
        "data": {
            "request_id": answer.header("x-request-id"), "session_id": "s-1", "user_id": null, "chat_id": null,
            "is_guest": false, "api_key": null, "site": null, "persona": null, "model": "gpt-4o-mini",
            "prompt_tokens": line["prompt_tokens"], "completion_tokens": line["completion_tokens"],
            "total_tokens": line["total_tokens"], "cost_usd": line["cost_usd"], "latency_ms": line["latency_ms"],
            "status": 200, "code": null, "finish": "complete",
        },
    });
    assert_eq!(event.body, expected);
    assert_described(&event.body);
    assert_eq!(event.id, format!("turn_{}", answer.header("x-request-id")));
    let now = line["timestamp"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap().as_second();
    assert!(event.seconds >= now, "{} is not after {now}", event.seconds);
    for secret in [text.as_str(), "a question", "visitor-of-this-test"] {
        assert!(!event.body.to_string().contains(secret), "{secret} in {}", event.body);
    }
    assert_eq!(receiver.paths(), ["/events?from=chat"]);
    wait_for_empty_queue(&service.client).await;
}

#[tokio::test]
async fn a_failed_turn_is_an_event_with_its_code() {
    let (model, receiver, _setup, service) = start(&[]).await;
    model.behave_once(Behaviour::CloseImmediately);
    turn_in(&service.client, "s-1").await.assert_error(502, "model_connection_lost");
    let data = receiver.wait_for(1).await.remove(0).body["data"].clone();
    assert_eq!((&data["status"], &data["code"]), (&json!(502), &json!("model_connection_lost")));
}

#[tokio::test]
async fn a_turn_without_a_line_is_the_event_of_a_failed_turn() {
    let (_model, receiver, setup, service) = start(&[]).await;
    turn_in(&service.client, "s-1").await.assert_ok();
    setup.block_log();
    turn_in(&service.client, "s-1").await.assert_error(503, "session_log_unavailable");
    let posts = receiver.wait_for(2).await;
    setup.unblock_log();
    assert_eq!(by_session(&posts)["s-1"].len(), 2);
    let data = &posts[1].body["data"];
    assert_eq!((&data["status"], &data["code"]), (&json!(503), &json!("session_log_unavailable")));
    assert_eq!((&data["total_tokens"], &data["finish"]), (&json!(18), &json!("upstream_error")));
}

#[tokio::test]
async fn the_end_of_a_session_follows_its_turns() {
    let (_model, receiver, setup, service) = start(&[]).await;
    let session = start_session(&service.client).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.push(Some(turn_in(&service.client, &session).await.header("x-request-id").to_owned()));
    }
    stop_session(&service.client, &session).await;
    stop_session(&service.client, &session).await;
    let posts = receiver.wait_for(6).await;
    ids.push(None);
    assert_eq!(by_session(&posts)[&session], ids);
    let (end, line) = (&posts[5].body, setup.log_lines("session_stop").remove(0));
    assert_eq!((&end["type"], &end["timestamp"]), (&json!("session.ended"), &line["timestamp"]));
    let data = &end["data"];
    assert_eq!((&data["closed_by"], &data["duration_seconds"]), (&json!("client"), &line["duration_seconds"]));
    for name in ["turns", "errors", "prompt_tokens", "completion_tokens", "total_tokens", "cost_usd", "models"] {
        assert_eq!(data["server_metrics"][name], line["server_metrics"][name], "{name}");
    }
    service.stop().await;
    assert_eq!(receiver.attempts(), 6);
}

#[tokio::test]
async fn a_session_that_never_began_here_ends_without_figures() {
    let (_model, receiver, _setup, service) = start(&[]).await;
    stop_session(&service.client, "s.1").await;
    let event = receiver.wait_for(1).await.remove(0);
    let expected =
        json!({"session_id": "s.1", "duration_seconds": null, "closed_by": "client", "server_metrics": null});
    assert_eq!(event.body["data"], expected);
    assert_described(&event.body);
}

#[tokio::test]
async fn a_failing_event_holds_up_its_session_only() {
    let (_model, receiver, _setup, service) = start(&[]).await;
    receiver.set_status_of("s-1", 500);
    turn_in(&service.client, "s-1").await.assert_ok();
    receiver.wait_for_attempts(1).await;
    for session in ["s-1", "s-2", "s-1", "s-2"] {
        turn_in(&service.client, session).await.assert_ok();
    }
    receiver.wait_for(2).await;
    assert!(receiver.bodies().iter().all(|body| body["data"]["session_id"] == "s-2"));
    receiver.set_status_of("s-1", 200);
    let posts = receiver.wait_for(5).await;
    let ids = &by_session(&posts)["s-1"];
    assert!(ids.len() == 3 && ids.is_sorted(), "{ids:?}");
}

#[tokio::test]
async fn neither_destination_waits_for_the_other() {
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    let receiver = EventReceiver::start().await;
    let setup = TestSetup::for_papita(&model, &papita).with("OPENAI_API_KEY", "sk-local").with_receiver(&receiver);
    let service = setup.start().await;
    receiver.hang();
    for _ in 0..10 {
        turn_in(&service.client, "s-1").await.assert_ok();
    }
    papita.wait_for_usage(10).await;
    assert_eq!(queue(&service.client).await, (10, 0));
    service.stop().await;
    receiver.set_status(200);
    papita.hang();
    let service = setup.start().await;
    turn_in(&service.client, "s-1").await.assert_ok();
    receiver.wait_for(11).await;
    assert_eq!(papita.usage().len(), 10);
    drop(service);
}

#[tokio::test]
async fn the_queue_is_bounded_and_dropped_events_are_counted() {
    let (_model, receiver, setup, service) = start(&[("EVENTS_QUEUE_LIMIT", "2")]).await;
    receiver.stop().await;
    for session in ["a", "b", "c", "d", "e"] {
        turn_in(&service.client, session).await.assert_ok();
    }
    assert_eq!(queue(&service.client).await, (2, 3));
    service.stop().await;
    receiver.restart().await;
    let service = setup.start().await;
    let posts = receiver.wait_for(2).await;
    assert_eq!(by_session(&posts).into_keys().collect::<Vec<_>>(), ["a", "b"]);
    wait_for_empty_queue(&service.client).await;
    assert_eq!(queue(&service.client).await, (0, 3), "the count survives a restart");
    let metrics = service.client.get("/metrics").await.text;
    assert!(metrics.contains("al_chat_event_queue_dropped_total 3"), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_event_arrives_in_spite_of_sigkill() {
    let (_model, receiver, setup, service) = start(&[]).await;
    service.stop().await;
    let (mut answered, mut process) = (BTreeSet::new(), setup.start_process().await);
    for _ in 0..2 {
        for _ in 0..5 {
            let turns = (0..8).map(|number| {
                let (client, session) = (process.client.clone(), format!("s-{number}"));
                async move { turn_in(&client, &session).await.header("x-request-id").to_owned() }
            });
            answered.extend(join_all(turns).await);
        }
        process.kill().await;
        process = setup.start_process().await;
    }
    let posts = wait_until("all events", async || {
        let posts = receiver.received();
        let ids = posts.iter().map(|event| event.id.clone()).collect::<BTreeSet<_>>();
        answered.iter().all(|id| ids.contains(&format!("turn_{id}"))).then_some(posts)
    })
    .await;
    let mut bodies = BTreeMap::new();
    for Received { id, body, .. } in &posts {
        assert_eq!(bodies.entry(id).or_insert(body), &body, "a repeated event is the same");
    }
    for (session, ids) in by_session(&posts) {
        let mut first = Vec::new();
        for id in ids {
            if !first.contains(&id) {
                first.push(id);
            }
        }
        assert!(first.is_sorted(), "{session}: {first:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_of_lines_that_a_crash_left_are_sent() {
    let (_model, receiver, setup, service) = start(&[]).await;
    let session = start_session(&service.client).await;
    service.stop().await;
    let mut process = setup.start_process().await;
    turn_in(&process.client, &session).await.assert_ok();
    receiver.wait_for(1).await;
    let lock = setup.lock_database().await;
    let answer = turn_in(&process.client, &session).await;
    process.kill().await;
    lock.release().await;
    let process = setup.start_process().await;
    // The first event may come again.
    let last = wait_until("the event", async || {
        let id = format!("turn_{}", answer.header("x-request-id"));
        receiver.received().into_iter().find(|event| event.id == id)
    })
    .await;
    let line = setup.log_lines("chat").remove(1);
    assert_eq!(last.body["timestamp"], line["timestamp"]);
    for (name, value) in last.body["data"].as_object().unwrap() {
        assert_eq!(*value, *line.get(name).unwrap_or(&Value::Null), "{name}");
    }
    wait_for_empty_queue(&process.client).await;
}

#[tokio::test]
async fn a_receiver_that_is_gone_is_left_alone() {
    let (_model, receiver, setup, service) = start(&[]).await;
    receiver.set_status(410);
    turn_in(&service.client, "s-1").await.assert_ok();
    receiver.wait_for_attempts(1).await;
    for _ in 0..5 {
        turn_in(&service.client, "s-2").await.assert_ok();
    }
    assert_eq!(queue(&service.client).await, (6, 0));
    service.stop().await;
    // One more before the end.
    assert!(receiver.attempts() <= 2, "{} attempts", receiver.attempts());
    receiver.set_status(202);
    let service = setup.start().await;
    receiver.wait_for(6).await;
    wait_for_empty_queue(&service.client).await;
}

#[tokio::test]
async fn nothing_is_sent_while_the_receiver_asks_to_wait() {
    let (_model, receiver, _setup, service) = start(&[]).await;
    receiver.answer_with(429, vec![("retry-after", "2".to_owned())], String::new());
    turn_in(&service.client, "s-1").await.assert_ok();
    receiver.wait_for_attempts(1).await;
    receiver.set_status(204);
    turn_in(&service.client, "s-2").await.assert_ok();
    receiver.wait_for(2).await;
    let times = receiver.attempted_at();
    assert!(times[1] - times[0] >= Duration::from_secs(2), "{times:?}");
}

#[tokio::test]
async fn a_receiver_that_refuses_all_events_is_tried_less_often() {
    let (_model, receiver, setup, service) = start(&[]).await;
    receiver.stop().await;
    for session in ["a", "b", "c", "d", "e", "f"] {
        turn_in(&service.client, session).await.assert_ok();
    }
    service.stop().await;
    receiver.restart().await;
    receiver.set_status(422);
    let service = setup.start().await;
    receiver.wait_for_attempts(6).await;
    let times = receiver.attempted_at();
    let pauses = [times[4] - times[3], times[5] - times[4]];
    assert!(pauses.iter().all(|pause| *pause >= Duration::from_millis(500)), "{pauses:?}");
    receiver.set_status(204);
    receiver.wait_for(6).await;
    wait_for_empty_queue(&service.client).await;
    assert_eq!(queue(&service.client).await, (0, 0));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let other = EventReceiver::start().await;
    let (_model, receiver, _setup, service) = start(&[]).await;
    receiver.redirect_to(&other.url());
    turn_in(&service.client, "s-1").await.assert_ok();
    receiver.wait_for_attempts(2).await;
    assert_eq!((queue(&service.client).await, other.attempts()), ((1, 0), 0));
}

#[tokio::test]
async fn without_a_receiver_no_event_waits() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("EVENTS_SECRET", SECRET);
    let service = setup.start().await;
    turn_in(&service.client, "s-1").await.assert_ok();
    stop_session(&service.client, "s-1").await;
    assert_eq!(queue(&service.client).await, (0, 0));
    service.stop().await;
    assert_eq!(setup.count_rows("event_outbox").await, 0);
}

#[tokio::test]
async fn events_that_wait_too_long_are_removed_without_a_receiver() {
    let (model, receiver, setup, service) = start(&[]).await;
    receiver.stop().await;
    turn_in(&service.client, "s-1").await.assert_ok();
    service.stop().await;
    assert_eq!(setup.count_rows("event_outbox").await, 1);
    setup.change_database("UPDATE event_outbox SET expires_at = 1").await;
    let setup = setup.with("EVENTS_URL", "");
    let service = setup.start().await;
    wait_until("the end of old events", async || (setup.count_rows("event_outbox").await == 0).then_some(())).await;
    wait_until("the count", async || (queue(&service.client).await == (0, 1)).then_some(())).await;
    drop(model);
}

/// Starts the same at a time that stands still, as SQLite counts by it.
async fn start_at_noon(settings: &[(&str, &str)]) -> (FakeModel, EventReceiver, TestSetup, Service) {
    let (model, receiver) = (FakeModel::start().await, EventReceiver::start().await);
    let setup = TestSetup::for_model(&model).on_sqlite().with_receiver(&receiver).with_all(settings);
    let service = setup.start_with_clock(ManualClock::at("2026-05-04T12:00:00Z").clock("UTC")).await;
    (model, receiver, setup, service)
}

/// Asks until a limit refuses, and some times more.
async fn exceed(client: &Client, turns: usize) {
    let answers = join_all((0..turns).map(|_| client.chat("hello"))).await;
    assert!(answers.iter().any(|answer| answer.status == 429), "no turn was refused");
    for _ in 0..3 {
        assert_eq!(client.chat("hello").await.status, 429);
    }
}

#[tokio::test]
async fn a_limit_that_is_reached_is_one_event_in_its_window() {
    let (model, receiver, clock) =
        (FakeModel::start().await, EventReceiver::start().await, ManualClock::at("2026-05-04T12:00:00Z"));
    // PostgreSQL has a clock of its own, by which limits count.
    let setup = TestSetup::for_model(&model).on_sqlite().with_receiver(&receiver).with_all(&[
        ("LIMIT_VISITOR", "off"),
        ("LIMIT_ADDRESS", "off"),
        ("LIMIT_TOTAL", "2/day"),
    ]);
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let of_limits = || {
        let mut events = receiver.received();
        events.retain(|event| event.body["type"] == "limit.reached");
        events
    };
    exceed(&service.client, 3).await;
    let first = wait_until("the event", async || of_limits().pop()).await;
    assert_described(&first.body);
    let expected = json!({
        "scope": "total", "count_id": format!("total:{:032}", 0), "limit": "2/day", "unit": "turns",
        "window": "day", "site": null, "api_key": null, "resets_at": "2026-05-05T00:00:00.000000+00:00",
    });
    assert_eq!(first.body["data"], expected);
    // A new process does not remember the event, but the database does.
    service.stop().await;
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    exceed(&service.client, 1).await;
    clock.advance(Duration::from_hours(24));
    exceed(&service.client, 3).await;
    wait_until("the next event", async || (of_limits().len() >= 2).then_some(())).await;
    service.stop().await;
    let events = of_limits();
    assert_eq!(events.len(), 2, "{events:?}");
    assert_ne!(events[0].id, events[1].id);
}

#[tokio::test]
async fn a_spent_budget_is_an_event_of_its_own_type() {
    let limits = [("LIMIT_VISITOR", "off"), ("LIMIT_ADDRESS", "off"), ("LIMIT_TOTAL", "0.000001usd/day")];
    let (_model, receiver, _setup, service) = start_at_noon(&limits).await;
    exceed(&service.client, 2).await;
    let spent =
        wait_until("the event", async || receiver.bodies().into_iter().find(|body| body["type"] == "budget.spent"))
            .await;
    assert_described(&spent);
    let data = &spent["data"];
    assert_eq!((&data["unit"], &data["window"], &data["scope"]), (&json!("usd"), &json!("day"), &json!("total")));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visitors_who_reach_their_limits_do_not_flood_the_receiver() {
    let limits = [("LIMIT_VISITOR", "1/day"), ("LIMIT_ADDRESS", "off")];
    let (_model, receiver, setup, service) = start_at_noon(&limits).await;
    let visits = stream::iter(0..130).map(|_| {
        let client = service.client.clone();
        async move {
            let session = start_session(&client).await;
            turn_in(&client, &session).await.assert_ok();
            assert_eq!(turn_in(&client, &session).await.status, 429);
        }
    });
    visits.buffer_unordered(8).collect::<Vec<_>>().await;
    let count = || receiver.bodies().iter().filter(|body| body["type"] == "limit.reached").count();
    wait_until("the events", async || (count() >= 100).then_some(())).await;
    service.stop().await;
    assert_eq!((count(), setup.count_rows("event_marks").await), (100, 100));
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn one_of_two_replicas_sends_and_the_other_takes_over() {
    let (model, receiver) = (FakeModel::start().await, EventReceiver::start().await);
    let database = crate::postgres::cluster::shared().database();
    let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str()).with_receiver(&receiver);
    let setups = [setup(), setup()];
    let services = [setups[0].start().await, setups[1].start().await];
    let mut ids = Vec::new();
    for number in 0..4 {
        // In turn, so that the order of a session is that of its turns at both replicas.
        ids.push(turn_in(&services[number % 2].client, "s-1").await.header("x-request-id").to_owned());
        receiver.wait_for(ids.len()).await;
    }
    assert_eq!(receiver.received().len(), 4, "an event was sent by both");
    let [first, second] = services;
    first.stop().await;
    ids.push(turn_in(&second.client, "s-1").await.header("x-request-id").to_owned());
    let posts = receiver.wait_for(5).await;
    assert_eq!(by_session(&posts)["s-1"], ids.into_iter().map(Some).collect::<Vec<_>>());
}
