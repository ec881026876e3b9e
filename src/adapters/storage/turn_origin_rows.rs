//! The rows of answered turns. There is one for each, so it costs as little as a row can: it has one index, in whose order rows
//! come and go, and what only feedback reads is one text.

use std::{borrow::Cow, sync::LazyLock};

use serde::{Deserialize, Serialize};

use super::{
    bulk_insert::BulkInsert,
    column_values::{day_of, to_timestamp},
    database::Transaction,
    failure::StorageFailure,
    turn_origin::TurnOrigin,
    turn_record::TurnRecord,
};
use crate::domain::{account::OwnerId, session::SessionId, tenant::TicketVisitor};

/// The JSON of the column `origin`: the caller of a turn, its model, site, persona and keys, and the end of the time for feedback.
#[derive(Deserialize, Serialize)]
struct StoredOrigin<'a> {
    expires_at: i64,
    model: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    owner: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    visitor: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    persona: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    site: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    api_key: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_key: Option<Cow<'a, str>>,
}

static INSERT: LazyLock<BulkInsert> = LazyLock::new(|| {
    BulkInsert::new(
        "last_day, request_id, origin",
        &["BIGINT", "TEXT", "TEXT"],
        "INSERT INTO turn_origins (last_day, request_id, origin) SELECT v.* FROM v WHERE request_id IS NOT NULL
         ON CONFLICT (last_day, request_id) DO NOTHING",
    )
});

/// Inserts the turns that can be rated.
pub(super) async fn insert(transaction: &mut Transaction, turns: &[&TurnRecord]) -> Result<(), StorageFailure> {
    let answered = turns.iter().filter(|turn| !turn.failed());
    let rows = answered.filter_map(|turn| {
        let origin = turn.origin.as_ref()?;
        Some((day_of(origin.expires_at.as_microsecond()), turn.request_id.as_str(), json(turn, origin)?))
    });
    INSERT
        .execute(transaction, rows.collect::<Vec<_>>().into_iter(), |statement, row| match row {
            Some((day, request_id, origin)) => statement.bind(day).bind(request_id).bind(origin),
            None => statement.bind(None::<i64>).bind(None::<&str>).bind(None::<String>),
        })
        .await
}

/// Returns the text of the column `origin`.
fn json(turn: &TurnRecord, origin: &TurnOrigin) -> Option<String> {
    let TurnOrigin { chat_owner, visitor, persona, site, api_key, content_key, expires_at } = origin;
    let stored = StoredOrigin {
        expires_at: expires_at.as_microsecond(),
        model: turn.model.as_str().into(),
        session: turn.session_id.as_ref().map(|id| id.as_str().into()),
        owner: chat_owner.map(|owner| owner.0),
        visitor: visitor.map(|visitor| visitor.to_string().into()),
        persona: persona.as_deref().map(Into::into),
        site: site.as_deref().map(Into::into),
        api_key: api_key.as_deref().map(Into::into),
        content_key: content_key.as_deref().map(Into::into),
    };
    serde_json::to_string(&stored).ok()
}

/// Parses the text of the column `origin`: the session, the name of the model, and the rest.
pub(super) fn parse(json: &str) -> Option<(Option<SessionId>, String, TurnOrigin)> {
    let stored = serde_json::from_str::<StoredOrigin<'_>>(json).ok()?;
    // A visitor that cannot be read must not become nobody, whose turns are everybody's.
    let visitor = stored.visitor.map(|visitor| TicketVisitor::parse(&visitor).ok_or(())).transpose().ok()?;
    let session_id = stored.session.map(|id| SessionId::parse(&id)).transpose().ok()?;
    let origin = TurnOrigin {
        chat_owner: stored.owner.map(OwnerId),
        visitor,
        persona: stored.persona.map(Cow::into_owned),
        site: stored.site.map(Cow::into_owned),
        api_key: stored.api_key.map(Cow::into_owned),
        content_key: stored.content_key.map(Cow::into_owned),
        expires_at: to_timestamp(stored.expires_at),
    };
    Some((session_id, stored.model.into_owned(), origin))
}
