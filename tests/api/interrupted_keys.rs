//! Keys of turns that a crash or a failing database has interrupted: a repetition gets the answer if it is stored or
//! logged, runs the turn if the model was never asked, and is refused otherwise.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::{
    fakes::{
        model::{Behaviour, Ending, FakeModel, Gate, Pace, PieceGate, Script},
        papita::FakePapita,
    },
    idempotency::{ask, ask_stream, assert_interrupted, keyed, turns_counted},
    support::{
        client::Client,
        service::{DatabaseLock, TestSetup, start_with, wait_until},
        user::{User, start_with_ada},
    },
};

/// A time longer than any attempt to write takes.
const LONG_LOCK: Duration = Duration::from_secs(3);

const SETTINGS: [(&str, &str); 2] = [("RESUME_WINDOW", "0"), ("DATABASE_STATEMENT_TIMEOUT", "2s")];

fn setup(model: &FakeModel) -> TestSetup {
    TestSetup::for_model(model).with_all(&SETTINGS)
}

/// Sends a request, and locks the database while the model is answering.
async fn lock_during<T>(setup: &TestSetup, model: &FakeModel, asking: impl Future<Output = T>) -> (T, DatabaseLock) {
    let (lock, answer) = tokio::join!(lock_before_answer(setup, model), asking);
    (answer, lock)
}

/// Locks the database when the model is asked next. Then the model answers, at its limit of tokens, and reports no tokens.
async fn lock_before_answer(setup: &TestSetup, model: &FakeModel) -> DatabaseLock {
    let (gate, calls) = (PieceGate::new(), model.call_count());
    let (pace, ending) = (Pace::Gated(gate.clone()), Ending::Length);
    let script = Script { pace, ending, with_usage: false, ..Script::default() };
    model.behave_once(Behaviour::Stream(script));
    model.wait_for_calls(calls + 1).await;
    let lock = setup.lock_database().await;
    gate.open();
    lock
}

/// Asks with a key, whole or streamed. Returns the answer, which a stream has in its last event.
async fn answer(client: &Client, key: &str, stream: bool) -> Value {
    if !stream {
        return ask(client, key).await.assert_ok();
    }
    let (text, done) = ask_stream(client, key).await.text_and_end().await;
    assert_eq!((done.name.as_str(), &done.data["message"]), ("done", &json!(text)));
    done.data
}

