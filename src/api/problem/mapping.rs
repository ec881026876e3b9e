//! The row of the error table for each failure of the lower layers.

use super::response::Problem;
use crate::{
    adapters::storage::{RegistrationConflict, StorageFailure},
    api::rate_limit,
    domain::{
        account::InvalidAccount,
        chat::InvalidImage,
        errors::{ErrorKind, accounts, bearers, requests, resources, turns},
        limits::{LimitReached, LimitScope, TooManyOfAddress},
        prompt::EmptyQuestion,
        session::InvalidSessionId,
        title::InvalidTitle,
    },
    services::{
        accounts::{AccountFailure, HashFailure},
        api_keys::RefusedApiKey,
        log_report::ReportFailure,
        sessions::SessionFailure,
        sites::{BadTicket, TicketRefusal},
        turn::{FeedbackFailure, InvalidIdempotencyKey, TurnFailure},
    },
};

impl From<EmptyQuestion> for Problem {
    fn from(_: EmptyQuestion) -> Self {
        Self::new(&resources::MESSAGE_REQUIRED)
    }
}

impl From<InvalidSessionId> for Problem {
    fn from(_: InvalidSessionId) -> Self {
        Self::new(&resources::INVALID_SESSION_ID)
    }
}

impl From<InvalidIdempotencyKey> for Problem {
    fn from(_: InvalidIdempotencyKey) -> Self {
        Self::new(&resources::INVALID_IDEMPOTENCY_KEY)
    }
}

impl From<InvalidTitle> for Problem {
    fn from(_: InvalidTitle) -> Self {
        Self::new(&resources::INVALID_TITLE)
    }
}

impl From<InvalidAccount> for Problem {
    fn from(invalid: InvalidAccount) -> Self {
        Self::new(invalid.kind())
    }
}

impl From<InvalidImage> for Problem {
    fn from(invalid: InvalidImage) -> Self {
        Self::new(&invalid.kind().error).with_sentence(invalid.to_string())
    }
}

impl From<AccountFailure> for Problem {
    fn from(failure: AccountFailure) -> Self {
        let problem = match &failure {
            AccountFailure::Taken(RegistrationConflict::Username) => Self::new(&accounts::USERNAME_TAKEN),
            AccountFailure::Taken(RegistrationConflict::Email) => Self::new(&accounts::EMAIL_TAKEN),
            AccountFailure::WrongLogin => Self::of_auth(&accounts::WRONG_LOGIN),
            AccountFailure::WrongPassword => Self::of_auth(&accounts::WRONG_PASSWORD),
            AccountFailure::InvalidToken => Self::of_auth(&accounts::TOKEN_INVALID),
            AccountFailure::ExpiredToken => Self::of_auth(&accounts::TOKEN_EXPIRED),
            AccountFailure::EndedToken => Self::of_auth(&accounts::TOKEN_ENDED),
            AccountFailure::TooManyAttempts { retry_after } => {
                Self::with_stated_wait(&accounts::TOO_MANY_ATTEMPTS, Some(*retry_after))
            }
            AccountFailure::TooManyRegistrations { retry_after } => {
                Self::with_stated_wait(&accounts::TOO_MANY_REGISTRATIONS, Some(*retry_after))
            }
            AccountFailure::Hash(HashFailure::Busy) => Self::new(&accounts::TOO_MANY_LOGINS),
            AccountFailure::Hash(HashFailure::Broken) | AccountFailure::Token(_) => Self::internal(),
            AccountFailure::Storage(_) => storage_unavailable(),
        };
        problem.with_cause(failure)
    }
}

impl From<RefusedApiKey> for Problem {
    fn from(refused: RefusedApiKey) -> Self {
        Self::of_auth(match refused {
            RefusedApiKey::Unknown => &bearers::API_KEY_UNKNOWN,
            RefusedApiKey::Revoked => &bearers::API_KEY_REVOKED,
        })
    }
}

impl From<ReportFailure> for Problem {
    fn from(failure: ReportFailure) -> Self {
        let problem = match &failure {
            ReportFailure::Unreadable(_) => Self::new(&resources::SESSION_LOG_UNREADABLE),
            ReportFailure::Stopping => Self::new(&turns::STOPPING.error),
        };
        problem.with_cause(failure)
    }
}

impl From<BadTicket> for Problem {
    fn from(bad: BadTicket) -> Self {
        Self::of_auth(match bad {
            BadTicket::Invalid => &bearers::TICKET_INVALID,
            BadTicket::Expired => &bearers::TICKET_EXPIRED,
        })
    }
}

