//! The record of a stream that has not ended: the line that the next start logs if this process ends before the stream.

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use tokio::time::{Instant, sleep_until};

use super::{
    journal::Journal,
    model_calls::CallRecord,
    recording::{Recorder, TextLogging},
    request::TurnRequest,
};

/// The age at which a stream is put on record. The log's writer has written the record when the stream is a second old.
const RECORD_AFTER: Duration = Duration::from_millis(500);

/// The time after which the record of a stream that has sent further text is renewed, however little text.
const RENEW_INTERVAL: Duration = Duration::from_secs(30);

/// Puts one stream on record while it is open. It has the only timer of a stream's time limit, so that short streams cost
/// nothing more.
pub(super) struct OpenStreamRecorder<'a> {
    recorder: &'a Recorder,
    request: &'a TurnRequest,
    journal: &'a Journal,
    texts: &'a TextLogging,
    requested_model: &'a str,
    started: Instant,
    /// The time of the next record.
    due: Instant,
    /// The number of a call, and the estimated tokens of its prompt.
    prompt: Option<(u32, u64)>,
}

impl<'a> OpenStreamRecorder<'a> {
    pub(super) fn new(
        recorder: &'a Recorder,
        request: &'a TurnRequest,
        journal: &'a Journal,
        texts: &'a TextLogging,
        requested_model: &'a str,
    ) -> Self {
        let started = Instant::now();
        Self { recorder, request, journal, texts, requested_model, started, due: started + RECORD_AFTER, prompt: None }
    }

    /// Puts the stream on record and renews the record until `end`.
    pub(super) async fn record_until(&mut self, end: Instant) {
        while self.wait_until(self.due.min(end)).await < end {
            let was_on_record = self.journal.is_on_record();
            if !was_on_record || self.journal.has_unrecorded_text() {
                self.record();
            }
            self.due = Instant::now() + self.interval();
        }
    }

    /// Returns the time until the next record. The call of a model, and the first words, may come late.
    fn interval(&self) -> Duration {
        if !self.journal.is_on_record() {
            RECORD_AFTER
        } else if self.journal.has_recorded_text() {
            RENEW_INTERVAL
        } else {
            self.started.elapsed().min(RENEW_INTERVAL)
        }
    }

    /// Waits until a time, or until the record is outdated. Returns the time then.
    async fn wait_until(&self, time: Instant) -> Instant {
        let mut sleeping = pin!(sleep_until(time));
        // The turn's task is polled after each piece of text, so that no notification is needed.
        poll_fn(|cx| if self.journal.is_record_outdated() { Poll::Ready(()) } else { sleeping.as_mut().poll(cx) })
            .await;
        Instant::now()
    }

    /// Puts the stream on record as it is now, if a model is called.
    fn record(&mut self) {
        let Some(call) = self.journal.latest_call() else { return };
        let calls = CallRecord::of_noted(self.requested_model, &call);
        let prompt = self.prompt_tokens(&calls);
        self.recorder.record_open(self.request, &calls, self.journal, self.texts, prompt);
    }

    fn prompt_tokens(&mut self, calls: &CallRecord<'_>) -> u64 {
        match self.prompt {
            Some((call, tokens)) if call == calls.attempts => tokens,
            _ => {
                let tokens = self.recorder.usage_meter.rough_prompt_tokens(self.request, calls);
                self.prompt = Some((calls.attempts, tokens));
                tokens
            }
        }
    }
}
