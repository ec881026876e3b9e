//! `GET /api/openai/test`: a turn that shows whether the model answers.

use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, types::Example};
use serde::Serialize;

use crate::{
    api::{
        AppState, Group,
        caller::{AskedFrom, FigureAccess},
        json::Json,
        problem::{Problem, failures},
        request_context::RequestContext,
        turn::Usage,
    },
    domain::limits::AskerId,
    services::turn::TurnFailure,
};

failures! { ModelTestFailure {
    401 "The request is not the operator's (`operator_only`).",
    429 "A limit of the address or all together is reached (`limit_reached`), or the money of a day is spent (`budget_spent`): the \
         model is not asked.",
} }

/// The result of a test of the model.
#[derive(Debug, Object, Serialize)]
#[oai(rename = "ModelTest", example, skip_serializing_if_is_none)]
struct TestResult {
    /// Whether the model answered.
    status: TestStatus,
    /// The result as a sentence.
    message: String,
    /// The model's answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    test_response: Option<String>,
    /// The model that was called.
    model: String,
    /// The tokens of the turn.
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

/// Whether the model answered: `success`, or `error`.
#[derive(Clone, Copy, Debug, Enum, Eq, PartialEq, Serialize)]
#[oai(rename = "ModelTestStatus", rename_all = "lowercase")]
#[serde(rename_all = "lowercase")]
enum TestStatus {
    Success,
    Error,
}

pub(in crate::api) struct ModelTestApi;

#[OpenApi(prefix_path = "/api/openai", tag = "Group::OpenAI")]
impl ModelTestApi {
    /// Ask the model for one word
    ///
    /// Checks whether the model answers, by a turn of a guest: it costs a few tokens, and is logged and counted.
    /// Concurrent requests share one turn. A limit of usage refuses it like any other turn. Where the server listens for others,
    /// it is for the operator only.
    #[oai(path = "/test", method = "get", operation_id = "testModel")]
    async fn test(
        &self,
        Data(state): Data<&AppState>,
        Data(context): Data<&RequestContext>,
        from: AskedFrom,
        figures: FigureAccess,
    ) -> Result<Json<TestResult>, ModelTestFailure> {
        figures.ensure()?;
        let asker = from.asker(AskerId::Address, context);
        Ok(Json(match state.turns.test(&context.id, context.arrived, asker).await {
            Ok((text, summary)) => TestResult {
                status: TestStatus::Success,
                message: "The model answers".to_owned(),
                usage: Some(Usage::new(summary.usage, &summary.model)),
                model: summary.model,
                test_response: Some(text),
            },
            Err(refused @ TurnFailure::LimitReached(_)) => return Err(refused.into()),
            Err(failure) => TestResult {
                status: TestStatus::Error,
                message: Problem::from(failure).error.into_owned(),
                test_response: None,
                model: state.config.model.default.clone(),
                usage: None,
            },
        }))
    }
}

impl Example for TestResult {
    fn example() -> Self {
        Self {
            status: TestStatus::Success,
            message: "The model answers".to_owned(),
            test_response: Some("OK".to_owned()),
            model: "gpt-4o-mini".to_owned(),
            usage: Some(Usage::example()),
        }
    }
}
