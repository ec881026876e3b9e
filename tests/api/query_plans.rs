//! The database never looks through a table that grows: every statement of `src/adapters/storage` finds its rows by an index, and
//! lists come from it in order. This asks the databases themselves for their plans, not the service.

use std::{fs, path::Path};

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, Row, SqliteConnection};

/// Tables that stay small: a few rows, or none once they have been worked off.
const SMALL: [&str; 6] = ["replicas", "duties", "secrets", "usage_totals", "papita_outbox", "papita_contacts"];

/// What is sorted after all: the turns of one session, the models, a page of what was found.
const SORTED: [&str; 3] = ["FROM session_turns", "FROM usage_totals", "FROM last"];

/// Indexes of only those rows that wait for something: to read them all is what they are for.
const OF_FEW: [&str; 2] = ["messages_pending", "sessions_unlogged"];

/// What only one of the databases understands.
const OF_SQLITE: [&str; 2] = ["MATCH", "rowid"];
const OF_POSTGRES: [&str; 2] = ["TSQUERY", "tsvector"];

/// What is read once at the start, from tables that the databases or sqlx keep for themselves.
const OF_THE_START: [&str; 3] = ["sqlite_schema", "pg_catalog", "_sqlx_migrations"];

/// The statements of a file that look for rows: texts that begin like one, hold no quotation mark, and are whole.
fn statements(code: &str) -> impl Iterator<Item = &str> {
    let verbs = ["\"SELECT", "\"UPDATE", "\"DELETE", "\"WITH"];
    let starts = verbs.into_iter().flat_map(|verb| code.match_indices(verb));
    let texts = starts.filter_map(|(start, _)| code[start + 1..].split('"').next());
    texts.filter(|text| !text.contains('{') && !holds(text, &OF_THE_START))
}

fn all_statements() -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir("src/adapters/storage").expect("src/adapters/storage can be read") {
        let code = fs::read_to_string(entry.expect("its files").path()).expect("a file of code");
        found.extend(statements(&code).map(str::to_owned));
    }
    assert!(found.len() > 40, "the statements of src/adapters/storage, not {} of them", found.len());
    found
}

fn holds(text: &str, any: &[&str]) -> bool {
    any.iter().any(|part| text.contains(part))
}

/// Whether a table, or an index called after one, is that of a small one.
fn is_small(table: &str) -> bool {
    SMALL.iter().any(|small| table.starts_with(small))
}

/// The files that make the tables, in order.
fn migrations(folder: &str) -> Vec<String> {
    let entries = fs::read_dir(Path::new("migrations").join(folder)).expect("migrations can be read");
    let mut paths = entries.map(|entry| entry.expect("migrations can be read").path()).collect::<Vec<_>>();
    paths.sort();
    paths.iter().map(|path| fs::read_to_string(path).expect("a migration")).collect()
}

/// Whether a step of a plan is one that it should not have.
fn is_fault_of_sqlite(statement: &str, step: &str) -> bool {
    let Some(table) = step.strip_prefix("SCAN ") else {
        return step.contains("TEMP B-TREE") && !holds(statement, &SORTED);
    };
    // The index of words is asked a question (`M`), not looked through.
    let is_index = table.contains("VIRTUAL TABLE") && table.contains(":M") || holds(table, &OF_FEW);
    !is_index && !is_small(table) && table != "CONSTANT ROW"
}

#[tokio::test]
async fn sqlite_finds_all_rows_by_an_index() {
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

/// Whether a node of a plan is one that it should not have.
fn is_fault_of_postgres(statement: &str, node: &str) -> bool {
    let head = node.lines().next().unwrap_or_default();
    if head.contains("Sort") {
        return !holds(statement, &SORTED);
    }
    let table = head.split_once(" on ").map_or("", |(_, table)| table);
    let is_of_table = head.contains("Scan") && !holds(head, &["Bitmap Heap Scan", "CTE Scan", "Subquery Scan"]);
    is_of_table && !is_small(table) && !node.contains("Index Cond") && !holds(head, &OF_FEW)
}

/// The planner is told to do without reading whole tables, and without sorting, where it can, so that it doesn't matter
/// how much there is in them: what it does all the same has no index.
#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn postgres_finds_all_rows_by_an_index() {
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
