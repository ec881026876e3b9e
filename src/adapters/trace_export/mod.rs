//! Sends spans to an OpenTelemetry collector: OTLP by HTTP, in protobuf.
//!
//! One task takes spans from the queue and posts them in batches. Nothing waits for it: while the collector is slow or away, the
//! queue fills up, and further spans are dropped and counted.

mod collector;
mod failure;

use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use self::{collector::Collector, failure::ExportFailure};
use crate::foundation::{
    config::{self, Proxy},
    http_client::{self, ClientFailure},
    tasks::Tasks,
    trace::{DropReason, SpanCounters, SpanQueue, SpanReceiver},
};

/// The time for which spans are collected for one post.
const BATCH_WINDOW: Duration = Duration::from_millis(200);

/// The number of spans with which a batch is posted at once.
const FULL_BATCH: usize = 512;

/// The time for posting what is left when the service stops.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Starts the task that sends the spans of a process to the collector of the settings. Returns the queue for spans. The task
/// ends with `tasks`, after an attempt to send what is left.
pub fn start(
    settings: &config::Traces,
    instance: Uuid,
    proxy: &Proxy,
    tasks: &Tasks,
) -> Result<SpanQueue, ClientFailure> {
    let client = http_client::build(settings.timeout, proxy, None)?;
    let collector = Collector::new(settings, instance, client);
    let (queue, receiver) = SpanQueue::new();
    let exporter = Exporter { collector, counters: queue.counters.clone(), is_failing: false };
    tasks.spawn("trace export", exporter.run(receiver, tasks.stopping()));
    Ok(queue)
}

struct Exporter {
    collector: Collector,
    counters: SpanCounters,
    /// Whether the last batch could not be sent, which was said then.
    is_failing: bool,
}

impl Exporter {
    async fn run(mut self, mut queue: SpanReceiver, stopping: CancellationToken) {
        let mut batch = Vec::new();
        while let Some(first) = stopping.run_until_cancelled(queue.recv()).await.flatten() {
            batch = first;
            let collecting = timeout(BATCH_WINDOW, collect(&mut queue, &mut batch));
            if stopping.run_until_cancelled(collecting).await.is_none() {
                break;
            }
            let flush_time_is_over = async {
                stopping.cancelled().await;
                sleep(FLUSH_TIMEOUT).await;
            };
            self.send_before(flush_time_is_over, std::mem::take(&mut batch)).await;
        }
        queue.close();
        while let Ok(spans) = queue.try_recv() {
            batch.extend(spans);
        }
        if !batch.is_empty() {
            self.send_before(sleep(FLUSH_TIMEOUT), batch).await;
        }
    }

    /// Sends a batch, unless that lasts until `end`.
    async fn send_before(&mut self, end: impl Future<Output = ()>, batch: Vec<SpanData>) {
        let spans = batch.len();
        tokio::select! {
            () = self.send(batch) => return,
            () = end => {}
        }
        self.counters.count_dropped(DropReason::ExportFailed, spans as u64);
        tracing::warn!(spans, "the last spans could not be sent to the collector before the end of the service");
    }

    /// Sends a batch, or drops it. The first failure is said in the diagnostics, and that the collector answers again.
    async fn send(&mut self, batch: Vec<SpanData>) {
        let spans = batch.len() as u64;
        match self.collector.post(batch).await {
            Ok(rejected) => {
                let rejected = rejected.min(spans);
                self.counters.exported.inc_by(spans - rejected);
                self.counters.count_dropped(DropReason::Rejected, rejected);
                if std::mem::take(&mut self.is_failing) {
                    tracing::info!("the collector of traces takes spans again");
                }
            }
            Err(failure) => {
                self.counters.count_dropped(DropReason::ExportFailed, spans);
                if !std::mem::replace(&mut self.is_failing, true) {
                    self.report(&failure);
                }
            }
        }
    }

    fn report(&self, failure: &ExportFailure) {
        let collector = self.collector.url();
        tracing::warn!(
            %collector,
            %failure,
            "the collector takes no spans; traces are dropped and counted until it does, and turns go on"
        );
    }
}

/// Adds the spans of further traces to a batch until it is full.
async fn collect(queue: &mut SpanReceiver, batch: &mut Vec<SpanData>) {
    while batch.len() < FULL_BATCH {
        match queue.recv().await {
            Some(spans) => batch.extend(spans),
            None => return,
        }
    }
}
