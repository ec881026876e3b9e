//! Opens the parts of the service, each with the others that it needs.

use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

use futures_util::future::{join_all, select_all};

use super::{live_limits, start_failure::StartFailure};
use crate::{
    adapters::{
        credentials::Credentials,
        hooks::{ContextHook, EventReceiver, GuardHook},
        personas::Personas,
        session_log::{LogOpenFailure, LogUnavailable, PreviousInstance, ServiceStart, SessionLog},
        storage::{FINGERPRINT_SECRET, FoundEnd, OutboxLimits, SESSION_SECRET, Storage, TICKET_SECRET},
        trace_export,
    },
    api::AppState,
    domain::body_memory::BodyMemory,
    domain::{
        log_chain::{Chain, ChainHasher},
        log_position::{LogEnd, LogPosition},
        session::SessionKey,
        tenant::SpendingPause,
    },
    foundation::memory_limit,
    foundation::{
        clock::Clock,
        config::{self, Config, PerProvider},
        http_client::{self, ClientFailure},
        outage::StartOutage,
        secret::FingerprintKey,
        tasks::Tasks,
        trace::{Tracer, TracerSettings},
    },
    services::{
        accounts::Accounts,
        api_keys::ApiKeys,
        log_report::{LiveLog, OwnLogReports},
        log_retention,
        sessions::Sessions,
        sites::{CheckedSites, OperatorPauses, Sites},
        turn::{Dependencies, ProviderAccess, RecoveryProgress, Turns},
        visitors::Visitors,
    },
};

/// The time that the start waits for Papita's first response. Without a Papita the connection is refused in less than a
/// millisecond; a slower response is used when it comes.
const FIRST_PAPITA_TIMEOUT: Duration = Duration::from_millis(60);

/// Opens all parts of the service, and logs its start. Each step waits for the end of an outage.
pub(super) async fn open(
    config: Config,
    clock: Clock,
    progress: &RecoveryProgress,
    outage: &StartOutage,
) -> Result<AppState, StartFailure> {
    let started = Instant::now();
    let tasks = Tasks::default();
    let personas = Personas::open(&config, &tasks)?;
    let checked_sites = CheckedSites::new(&config, personas.clone())?;
    let log = outage.wait_out(async || open_log(&config.session_log, &clock)).await?;
    let limits = OutboxLimits {
        papita: config.papita_queue_limit,
        events: config.events.as_ref().map(|events| events.queue_limit),
    };
    let open_storage =
        async || Storage::open(&config.database, log.id().to_owned(), log.instance(), limits, &clock, &tasks).await;
    let storage = outage.wait_out(open_storage).await?;
    let client = http_client::build(config.providers.first().connect_timeout, &config.proxy, None)?;
    let guard = GuardHook::new(&config)?.map(Arc::new);
    let context = ContextHook::new(&config)?.map(Arc::new);
    let papita = config.credentials.papita_url.to_string();
    let has_papita_answered = outage.wait_out(async || storage.has_papita_answered(&papita).await).await?;
    let providers = ProviderAccess::of_all(&config, &client, has_papita_answered, &tasks)?;
    ask_for_keys(&config, &providers, &personas.models(), has_papita_answered, &storage, &clock, &tasks).await;
    let credentials = providers.get(config.model.provider_of(&config.model.default)).credentials.clone();
    let events = config
        .events
        .as_ref()
        .map(|events| EventReceiver::new(events, config.hooks.private_addresses, &config.proxy))
        .transpose()?;
    let trace_tasks = Tasks::default();
    let tracer = open_tracer(&config, &log, &clock, &trace_tasks)?;
    let spending = Arc::new(SpendingPause::default());
    let dependencies = Dependencies {
        client,
        guard,
        context,
        events,
        personas: personas.clone(),
        providers: providers.clone(),
        log: log.clone(),
        storage: storage.clone(),
        clock: clock.clone(),
        tracer,
        tasks: tasks.clone(),
        spending: Arc::clone(&spending),
    };
    let turns = Turns::open(&config, &dependencies, progress, outage).await?;
    let ticket_secret = outage.wait_out(async || storage.secret(TICKET_SECRET).await).await?;
    let paused_sites = outage.wait_out(async || storage.paused_sites().await).await?;
    let pauses = OperatorPauses::new(storage.clone(), &paused_sites, spending);
    let sites = Sites::open(&config, checked_sites, &ticket_secret, pauses, clock.clone(), &tasks);
    live_limits::follow(&sites, &turns, &tasks);
    let session_key = SessionKey::new(&outage.wait_out(async || storage.secret(SESSION_SECRET).await).await?);
    let (limits, idle_timeout) = (turns.usage_limits(), config.session_idle_timeout);
    let sessions =
        Sessions::start(storage.clone(), log.clone(), clock.clone(), session_key, limits, idle_timeout, &tasks);
    let fingerprint_key =
        FingerprintKey::new(&outage.wait_out(async || storage.secret(FINGERPRINT_SECRET).await).await?);
    let open_accounts = async || Accounts::open(&config.accounts, storage.clone(), clock.clone()).await;
    let accounts = outage.wait_out(open_accounts).await?;
    let api_keys = outage.wait_out(async || ApiKeys::start(storage.clone(), clock.clone(), &tasks).await).await?;
    let visitors = Visitors::start(storage.clone(), clock.clone(), config.visitor_retention, &tasks);
    let event = ServiceStart {
        version: env!("CARGO_PKG_VERSION"),
        pid: std::process::id(),
        model: &config.model.default,
        demo_mode: credentials.demo_mode(),
        previous: log.previous(),
    };
    let start = log_start(&log, &clock, &event, outage).await?;
    let previous = log.previous().and_then(found_end);
    outage.wait_out(async || storage.register_log(start, previous).await).await?;
    turns.log_interrupted(outage).await?;
    log_retention::start(config.session_log.retention, log.clone(), storage.clone(), clock.clone(), &tasks);
    let log_reports = OwnLogReports::new(&config.session_log.dir, tasks.stopping());
    let live_log = LiveLog::new(&config.session_log.dir, clock.clone(), tasks.clone());
    let list_memory = BodyMemory::new(memory_limit::at_most_part(config.server.body_memory, 8));
    let config = Arc::new(config);
    Ok(AppState {
        config,
        started,
        clock,
        personas,
        sites,
        turns,
        sessions,
        accounts,
        api_keys,
        visitors,
        credentials,
        providers,
        fingerprint_key,
        log,
        log_reports,
        live_log,
        storage,
        list_memory,
        tasks,
        trace_tasks,
    })
}

