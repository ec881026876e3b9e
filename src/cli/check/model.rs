//! Check of a model: one question, answered whole and as a stream.

use std::{future::Future, iter, pin::pin, time::Duration};

use tokio::time::{Instant, sleep, timeout, timeout_at};

use super::{super::output::print_status, hints::hints, listing::Listing, server::Server};
use crate::{
    adapters::{
        credentials::NoCredential,
        model::{ModelError, ModelFailure, ModelRequest, OpenAi},
    },
    domain::{
        known_models::{Abilities, KnownModels},
        prompt,
    },
    foundation::config::{self, Config},
};

/// The time for an answer. A local server may load its model for the first question.
const TIMEOUT: Duration = Duration::from_mins(10);

/// The time between two lines about the progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(3);

/// The pause before a server that is loading its model is asked again.
const LOADING_PAUSE: Duration = Duration::from_secs(1);

/// What the check of one model has found.
#[derive(Debug)]
pub(super) struct Found {
    /// The name of the model.
    pub(super) model: String,
    /// The lines about it, for people.
    pub(super) lines: Vec<String>,
    /// The whole answer; `None` if there was none.
    pub(super) whole: Option<Answered>,
    /// The streamed answer; `None` if there was none.
    pub(super) streamed: Option<Answered>,
}

impl Found {
    /// Returns what is known of a model that is not asked, since there is no key for it.
    pub(super) fn without_key(model: &str, none: NoCredential) -> Self {
        let lines = vec![format!("Model: {model} is not asked, as there is no key for it; {none}.")];
        Self { model: model.to_owned(), lines, whole: None, streamed: None }
    }

    /// Whether the model answers, whole and streamed.
    pub(super) fn works(&self) -> bool {
        self.whole.is_some() && self.streamed.is_some()
    }
}

/// An answer of a model.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered {
    /// The time until the answer, or the first piece of a stream, arrived.
    pub(super) took: Duration,
    /// Whether the server reported the numbers of tokens.
    pub(super) has_usage: bool,
}

/// The check of the models of one provider.
pub(super) struct ModelCheck<'a> {
    config: &'a Config,
    server: Server<'a>,
    client: OpenAi,
    known: KnownModels,
}

impl<'a> ModelCheck<'a> {
    pub(super) fn new(config: &'a Config, server: Server<'a>) -> Self {
        let patient = config::Provider { first_byte_timeout: TIMEOUT, ..server.provider.clone() };
        let client = OpenAi::new(&patient, config.model.response_limit, server.client.clone());
        Self { config, server, client, known: KnownModels::of(&config.model) }
    }

    /// Asks a model a short question, whole and streamed.
    pub(super) async fn check(&self, model: &str) -> Found {
        let mut found = Found { model: model.to_owned(), lines: Vec::new(), whole: None, streamed: None };
        for stream in [false, true] {
            let answered = match with_progress(model, self.ask_when_loaded(model, stream)).await {
                Ok(answered) => answered,
                Err(error) => {
                    let what = if stream { "answers whole, but not streamed" } else { "does not answer" };
                    found.lines.push(format!("Model: {model} {what}; {}.", error.failure));
                    found.lines.extend(self.explanation(model, &error).await);
                    return found;
                }
            };
            found.lines.extend(self.slowness(stream, answered.took));
            *(if stream { &mut found.streamed } else { &mut found.whole }) = Some(answered);
        }
        found.lines.push(format!("Model: {model} answers, whole and streamed."));
        found.lines.extend(self.unknown_window(model));
        found
    }

    /// Returns a hint if the context window of a model is not known, as that of most local models.
    fn unknown_window(&self, model: &str) -> Option<String> {
        let Abilities { window, largest_window, .. } = self.known.abilities(model);
        let has_list = !self.config.model.listed.is_empty();
        let setting = if has_list { "window in [[models]]" } else { "MODEL_WINDOWS" };
        largest_window.is_none().then(|| {
            format!("  Hint: its context window is not known, so {window} tokens are assumed; set {setting} if it is another.")
        })
    }

    /// Returns lines that say why a model does not answer, and hints.
    async fn explanation(&self, model: &str, error: &ModelError) -> Vec<String> {
        let hints = hints(self.config, self.server, model, &error.failure).await;
        let reason = error.shown_reason(&self.server.secrets(), iter::empty());
        let is_worth_a_line = !reason.is_empty() && !hints.iter().any(|hint| hint.starts_with(&reason));
        let reason = is_worth_a_line.then(|| format!("  Reason: {reason}"));
        let end = |hint: &str| if hint.ends_with('?') { "" } else { "." };
        reason.into_iter().chain(hints.iter().map(|hint| format!("  Hint: {hint}{}", end(hint)))).collect()
    }

    /// Returns a warning if an answer took longer than a turn would have waited.
    fn slowness(&self, stream: bool, took: Duration) -> Option<String> {
        let (turn, first_byte) = (self.config.turns.timeout, self.server.provider.first_byte_timeout);
        let (limit, settings) = if stream {
            (turn.min(first_byte), self.server.timeout_settings())
        } else {
            (turn, "TURN_TIMEOUT".to_owned())
        };
        (took > limit).then(|| {
            format!(
                "Model: it took {} s to answer, and a turn waits for {} s ({settings}).\n  \
                 Hint: raise that, or load the model before visitors come.",
                took.as_secs(),
                limit.as_secs_f32()
            )
        })
    }

    /// Asks a model, and repeats the question while the server is loading the model.
    async fn ask_when_loaded(&self, model: &str, stream: bool) -> Result<Answered, ModelError> {
        let begun = Instant::now();
        let deadline = begun + TIMEOUT;
        loop {
            let asked = timeout_at(deadline, self.ask(model, stream, deadline)).await;
            match asked.unwrap_or(Err(ModelFailure::Timeout.into())) {
                Err(ModelError { failure: ModelFailure::Overloaded { .. }, .. })
                    if Instant::now() < deadline
                        && Listing::read(self.server, &self.server.provider.base_url).await == Listing::Loading =>
                {
                    sleep(LOADING_PAUSE).await;
                }
                outcome => {
                    return outcome.map(|(there, has_usage)| Answered { took: there.duration_since(begun), has_usage });
                }
            }
        }
    }

    /// Asks a model once, and reads the answer to its end. Returns when the answer, or the first piece of a stream, arrived, and
    /// whether the numbers of tokens were reported.
    async fn ask(&self, model: &str, stream: bool, deadline: Instant) -> Result<(Instant, bool), ModelError> {
        let messages = [prompt::test()];
        let request = ModelRequest {
            model: self.config.model.upstream_name(model),
            instruction: None,
            messages: &messages,
            with_images: false,
            temperature: None,
            options: None,
            answer_limit: None,
            reasons: false,
            stream,
            span: None,
        };
        let mut answer = self.client.ask(request, self.server.key, deadline).await?;
        let there = Instant::now();
        while answer.next().await?.is_some() {}
        Ok((there, answer.report().usage.is_some()))
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
