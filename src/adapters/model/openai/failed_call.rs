//! Calls that failed, and whether another form of the request can succeed.

use super::{learned::LearnedModel, parameters::Parameters, provider_error::ProviderError};
use crate::adapters::model::{ModelError, ModelFailure, Reason};

/// A failed call, with the properties of the model for a request that may succeed.
pub(super) struct FailedCall {
    pub(super) error: ModelError,
    /// The properties to ask with again; `None` if no other form of the request would help.
    pub(super) retry_with: Option<LearnedModel>,
}

impl FailedCall {
    /// Creates the failure of a request with these parameters, sent to a model with these properties.
    pub(super) fn new(error: &ProviderError, failure: ModelFailure, sent: Parameters, model: LearnedModel) -> Self {
        // An error of a server says nothing about parameters, but prompt templates fail with statuses of all kinds.
        let may_depend_on_form = match failure {
            ModelFailure::RequestRefused(_) => true,
            ModelFailure::Failed { .. } => error.template_problem().is_some(),
            _ => false,
        };
        let restrictions = model.restrictions.after_refusal(error, sent).filter(|_| may_depend_on_form);
        let retry_with = restrictions.map(|restrictions| LearnedModel { restrictions, ..model });
        Self { error: ModelError::new(failure, Reason::new(error.text())), retry_with }
    }
}

impl From<ModelError> for FailedCall {
    fn from(error: ModelError) -> Self {
        Self { error, retry_with: None }
    }
}
