//! Stored chats on a PostgreSQL server: two services on one database, and a server that is killed under load.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    erasable_texts::erase,
    fakes::{
        event_receiver::EventReceiver,
        model::{Behaviour, FakeModel, Gate},
    },
    feedback::{logged, rate},
    postgres::cluster::{self, Cluster},
    support::{
        client::HttpResponse,
        diagnostics::Diagnostics,
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
        user::{User, number, prompt_lines},
        visitor::Visitor,
    },
};

/// Two services on one database, with one model that echoes.
struct Replicas {
    model: FakeModel,
    setups: [TestSetup; 2],
    services: [Service; 2],
    /// One account, as a client of each service.
    ada: [User; 2],
}

async fn start_replicas() -> Replicas {
    let database = cluster::shared().database();
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str()).with("MODEL_RETRIES", "0");
    let setups = [setup(), setup()];
    let services = [setups[0].start().await, setups[1].start().await];
    let ada = User::register(&services[0].client, "ada").await;
    let ada = [ada.clone(), ada.with_client(&services[1].client)];
    Replicas { model, setups, services, ada }
}

/// Sends a message that the model rejects. Returns the ID of the message.
async fn fail(ada: &User, model: &FakeModel, chat: i64, text: &str) -> i64 {
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let answer = ada.send(chat, text).await;
    answer.assert_error(400, "request_refused");
    number(&answer.json()["details"]["user_message_id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn replicas_answer_messages_of_one_chat_in_sequence() {
    let Replicas { model, setups: _houses, services: _services, ada } = start_replicas().await;
    let chat = ada[0].create_chat().await;
    let texts = (0..12).map(|number| format!("Question {number}")).collect::<Vec<_>>();
    let sends = texts.iter().enumerate().map(|(number, text)| ada[number % 2].send(chat, text));
    for (answer, text) in join_all(sends).await.iter().zip(&texts) {
        assert_eq!(answer.assert_ok()["ai_response"]["text"], *text);
    }
    let transcript = ada[1].transcript(chat).await;
    assert_eq!((transcript.len(), model.call_count()), (24, 12));
    assert_eq!(transcript.iter().step_by(2).collect::<HashSet<_>>(), texts.iter().collect());
    let expected =
        transcript.iter().map(|line| line.strip_prefix("> ").map_or(format!("u: {line}"), |it| format!("a: {it}")));
    let expected = expected.collect::<Vec<_>>();
    for call in 0..12 {
        assert_eq!(prompt_lines(&model, call), expected[..=2 * call]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn one_key_at_two_replicas_is_one_turn() {
    let Replicas { model, setups: _houses, services: _services, ada } = start_replicas().await;
    let chat = ada[0].create_chat().await;
    for round in 1..=5 {
        let key = format!("round-{round}");
        let answers = join_all((0..6).map(|number| ada[number % 2].send_once(chat, "Once", &key))).await;
        let first = answers[0].assert_ok();
        assert!(answers.iter().all(|answer| answer.assert_ok() == first), "{answers:?}");
        assert_eq!((model.call_count(), ada[1].transcript(chat).await.len()), (round, 2 * round));
    }
    let failed = fail(&ada[0], &model, chat, "Again").await;
    let calls = model.call_count();
    let mut answers = join_all((0..4).map(|number| ada[number % 2].retry(failed))).await;
    answers.sort_by_key(|answer| answer.status);
    answers[0].assert_ok();
    assert!(answers[1..].iter().all(|answer| answer.status == 409), "{answers:?}");
    assert_eq!((model.call_count(), ada[0].transcript(chat).await.len()), (calls + 1, 12));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_turn_cut_off_at_one_replica_is_failed_at_the_other() {
    let Replicas { model, setups: _houses, services: _services, ada } = start_replicas().await;
    let chat = ada[0].create_chat().await;
    let in_chat = async |ada: &User| ada.send_once(chat, "Once", "a").await;
    let alone = async |ada: &User| {
        let request = ada.client.json_request("/api/chat", &json!({ "message": "Once" }));
        ada.client.send(request.header("idempotency-key", "a")).await
    };
    model.set_behaviour(Behaviour::Truncated);
    in_chat(&ada[0]).await.assert_error(502, "model_connection_lost");
    alone(&ada[0]).await.assert_error(502, "model_connection_lost");
    let started = Instant::now();
    in_chat(&ada[1]).await.assert_error(409, "turn_interrupted");
    alone(&ada[1]).await.assert_error(409, "turn_interrupted");
    assert!(started.elapsed() < Duration::from_secs(5), "the operation took {:?}", started.elapsed());
    assert_eq!((model.call_count(), ada[1].transcript(chat).await), (2, vec!["Once failed".to_owned()]));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_chat_deleted_at_one_replica_is_not_answered_at_the_other() {
    let Replicas { model, setups: _houses, services: _services, ada } = start_replicas().await;
    let chat = ada[0].create_chat().await;
    let removed_meanwhile = async |remove: Method, path: String| -> HttpResponse {
        let calls = model.call_count();
        let gate = Gate::new();
        model.behave_once(Behaviour::Held(gate.clone()));
        let (answer, ()) = tokio::join!(ada[0].send(chat, "Thinking"), async {
            model.wait_for_calls(calls + 1).await;
            ada[1].call(remove, &path).await.assert_ok();
            gate.open();
        });
        answer
    };
    let clear = format!("/api/chat/{chat}/clear");
    removed_meanwhile(Method::POST, clear).await.assert_error(409, "chat_changed");
    assert_eq!(ada[0].transcript(chat).await.len(), 0);
    let delete = format!("/api/chat/{chat}/delete");
    removed_meanwhile(Method::DELETE, delete).await.assert_error(409, "chat_changed");
    ada[0].get(&format!("/api/chat/{chat}")).await.assert_error(404, "chat_not_found");
    assert!(ada[0].list_chats().await.is_empty() && ada[0].search("thinking").await.is_empty());
    ada[1].delete("/api/auth/me").await.assert_ok();
    ada[0].get("/api/chat/histories").await.assert_error(401, "token_ended");
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_turn_killed_at_one_replica_can_be_retried_at_another() {
    let Replicas { model, setups, services: [first, _second], ada } = start_replicas().await;
    let chat = ada[1].create_chat().await;
    first.stop().await;
    let mut process = setups[0].start_process().await;
    let killed = ada[0].with_client(&process.client);
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = killed.client.try_send(killed.send_request(chat, &json!({ "text": "Cut off" }))) => panic!("{answer:?}"),
        () = model.wait_for_calls(1) => {}
    }
    process.kill().await;
    assert_eq!(ada[1].transcript(chat).await, ["Cut off pending"]);
    // The same replica detects its earlier crash at the restart; another replica detects it after a while.
    let _process = setups[0].start_process().await;
    let failed = wait_until("a failed message", async || {
        let message = ada[1].messages(chat).await[0].clone();
        (message["status"] == "failed").then(|| number(&message["id"]))
    })
    .await;
    ada[1].retry(failed).await.assert_ok();
    assert_eq!(ada[1].transcript(chat).await, ["Cut off", "> Cut off"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn concurrent_first_visits_at_two_replicas_are_one_visitor() {
    let Replicas { model, setups, services, ada: _ada } = start_replicas().await;
    let before = setups[0].count_rows("owners").await;
    for round in 1..=5 {
        let first = Visitor::first_visit(&services[0].client).await;
        let tabs = [first.clone(), Visitor { client: services[1].client.clone(), ..first }];
        let messages = (0..8).map(|tab| format!("Tab {tab}")).collect::<Vec<_>>();
        let answers = join_all(messages.iter().enumerate().map(|(number, words)| tabs[number % 2].ask(words))).await;
        assert_eq!(answers, messages);
        let history = tabs[0].history().await;
        assert_eq!((history.len(), model.call_count()), (16, 8 * round));
        assert_eq!(history, tabs[1].history().await);
        assert_eq!(history.iter().step_by(2).collect::<HashSet<_>>(), messages.iter().collect());
        assert_eq!(setups[0].count_rows("owners").await, before + i64::try_from(round).unwrap());
        // A chat cleared at one replica is empty at the other.
        tabs[1].call(Method::POST, "/clear_chat").await.assert_ok();
        assert!(tabs[0].history().await.is_empty());
    }
    assert_eq!(setups[0].count_rows("visitors").await, 5);
}

/// Sends messages to a chat, one after the other, until it is cancelled. Returns the IDs of the answered questions.
async fn send_messages(ada: User, chat: i64, count: Arc<AtomicUsize>, enough: CancellationToken) -> Vec<i64> {
    let mut answered = Vec::new();
    for number in 0.. {
        if enough.is_cancelled() {
            break;
        }
        let answer = ada.send(chat, &format!("Question {number} in {chat}")).await;
        if answer.status == 200 {
            answered.push(self::number(&answer.json()["user_message"]["id"]));
            count.fetch_add(1, Ordering::Relaxed);
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(!answer.header("retry-after").is_empty(), "{}", answer.text);
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_database_restart_leaves_each_exchange_complete() {
    let mut cluster = Cluster::start();
    let model = FakeModel::start().await.without_recording();
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model).with("DATABASE_URL", cluster.database().as_str());
    let setup = setup.with("DATABASE_CONNECT_TIMEOUT", "3s");
    let service = setup.start().await;
    let ada = User::register(&service.client, "ada").await;
    let (count, enough) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let chats = join_all((0..8).map(|_| ada.create_chat())).await;
    let mut talks = JoinSet::new();
    for &chat in &chats {
        talks.spawn(send_messages(ada.clone(), chat, Arc::clone(&count), enough.clone()));
    }
    for _ in 0..3 {
        let before = count.load(Ordering::Relaxed);
        wait_until("some answers", async || (count.load(Ordering::Relaxed) >= before + 40).then_some(())).await;
        cluster.kill();
        service.client.wait_for_readiness(503).await;
        cluster.restart();
    }
    let before = count.load(Ordering::Relaxed);
    wait_until("some answers", async || (count.load(Ordering::Relaxed) >= before + 40).then_some(())).await;
    enough.cancel();
    let answered = talks.join_all().await.concat();

    for chat in chats {
        // An answer that could not be stored immediately is stored soon, or its question fails.
        let messages = wait_until("the end of each turn", async || {
            let messages = ada.messages(chat).await;
            messages.iter().all(|message| message["status"] != "pending").then_some(messages)
        })
        .await;
        assert_eq!(ada.chat(chat).await["message_count"], messages.len());
        let mut rest = messages.iter();
        while let Some(question) = rest.next() {
            assert_eq!(question["sender"], "user", "{question}");
            let was_answered = answered.contains(&number(&question["id"]));
            if question["status"] == "complete" {
                let answer = rest.next().expect("an answer");
                assert_eq!((&answer["sender"], &answer["text"]), (&"bot".into(), &question["text"]));
            } else {
                assert!(!was_answered, "{question} was answered");
            }
        }
    }
    for id in answered {
        let question = ada.get(&format!("/api/messages/{id}")).await.assert_ok();
        assert_eq!(question["status"], "complete", "{question} was answered");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_recount_of_papitas_queue_includes_unwritten_records() {
    let model = FakeModel::start().await;
    // No server listens on the discard port.
    let setup = TestSetup::for_model(&model).with("PAPITA_API_URL", "http://127.0.0.1:9");
    let setup = setup.with("DATABASE_URL", cluster::shared().database().as_str());
    let service = setup.start().await;
    let queue = async || {
        let health = service.client.get("/api/health").await.assert_ok();
        let count = |name: &str| health[name].as_u64().expect("a count");
        (count("papita_queue_depth"), count("papita_queue_dropped"))
    };
    let lock = setup.lock_database().await;
    for answer in join_all((0..10).map(|_| service.client.chat("hello"))).await {
        answer.assert_ok();
    }
    // As another replica would.
    setup.change_database("UPDATE papita_drops SET records = records + 1000").await;
    setup.change_database("INSERT INTO papita_outbox (request_id, body) VALUES ('other', '{}')").await;
    wait_until("a recount", async || {
        let (depth, dropped) = queue().await;
        assert!(depth >= 10, "{depth}");
        ((depth, dropped) == (11, 1000)).then_some(())
    })
    .await;
    lock.release().await;
    wait_until("written turns", async || (setup.count_rows("papita_outbox").await == 11).then_some(())).await;
    setup.change_database("UPDATE papita_drops SET records = records + 1000").await;
    wait_until("a recount", async || {
        let (depth, dropped) = queue().await;
        assert_eq!(depth, 11);
        (dropped == 2000).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn one_session_at_two_replicas_has_one_content_key() {
    let database = cluster::shared().database();
    let model = FakeModel::start().await;
    let setup = || {
        let setup = TestSetup::for_model(&model).with("DATABASE_URL", database.as_str());
        setup.with("SESSION_LOG_CONTENT", "on")
    };
    let setups = [setup(), setup()];
    let services = [setups[0].start().await, setups[1].start().await];
    let body = json!({ "message": "Once", "session_id": "shared" });
    for round in 1..=5 {
        let turns = (0..12).map(|number| services[number % 2].client.post("/api/chat", &body));
        join_all(turns).await.iter().for_each(|answer| drop(answer.assert_ok()));
        let lines = setups.iter().flat_map(|setup| setup.log_lines("chat").into_iter().rev().take(6));
        let keys = lines.map(|line| line["content_key"].to_string()).collect::<HashSet<_>>();
        assert_eq!((keys.len(), setups[0].count_rows("content_keys").await), (1, 1), "round {round}: {keys:?}");
        let (first, second) = (&services[round % 2].client, &services[(round + 1) % 2].client);
        erase(first, "shared").await.assert_ok();
        erase(second, "shared").await.assert_error(404, "content_not_found");
        assert_eq!(setups[0].count_rows("content_key_slots").await, 0);
        // The second one drops its key from memory after some minutes, or with an erasure of its own.
        second.post("/api/chat", &json!({ "message": "Once", "session_id": "other" })).await.assert_ok();
        erase(second, "other").await.assert_ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn an_answer_of_one_replica_is_rated_at_another() {
    let database = cluster::shared().database();
    let (model, receiver) = (FakeModel::start().await, EventReceiver::start().await);
    let setup = || {
        let setup = TestSetup::for_model(&model).with("DATABASE_URL", database.as_str());
        let setup = setup.with("SESSION_LOG_CONTENT", "on");
        receiver.settings().iter().fold(setup, |setup, (name, value)| setup.with(name, value))
    };
    let setups = [setup(), setup()];
    let [here, there] = [setups[0].start().await, setups[1].start().await];
    let ada = User::register(&here.client, "ada").await;
    let chat = ada.create_chat().await;
    let answer = ada.send(chat, "hello").await;
    answer.assert_ok();
    let turn = answer.header("x-request-id").to_owned();
    let path = format!("/api/chat/{turn}/feedback");
    let elsewhere = ada.with_client(&there.client);
    rate(&there.client, &turn, &json!({ "rating": "up" })).await.assert_error(404, "turn_not_found");
    // The row comes moments after the answer.
    let body = json!({ "rating": "down", "comment": "it was wrong" });
    wait_until("the turn at the other replica", async || {
        (elsewhere.post(&path, &body).await.status == 200).then_some(())
    })
    .await;
    ada.post(&path, &body).await.assert_ok();
    ada.post(&path, &json!({ "rating": "up" })).await.assert_ok();
    assert_eq!(logged(&setups[1]), [(json!("down"), Value::Null)]);
    assert_eq!(logged(&setups[0]), [(json!("up"), json!("down"))]);
    let bodies = wait_until("the events", async || {
        let mut bodies = receiver.bodies();
        bodies.retain(|body| body["type"] == "feedback.given");
        (bodies.len() >= 2).then_some(bodies)
    });
    assert_eq!(bodies.await.len(), 2);
    ada.delete_chat(chat).await;
    let again = ada.post(&path, &body).await.assert_ok();
    assert_eq!(again["has_comment"], false, "the texts of the chat are erased");
}

/// Asks one replica so many questions, and returns the ids of the turns when another replica finds them, too.
async fn turns_of_both(setup: &TestSetup, service: &Service, count: usize) -> Vec<String> {
    let answers = join_all((0..count).map(|_| service.client.chat("hello"))).await;
    let is_stored = async || (setup.count_rows("turn_origins").await >= i64::try_from(count).unwrap()).then_some(());
    wait_until("the rows of the turns", is_stored).await;
    answers.iter().map(|answer| answer.header("x-request-id").to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn of_ratings_at_once_the_last_in_the_logs_counts() {
    let database = cluster::shared().database();
    let model = FakeModel::start().await;
    let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str());
    let setups = [setup(), setup()];
    let minute = SignedDuration::from_mins(1);
    #[expect(clippy::disallowed_methods, reason = "the other replica has the time of the machine")]
    let ahead = ManualClock::at(&(Timestamp::now() + minute).to_string());
    let services = [setups[0].start_with_clock(ahead.clock("UTC")).await, setups[1].start().await];
    let [ahead, behind] = services.each_ref().map(|service| &service.client);
    let turn = turns_of_both(&setups[0], &services[0], 1).await.remove(0);
    let (up, down) = (json!({ "rating": "up" }), json!({ "rating": "down" }));
    // The replica whose line has the later time stores its rating first.
    let lock = setups[0].lock_database_with("LOCK TABLE turn_ratings IN EXCLUSIVE MODE").await;
    let then = async {
        setups[0].wait_for_log_lines("feedback", 1).await;
        let release = async {
            setups[1].wait_for_log_lines("feedback", 1).await;
            lock.release().await;
        };
        tokio::join!(rate(behind, &turn, &down), release).0
    };
    let (later, earlier) = tokio::join!(rate(ahead, &turn, &up), then);
    later.assert_ok();
    earlier.assert_ok();
    let lines = || setups.each_ref().map(|setup| setup.log_lines("feedback"));
    assert!(lines().iter().flatten().all(|line| line["revision"] == 1 && line["previous_rating"].is_null()));
    // The same again changes nothing.
    for client in [ahead, behind] {
        rate(client, &turn, &up).await.assert_ok();
    }
    assert_eq!(lines().map(|lines| lines.len()), [1, 1]);
    // Whoever rates afterwards replaces it, whatever the clock says.
    rate(behind, &turn, &down).await.assert_ok();
    rate(ahead, &turn, &down).await.assert_ok();
    let [_, lines] = lines();
    assert_eq!((&lines[1]["revision"], &lines[1]["previous_rating"]), (&json!(2), &json!("up")));
    assert_eq!(setups[0].log_lines("feedback").len(), 1);
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn ratings_of_the_same_turns_do_not_deadlock() {
    let diagnostics = Diagnostics::collect();
    let Replicas { model: _model, setups, services, .. } = start_replicas().await;
    let turns = turns_of_both(&setups[0], &services[0], 24).await;
    let (up, down) = (json!({ "rating": "up" }), json!({ "rating": "down" }));
    let lock = setups[0].lock_database_with("LOCK TABLE turn_ratings IN EXCLUSIVE MODE").await;
    let here = join_all(turns.iter().map(|turn| rate(&services[0].client, turn, &up)));
    let there = join_all(turns.iter().rev().map(|turn| rate(&services[1].client, turn, &down)));
    let release = async {
        for setup in &setups {
            setup.wait_for_log_lines("feedback", 1).await;
        }
        lock.release().await;
    };
    let (here, there, ()) = tokio::join!(here, there, release);
    here.iter().chain(&there).for_each(|answer| drop(answer.assert_ok()));
    assert_eq!(diagnostics.lines("cannot be written"), [""; 0]);
}
