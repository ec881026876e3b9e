//! The command `al-chat check`: tests everything that a turn needs, and prints what works and how to fix what doesn't.

mod files;
mod guard;
mod hints;
mod listing;
mod model;
mod similar_names;
mod sites;

use std::process::ExitCode;

use super::output::{print, print_error};
use crate::{
    adapters::{
        credentials::{Access, CredentialSource, Credentials},
        personas::Personas,
        storage::{FINGERPRINT_SECRET, Storage},
    },
    domain::limits::{WorstDay, exemption},
    foundation::{
        config::{Config, Source},
        http_client::{self, Client},
        secret::{ApiKey, FingerprintKey, SigningSecret},
        tasks::Tasks,
    },
};

/// Runs all checks. Succeeds if a turn would be answered.
pub(super) async fn run(config: Config, source: &Source) -> ExitCode {
    print("Configuration: valid.\n");
    print_secret_places(source);
    let has_database = files::check_database(&config.database).await;
    let mut works = has_database;
    works &= files::check_log(&config.session_log);
    let personas = check_personas(&config);
    works &= personas.as_ref().is_some_and(|personas| sites::check_sites(&config, personas));
    print_costs(&config, personas.as_ref());
    works &= guard::check_guard(&config).await;
    if let Some(events) = &config.events {
        print(&format!("Events: posted to {}, and signed; this check posts none.\n", events.url));
    }
    works &= match http_client::build(config.model.connect_timeout, &config.proxy) {
        Ok(client) => check_answers(&config, &client, has_database).await,
        Err(failure) => {
            print_error(&failure);
            false
        }
    };
    if works { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Prints where the secrets are from. A database's address and a proxy's are among them, since they may hold passwords.
fn print_secret_places(source: &Source) {
    let places = source.secret_places().map(|(name, place)| format!("{name} from {place}")).collect::<Vec<_>>();
    if !places.is_empty() {
        print(&format!("Secrets: {}.\n", places.join(", ")));
    }
}

fn check_personas(config: &Config) -> Option<Personas> {
    match Personas::open(config.personas_dir.clone(), config.default_persona.clone(), &Tasks::default()) {
        Ok(personas) => {
            let ids = personas.all().iter().map(|persona| persona.id.clone()).collect::<Vec<_>>();
            let default = personas.default_persona().map_or_else(String::new, |persona| {
                format!("; {} answers when a client names none (DEFAULT_PERSONA)", persona.id)
            });
            print(&format!("Personas: {}{default}.\n", ids.join(", ")));
            Some(personas)
        }
        Err(failure) => {
            print_error(&failure);
            None
        }
    }
}

/// Prints the most that the limits let a day cost, and who is exempt from limits.
fn print_costs(config: &Config, personas: Option<&Personas>) {
    let of_personas = personas.map(Personas::models).unwrap_or_default();
    print(&format!("Limits: {}.\n", WorstDay::of(config, &of_personas)));
    if let Some(exempt) = exemption(&config.limits) {
        print(&format!("Exempt: {exempt}.\n"));
    }
}

/// Returns a sentence with the key's fingerprint, the same as in `/api/openai/info`. The secret for it is in the database.
async fn fingerprint(config: &Config, key: &ApiKey, has_database: bool) -> String {
    let secret = if has_database { Storage::read_secret(&config.database, FINGERPRINT_SECRET).await } else { None };
    match secret {
        None => "its fingerprint can be compared once the service has made its database".to_owned(),
        Some(secret) => {
            let by = FingerprintKey::new(&SigningSecret::stored(secret));
            format!("its fingerprint is {}", key.fingerprint(&by))
        }
    }
}

/// Checks the API key and the model, or that the built-in responder answers.
async fn check_answers(config: &Config, client: &Client, has_database: bool) -> bool {
    let credentials = Credentials::new(&config.credentials, false, client.clone(), Tasks::default());
    let access = credentials.access(&config.model).await;
    match &access {
        Access::Key(credential) => {
            let from = match credential.origin.source {
                CredentialSource::PapitaApi => format!("Papita at {}", config.credentials.papita_url),
                _ => "OPENAI_API_KEY, for Papita gave none".to_owned(),
            };
            print(&format!("Key: from {from}; {}.\n", fingerprint(config, &credential.key, has_database).await));
        }
        Access::NoKeyNeeded => print("Key: none, and none needed by this OPENAI_BASE_URL.\n"),
        Access::BuiltIn => {
            print("Key: none is used (AI_SERVICE=basic), or none is configured (OPENAI_API_KEY, PAPITA_API_URL).\n");
            print("Model: demo mode, the built-in responder answers.\n");
            return true;
        }
        Access::Missing(none) => {
            print(&format!("Key: none; {none}.\n"));
            return false;
        }
    }
    model::check(config, client, access.key()).await
}
