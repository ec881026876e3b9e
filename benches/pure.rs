//! Measures the pure functions of a turn one by one: `cargo bench --bench pure`.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]

mod chat_line;

use std::{hint::black_box, sync::Arc};

use al_chat::{
    adapters::{
        model::basic,
        session_log::{SessionLog, Stamper},
    },
    domain::{
        account::OwnerId,
        chat::{Image, Message, Role},
        client_ip::ClientIp,
        cost::{Prices, TokenUsage, token_count},
        known_models::KnownModels,
        limits::{Amounts, Asker, AskerId, UsageLimits},
        log_chain::ChainHasher,
        log_position::LogEnd,
        prompt::{self, AttachedFile, PromptBuilder},
        session::{SessionId, SessionKey},
        tenant::{PausedBy, Site, SitePause, Tenant, TenantName},
    },
    foundation::{
        clock::Clock,
        config::{Config, LimitList, SiteLimits, SiteSettings, Source},
        file_access::FileAccess,
        secret::{ApiKey, SigningSecret},
    },
};
use criterion::{BatchSize, Criterion};
use jiff::{Timestamp, tz::TimeZone};
use uuid::Uuid;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    chat_line(&mut criterion);
    conversation(&mut criterion);
    prompts(&mut criterion);
    limits(&mut criterion);
    small_parts(&mut criterion);
    criterion.final_summary();
}

fn message(role: Role, content: &str) -> Message {
    Message::new(role, content)
}

/// A time zone with daylight saving time.
fn berlin() -> TimeZone {
    TimeZone::get("Europe/Berlin").expect("a bundled time zone")
}

fn chat_line(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a folder");
    let clock = Clock::from_fn(|| Timestamp::UNIX_EPOCH, berlin());
    let log = SessionLog::open(dir.path(), FileAccess::Owner, false, ChainHasher::without_key(), clock)
        .expect("a session log");
    let now = "2026-11-21T09:30:02.125Z".parse().expect("a time");
    let chat = chat_line::answered("019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27");
    criterion.bench_function("session_log: a chat line", |bencher| {
        bencher.iter(|| {
            let mut lines = log.lines(black_box(now));
            lines.add(black_box(&chat));
            lines
        });
    });
    let (mut lines, mut buffer) = (log.lines(now), Vec::new());
    lines.add(&chat);
    let (mut stamper, mut end) = (Stamper::new(Uuid::nil(), ChainHasher::without_key()), LogEnd::start(Uuid::nil()));
    criterion.bench_function("session_log: the stamp of a chat line", |bencher| {
        bencher.iter(|| {
            buffer.clear();
            end = stamper.stamp(black_box(&lines), end, &mut buffer);
            end
        });
    });
}

fn conversation(criterion: &mut Criterion) {
    let history = vec![message(Role::User, "Hello, can you help me?"); 10];
    let file = |name: &str| AttachedFile { name: name.to_owned(), content: "A line of the file.\n".repeat(500) };
    let files = [file("first.txt"), file("second.txt")];
    criterion.bench_function("prompt: ten messages and two files of 10 kB", |bencher| {
        let ask = |history| prompt::conversation(history, black_box(&files), "Which is longer?", Vec::new());
        bencher.iter_batched(|| history.clone(), ask, BatchSize::SmallInput);
    });
}

/// Measures trimming a long conversation with an image for a model with a context of 128,000 tokens.
fn prompts(criterion: &mut Criterion) {
    let models = KnownModels::new(&[], &[]);
    criterion.bench_function("known models: a dated one", |bencher| {
        bencher.iter(|| models.abilities(black_box("gpt-4o-mini-2024-07-18")));
    });
    let model = models.abilities("gpt-4o");
    let said = [message(Role::Assistant, &"An answer of some length. ".repeat(40)), message(Role::User, "And then?")];
    criterion.bench_function("prompt: a history longer than 128,000 tokens, fitted", |bencher| {
        bencher.iter(|| {
            let mut prompt = PromptBuilder::new(None, message(Role::User, "And now?"), black_box(model));
            said.iter().cycle().take(10_000).all(|message| prompt.offer(message.clone()));
            prompt.into_messages()
        });
    });
    let image = format!("data:image/png;base64,{}", "A".repeat(1 << 20));
    criterion.bench_function("chat: an image of 1 MiB", |bencher| bencher.iter(|| Image::parse(black_box(&image))));
}

