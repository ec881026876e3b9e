//! Replicas whose clocks differ: two services on one PostgreSQL database, an hour apart.

use std::time::Duration;

use tokio::{
    join,
    time::{sleep, timeout},
};

use crate::{
    fakes::{
        model::{Behaviour, FakeModel, Gate},
        papita::FakePapita,
    },
    postgres::cluster,
    support::{
        client::Client,
        manual_clock::ManualClock,
        service::{Service, TestSetup, wait_until},
        user::User,
    },
};

const NOON: &str = "2026-05-04T12:00:00Z";
const AN_HOUR_LATER: &str = "2026-05-04T13:00:00Z";

/// The longest time after which a dead replica is replaced on a busy machine.
const TAKEOVER_TIMEOUT: Duration = Duration::from_secs(90);

/// Two services on one database. The second one has started last, and has the greatest id.
struct Replicas {
    model: FakeModel,
    papita: FakePapita,
    setups: [TestSetup; 2],
    services: [Service; 2],
}

async fn start_replicas(times: [&str; 2]) -> Replicas {
    let database = cluster::shared().database();
    let (model, papita) = (FakeModel::start().await, FakePapita::start().await);
    papita.serve_key("sk-local");
    model.set_behaviour(Behaviour::Echo);
    let setup = || TestSetup::for_papita(&model, &papita).with("DATABASE_URL", database.as_str());
    let setups = [setup(), setup()];
    let first = setups[0].start_with_clock(ManualClock::at(times[0]).clock("UTC")).await;
    let second = setups[1].start_with_clock(ManualClock::at(times[1]).clock("UTC")).await;
    Replicas { model, papita, setups, services: [first, second] }
}

/// Waits until the second replica has searched for interrupted turns: it has failed a question that was added to the
/// database as one of its own, without a running turn.
async fn wait_for_search(setup: &TestSetup, ada: &User) {
    let chat = ada.create_chat().await;
    setup
        .change_database(
            "UPDATE chats SET turns = 1, message_count = 1 WHERE id = (SELECT MAX(id) FROM chats);
             INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, replica,
                                   created_at)
             SELECT id, owner_id, 1, 'user', 'pending', 'Lost', 0, 'lost', (SELECT MAX(id) FROM replicas), 0
             FROM chats ORDER BY id DESC LIMIT 1",
        )
        .await;
    ada.wait_for_transcript(chat, &["Lost failed"]).await;
}

async fn assert_running_turns_are_not_failed(times: [&str; 2]) {
    let Replicas { model, papita: _papita, setups, services } = start_replicas(times).await;
    let ada = User::register(&services[0].client, "ada").await;
    let there = ada.with_client(&services[1].client);
    let chat = ada.create_chat().await;
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let later = async || {
        model.wait_for_calls(1).await;
        let (again, next, ()) = join!(there.send_once(chat, "Once", "key"), there.send(chat, "Next"), async {
            wait_for_search(&setups[1], &there).await;
            assert_eq!((there.transcript(chat).await, model.call_count()), (vec!["Once pending".to_owned()], 1));
            gate.open();
        });
        (again, next)
    };
    let (first, (again, next)) = join!(ada.send_once(chat, "Once", "key"), later());
    assert_eq!(again.assert_ok(), first.assert_ok());
    next.assert_ok();
    assert_eq!(
        (ada.transcript(chat).await, model.call_count()),
        (["Once", "> Once", "Next", "> Next"].map(str::to_owned).to_vec(), 2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn replicas_an_hour_apart_fail_no_running_turns() {
    join!(
        assert_running_turns_are_not_failed([NOON, AN_HOUR_LATER]),
        assert_running_turns_are_not_failed([AN_HOUR_LATER, NOON])
    );
}

/// Sends a turn to the first replica, and waits until the second one has counted this number of waiting records.
async fn send_and_wait_for_count(services: &[Service; 2], count: u64) {
    services[0].client.chat("hello").await.assert_ok();
    wait_until("the count of records", async || (queue(&services[1].client).await == count).then_some(())).await;
}

async fn queue(client: &Client) -> u64 {
    client.get("/api/health").await.assert_ok()["papita_queue_depth"].as_u64().expect("a number")
}

async fn assert_one_sends(times: [&str; 2]) {
    const BY_FIRST: &str = "duties WHERE name = 'usage delivery' AND replica = (SELECT MIN(id) FROM replicas)";
    let Replicas { model: _model, papita, setups, services } = start_replicas(times).await;
    papita.set_usage_status(503);
    wait_until("a sender", async || (setups[0].count_rows(BY_FIRST).await == 1).then_some(())).await;
    // Before it counts the second time, the second replica has tried to acquire the lease.
    send_and_wait_for_count(&services, 1).await;
    send_and_wait_for_count(&services, 2).await;
    assert_eq!(setups[0].count_rows(BY_FIRST).await, 1, "the lease was taken over");
    papita.set_usage_status(200);
    wait_until("delivery", async || (queue(&services[1].client).await == 0).then_some(())).await;
    let [first, second] = services;
    first.stop().await;
    // The second replica takes over at once.
    second.client.chat("hello").await.assert_ok();
    papita.wait_for_usage(3).await;
    let records = papita.usage();
    assert_eq!(records.len(), 3, "{records:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn of_replicas_an_hour_apart_one_sends_usage_records() {
    join!(assert_one_sends([NOON, AN_HOUR_LATER]), assert_one_sends([AN_HOUR_LATER, NOON]));
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_dead_replica_is_replaced_whatever_its_clock() {
    const OF_DEAD: &str = "duties WHERE name = 'usage delivery' AND replica = 'ahead'";
    let Replicas { model: _model, papita, setups, services: [first, second] } = start_replicas([NOON, NOON]).await;
    second.stop().await;
    let ada = User::register(&first.client, "ada").await;
    let chat = ada.create_chat().await;
    let setup = &setups[0];
    // Two replicas that have just died. The clock of the database was set by an hour, or their version has written its own.
    setup
        .change_database(
            "INSERT INTO replicas (id, heartbeat_at)
             SELECT id, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT) + hours * 3600000000
             FROM (VALUES ('ahead', 1), ('behind', -1)) AS v (id, hours)",
        )
        .await;
    setup.change_database("UPDATE duties SET replica = 'ahead'").await;
    setup
        .change_database(
            "UPDATE chats SET turns = 1, message_count = 1;
             INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, replica,
                                   created_at)
             SELECT id, owner_id, 1, 'user', 'pending', 'Lost', 0, 'lost', 'behind', 0 FROM chats",
        )
        .await;
    let replaced = async {
        while setup.count_rows(OF_DEAD).await > 0 || setup.count_rows("messages WHERE status = 'failed'").await == 0 {
            sleep(Duration::from_millis(100)).await;
        }
    };
    timeout(TAKEOVER_TIMEOUT, replaced).await.expect("the dead replicas are replaced");
    assert_eq!((setup.count_rows("replicas").await, ada.transcript(chat).await), (1, vec!["Lost failed".to_owned()]));
    first.client.chat("hello").await.assert_ok();
    papita.wait_for_usage(1).await;
}
