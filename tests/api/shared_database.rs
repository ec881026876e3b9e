//! Stored chats on a PostgreSQL server: shared by two services, or killed while they go on.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    fakes::model::{Behaviour, FakeModel, Gate},
    postgres::cluster::{self, Cluster},
    support::{
        client::HttpResponse,
        service::{Service, TestSetup, wait_until},
        user::{User, number, prompt_lines},
        visitor::Visitor,
    },
};

/// Two services on one database, which ask one model that says everything back.
struct Pair {
    model: FakeModel,
    houses: [TestSetup; 2],
    services: [Service; 2],
    /// One account, at both of them.
    ada: [User; 2],
}

async fn pair() -> Pair {
    let database = cluster::shared().database();
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = || TestSetup::for_model(&model).with("DATABASE_URL", database.as_str()).with("MODEL_RETRIES", "0");
    let houses = [setup(), setup()];
    let services = [houses[0].start().await, houses[1].start().await];
    let ada = User::register(&services[0].client, "ada").await;
    let ada = [ada.clone(), ada.with_client(&services[1].client)];
    Pair { model, houses, services, ada }
}

/// Says this, to a model that refuses it. Returns the message.
async fn fail(ada: &User, model: &FakeModel, chat: i64, text: &str) -> i64 {
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let answer = ada.send(chat, text).await;
    answer.assert_error(400, "request_refused");
    number(&answer.json()["details"]["user_message_id"])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn messages_sent_at_once_to_one_chat_at_both_are_answered_one_after_the_other() {
    let Pair { model, houses: _houses, services: _services, ada } = pair().await;
    let chat = ada[0].create_chat().await;
    let texts = (0..12).map(|number| format!("Question {number}")).collect::<Vec<_>>();
    let sends = texts.iter().enumerate().map(|(number, text)| ada[number % 2].send(chat, text));
    for (answer, text) in join_all(sends).await.iter().zip(&texts) {
        assert_eq!(answer.assert_ok()["ai_response"]["text"], *text);
    }
    let talk = ada[1].transcript(chat).await;
    assert_eq!((talk.len(), model.call_count()), (24, 12));
    assert_eq!(talk.iter().step_by(2).collect::<HashSet<_>>(), texts.iter().collect());
    let told = talk.iter().map(|line| line.strip_prefix("> ").map_or(format!("u: {line}"), |it| format!("a: {it}")));
    let told = told.collect::<Vec<_>>();
    for call in 0..12 {
        assert_eq!(prompt_lines(&model, call), told[..=2 * call]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn what_is_asked_for_once_at_both_is_said_once() {
    let Pair { model, houses: _houses, services: _services, ada } = pair().await;
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
async fn what_was_cut_off_at_one_is_known_as_such_at_the_other_at_once() {
    let Pair { model, houses: _houses, services: _services, ada } = pair().await;
    let chat = ada[0].create_chat().await;
    let in_chat = async |ada: &User| ada.send_once(chat, "Once", "a").await;
    let alone = async |ada: &User| {
        let request = ada.client.json_request("/api/chat", &json!({ "message": "Once" }));
        ada.client.send(request.header("idempotency-key", "a")).await
    };
    model.set_behaviour(Behaviour::Truncated);
    in_chat(&ada[0]).await.assert_error(502, "model_connection_lost");
    alone(&ada[0]).await.assert_error(502, "model_connection_lost");
    let asked = Instant::now();
    in_chat(&ada[1]).await.assert_error(409, "turn_interrupted");
    alone(&ada[1]).await.assert_error(409, "turn_interrupted");
    assert!(asked.elapsed() < Duration::from_secs(5), "it took {:?}", asked.elapsed());
    assert_eq!((model.call_count(), ada[1].transcript(chat).await), (2, vec!["Once failed".to_owned()]));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn what_one_removes_the_other_doesnt_answer() {
    let Pair { model, houses: _houses, services: _services, ada } = pair().await;
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
async fn what_kill_9_cuts_off_at_one_can_be_tried_again_at_the_other() {
    let Pair { model, houses, services: [first, _second], ada } = pair().await;
    let chat = ada[1].create_chat().await;
    first.stop().await;
    let mut process = houses[0].start_process().await;
    let killed = ada[0].with_client(&process.client);
    model.behave_once(Behaviour::Silent);
    tokio::select! {
        answer = killed.client.try_send(killed.send_request(chat, &json!({ "text": "Cut off" }))) => panic!("{answer:?}"),
        () = model.wait_for_calls(1) => {}
    }
    process.kill().await;
    assert_eq!(ada[1].transcript(chat).await, ["Cut off pending"]);
    // Started again, it knows that it had died; otherwise the other one comes to know in a while.
    let _process = houses[0].start_process().await;
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
async fn a_visitor_who_comes_to_both_at_once_is_one() {
    let Pair { model, houses, services, ada: _ada } = pair().await;
    let before = houses[0].count_rows("owners").await;
    for round in 1..=5 {
        let first = Visitor::first_visit(&services[0].client).await;
        let tabs = [first.clone(), Visitor { client: services[1].client.clone(), ..first }];
        let said = (0..8).map(|tab| format!("Tab {tab}")).collect::<Vec<_>>();
        let answers = join_all(said.iter().enumerate().map(|(number, words)| tabs[number % 2].ask(words))).await;
        assert_eq!(answers, said);
        let history = tabs[0].history().await;
        assert_eq!((history.len(), model.call_count()), (16, 8 * round));
        assert_eq!(history, tabs[1].history().await);
        assert_eq!(history.iter().step_by(2).collect::<HashSet<_>>(), said.iter().collect());
        assert_eq!(houses[0].count_rows("owners").await, before + i64::try_from(round).unwrap());
        // What one clears, the other has no more.
        tabs[1].call(Method::POST, "/clear_chat").await.assert_ok();
        assert!(tabs[0].history().await.is_empty());
    }
    assert_eq!(houses[0].count_rows("visitors").await, 5);
}

/// Says one thing after the other in a chat until it is enough. Returns the questions that were answered.
async fn keep_talking(ada: User, chat: i64, said: Arc<AtomicUsize>, enough: CancellationToken) -> Vec<i64> {
    let mut answered = Vec::new();
    for number in 0.. {
        if enough.is_cancelled() {
            break;
        }
        let answer = ada.send(chat, &format!("Question {number} in {chat}")).await;
        if answer.status == 200 {
            answered.push(self::number(&answer.json()["user_message"]["id"]));
            said.fetch_add(1, Ordering::Relaxed);
        } else {
            assert_eq!(answer.status, 503, "{}", answer.text);
            assert!(!answer.header("retry-after").is_empty(), "{}", answer.text);
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_server_killed_and_restarted_while_chats_go_on_leaves_each_exchange_whole() {
    let mut cluster = Cluster::start();
    let model = FakeModel::start().await.without_recording();
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model).with("DATABASE_URL", cluster.database().as_str());
    let setup = setup.with("DATABASE_CONNECT_TIMEOUT", "3s");
    let service = setup.start().await;
    let ada = User::register(&service.client, "ada").await;
    let (said, enough) = (Arc::new(AtomicUsize::new(0)), CancellationToken::new());
    let chats = join_all((0..8).map(|_| ada.create_chat())).await;
    let mut talks = JoinSet::new();
    for &chat in &chats {
        talks.spawn(keep_talking(ada.clone(), chat, Arc::clone(&said), enough.clone()));
    }
    for _ in 0..3 {
        let before = said.load(Ordering::Relaxed);
        wait_until("some talk", async || (said.load(Ordering::Relaxed) >= before + 40).then_some(())).await;
        cluster.kill();
        wait_until("unreadiness", async || (service.client.get("/api/health/ready").await.status == 503).then_some(()))
            .await;
        cluster.restart();
    }
    let before = said.load(Ordering::Relaxed);
    wait_until("some talk", async || (said.load(Ordering::Relaxed) >= before + 40).then_some(())).await;
    enough.cancel();
    let answered = talks.join_all().await.concat();

    for chat in chats {
        // What could not be kept at once is kept soon, or its question fails.
        let messages = wait_until("an end of each turn", async || {
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