/// Measures the admission of a turn by the limits of all four scopes, and its settlement. A turn may take 2 µs for both.
fn limits(criterion: &mut Criterion) {
    let most = "1000000000/minute, 1000000000/day, 1000usd/day";
    let set = [("LIMIT_VISITOR", most), ("LIMIT_ADDRESS", most), ("LIMIT_TOTAL", most)];
    let config = Config::read(&Source::of_pairs(set)).expect("valid limits");
    let limits = UsageLimits::new(config.limits, &SigningSecret::generate());
    let site = Arc::new(site(most));
    let asker = |visitor: i64| {
        // A hundred visitors share each address.
        let [.., third, fourth] = (visitor / 100).to_be_bytes();
        Asker {
            id: AskerId::Account(OwnerId(visitor)),
            address: ClientIp::from_peer([10, 0, third, fourth].into()),
            is_local: false,
            tenant: Some(Tenant::Site(Arc::clone(&site))),
        }
    };
    let askers = (0..10_000).map(asker).collect::<Vec<_>>();
    let now = "2026-11-21T09:30:02Z".parse().expect("a time");
    let amounts = Amounts { turns: 1, tokens: 1000, cost: 1 };
    let mut next = askers.iter().cycle();
    criterion.bench_function("limits: a turn of one of 10,000 visitors of a site, admitted and settled", |bencher| {
        bencher.iter(|| {
            let asker = next.next().expect("visitors");
            let reserved = limits.reserve(black_box(asker), || amounts, now).expect("no limit is reached");
            limits.settle(&reserved, amounts);
        });
    });
    let visitor = asker(7);
    criterion.bench_function("limits: what is left for a visitor", |bencher| {
        bencher.iter(|| limits.nearest(black_box(&visitor), now));
    });
}

/// Returns a site with a limit.
fn site(limit: &str) -> Site {
    let id = TenantName::parse("shop").expect("a name");
    let limits = SiteLimits { site: LimitList::parse(limit).expect("a limit"), ..SiteLimits::default() };
    let settings =
        SiteSettings { line: 1, id, origins: Vec::new(), persona: None, models: None, limits, paused: false };
    Site { settings, pause: Arc::new(SitePause::new(PausedBy::default())) }
}

fn small_parts(criterion: &mut Criterion) {
    let prices = Prices::new(&[]);
    let usage = TokenUsage { prompt: 1200, completion: 340 };
    criterion.bench_function("cost: a listed model", |bencher| {
        bencher.iter(|| prices.cost(black_box("gpt-4o-mini"), black_box(usage)));
    });
    criterion.bench_function("cost: a dated snapshot", |bencher| {
        bencher.iter(|| prices.cost(black_box("gpt-4o-mini-2024-07-18"), black_box(usage)));
    });
    let text = "An answer of a kilobyte, with **marks**, 1234 and words.\n".repeat(18);
    criterion
        .bench_function("cost: an estimate of 1 kB", |bencher| bencher.iter(|| token_count::tokens(black_box(&text))));
    let asked = [message(Role::User, "What is the weather like today, and can you tell me a joke about it?")];
    criterion.bench_function("basic: a reply", |bencher| bencher.iter(|| basic::reply(black_box(&asked), None)));
    let now = Timestamp::UNIX_EPOCH.to_zoned(berlin());
    let session_key = SessionKey::new(&SigningSecret::generate());
    criterion.bench_function("session: a new id", |bencher| {
        bencher.iter(|| SessionId::generate(black_box(&now), &session_key));
    });
    let key = ApiKey::parse("sk-proj-abcdefghijklmnopqrstuvwxyz0123456789abcdefghijkl").expect("a key");
    criterion.bench_function("secret: a fingerprint", |bencher| bencher.iter(|| black_box(&key).debug_hash()));
}
