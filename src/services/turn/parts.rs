//! The parts of the module for turns, and how they are put together.

use std::sync::Arc;

use super::{
    admission::Admission,
    answerer::Answerer,
    dependencies::Dependencies,
    idempotency::Idempotency,
    image_hosts::ImageHosts,
    metrics::Metrics,
    model_calls::{ModelAbilities, ModelCalls},
    model_test::ModelTest,
    monitor::Monitor,
    outbox::UsageOutbox,
    permits::Permits,
    recording::{Recorder, UsageMeter, UsageRecords},
    recovery::{RecoveryFailure, recover},
    registry::Registry,
    runner::TurnRunner,
    stored_chats::StoredChats,
    turn_tasks::TurnTasks,
};
use crate::{
    adapters::{
        host_lookup::HostLookup,
        model::{OpenAi, basic},
        usage::UsageLog,
    },
    domain::{cost::Prices, known_models::KnownModels},
    foundation::config::Config,
};

/// The parts of which [`Turns`](super::Turns) consists.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) admission: Arc<Admission>,
    pub(super) registry: Arc<Registry>,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) model_calls: Arc<ModelCalls>,
    pub(super) runner: Arc<TurnRunner>,
    pub(super) model_test: ModelTest,
    pub(super) monitor: Monitor,
    pub(super) tasks: TurnTasks,
}

impl Parts {
    /// Recovers turns that are in the session log only, and builds all parts. Each part gets what it needs, and nothing
    /// else.
    pub(super) async fn build(config: &Config, dependencies: Dependencies) -> Result<Self, RecoveryFailure> {
        let Dependencies { client, personas, credentials, log, storage, clock, tasks, telling } = dependencies;
        let persona_models = personas.models();
        let mut models = config.model.names();
        models.extend(persona_models.iter().map(String::as_str));
        let metrics = Arc::new(Metrics::new(models.iter().copied().chain([basic::NAME])));

        let papita = &config.credentials;
        let usage_log = UsageLog::new(client.clone(), &papita.papita_url, papita.papita_timeout);
        let outbox = UsageOutbox::start(storage.clone(), usage_log, config.papita_queue_limit, clock.clone(), &tasks);
        let usage_records = UsageRecords::new(credentials.clone(), outbox.clone());
        let client = OpenAi::new(&config.model, client);
        let known_models = KnownModels::new(&config.model.windows, &config.model.vision);
        let abilities = Arc::new(ModelAbilities::new(known_models, client.clone()));
        let usage_meter = UsageMeter::new(Prices::new(&config.model.prices), Arc::clone(&abilities));
        recover(&log, &storage, &usage_meter, &usage_records).await?;

        let (limits, turn_tasks) = (&config.turns, TurnTasks::default());
        let permits = Permits::new(limits);
        let admission = Arc::new(Admission::new(permits, log.clone(), storage.clone(), turn_tasks.draining()));
        let registry = Arc::new(Registry::new(limits.resume_grace, limits.resume_window));
        let stored_chats = Arc::new(StoredChats::start(
            storage.clone(),
            clock.clone(),
            limits.timeout,
            turn_tasks.cut_off(),
            Arc::clone(&abilities),
            &tasks,
        ));
        let idempotency = Arc::new(Idempotency::start(
            storage.clone(),
            clock.clone(),
            Arc::clone(&registry),
            Arc::clone(&stored_chats),
            limits.timeout,
            &tasks,
        ));
        let model_calls =
            Arc::new(ModelCalls::new(&config.model, &models, client, abilities, credentials, Arc::clone(&metrics)));
        let answerer =
            Answerer::new(Arc::clone(&admission), Arc::clone(&model_calls), limits.clone(), turn_tasks.cut_off());
        let recorder = Recorder {
            log,
            log_content: config.session_log.content,
            storage,
            clock,
            metrics: Arc::clone(&metrics),
            usage_meter,
            usage_records,
            telling,
        };
        let runner = Arc::new(TurnRunner {
            image_hosts: ImageHosts::new(HostLookup::default()),
            stored_chats,
            answerer,
            recorder,
            idempotency: Arc::clone(&idempotency),
            registry: Arc::clone(&registry),
        });
        let monitor = Monitor::new(metrics, Arc::clone(&admission), Arc::clone(&model_calls), outbox);
        let model_test = ModelTest::default();
        Ok(Self { admission, registry, idempotency, model_calls, runner, model_test, monitor, tasks: turn_tasks })
    }
}
