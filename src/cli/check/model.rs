//! Check of the model: one question, answered whole and as a stream.

use std::{future::Future, iter, pin::pin, time::Duration};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    super::output::{print, print_status},
    hints::hints,
    listing::Listing,
};
use crate::{
    adapters::model::{ModelError, ModelFailure, ModelRequest, OpenAi},
    domain::prompt,
    foundation::{
        config::{self, Config},
        http_client::Client,
        secret::ApiKey,
    },
};

/// The time for an answer. A local server may load its model for the first question.
const TIMEOUT: Duration = Duration::from_mins(10);

/// The time between two lines about the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(3);

/// The pause before a server that is loading its model is asked again.
const LOADING_PAUSE: Duration = Duration::from_secs(1);

/// Asks the model a short question, whole and streamed, and prints the result.
pub(super) async fn check(config: &Config, client: &Client, key: Option<&ApiKey>) -> bool {
    let name = &config.model.default;
    let check =
        ModelCheck { model: OpenAi::new(&with_long_timeout(&config.model), client.clone()), config, client, key };
    for stream in [false, true] {
        match with_progress(name, check.ask_when_loaded(stream)).await {
            Ok(took) => warn_if_slow(config, stream, took),
            Err(error) => {
                let what = if stream { "answers whole, but not streamed" } else { "does not answer" };
                print(&format!("Model: {name} {what}; {}.\n", error.failure));
                print_failure(&error, &hints(&config.model, client, key, &error.failure).await, key);
                return false;
            }
        }
    }
    print(&format!("Model: {name} answers, whole and streamed.\n"));
    true
}

/// Prints why the model does not answer, and hints.
fn print_failure(error: &ModelError, hints: &[String], key: Option<&ApiKey>) {
    let reason = error.shown_reason(key, iter::empty());
    if !reason.is_empty() && !hints.iter().any(|hint| hint.starts_with(&reason)) {
        print(&format!("  Reason: {reason}\n"));
    }
    for hint in hints {
        print(&format!("  Hint: {hint}.\n"));
    }
}

/// Returns the settings with the long timeout of this check.
fn with_long_timeout(settings: &config::Model) -> config::Model {
    config::Model { first_byte_timeout: TIMEOUT, ..settings.clone() }
}

/// Prints a warning if the answer took longer than a turn would have waited.
fn warn_if_slow(config: &Config, stream: bool, took: Duration) {
    let (turn, first_byte) = (config.turns.timeout, config.model.first_byte_timeout);
    let (limit, settings) =
        if stream { (turn.min(first_byte), "TURN_TIMEOUT, MODEL_FIRST_BYTE_TIMEOUT") } else { (turn, "TURN_TIMEOUT") };
    if took > limit {
        print(&format!(
            "Model: it took {} s to answer, and a turn waits for {} s ({settings}).\n  \
             Hint: raise that, or load the model before visitors come.\n",
            took.as_secs(),
            limit.as_secs_f32()
        ));
    }
}

/// What a request to the model takes.
struct ModelCheck<'a> {
    model: OpenAi,
    config: &'a Config,
    client: &'a Client,
    key: Option<&'a ApiKey>,
}

impl ModelCheck<'_> {
    /// Asks the model, and repeats the question while the server is loading the model. Returns the time until the answer, or
    /// the first piece of a stream, arrived.
    async fn ask_when_loaded(&self, stream: bool) -> Result<Duration, ModelError> {
        let begun = Instant::now();
        let deadline = begun + TIMEOUT;
        loop {
            let asked = timeout_at(deadline, self.ask(stream, deadline)).await;
            match asked.unwrap_or(Err(ModelFailure::Timeout.into())) {
                Err(ModelError { failure: ModelFailure::Overloaded { .. }, .. })
                    if Instant::now() < deadline
                        && Listing::read(self.client, &self.config.model.base_url, self.key).await
                            == Listing::Loading =>
                {
                    sleep(LOADING_PAUSE).await;
                }
                outcome => return outcome.map(|there| there.duration_since(begun)),
            }
        }
    }

    /// Asks the model once, and reads the answer to its end. Returns when the answer, or the first piece of a stream, arrived.
    async fn ask(&self, stream: bool, deadline: Instant) -> Result<Instant, ModelError> {
        let messages = [prompt::test()];
        let request = ModelRequest {
            model: &self.config.model.default,
            instruction: None,
            messages: &messages,
            with_images: false,
            temperature: None,
            answer_limit: None,
            reasons: false,
            stream,
        };
        let mut answer = self.model.ask(request, self.key, deadline).await?;
        let there = Instant::now();
        while answer.next().await?.is_some() {}
        Ok(there)
    }
}

/// Waits for `work`, and prints a line every few seconds.
async fn with_progress<T>(name: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let begun = Instant::now();
    loop {
        match timeout(PROGRESS_INTERVAL, &mut work).await {
            Ok(done) => return done,
            Err(_) => print_status(&format!(
                "waiting for {name} for {} s now; a local model may take minutes to load",
                begun.elapsed().as_secs()
            )),
        }
    }
}