/// Waits until requests with this key are not refused because the database cannot be used.
async fn wait_for_outcome(client: &Client, key: &str) {
    wait_until("a stored outcome", async || (ask(client, key).await.status != 503).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logged_answer_is_repeated_after_sigkill() {
    let model = FakeModel::start().await;
    let setup = setup(&model).with("SESSION_LOG_CONTENT", "on").with("SESSION_LOG_TIMEZONE", "Asia/Tokyo");
    for stream in [false, true] {
        let mut process = setup.start_process().await;
        let key = format!("key-{stream}");
        let (first, lock) = lock_during(&setup, &model, answer(&process.client, &key, stream)).await;
        assert_eq!(first["finish_reason"], "length");
        process.kill().await;
        lock.release().await;
        let mut process = setup.start_process().await;
        for stream in [false, true] {
            assert_eq!(answer(&process.client, &key, stream).await, first);
        }
        let turns = 1 + usize::from(stream);
        assert_eq!((model.call_count(), setup.log_lines("chat").len()), (turns, turns));
        assert_eq!(turns_counted(&process.client).await, turns);
        process.kill().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_text_a_logged_answer_is_not_invented() {
    let model = FakeModel::start().await;
    let setup = setup(&model);
    let mut process = setup.start_process().await;
    let (_, lock) = lock_during(&setup, &model, answer(&process.client, "a", false)).await;
    process.kill().await;
    lock.release().await;
    let process = setup.start_process().await;
    assert_interrupted(&process.client, &model, "a").await;
    assert_eq!(turns_counted(&process.client).await, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_logged_answer_is_in_its_chat_after_sigkill() {
    let model = FakeModel::start().await;
    let setup = setup(&model).with("SESSION_LOG_CONTENT", "on");
    let mut process = setup.start_process().await;
    let ada = User::register(&process.client, "ada").await;
    let chats = [ada.create_chat().await, ada.create_chat().await];
    let answer = format!("> {}", Script::default().text());
    for (chat, has_key) in chats.into_iter().zip([true, false]) {
        let ada = ada.with_client(&process.client);
        let lines = setup.log_lines("chat").len();
        let request = ada.send_request(chat, &json!({ "text": "Once" }));
        let request = if has_key { request.header("idempotency-key", "a") } else { request };
        let locking = async {
            let lock = lock_before_answer(&setup, &model).await;
            setup.wait_for_log_lines("chat", lines + 1).await;
            sleep(LONG_LOCK).await;
            lock
        };
        let lock = tokio::select! {
            biased;
            lock = locking => lock,
            answer = ada.client.try_send(request) => panic!("{answer:?} is not stored"),
        };
        process.kill().await;
        lock.release().await;
        process = setup.start_process().await;
        let ada = ada.with_client(&process.client);
        assert_eq!(ada.transcript(chat).await, ["Once", &answer]);
        if has_key {
            let again = ada.send_once(chat, "Once", "a").await.assert_ok();
            assert_eq!(ada.send_once(chat, "Once", "a").await.assert_ok(), again);
            assert_eq!(again["ai_response"]["text"], Script::default().text());
            assert_eq!(ada.transcript(chat).await.len(), 2);
        }
    }
    assert_eq!((model.call_count(), turns_counted(&process.client).await), (2, json!(2)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_that_never_asked_frees_its_key_after_sigkill() {
    let model = FakeModel::start().await;
    let setup = setup(&model).with("MAX_TURNS", "1").with("TURN_QUEUE_TIMEOUT", "5m");
    let mut process = setup.start_process().await;
    let ada = User::register(&process.client, "ada").await;
    let chat = ada.create_chat().await;
    model.behave_once(Behaviour::Silent);
    let plain = |key: &'static str, stream: bool| {
        process.client.try_send(keyed(&process.client, key, &json!({ "message": "hello", "stream": stream })))
    };
    let sent = |text: &'static str, key: &'static str| {
        ada.client.try_send(ada.send_request(chat, &json!({ "text": text })).header("idempotency-key", key))
    };
    let waiting = async {
        let first = plain("asked", false);
        let others = async {
            model.wait_for_calls(1).await;
            let others = join_all([plain("whole", false), plain("streamed", true), sent("One", "one")]);
            let second = async {
                wait_until("a question", async || (!ada.messages(chat).await.is_empty()).then_some(())).await;
                sent("Two", "two").await
            };
            tokio::join!(others, second)
        };
        tokio::join!(first, others)
    };
    tokio::select! {
        answers = waiting => panic!("{answers:?}"),
        () = wait_until("waiting turns", async || {
            (setup.count_rows("idempotency_keys WHERE is_asked = 0").await == 4).then_some(())
        }) => {}
    }
    process.kill().await;

    model.set_behaviour(Behaviour::Echo);
    let process = setup.start_process().await;
    assert_interrupted(&process.client, &model, "asked").await;
    let whole = answer(&process.client, "whole", false).await;
    assert_eq!(answer(&process.client, "whole", false).await, whole);
    // The key may also have another question now.
    let other = keyed(&process.client, "streamed", &json!({ "message": "other" }));
    assert_eq!(process.client.send(other).await.assert_ok()["message"], "other");
    let ada = ada.with_client(&process.client);
    for (text, key) in [("One", "one"), ("Two", "two")] {
        let first = ada.send_once(chat, text, key).await.assert_ok();
        assert_eq!(ada.send_once(chat, text, key).await.assert_ok(), first);
    }
    assert_eq!(ada.transcript(chat).await, ["One", "> One", "Two", "> Two"]);
    assert_eq!(model.call_count(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_at_the_end_of_a_keyed_turn_loses_no_answer() {
    for window in ["0", "2m"] {
        let (model, setup, service) =
            start_with(&[("RESUME_WINDOW", window), ("DATABASE_STATEMENT_TIMEOUT", "2s")]).await;
        let client = &service.client;
        for (calls, stream) in [(1, false), (2, true)] {
            let key = format!("key-{stream}");
            let (first, lock) = lock_during(&setup, &model, answer(client, &key, stream)).await;
            lock.release().await;
            wait_for_outcome(client, &key).await;
            for stream in [false, true] {
                assert_eq!(answer(client, &key, stream).await, first);
            }
            assert_eq!((model.call_count(), turns_counted(client).await), (calls, json!(calls)));
        }
        let restarted = {
            let first = answer(client, "key-true", false).await;
            service.stop().await;
            (setup.start().await, first)
        };
        assert_eq!(answer(&restarted.0.client, "key-true", true).await, restarted.1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_at_the_end_of_a_chats_turn_loses_no_answer() {
    let (model, setup, _service, ada) = start_with_ada(&SETTINGS).await;
    let chat = ada.create_chat().await;
    let locking = async {
        let lock = lock_before_answer(&setup, &model).await;
        setup.wait_for_log_lines("chat", 1).await;
        sleep(LONG_LOCK).await;
        lock.release().await;
    };
    let ((), sent) = tokio::join!(locking, ada.send_once(chat, "Once", "a"));
    let sent = sent.assert_ok();
    let repeated = wait_until("a usable database", async || {
        let repeated = ada.send_once(chat, "Once", "a").await;
        (repeated.status != 503).then_some(repeated)
    });
    assert_eq!(repeated.await.assert_ok(), sent);
    let expected = ["Once".to_owned(), format!("> {}", Script::default().text())];
    assert_eq!((model.call_count(), ada.transcript(chat).await), (1, expected.to_vec()));
}

#[tokio::test]
async fn an_answer_that_is_stored_late_is_repeated() {
    let (model, setup, _service, ada) = start_with_ada(&SETTINGS).await;
    let chat = ada.create_chat().await;
    let (gate, script) = (PieceGate::new(), Script::default());
    let (text, pace) = (script.text(), Pace::Gated(gate.clone()));
    model.behave_once(Behaviour::Stream(Script { pace, ..script }));
    let (answer, ()) = tokio::join!(ada.send_once(chat, "Once", "a"), async {
        model.wait_for_calls(1).await;
        setup.change_database("ALTER TABLE messages RENAME TO hidden").await;
        gate.open();
    });
    // The turn does not wait for a database that fails for good.
    answer.assert_error(503, "storage_unavailable");
    ada.send_once(chat, "Once", "a").await.assert_error(503, "storage_unavailable");
    setup.change_database("ALTER TABLE hidden RENAME TO messages").await;
    ada.wait_for_transcript(chat, &["Once", &format!("> {text}")]).await;
    let first = ada.send_once(chat, "Once", "a").await.assert_ok();
    assert_eq!((&first["ai_response"]["text"], model.call_count()), (&json!(text), 1));
}

#[tokio::test]
async fn a_turn_without_an_api_key_frees_its_key_after_sigkill() {
    let (model, papita, gate) = (FakeModel::start().await, FakePapita::start().await, Gate::new());
    papita.serve_key("sk-papita");
    papita.hold_key_calls(&gate);
    let setup = TestSetup::for_papita(&model, &papita).with("PAPITA_TIMEOUT", "1m").with("TURN_TIMEOUT", "1m");
    let mut process = setup.start_process().await;
    tokio::select! {
        answer = ask(&process.client, "a") => panic!("{answer:?}"),
        () = wait_until("a waiting turn", async || {
            (setup.count_rows("idempotency_keys WHERE is_asked = 0").await == 1).then_some(())
        }) => {}
    }
    process.kill().await;
    gate.open();
    let process = setup.start_process().await;
    let first = ask(&process.client, "a").await;
    first.assert_ok();
    assert_eq!((ask(&process.client, "a").await.text, model.call_count()), (first.text, 1));
}

/// Returns the lowest number of changes of keys in the database that one of these turns causes, besides the claim.
async fn fewest_changes(setup: &TestSetup, turn: impl AsyncFn(&str)) -> i64 {
    let mut fewest = i64::MAX;
    // On a busy machine, a turn may wait for so long that its mark is withdrawn.
    for number in 0..20 {
        let before = setup.count_rows("changes").await;
        turn(&format!("key-{number}")).await;
        fewest = fewest.min(setup.count_rows("changes").await - before);
    }
    fewest
}

#[tokio::test]
async fn a_turn_that_does_not_wait_is_not_marked_separately() {
    let model = FakeModel::start().await;
    let setup = setup(&model).on_sqlite();
    let service = setup.start().await;
    let ada = User::register(&service.client, "ada").await;
    let chat = ada.create_chat().await;
    setup.change_database("CREATE TABLE changes (key TEXT)").await;
    let trigger = "CREATE TRIGGER changed AFTER UPDATE ON idempotency_keys BEGIN
                   INSERT INTO changes VALUES (new.key); END";
    setup.change_database(trigger).await;
    let outcome_only = fewest_changes(&setup, async |key| drop(ask(&service.client, key).await.assert_ok())).await;
    assert_eq!(outcome_only, 1);
    let mark_and_outcome = fewest_changes(&setup, async |key| {
        ada.send_once(chat, "Hello", key).await.assert_ok();
    });
    assert_eq!(mark_and_outcome.await, 2);
}
