//! The command `serve`: runs the service, and does what signals ask for.

use std::{path::Path, pin::pin, process::ExitCode};

use tokio_util::sync::CancellationToken;

use super::{
    ENV_FILE, INVALID_CONFIGURATION,
    output::print_error,
    signals::{Signal, Signals},
};
use crate::{
    app::App,
    foundation::{
        clock::Clock,
        config::{Config, Source},
        descriptors,
    },
};

/// Runs the service with the settings of `source` until a signal stops it.
pub(super) async fn run(config: Config, source: &Source) -> ExitCode {
    // Signal handlers are installed first, so that a signal during the start doesn't kill the process.
    let mut signals = match Signals::new() {
        Ok(signals) => signals,
        Err(error) => {
            print_error(&error);
            return ExitCode::FAILURE;
        }
    };
    // If the limit can't be raised, the service still runs, with fewer connections.
    if let Err(error) = descriptors::raise_limit() {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
    let clock = Clock::system(config.session_log.timezone.clone());
    let started = tokio::select! {
        started = App::start(config, clock) => started,
        // Nothing has been taken that would be lost.
        () = signals.next_stop() => {
            tracing::info!("stopped during the start");
            return ExitCode::SUCCESS;
        }
    };
    match started {
        Ok(app) => {
            run_until_stop(&app, source, &mut signals).await;
            stop(app, &mut signals).await
        }
        Err(failure) => {
            print_error(&failure);
            if failure.is_wrong_setting() { ExitCode::from(INVALID_CONFIGURATION) } else { ExitCode::FAILURE }
        }
    }
}

async fn run_until_stop(app: &App, started_with: &Source, signals: &mut Signals) {
    loop {
        match signals.next().await {
            Signal::Stop => return,
            Signal::Reload => reload(app, started_with),
            Signal::Nothing => {
                tracing::info!("SIGUSR1 and SIGUSR2 have no effect; a renamed session log is noticed without a signal");
            }
        }
    }
}

/// Reads the settings again, passes on those that can change while the service runs, and names the others.
fn reload(app: &App, started_with: &Source) {
    let source = Source::of_process(Path::new(ENV_FILE));
    app.reload_files();
    match Config::read(&source) {
        Ok(config) => {
            let keys = app.reload_keys(&config).join(", ");
            let waiting = source.differing(started_with).filter(|name| *name != "OPENAI_API_KEY").collect::<Vec<_>>();
            tracing::info!("SIGHUP: the personas, the configuration file and OPENAI_API_KEY are read again; {keys}");
            if !waiting.is_empty() {
                tracing::warn!("settings that have changed since the start need a restart: {}", waiting.join(", "));
            }
        }
        Err(invalid) => {
            let settings = invalid.0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
            tracing::error!(
                "SIGHUP: only the personas and the configuration file are read again, as settings are invalid: {settings}"
            );
        }
    }
}

/// Shuts the service down. A further signal to stop cuts off what the shutdown waits for, and one after that ends the
/// process at once.
async fn stop(app: App, signals: &mut Signals) -> ExitCode {
    let cut_off = CancellationToken::new();
    let mut stopping = pin!(app.stop(cut_off.clone()));
    tokio::select! {
        () = &mut stopping => return ExitCode::SUCCESS,
        () = signals.next_stop() => {}
    }
    tracing::warn!("a second signal to stop: turns that are still running are cut off");
    cut_off.cancel();
    tokio::select! {
        () = stopping => ExitCode::SUCCESS,
        () = signals.next_stop() => {
            tracing::error!("ended at once by a third signal to stop; the next start counts what is only in the session log");
            ExitCode::FAILURE
        }
    }
}
