//! What a turn leaves behind in the database, many turns in one transaction.

use std::{collections::BTreeMap, sync::LazyLock, time::Duration};

use jiff::Timestamp;

use super::{
    Storage, StorageFailure, count,
    database::{On, Pool, Work, sql},
    ledger::Entry,
    number,
};
use crate::domain::{
    cost::{Cost, TokenUsage},
    log_position::LogPosition,
    session::SessionId,
};

/// One turn that has ended.
#[derive(Clone, Debug)]
pub struct TurnRecord {
    /// When it ended.
    pub ended_at: Timestamp,
    /// The request it answered.
    pub request_id: String,
    /// Its session, if the client named one.
    pub session_id: Option<SessionId>,
    /// The model that was asked.
    pub model: String,
    /// Whether it ended without an answer.
    pub failed: bool,
    /// The tokens it took.
    pub usage: TokenUsage,
    /// What they cost, as far as known.
    pub cost: Cost,
    /// How long it took.
    pub latency: Duration,
    /// The usage record for Papita, as JSON, if one is to be posted.
    pub usage_record: Option<String>,
}

#[derive(Default)]
struct Sum {
    requests: u64,
    usage: TokenUsage,
    cost: Cost,
    last_used_at: i64,
}

/// Where turns are written down.
#[derive(Clone, Debug)]
pub(super) struct Books {
    pub(super) write: Pool,
    /// The id of the session log in which the turns stand.
    pub(super) log: String,
}

impl Books {
    /// Keeps turns, and the places in the log up to which they are all known: all of it, or on failure nothing. When
    /// it has failed before, a server may have kept them all the same, and died before it could say so.
    pub(super) async fn keep(&self, entries: &[Entry], may_be_kept: bool) -> Result<(), StorageFailure> {
        let mut work = self.write.begin().await?;
        let known = if may_be_kept { places(&mut work, &self.log).await? } else { Vec::new() };
        let is_new = |place: &LogPosition| !known.iter().any(|it| it.date == place.date && it.end >= place.end);
        let entries = entries.iter().filter(|(_, place)| place.as_ref().is_none_or(is_new));
        let mut turns = Vec::new();
        let mut places = BTreeMap::new();
        for (turn, place) in entries {
            turns.push(turn);
            places.extend(place.map(|place| (place.date, place.end)));
        }
        add_totals(&mut work, &turns).await?;
        add_to_sessions(&mut work, &turns).await?;
        enqueue_postings(&mut work, &turns).await?;
        for (date, end) in places {
            note_place(&mut work, &self.log, LogPosition { date, end }).await?;
        }
        work.commit().await
    }
}

impl Storage {
    /// Keeps a turn, soon, and with it the place in the session log where it stands, if it does. Turns come in the
    /// order of their lines.
    pub fn enqueue_turn(&self, record: TurnRecord, place: Option<LogPosition>) {
        self.outbox.expect(usize::from(record.usage_record.is_some()));
        self.ledger.keep(record, place);
    }

    /// Keeps turns now: those that a crash left in the log alone.
    pub async fn store_turns(&self, turns: &[(TurnRecord, Option<LogPosition>)]) -> Result<(), StorageFailure> {
        for batch in turns.chunks(1000) {
            self.books.keep(batch, false).await?;
            self.outbox.expect(batch.iter().filter(|(turn, _)| turn.usage_record.is_some()).count());
            self.outbox.announce();
        }
        Ok(())
    }

    /// Up to where the turns of the session log are known, by day; the latest days only.
    pub async fn log_positions(&self) -> Result<Vec<LogPosition>, StorageFailure> {
        places(&self.read, &self.books.log).await
    }

    /// Notes that all turns up to this place are known.
    pub async fn set_log_position(&self, place: LogPosition) -> Result<(), StorageFailure> {
        note_place(&self.write, &self.books.log, place).await
    }
}

pub(super) async fn places(on: impl Into<On<'_>>, log: &str) -> Result<Vec<LogPosition>, StorageFailure> {
    let places = sql("SELECT day, size FROM log_places WHERE log = $1 ORDER BY day DESC LIMIT 7").bind(log);
    let rows = places.fetch_all(on).await?;
    let place = |(day, size): (String, i64)| Some(LogPosition { date: day.parse().ok()?, end: count(size) });
    Ok(rows.into_iter().filter_map(place).collect())
}

