//! `al-chat log reconcile`: the rows of single turns that it reads from the database along with the lines of the log.

use std::fs;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Executor, SqliteConnection};

use crate::{
    command_line::{CommandOutput, output_of},
    fakes::model::{Behaviour, FakeModel, Gate},
    log_reconcile::reconcile,
    support::{
        service::{TestSetup, day_file},
        user::{User, number, text},
    },
};

/// The number of answers in chats that the log does not have.
const ANSWERS: i64 = 200_000;

/// The most memory for data that a comparison may take, in KiB.
const MEMORY: u64 = 128 << 10;

/// Runs a service with three turns in stored chats. The first one ends after the second. Returns the ids of their requests.
async fn overlapping_turns(setup: &TestSetup, model: &FakeModel) -> [String; 3] {
    let service = setup.start().await;
    let ada = User::register(&service.client, "ada").await;
    let [first, second] = [ada.create_chat().await, ada.create_chat().await];
    let gate = Gate::new();
    model.behave_once(Behaviour::Held(gate.clone()));
    let meanwhile = async {
        model.wait_for_calls(1).await;
        ada.ask(second, "hello").await;
        gate.open();
    };
    tokio::join!(ada.ask(first, "hello"), meanwhile);
    ada.ask(second, "hello").await;
    service.stop().await;
    let mut ids = setup.log_lines("chat").iter().map(|line| text(&line["request_id"])).collect::<Vec<_>>();
    ids.swap(0, 1);
    ids.try_into().unwrap()
}

#[tokio::test]
async fn files_in_any_order_have_the_same_rows() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    let ids = overlapping_turns(&setup, &model).await;
    // The second file begins with the line of the second turn, after the begin of the first one.
    let day = day_file(&setup.log_dir());
    let lines = fs::read_to_string(&day).unwrap();
    let middle = lines.find(r#"{"event":"chat""#).unwrap();
    let parts = [setup.path().join("1.log"), setup.path().join("2.log")];
    for (path, part) in parts.iter().zip([&lines[..middle], &lines[middle..]]) {
        fs::write(path, part).unwrap();
    }
    let [one, two] = [&parts[0], &parts[1]].map(|path| path.to_str().unwrap());
    for files in [[one, two], [two, one]] {
        let (code, result) = reconcile(&setup, &files).await;
        assert_eq!(
            (code, &result["differences"], &result["kept_compared"]),
            (Some(0), &json!([]), &json!(3)),
            "{result}"
        );
    }
    setup.change_database("UPDATE messages SET chat_id = (SELECT MIN(chat_id) FROM messages)").await;
    for files in [[one, two], [two, one]] {
        let (code, result) = reconcile(&setup, &files).await;
        let named = result["differences"].as_array().unwrap().iter().map(|it| it["request_id"].clone());
        assert_eq!((code, named.collect::<Vec<_>>()), (Some(1), vec![json!(ids[1]), json!(ids[2])]), "{result}");
    }
}

#[tokio::test]
async fn a_period_limits_the_rows_that_are_compared() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model);
    overlapping_turns(&setup, &model).await;
    // The times in the ids of requests and in the lines are those of the system's clock.
    let line = setup.log_lines("chat").pop().unwrap();
    let day = line["timestamp"].as_str().unwrap()[..10].to_owned();
    for (arguments, compared) in [
        (["--since", day.as_str()], 3),
        (["--until", &day], 3),
        (["--since", "2200-01-01"], 0),
        (["--until", "2020-01-01"], 0),
        (["--since", line["timestamp"].as_str().unwrap()], 0),
    ] {
        let (code, result) = reconcile(&setup, &arguments).await;
        assert_eq!((code, &result["kept_compared"]), (Some(0), &json!(compared)), "{arguments:?}: {result}");
    }
}

/// Runs the command with as much memory for data as it may take.
async fn reconcile_in_bounds(setup: &TestSetup) -> Value {
    let script = format!("ulimit -d {MEMORY}; exec \"$0\" log reconcile --format json");
    let ran: CommandOutput = output_of(setup.command_by_script(&script)).await;
    serde_json::from_str(&ran.out).unwrap_or_else(|_| panic!("{ran:?}"))
}

#[tokio::test]
async fn answers_without_a_line_are_counted_in_bounded_memory() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).on_sqlite();
    let [first, second, _] = overlapping_turns(&setup, &model).await;
    // Ids after that of the first turn, and before that of the second.
    let prefix = &first["".len().."01a22757-0b80-".len()];
    assert!(prefix < second.as_str(), "{first} {second}");
    let mut database = SqliteConnection::connect(setup.database_url()).await.unwrap();
    let insert = format!(
        "WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {ANSWERS})
         INSERT INTO messages (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, created_at)
         SELECT chat_id, owner_id, number, 'bot', 'complete', '', 0, printf('{prefix}7fff-bfff-%012x', number), 0
         FROM numbers, (SELECT chat_id, owner_id FROM messages LIMIT 1)"
    );
    database.execute(AssertSqlSafe(insert)).await.unwrap();
    let result = reconcile_in_bounds(&setup).await;
    assert_eq!((number(&result["difference_count"]), &result["kept_compared"]), (ANSWERS, &json!(3)));
    assert!(
        result["notes"].to_string().contains("further answers in chats without a line, which are not named: "),
        "{}",
        result["notes"]
    );
    // Of another process, which had the database then: its id has the time of the first turn.
    let other = format!("INSERT INTO log_totals_since (log, instance) VALUES ('other', '{first}')");
    database.execute(AssertSqlSafe(other)).await.unwrap();
    database.close().await.unwrap();
    let result = reconcile_in_bounds(&setup).await;
    assert_eq!((&result["same"], &result["kept_compared"]), (&json!(true), &json!(3)));
    let notes = result["notes"].to_string();
    assert!(notes.contains("answers and usage records in the database without a line here: 200,000;"), "{notes}");
}
