//! The parts of the module for turns, and how they are put together.

use std::{collections::BTreeSet, sync::Arc};

use super::{
    admission::Admission,
    answerer::Answerer,
    context::{Context, ContextLabels},
    dependencies::Dependencies,
    feedback::Feedback,
    guard::{Guard, GuardLabels},
    hook_metrics::HookMetrics,
    idempotency::Idempotency,
    image_hosts::ImageHosts,
    limits::TurnLimits,
    memory_guard,
    metrics::Metrics,
    model_calls::{ModelAbilities, ModelCalls, Routes},
    model_test::ModelTest,
    monitor::Monitor,
    outbox::{self, Receiver},
    permits::Permits,
    recording::{OutboxEntries, Recorder, TextLogger, UsageMeter},
    recovery::{RecoveryFailure, recover},
    recovery_progress::RecoveryProgress,
    registry::Registry,
    runner::TurnRunner,
    stored_chats::StoredChats,
    turn_tasks::TurnTasks,
};
use crate::{
    adapters::{credentials::Credentials, model::basic, usage::UsageLog},
    domain::{cost::Prices, known_models::KnownModels, limits::UsageLimits},
    foundation::{
        config::{Config, OnDisconnect, ProviderIndex},
        memory_limit,
        outage::StartOutage,
        trace::Tracer,
    },
};

/// The parts of which [`Turns`](super::Turns) consists.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) admission: Arc<Admission>,
    pub(super) image_hosts: ImageHosts,
    pub(super) registry: Arc<Registry>,
    pub(super) limits: Arc<TurnLimits>,
    pub(super) idempotency: Arc<Idempotency>,
    pub(super) model_calls: Arc<ModelCalls>,
    pub(super) runner: TurnRunner,
    pub(super) model_test: ModelTest,
    pub(super) feedback: Feedback,
    pub(super) monitor: Monitor,
    pub(super) tasks: TurnTasks,
    /// What begins traces; `None` if turns are not traced.
    pub(super) tracer: Option<Tracer>,
}

impl Parts {
    /// Recovers turns that are only in the session log, and builds all parts. Each part gets just what it needs.
    pub(super) async fn build(
        config: &Config,
        dependencies: &Dependencies,
        progress: &RecoveryProgress,
        outage: &StartOutage,
    ) -> Result<Self, RecoveryFailure> {
        let persona_models = dependencies.personas.models();
        let models = config.model.names_with(&persona_models);
        let counted = models.iter().copied().chain([basic::NAME]);
        let routes = Arc::new(Routes::new(config, &dependencies.providers));
        let providers = models.iter().filter_map(|model| Some((*model, routes.provider_name(model)?)));
        let (guard_metrics, context_metrics) = (HookMetrics::default(), HookMetrics::default());
        let instance = dependencies.log.instance();
        let mut metrics = Metrics::new(instance, counted, providers, config, &guard_metrics, &context_metrics);
        metrics.register_writes(&dependencies.log, &dependencies.storage);
        if let Some(tracer) = &dependencies.tracer {
            metrics.register_spans(&tracer.queue().counters);
        }
        let metrics = Arc::new(metrics);
        let abilities = Arc::new(ModelAbilities::new(KnownModels::of(&config.model), Arc::clone(&routes)));

        start_outboxes(config, dependencies);
        let recorder = Arc::new(recorder(config, dependencies, &persona_models, &routes, &abilities, &metrics));
        let missing_lines = recover(&recorder, progress, outage).await?;

        let turn_limits = Arc::new(TurnLimits::start(config, dependencies, &abilities, &metrics, outage).await?);

        let tasks = TurnTasks::default();
        let permits = Arc::new(Permits::new(&config.turns));
        let admission = Arc::new(admission(dependencies, Arc::clone(&permits), &tasks));
        let registry =
            Arc::new(Registry::new(config.turns.resume_grace, config.turns.resume_window, stream_memory(config)));
        let stopping = dependencies.tasks.stopping();
        dependencies.tasks.spawn("journal memory", memory_guard::run(Arc::clone(&registry), stopping));
        let stored_chats = Arc::new(start_stored_chats(config, dependencies, &tasks, &abilities));
        let idempotency = Arc::new(start_idempotency(config, dependencies, &registry, &stored_chats));
        let guard = open_guard(config, dependencies, guard_metrics);
        let of_answers = guard.clone().filter(|guard| guard.judges_answers);
        let context = open_context(dependencies, &routes, &abilities, context_metrics);
        let model_metrics = Arc::clone(&metrics);
        let model_calls = ModelCalls::new(&config.model, &models, routes, abilities, model_metrics, of_answers);
        let model_calls = Arc::new(model_calls);
        let cut_off = tasks.cut_off();
        let runner = TurnRunner {
            limits: Arc::clone(&turn_limits),
            guard,
            context,
            drains: config.turns.on_disconnect == OnDisconnect::Drain,
            cut_off: cut_off.clone(),
            stored_chats,
            answerer: Answerer::new(
                Arc::clone(&admission),
                Arc::clone(&model_calls),
                Arc::clone(&recorder),
                config,
                cut_off,
            ),
            recorder,
            idempotency: Arc::clone(&idempotency),
            registry: Arc::clone(&registry),
        };
        let monitor = Monitor {
            metrics,
            permits,
            model_calls: Arc::clone(&model_calls),
            guard: dependencies.guard.clone(),
            context: dependencies.context.clone(),
            credentials: named_credentials(config, dependencies),
            log: dependencies.log.clone(),
            storage: dependencies.storage.clone(),
            missing_log_lines: missing_lines.into(),
        };
        let model_test = ModelTest::default();
        let feedback = start_feedback(config, dependencies, &runner, turn_limits.usage());
        Ok(Self {
            admission,
            image_hosts: ImageHosts::default(),
            registry,
            limits: turn_limits,
            idempotency,
            model_calls,
            runner,
            model_test,
            feedback,
            monitor,
            tasks,
            tracer: dependencies.tracer.clone(),
        })
    }
}

