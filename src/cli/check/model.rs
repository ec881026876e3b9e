//! Whether the model answers, whole and streamed.

use std::{future::Future, iter, pin::pin, time::Duration};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{
    super::output::{print, report},
    hints::hints,
    listing::Listing,
};
use crate::{
    adapters::model::{ModelError, ModelFailure, OpenAi, Question},
    domain::prompt,
    foundation::{
        config::{self, Config},
        http_client::Client,
        secret::ApiKey,
    },
};

/// How long an answer is waited for: a local model may be loaded by the first question.
const PATIENCE: Duration = Duration::from_mins(10);

/// How often it is said that an answer is waited for.
const PROGRESS: Duration = Duration::from_secs(3);

/// How long to wait before a server that is loading its model is asked again.
const LOADING: Duration = Duration::from_secs(1);

/// Asks the model one word, whole and streamed, and says what came of it.
pub(super) async fn check(config: &Config, client: &Client, key: Option<&ApiKey>) -> bool {
    let name = &config.model.default;
    let asking = Asking { model: OpenAi::new(&patient(&config.model), client.clone()), config, client, key };
    for stream in [false, true] {
        match with_progress(name, asking.ask_when_loaded(stream)).await {
            Ok(took) => say_if_slow(config, stream, took),
            Err(error) => {
                let what = if stream { "answers whole, but not streamed" } else { "does not answer" };
                print(&format!("Model: {name} {what}; {}.\n", error.failure));
                explain(&error, &hints(&config.model, client, key, &error.failure).await, key);
                return false;
            }
        }
    }
    print(&format!("Model: {name} answers, whole and streamed.\n"));
    true
}

/// Says why the model does not answer, and what to do about it.
fn explain(error: &ModelError, hints: &[String], key: Option<&ApiKey>) {
    let reason = error.shown_reason(key, iter::empty());
    if !reason.is_empty() && !hints.iter().any(|hint| hint.starts_with(&reason)) {
        print(&format!("  Reason: {reason}\n"));
    }
    for hint in hints {
        print(&format!("  Hint: {hint}.\n"));
    }
}

fn patient(settings: &config::Model) -> config::Model {
    config::Model { first_byte_timeout: PATIENCE, ..settings.clone() }
}

/// An answer that a turn would not have waited for is there only because the model is loaded now.
fn say_if_slow(config: &Config, stream: bool, took: Duration) {
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

struct Asking<'a> {
    model: OpenAi,
    config: &'a Config,
    client: &'a Client,
    key: Option<&'a ApiKey>,
}

impl Asking<'_> {
    /// Asks, again and again while the server says that it is loading the model. Returns how long it took until the
    /// answer, of a stream its beginning, was there.
    async fn ask_when_loaded(&self, stream: bool) -> Result<Duration, ModelError> {
        let begun = Instant::now();
        let deadline = begun + PATIENCE;
        loop {
            let asked = timeout_at(deadline, self.ask(stream, deadline)).await;
            match asked.unwrap_or(Err(ModelFailure::Timeout.into())) {
                Err(ModelError { failure: ModelFailure::Overloaded { .. }, .. })
                    if Instant::now() < deadline
                        && Listing::read(self.client, &self.config.model.base_url, self.key).await
                            == Listing::Loading =>
                {
                    sleep(LOADING).await;
                }
                outcome => return outcome.map(|there| there.duration_since(begun)),
            }
        }
    }

    /// Asks once, and reads the answer to its end. Returns when it, or its beginning, was there.
    async fn ask(&self, stream: bool, deadline: Instant) -> Result<Instant, ModelError> {
        let messages = [prompt::test()];
        let question = Question {
            model: &self.config.model.default,
            instruction: None,
            messages: &messages,
            with_images: false,
            temperature: None,
            answer_limit: None,
            reasons: false,
            stream,
        };
        let mut answering = self.model.ask(question, self.key, deadline).await?;
        let there = Instant::now();
        while answering.next().await?.is_some() {}
        Ok(there)
    }
}

/// Waits for this, and says so every few seconds.
async fn with_progress<T>(name: &str, work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let begun = Instant::now();
    loop {
        match timeout(PROGRESS, &mut work).await {
            Ok(done) => return done,
            Err(_) => report(&format!(
                "waiting for {name} for {} s now; a local model may take minutes to load",
                begun.elapsed().as_secs()
            )),
        }
    }
}
