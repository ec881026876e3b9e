//! Check of the keys, and of all models that may answer.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::{
    super::{
        columns,
        output::{print, print_error},
    },
    model::{Answered, Found, ModelCheck},
    server::Server,
};
use crate::{
    adapters::{
        credentials::{Access, Credential, CredentialSource},
        storage::{FINGERPRINT_SECRET, Storage},
    },
    foundation::{
        config::{AiService, Config, KeySource, PerProvider, Provider, ProviderIndex},
        http_client::{self, Client},
        secret::{FingerprintKey, SigningSecret},
        tasks::Tasks,
    },
    services::turn::ProviderAccess,
};

/// The columns of the table of models.
const COLUMNS: [&str; 8] = [
    "model",
    "provider",
    "key",
    "whole answer",
    "streamed answer",
    "token counts",
    "seconds, whole",
    "seconds, first word",
];

/// The number of these columns that are aligned to the left.
const LEFT_COLUMNS: usize = 6;

/// Asks all models that may answer and for which there is a key, those of one provider one after the other, and prints what was
/// found. Succeeds if each of them answers, or the built-in responder does. `of_personas` are the models that personas name.
pub(super) async fn check_answers(config: &Config, of_personas: &BTreeSet<String>, has_database: bool) -> bool {
    let first = config.providers.first();
    let tasks = Tasks::default();
    let access = http_client::build(first.connect_timeout, &config.proxy, first.roots.as_ref())
        .and_then(|client| ProviderAccess::of_all(config, &client, false, &tasks));
    let access = match access {
        Ok(access) => access,
        Err(failure) => {
            print_error(&failure);
            return false;
        }
    };
    let by = fingerprint_key(config, has_database).await;
    let models = config.model.names_with(of_personas);
    let of_default = config.model.provider_of(&config.model.default);
    let others = config.used_providers(of_personas).into_iter().filter(|index| *index != of_default);
    let mut works = true;
    let mut checked = Vec::new();
    for index in [of_default].into_iter().chain(others) {
        let provider = config.providers.get(index);
        let found = access.get(index).credentials.access().await;
        print(&format!("{}: {}.\n", subject(config, provider), about_key(config, provider, &found, by.as_ref())));
        match found {
            Access::Key(credential) => checked.push((index, Ok(Some(credential)))),
            Access::NoKeyNeeded => checked.push((index, Ok(None))),
            Access::BuiltIn => {
                print("Model: demo mode, the built-in responder answers.\n");
                if config.model.service == AiService::Basic {
                    return true;
                }
            }
            Access::Missing(none) => {
                works = false;
                checked.push((index, Err(none)));
            }
        }
    }
    let checks = checked.iter().map(async |(index, credential)| {
        let names = models.iter().copied().filter(|model| config.model.provider_of(model) == *index);
        match credential {
            Ok(credential) => check_models(config, *index, credential.as_ref(), &access, names.collect()).await,
            Err(none) => names.map(|model| Found::without_key(model, *none)).collect(),
        }
    });
    let found = join_all(checks).await;
    for line in found.iter().flatten().flat_map(|found| &found.lines) {
        print(&format!("{line}\n"));
    }
    let rows = checked.iter().zip(&found).flat_map(|((index, credential), found)| {
        let provider = &config.providers.get(*index).name;
        let key = match credential {
            Ok(Some(Credential { key, .. })) => by.as_ref().map_or_else(|| "set".to_owned(), |by| key.fingerprint(by)),
            Ok(None) => "none".to_owned(),
            Err(_) => "missing".to_owned(),
        };
        found.iter().map(|found| row(found, provider, &key)).collect::<Vec<_>>()
    });
    let header = COLUMNS.map(str::to_owned).to_vec();
    let rows = [header].into_iter().chain(rows).collect::<Vec<_>>();
    if rows.len() > 1 {
        let lines = columns::lines(&rows, LEFT_COLUMNS).map(|line| line + "\n").collect::<String>();
        print(&format!("\n{lines}"));
    }
    works && found.iter().flatten().all(Found::works)
}

/// Asks models of one provider, the default model first.
async fn check_models(
    config: &Config,
    index: ProviderIndex,
    credential: Option<&Credential>,
    access: &PerProvider<ProviderAccess>,
    mut models: Vec<&str>,
) -> Vec<Found> {
    let provider = config.providers.get(index);
    let header_secrets = provider.headers.secrets();
    let key = credential.map(|credential| &credential.key);
    let client: &Client = &access.get(index).client;
    let check = ModelCheck::new(config, Server { provider, client, key, header_secrets: &header_secrets });
    models.sort_by_key(|model| *model != config.model.default);
    let mut found = Vec::new();
    for model in models {
        found.push(check.check(model).await);
    }
    found
}

/// Returns what a line about the key of a provider begins with.
fn subject(config: &Config, provider: &Provider) -> String {
    if config.providers.are_several() { format!("Key of {}", provider.name) } else { "Key".to_owned() }
}

/// Returns where the key of a provider is from, with its fingerprint, or why there is none.
fn about_key(config: &Config, provider: &Provider, access: &Access, by: Option<&FingerprintKey>) -> String {
    match access {
        Access::Key(Credential { key, origin, .. }) => {
            let from = match (&provider.key, origin.source) {
                (_, CredentialSource::PapitaApi) => format!("Papita at {}", config.credentials.papita_url),
                (KeySource::Variable { name, .. }, _) => name.clone(),
                (KeySource::File { path, .. }, _) => format!("the file {}", path.display()),
                _ => "OPENAI_API_KEY, for Papita gave none".to_owned(),
            };
            let fingerprint = by.map_or_else(
                || "its fingerprint can be compared once the service has made its database".to_owned(),
                |by| format!("its fingerprint is {}", key.fingerprint(by)),
            );
            format!("from {from}; {fingerprint}")
        }
        Access::NoKeyNeeded if matches!(provider.key, KeySource::Settings) => {
            "none, and none needed by this OPENAI_BASE_URL".to_owned()
        }
        Access::NoKeyNeeded => "none, as the file has none".to_owned(),
        Access::BuiltIn => {
            "none is used (AI_SERVICE=basic), or none is configured (OPENAI_API_KEY, PAPITA_API_URL)".to_owned()
        }
        Access::Missing(none) => format!("none; {none}"),
    }
}

/// Returns the key of the fingerprints that `/api/openai/info` shows, too; `None` if there is no database yet that has it.
async fn fingerprint_key(config: &Config, has_database: bool) -> Option<FingerprintKey> {
    let secret = if has_database { Storage::read_secret(&config.database, FINGERPRINT_SECRET).await } else { None };
    Some(FingerprintKey::new(&SigningSecret::stored(secret?)))
}

/// Returns the row of a model in the table.
fn row(found: &Found, provider: &str, key: &str) -> Vec<String> {
    let works = |answered: Option<Answered>| if answered.is_some() { "yes" } else { "no" }.to_owned();
    let seconds = |answered: Option<Answered>| {
        answered.map_or_else(|| "-".to_owned(), |answered| format!("{:.2}", answered.took.as_secs_f64()))
    };
    let has_usage = |answered: Option<Answered>| answered.is_some_and(|answered| answered.has_usage);
    let counts = match (has_usage(found.whole), has_usage(found.streamed)) {
        (true, true) => "reported",
        (true, false) => "whole only",
        (false, true) => "streamed only",
        (false, false) => "none",
    };
    vec![
        found.model.clone(),
        provider.to_owned(),
        key.to_owned(),
        works(found.whole),
        works(found.streamed),
        counts.to_owned(),
        seconds(found.whole),
        seconds(found.streamed),
    ]
}