/// Returns the memory for journals: `STREAM_MEMORY`, and at most a quarter of what the process may use.
fn stream_memory(config: &Config) -> usize {
    memory_limit::at_most_part(config.turns.stream_memory, 4)
}

fn open_guard(config: &Config, dependencies: &Dependencies, metrics: HookMetrics<GuardLabels>) -> Option<Arc<Guard>> {
    let (hook, settings) = (dependencies.guard.clone()?, config.hooks.guard.as_ref()?);
    Some(Arc::new(Guard::new(hook, settings, metrics)))
}

fn open_context(
    dependencies: &Dependencies,
    routes: &Arc<Routes>,
    abilities: &Arc<ModelAbilities>,
    metrics: HookMetrics<ContextLabels>,
) -> Option<Context> {
    let hook = dependencies.context.clone()?;
    Some(Context::new(hook, Arc::clone(routes), Arc::clone(abilities), metrics))
}

/// Starts the tasks that send the records of the outboxes.
fn start_outboxes(config: &Config, dependencies: &Dependencies) {
    let Dependencies { client, events, storage, clock, tasks, .. } = dependencies;
    let papita = &config.credentials;
    let usage_log = UsageLog::new(client.clone(), &papita.papita_url, papita.papita_timeout);
    outbox::start_sender(storage, Receiver::Papita(usage_log), tasks);
    if let Some(receiver) = events {
        outbox::start_sender(storage, Receiver::Events(receiver.clone(), clock.clone()), tasks);
    }
    tasks.spawn("event expiry", outbox::run_expiry(storage.clone(), tasks.stopping()));
}

fn recorder(
    config: &Config,
    dependencies: &Dependencies,
    persona_models: &BTreeSet<String>,
    routes: &Arc<Routes>,
    abilities: &Arc<ModelAbilities>,
    metrics: &Arc<Metrics>,
) -> Recorder {
    Recorder {
        log: dependencies.log.clone(),
        text_logger: TextLogger::new(config.session_log.content, dependencies.storage.clone()),
        storage: dependencies.storage.clone(),
        clock: dependencies.clock.clone(),
        metrics: Arc::clone(metrics),
        usage_meter: UsageMeter::new(Prices::of(&config.model), Arc::clone(abilities)),
        routes: Arc::clone(routes),
        outbox_entries: OutboxEntries::new(
            used_credentials(config, dependencies, persona_models),
            dependencies.storage.clone(),
            dependencies.clock.clone(),
        ),
    }
}

/// Returns the keys of the providers whose models may answer, and those of the first provider if Papita's address is set.
fn used_credentials(
    config: &Config,
    dependencies: &Dependencies,
    persona_models: &BTreeSet<String>,
) -> Vec<Credentials> {
    let mut used = config.used_providers(persona_models);
    if config.credentials.papita_configured {
        used.insert(ProviderIndex::default());
    }
    used.into_iter().map(|provider| dependencies.providers.get(provider).credentials.clone()).collect()
}

/// Returns the keys of each provider, with its name.
fn named_credentials(config: &Config, dependencies: &Dependencies) -> Vec<(String, Credentials)> {
    let providers = config.providers.iter();
    providers.map(|(index, it)| (it.name.clone(), dependencies.providers.get(index).credentials.clone())).collect()
}

fn admission(dependencies: &Dependencies, permits: Arc<Permits>, tasks: &TurnTasks) -> Admission {
    let Dependencies { log, storage, spending, .. } = dependencies;
    Admission::new(permits, log.clone(), storage.clone(), tasks.draining(), Arc::clone(spending))
}

fn start_stored_chats(
    config: &Config,
    dependencies: &Dependencies,
    turn_tasks: &TurnTasks,
    abilities: &Arc<ModelAbilities>,
) -> StoredChats {
    let Dependencies { storage, clock, tasks, .. } = dependencies;
    let cut_off = turn_tasks.cut_off();
    StoredChats::start(storage.clone(), clock.clone(), config, cut_off, Arc::clone(abilities), tasks)
}

fn start_feedback(
    config: &Config,
    dependencies: &Dependencies,
    runner: &TurnRunner,
    limits: Arc<UsageLimits>,
) -> Feedback {
    let (recorder, registry) = (Arc::clone(&runner.recorder), Arc::clone(&runner.registry));
    Feedback::start(recorder, registry, limits, config.session_log.content, &dependencies.tasks)
}

fn start_idempotency(
    config: &Config,
    dependencies: &Dependencies,
    registry: &Arc<Registry>,
    stored_chats: &Arc<StoredChats>,
) -> Idempotency {
    let Dependencies { storage, tasks, .. } = dependencies;
    let (registry, stored_chats) = (Arc::clone(registry), Arc::clone(stored_chats));
    Idempotency::start(storage.clone(), registry, stored_chats, config.turns.timeout, tasks)
}
