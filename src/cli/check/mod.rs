//! The command `al-chat check`: tests everything that a turn needs, and prints what works and how to fix what doesn't.

mod answers;
mod context;
mod files;
mod guard;
mod hints;
mod listing;
mod model;
mod server;
mod similar_names;
mod sites;

use std::{collections::BTreeSet, process::ExitCode};

use super::output::{print, print_error};
use crate::{
    adapters::personas::Personas,
    domain::limits::{WorstDay, exemption},
    foundation::{
        config::{Config, Source},
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
    let of_personas = personas.as_ref().map(Personas::models).unwrap_or_default();
    print_costs(&config, &of_personas);
    works &= guard::check_guard(&config).await;
    works &= context::check_context(&config).await;
    if let Some(events) = &config.events {
        print(&format!("Events: posted to {}, and signed; this check posts none.\n", events.url));
    }
    for provider in config.unused_providers(&of_personas) {
        print(&format!(
            "Provider {provider}: not used; none of its models may answer (OPENAI_MODEL, ALLOWED_MODELS, FALLBACK_MODELS, \
             fallbacks, personas).\n"
        ));
    }
    works &= answers::check_answers(&config, &of_personas, has_database).await;
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
    match Personas::open(config, &Tasks::default()) {
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
fn print_costs(config: &Config, of_personas: &BTreeSet<String>) {
    print(&format!("Limits: {}.\n", WorstDay::of(config, of_personas)));
    if let Some(exempt) = exemption(&config.limits) {
        print(&format!("Exempt: {exempt}.\n"));
    }
}
