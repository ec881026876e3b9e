//! The commands `al-chat keys …`, which make, list and revoke the API keys of servers.

mod json;
mod text;

use std::{error::Error, process::ExitCode};

use clap::{Args, Subcommand};

use super::{
    INVALID_CONFIGURATION,
    output::{Format, print, print_error, print_status},
};
use crate::{
    adapters::storage::{ApiKeyEditor, DatabaseWriteFailure, Revocation, Storage},
    domain::{api_key::ApiKeyText, tenant::TenantName},
    foundation::{
        clock::Clock,
        config::{self, Config, LimitList},
    },
};

/// A command for the API keys of servers.
#[derive(Clone, Debug, Subcommand)]
pub(super) enum Command {
    /// Make a key and print it, this once; only its hash is stored
    Create(New),
    /// Print the names of all keys, their limits and models, and when they were made, used and revoked
    List {
        /// The form of the output
        #[arg(long, default_value = "text")]
        format: Format,
    },
    /// Revoke a key: a running server refuses it within seconds
    Revoke {
        /// The key's name
        #[arg(value_parser = name)]
        name: TenantName,
    },
}

/// The arguments of `al-chat keys create`.
#[derive(Args, Clone, Debug)]
pub(super) struct New {
    /// The key's name, by which the log and the limits know it: up to 40 lower-case letters, digits, and -_. between them
    #[arg(value_parser = name)]
    name: TenantName,
    /// The key's own limits instead of LIMIT_KEY, such as "100/minute, 5usd/day", or off
    #[arg(long, value_name = "LIST", value_parser = limits)]
    limits: Option<String>,
    /// The only models that may answer, separated by commas, of OPENAI_MODEL and ALLOWED_MODELS
    #[arg(long, value_name = "MODELS", value_parser = models)]
    models: Option<String>,
    /// The form of the output
    #[arg(long, default_value = "text")]
    format: Format,
}

fn name(text: &str) -> Result<TenantName, &'static str> {
    TenantName::parse(text)
        .ok_or("a name has up to 40 lower-case letters, digits, hyphens, underscores and dots, and begins with a letter or a digit")
}

fn limits(text: &str) -> Result<String, String> {
    LimitList::parse(text).map(|_| text.trim().to_owned()).map_err(|invalid| invalid.to_string())
}

fn models(text: &str) -> Result<String, &'static str> {
    let models = config::list(text).collect::<Vec<_>>();
    if models.is_empty() { Err("at least one model is needed") } else { Ok(models.join(",")) }
}

/// Runs a command.
pub(super) async fn run(command: Command, config: &Config) -> ExitCode {
    let clock = Clock::system(config.session_log.timezone.clone());
    match command {
        Command::Create(new) => create(&new, config, &clock).await,
        Command::List { format } => list(format, config, &clock).await,
        Command::Revoke { name } => revoke(name, config, &clock).await,
    }
}

async fn create(new: &New, config: &Config, clock: &Clock) -> ExitCode {
    let New { name, limits, models, format } = new;
    if let Some(model) = models.as_deref().and_then(|models| unknown_model(models, &config.model)) {
        print_status(&format!("{model} is neither OPENAI_MODEL nor one of ALLOWED_MODELS"));
        return ExitCode::from(INVALID_CONFIGURATION);
    }
    let key = ApiKeyText::generate();
    let add = async |editor: &ApiKeyEditor| {
        editor.add(*name, key.hash(), limits.as_deref(), models.as_deref(), clock.now()).await
    };
    match edit(config, add).await {
        Ok(true) => {
            print(&match format {
                Format::Text => text::created(&key),
                Format::Json => json::created(*name, &key),
            });
            print_status("the key is shown only now; a running server accepts it within seconds");
            ExitCode::SUCCESS
        }
        Ok(false) => {
            print_status(&format!("there is a key of the name {name}, perhaps a revoked one; choose another name"));
            ExitCode::FAILURE
        }
        Err(failure) => failed(&failure),
    }
}

fn unknown_model<'a>(models: &'a str, settings: &config::Model) -> Option<&'a str> {
    config::list(models).find(|model| !settings.may_be_chosen(model))
}

async fn list(format: Format, config: &Config, clock: &Clock) -> ExitCode {
    match Storage::read_api_keys(&config.database).await {
        Ok(keys) => {
            print(&match format {
                Format::Text => text::list(&keys, clock.zone()),
                Format::Json => json::list(&keys, clock),
            });
            ExitCode::SUCCESS
        }
        Err(failure) => failed(&failure),
    }
}

async fn revoke(name: TenantName, config: &Config, clock: &Clock) -> ExitCode {
    match edit(config, async |editor: &ApiKeyEditor| editor.revoke(name, clock.now()).await).await {
        Ok(Revocation::Revoked) => {
            print(&format!("The key {name} is revoked; a running server refuses it within seconds.\n"));
            ExitCode::SUCCESS
        }
        Ok(Revocation::Repeated) => {
            print(&format!("The key {name} was revoked before.\n"));
            ExitCode::SUCCESS
        }
        Ok(Revocation::Unknown) => {
            print_status(&format!("there is no key of the name {name}; `al-chat keys list` shows all"));
            ExitCode::FAILURE
        }
        Err(failure) => failed(&failure),
    }
}

/// Changes the keys with a function.
async fn edit<T>(
    config: &Config,
    edit: impl AsyncFn(&ApiKeyEditor) -> Result<T, DatabaseWriteFailure>,
) -> Result<T, DatabaseWriteFailure> {
    let editor = ApiKeyEditor::open(&config.database).await?;
    let outcome = edit(&editor).await;
    editor.close().await;
    outcome
}

fn failed(failure: &dyn Error) -> ExitCode {
    print_error(failure);
    ExitCode::FAILURE
}