impl From<TicketRefusal> for Problem {
    fn from(refusal: TicketRefusal) -> Self {
        let problem = match &refusal {
            TicketRefusal::NoSite => Self::new(&bearers::SITE_NOT_FOUND),
            TicketRefusal::OriginNotListed => Self::new(&bearers::ORIGIN_NOT_LISTED),
            TicketRefusal::TooMany { retry_after } => {
                Self::with_stated_wait(&bearers::TOO_MANY_TICKETS, Some(*retry_after))
            }
            TicketRefusal::Encoding(_) => Self::internal(),
        };
        problem.with_cause(refusal)
    }
}

impl From<StorageFailure> for Problem {
    fn from(failure: StorageFailure) -> Self {
        storage_unavailable().with_cause(failure)
    }
}

impl From<SessionFailure> for Problem {
    fn from(failure: SessionFailure) -> Self {
        let problem = match &failure {
            SessionFailure::TooMany(refused) => of_address(refused),
            SessionFailure::NoHandover => Self::new(&resources::HANDOVER_NOT_AVAILABLE),
            SessionFailure::EventQueueFull => Self::new(&requests::EVENT_QUEUE_FULL),
            SessionFailure::Log(_) => Self::new(&turns::SESSION_LOG_UNAVAILABLE.error),
            SessionFailure::Storage(_) => storage_unavailable(),
        };
        problem.with_cause(failure)
    }
}

impl From<FeedbackFailure> for Problem {
    fn from(failure: FeedbackFailure) -> Self {
        let problem = match &failure {
            FeedbackFailure::TooMany(refused) => of_address(refused),
            FeedbackFailure::TooManyChanges => Self::new(&requests::FEEDBACK_CHANGES_USED_UP),
            FeedbackFailure::NoTurn => Self::new(&resources::TURN_NOT_FOUND),
            FeedbackFailure::Log(_) => Self::new(&turns::SESSION_LOG_UNAVAILABLE.error),
            FeedbackFailure::Storage(_) => storage_unavailable(),
        };
        problem.with_cause(failure)
    }
}

impl From<TurnFailure> for Problem {
    fn from(failure: TurnFailure) -> Self {
        let problem = match &failure {
            TurnFailure::Image(invalid) => (*invalid).into(),
            TurnFailure::LimitReached(reached) => of_limit(&failure.kind().error, reached),
            TurnFailure::InputTooLarge { limit } => {
                let sentence = format!("{}. It may have {}", failure.kind().error.sentence, size(*limit));
                Self::new(&failure.kind().error).with_sentence(sentence).with_detail("limit_bytes", (*limit).into())
            }
            TurnFailure::RejectedByGuard { message: Some(message) }
            | TurnFailure::AnswerRejectedByGuard { message: Some(message) } => {
                Self::new(&failure.kind().error).with_sentence(message.clone())
            }
            TurnFailure::StorageFull { max_bytes } => {
                Self::new(&failure.kind().error).with_detail("max_bytes", (*max_bytes).into())
            }
            failure => Self::with_stated_wait(&failure.kind().error, failure.retry_after()),
        };
        let is_transient = failure.kind().is_transient;
        Self { is_transient, ..problem.with_cause(failure) }
    }
}

fn of_limit(kind: &'static ErrorKind, reached: &LimitReached) -> Problem {
    let LimitReached { scope, limit, wait, .. } = reached;
    let problem = Problem::with_stated_wait(kind, Some(*wait))
        .with_detail("limit", scope.as_str().into())
        .with_detail("unit", limit.unit.as_str().into())
        .with_detail("window", limit.window.as_str().into())
        .with_detail("retry_after_seconds", rate_limit::seconds(*wait).into());
    Problem { limit: Some(Box::new(reached.standing())), ..problem }
}

/// Returns the problem of an address that has started too many sessions, or asked for a person or rated answers too often.
fn of_address(TooManyOfAddress { scope, limit, wait }: &TooManyOfAddress) -> Problem {
    let kind = match scope {
        LimitScope::Handovers => &requests::HANDOVER_LIMIT_REACHED,
        LimitScope::Feedback => &requests::FEEDBACK_LIMIT_REACHED,
        _ => &requests::SESSION_LIMIT_REACHED,
    };
    Problem::with_stated_wait(kind, Some(*wait))
        .with_detail("limit", "address".into())
        .with_detail("unit", scope.as_str().into())
        .with_detail("window", limit.window.as_str().into())
        .with_detail("retry_after_seconds", rate_limit::seconds(*wait).into())
}

/// Returns a number of bytes for people.
fn size(bytes: usize) -> String {
    const KIB: usize = 1 << 10;
    if bytes >= KIB { format!("{} KiB at most", bytes / KIB) } else { format!("{bytes} bytes at most") }
}

fn storage_unavailable() -> Problem {
    Problem::new(&turns::STORAGE_UNAVAILABLE.error)
}