async fn note_place(on: impl Into<On<'_>>, log: &str, place: LogPosition) -> Result<(), StorageFailure> {
    sql("INSERT INTO log_places (log, day, size) VALUES ($1, $2, $3)
         ON CONFLICT (log, day) DO UPDATE SET size = excluded.size")
    .bind(log)
    .bind(place.date.to_string())
    .bind(number(place.end))
    .execute(on)
    .await?;
    Ok(())
}

/// A turn that was cut off is no answered request, but what it took was spent.
async fn add_totals(work: &mut Work, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    // In the same order everywhere: replicas that took rows crosswise would wait for each other.
    let mut sums = BTreeMap::<&str, Sum>::new();
    for turn in turns.iter().filter(|turn| !turn.failed || turn.usage.total() > 0) {
        let sum = sums.entry(&turn.model).or_default();
        sum.requests += u64::from(!turn.failed);
        sum.usage += turn.usage;
        sum.cost += turn.cost;
        sum.last_used_at = sum.last_used_at.max(turn.ended_at.as_microsecond());
    }
    for (model, sum) in sums {
        sql("INSERT INTO usage_totals (model, requests, prompt_tokens, completion_tokens, prompt_cost_pico,
                                       completion_cost_pico, last_used_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7)
             ON CONFLICT (model) DO UPDATE SET
                 requests = usage_totals.requests + excluded.requests,
                 prompt_tokens = usage_totals.prompt_tokens + excluded.prompt_tokens,
                 completion_tokens = usage_totals.completion_tokens + excluded.completion_tokens,
                 prompt_cost_pico = usage_totals.prompt_cost_pico + excluded.prompt_cost_pico,
                 completion_cost_pico = usage_totals.completion_cost_pico + excluded.completion_cost_pico,
                 last_used_at = excluded.last_used_at")
        .bind(model)
        .bind(number(sum.requests))
        .bind(number(sum.usage.prompt))
        .bind(number(sum.usage.completion))
        .bind(number(sum.cost.prompt))
        .bind(number(sum.cost.completion))
        .bind(sum.last_used_at)
        .execute(&mut *work)
        .await?;
    }
    Ok(())
}

/// Rows of one statement. Each statement is a trip to the database's thread, and costs more than a row.
const ROWS: usize = 16;

/// An insertion of one row or of `ROWS`; rows left empty are passed over. Two texts, so that both stay prepared.
struct Insertion {
    one: String,
    many: String,
}

impl Insertion {
    /// `casts` are the types of the columns of `v`, from which `insertion` takes its rows. (PostgreSQL would take
    /// parameters in a list of values for texts.)
    fn new(columns: &str, casts: &[&str], insertion: &str) -> Self {
        let row = |row: usize| {
            let place = |(column, cast): (usize, &&str)| format!("CAST(${} AS {cast})", row * casts.len() + column + 1);
            let places = casts.iter().enumerate().map(place).collect::<Vec<_>>();
            format!("({})", places.join(", "))
        };
        let text = |rows| {
            let values = (0..rows).map(row).collect::<Vec<_>>().join(", ");
            format!("WITH v ({columns}) AS (VALUES {values}) {insertion}")
        };
        Self { one: text(1), many: text(ROWS) }
    }

    /// The text for this many rows, and how many rows it takes.
    fn text(&'static self, rows: usize) -> (&'static str, usize) {
        if rows == 1 { (&self.one, 1) } else { (&self.many, ROWS) }
    }
}

/// Counts for open sessions that were started here; other ids leave no trace.
static ADD_TO_SESSIONS: LazyLock<Insertion> = LazyLock::new(|| {
    let columns = "session_id, ended_at, model, failed, prompt_tokens, completion_tokens, cost_pico, latency_us";
    Insertion::new(
        columns,
        &["TEXT", "BIGINT", "TEXT", "BIGINT", "BIGINT", "BIGINT", "BIGINT", "BIGINT"],
        &format!(
            "INSERT INTO session_turns ({columns})
             SELECT v.* FROM v JOIN sessions ON sessions.id = v.session_id AND sessions.stopped_at IS NULL"
        ),
    )
});

async fn add_to_sessions(work: &mut Work, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    let in_sessions = turns.iter().filter_map(|turn| Some((turn.session_id.as_ref()?, *turn))).collect::<Vec<_>>();
    for chunk in in_sessions.chunks(ROWS) {
        let (text, rows) = ADD_TO_SESSIONS.text(chunk.len());
        let mut query = sql(text);
        for row in 0..rows {
            let (session, turn) = chunk.get(row).copied().unzip();
            query = query
                .bind(session.map(SessionId::as_str))
                .bind(turn.map(|turn| turn.ended_at.as_microsecond()))
                .bind(turn.map(|turn| turn.model.as_str()))
                .bind(turn.map(|turn| i64::from(turn.failed)))
                .bind(turn.map(|turn| number(turn.usage.prompt)))
                .bind(turn.map(|turn| number(turn.usage.completion)))
                .bind(turn.map(|turn| number(turn.cost.total())))
                .bind(turn.map(|turn| i64::try_from(turn.latency.as_micros()).unwrap_or(i64::MAX)));
        }
        query.execute(&mut *work).await?;
    }
    Ok(())
}

static ENQUEUE: LazyLock<Insertion> = LazyLock::new(|| {
    Insertion::new(
        "request_id, body",
        &["TEXT", "TEXT"],
        "INSERT INTO papita_outbox (request_id, body) SELECT request_id, body FROM v WHERE request_id IS NOT NULL",
    )
});

async fn enqueue_postings(work: &mut Work, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    let postings = turns.iter().filter_map(|turn| Some((turn.request_id.as_str(), turn.usage_record.as_deref()?)));
    for chunk in postings.collect::<Vec<_>>().chunks(ROWS) {
        let (text, rows) = ENQUEUE.text(chunk.len());
        let mut query = sql(text);
        for row in 0..rows {
            let (request_id, body) = chunk.get(row).copied().unzip();
            query = query.bind(request_id).bind(body);
        }
        query.execute(&mut *work).await?;
    }
    Ok(())
}
