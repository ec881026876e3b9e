//! Query plans: every statement of `src/adapters/storage` that the service executes finds rows of growing tables by an
//! index, and reads lists in the index's order. The databases themselves explain their plans.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};

/// Tables that stay small: their rows are few, or are deleted when they have been processed.
const SMALL: [&str; 13] = [
    "api_keys",
    "paused_sites",
    "replicas",
    "duties",
    "secrets",
    "usage_totals",
    "papita_outbox",
    "papita_drops",
    "papita_contacts",
    "event_outbox",
    "event_drops",
    "log_instances",
    "retention_clock",
];

/// Statements that may sort: over the turns of one session, the models, one page of search results, the API keys, or what is read
/// at the start.
const SORTED: [&str; 5] =
    ["FROM session_turns", "FROM usage_totals", "FROM last", "FROM api_keys", "FROM limit_counts"];

/// Partial indexes over the rows that wait for processing; a scan of the whole index is intended.
const OF_FEW: [&str; 3] = ["messages_pending", "sessions_unlogged", "content_key_slots_free"];

/// Syntax that only one of the databases supports.
const OF_SQLITE: [&str; 2] = ["MATCH", "rowid"];
const OF_POSTGRES: [&str; 4] = ["TSQUERY", "tsvector", "clock_timestamp", "message_words WHERE message_id"];

/// System tables and tables of sqlx, which are read once at start.
const OF_THE_START: [&str; 3] = ["sqlite_schema", "pg_catalog", "_sqlx_migrations"];

/// The files whose statements read whole tables: once, for a command that compares them with the session log.
const OF_A_COMMAND: [&str; 2] = ["log_snapshot.rs", "other_logs.rs"];

/// Returns the statements in a source file that search for rows: string literals that start with such a verb and
/// contain no placeholder.
fn statements(code: &str) -> impl Iterator<Item = &str> {
    let verbs = ["\"SELECT", "\"UPDATE", "\"DELETE", "\"WITH"];
    let starts = verbs.into_iter().flat_map(|verb| code.match_indices(verb));
    let texts = starts.filter_map(|(start, _)| code[start + 1..].split('"').next());
    texts.filter(|text| !text.contains('{') && !holds(text, &OF_THE_START))
}

fn all_statements() -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("src/adapters/storage").expect("src/adapters/storage can be read") {
        let path = entry.expect("files").path();
        if OF_A_COMMAND.iter().any(|file| path.ends_with(file)) {
            continue;
        }
        let code = fs::read_to_string(path).expect("a file of code");
        found.extend(statements(&code).map(str::to_owned));
    }
    assert!(found.len() > 40, "the statements of src/adapters/storage, not {} of them", found.len());
    found
}

fn holds(text: &str, any: &[&str]) -> bool {
    any.iter().any(|part| text.contains(part))
}

/// Returns whether a table, or an index named after it, is small.
fn is_small(table: &str) -> bool {
    SMALL.iter().any(|small| table.starts_with(small))
}

/// Returns the migration files in order.
fn migrations(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new("migrations").join(folder)).expect("migrations can be read");
    let mut paths = entries.map(|entry| entry.expect("migrations can be read").path()).collect::<Vec<_>>();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).expect("a migration")).collect()
}

/// Returns whether a step of SQLite's plan is a full scan or a sort.
fn is_fault_of_sqlite(statement: &str, step: &str) -> bool {
    let Some(table) = step.strip_prefix("SCAN ") else {
        return step.contains("TEMP B-TREE") && !holds(statement, &SORTED);
    };
    // A query (`M`) of the full-text index is not a scan, nor is a look-up of one row (`=`).
    let is_index = table.contains("VIRTUAL TABLE") && holds(table, &[":M", ":="]) || holds(table, &OF_FEW);
    !is_index && !is_small(table) && table != "CONSTANT ROW"
}

#[tokio::test]
async fn sqlite_uses_an_index_for_every_query() {
    let mut database = SqliteConnection::connect("sqlite::memory:").await.expect("a database");
    for migration in migrations("sqlite") {
        database.execute(AssertSqlSafe(migration)).await.expect("tables");
    }
    let mut faults = Vec::new();
    for statement in all_statements().iter().filter(|text| !holds(text, &OF_POSTGRES)) {
        let explained = database.fetch_all(AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"))).await;
        let steps = explained.unwrap_or_else(|error| panic!("{error}: {statement}"));
        let plan = steps.iter().map(|row| row.get::<String, _>("detail")).collect::<Vec<_>>();
        if plan.iter().any(|step| is_fault_of_sqlite(statement, step)) {
            faults.push(format!("{statement}\n{plan:#?}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}

/// Returns whether a node of PostgreSQL's plan is a full scan or a sort.
fn is_fault_of_postgres(statement: &str, node: &str) -> bool {
    let head = node.lines().next().unwrap_or_default();
    if head.contains("Sort") {
        return !holds(statement, &SORTED);
    }
    let table = head.split_once(" on ").map_or("", |(_, table)| table);
    let is_of_table = head.contains("Scan") && !holds(head, &["Bitmap Heap Scan", "CTE Scan", "Subquery Scan"]);
    is_of_table && !is_small(table) && !node.contains("Index Cond") && !holds(head, &OF_FEW)
}

/// Sequential scans and sorts are disabled where the planner has a choice, so that the plan does not depend on the size
/// of the tables: a statement that still scans or sorts has no index.
#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn postgres_uses_an_index_for_every_query() {
    let address = crate::postgres::cluster::shared().database();
    let mut database = PgConnection::connect(address.as_str()).await.expect("a database");
    let settings = "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off;
                    SET enable_mergejoin = off";
    sqlx::raw_sql(settings).execute(&mut database).await.expect("settings");
    for migration in migrations("postgres") {
        sqlx::raw_sql(AssertSqlSafe(migration)).execute(&mut database).await.expect("tables");
    }
    let mut faults = Vec::new();
    for statement in all_statements().iter().filter(|text| !holds(text, &OF_SQLITE)) {
        let values = (1..).take_while(|number| statement.contains(&format!("${number}"))).map(|_| "NULL");
        let values = values.collect::<Vec<_>>().join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let sorting = if holds(statement, &SORTED) { "on" } else { "off" };
        let text = format!(
            "SET enable_sort = {sorting}; DEALLOCATE ALL; PREPARE it AS {statement}; EXPLAIN EXECUTE it{values}"
        );
        let explained = sqlx::raw_sql(AssertSqlSafe(text)).fetch_all(&mut database).await;
        let lines = explained.unwrap_or_else(|error| panic!("{error}: {statement}"));
        let plan = lines.iter().map(|row| row.get::<String, _>(0)).collect::<Vec<_>>().join("\n");
        if plan.split("->").any(|node| is_fault_of_postgres(statement, node)) {
            faults.push(format!("{statement}\n{plan}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