/// Starts the sending of traces; `None` if the settings name no collector.
fn open_tracer(
    config: &Config,
    log: &SessionLog,
    clock: &Clock,
    tasks: &Tasks,
) -> Result<Option<Tracer>, ClientFailure> {
    let Some(settings) = &config.traces else { return Ok(None) };
    let queue = trace_export::start(settings, log.instance(), &config.proxy, tasks)?;
    Ok(Some(Tracer::new(TracerSettings { sampling: settings.sampling, queue, clock: clock.clone() })))
}

fn open_log(settings: &config::SessionLog, clock: &Clock) -> Result<SessionLog, LogOpenFailure> {
    let hasher = settings.keys.first().map_or_else(ChainHasher::without_key, ChainHasher::with_key);
    SessionLog::open(&settings.dir, settings.file_access, settings.sync, hasher, clock.clone())
}

/// Returns the end of the process before in the form of the database.
fn found_end(previous: &PreviousInstance) -> Option<FoundEnd> {
    let position = LogPosition { instance: previous.instance.parse().ok()?, seq: previous.seq };
    let chain = previous.chain.as_ref().and_then(|chain| Chain::parse(chain.as_bytes()));
    Some(FoundEnd { position, chain })
}

/// Appends the line of the start to the session log, and returns the end of the log after it.
async fn log_start(
    log: &SessionLog,
    clock: &Clock,
    event: &ServiceStart<'_>,
    outage: &StartOutage,
) -> Result<LogEnd, LogUnavailable> {
    let append = async || {
        // While the log cannot be written, each further line would count as one that is missing.
        log.ensure_writable()?;
        log.append(clock.now(), event).await
    };
    outage.wait_out(append).await
}

/// Asks for the keys of the providers that models and personas use, and waits for them for a short time. Papita's first answer
/// is recorded in the database when it comes.
async fn ask_for_keys(
    config: &Config,
    providers: &PerProvider<ProviderAccess>,
    of_personas: &BTreeSet<String>,
    has_papita_answered: bool,
    storage: &Storage,
    clock: &Clock,
    tasks: &Tasks,
) {
    let papita = config.credentials.papita_url.to_string();
    if !has_papita_answered {
        let (storage, clock) = (storage.clone(), clock.clone());
        let all = providers.iter().map(|(_, provider)| provider.credentials.clone()).collect::<Vec<_>>();
        let stopping = tasks.stopping();
        tasks.spawn("papita contact", async move {
            let first = select_all(all.iter().map(|credentials| Box::pin(credentials.wait_for_papita())));
            if stopping.run_until_cancelled(first).await.is_some()
                && let Err(failure) = storage.record_papita_answer(&papita, clock.now()).await
            {
                tracing::warn!(%failure, "the first answer of Papita could not be stored");
            }
        });
    }
    let used = config.used_providers(of_personas).into_iter().map(|provider| &providers.get(provider).credentials);
    // The results are cached by the credentials. After the timeout, requests to Papita continue in the background.
    let _ = tokio::time::timeout(FIRST_PAPITA_TIMEOUT, join_all(used.map(Credentials::access))).await;
}
