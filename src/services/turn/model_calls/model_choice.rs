//! The choice of the model that answers a turn.

use crate::{
    domain::{persona::Persona, tenant::Tenant},
    foundation::config,
    services::turn::failure::TurnFailure,
};

/// Returns the model to call: the one that the client names, or else the persona's, the default one, or the first one of the
/// tenant that clients may choose. Fails if the client may not use the model, or the tenant has none of these models.
pub(super) fn chosen_model<'a>(
    settings: &'a config::Model,
    named: Option<&'a str>,
    persona: Option<&'a Persona>,
    tenant: Option<&'a Tenant>,
) -> Result<&'a str, TurnFailure> {
    let of_persona = persona.and_then(|persona| persona.model.as_deref());
    let may_use = |model: &str| {
        let is_allowed = settings.may_be_chosen(model) || Some(model) == of_persona;
        is_allowed && tenant.is_none_or(|tenant| tenant.may_use(model))
    };
    let preferred = of_persona.into_iter().chain([settings.default.as_str()]);
    let mut preferred = preferred.chain(tenant.and_then(Tenant::models).into_iter().flatten().map(String::as_str));
    let chosen = match named {
        Some(model) => Some(model).filter(|model| may_use(model)),
        None => preferred.find(|model| may_use(model)),
    };
    chosen.ok_or(TurnFailure::ModelNotAllowed)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{
        domain::tenant::{ApiKeyTerms, TenantName},
        foundation::config::{Config, Source},
    };

    fn chosen(named: Option<&str>, of_persona: Option<&str>, of_tenant: Option<&[&str]>) -> Option<String> {
        let source = Source::of_pairs([("OPENAI_MODEL", "small"), ("ALLOWED_MODELS", "large, huge")]);
        let settings = Config::read(&source).unwrap().model;
        let persona = Persona { model: of_persona.map(str::to_owned), ..Persona::default() };
        let models = of_tenant.map(|models| models.iter().map(|model| (*model).to_owned()).collect());
        let terms = ApiKeyTerms { name: TenantName::parse("key").unwrap(), limits: None, models };
        let tenant = Tenant::Key(Arc::new(terms));
        chosen_model(&settings, named, Some(&persona), Some(&tenant)).ok().map(str::to_owned)
    }

    #[test]
    fn a_tenant_narrows_the_models_that_clients_may_choose() {
        for (named, of_persona, of_tenant, expected) in [
            (None, None, None, Some("small")),
            (Some("huge"), None, None, Some("huge")),
            (Some("other"), None, None, None),
            (None, Some("own"), None, Some("own")),
            (Some("own"), Some("own"), None, Some("own")),
            (None, None, Some(&["large", "small"][..]), Some("small")),
            (None, None, Some(&["huge", "large"][..]), Some("huge")),
            (Some("small"), None, Some(&["huge"][..]), None),
            (Some("huge"), None, Some(&["huge"][..]), Some("huge")),
            // A model that the settings don't allow is not added.
            (None, None, Some(&["other", "large"][..]), Some("large")),
            (Some("other"), None, Some(&["other"][..]), None),
            (None, None, Some(&["other"][..]), None),
            (None, Some("own"), Some(&["large"][..]), Some("large")),
            (Some("own"), Some("own"), Some(&["large"][..]), None),
            (None, Some("own"), Some(&["large", "own"][..]), Some("own")),
        ] {
            let found = chosen(named, of_persona, of_tenant);
            assert_eq!(found.as_deref(), expected, "{named:?} {of_persona:?} {of_tenant:?}");
        }
    }
}
