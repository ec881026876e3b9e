//! Measures turns with all features on: `cargo bench --bench turns`, or with `-- --quick` for a short run.
//!
//! Loads AL-Chat over loopback in front of the fake model. If nginx is installed, the same requests go through nginx as
//! a plain proxy for comparison. Takes less than a minute and removes its files.
#![expect(clippy::expect_used, reason = "a failed setup ends the bench")]
#![expect(clippy::print_stdout, reason = "its output is a table")]

mod connection;
#[path = "../tests/api/fakes/mod.rs"]
#[allow(unreachable_pub, clippy::needless_pass_by_value, clippy::panic, reason = "written for the tests")]
mod fakes;
mod measured;
mod observer;
#[allow(dead_code, reason = "each bench uses some of it")]
mod server;
mod target;

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use connection::Connection;
use fakes::{
    collector::{CollectorBehaviour, FakeCollector},
    hook::FakeHook,
    model::FakeModel,
};
use hyper::StatusCode;
use measured::{Measured, micros};
use observer::Observer;
use server::{Server, logged_turns};
use target::{AL_CHAT, Target};
use tokio::time::sleep;

/// The extent of the measurement.
struct Plan {
    round: Duration,
    rounds: usize,
    starts: usize,
}

#[tokio::main]
async fn main() {
    let arguments = std::env::args().collect::<Vec<_>>();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    // `cargo test` runs this without `--bench`, to check that it works.
    let quick = has("--quick") || !has("--bench");
    let plan = if quick {
        Plan { round: Duration::from_millis(250), rounds: 2, starts: 2 }
    } else {
        Plan { round: Duration::from_secs(1), rounds: 5, starts: 7 }
    };

    let dir = tempfile::tempdir().expect("a folder");
    let model = FakeModel::start().await.without_recording();
    print_starts(dir.path(), &model, plan.starts).await;

    let mut chat = Server::al_chat(dir.path(), &model).await;
    sleep(Duration::from_secs(1)).await;
    let idle = chat.memory("VmRSS");
    let mut nginx = Server::nginx(dir.path(), &model).await;
    if nginx.is_none() {
        println!("nginx: left out, for there is none here");
    }

    let mut turns = 0;
    for concurrency in [1, 8, 64] {
        let mut targets = vec![Target::of_model(&model, concurrency).await, Target::of_chat(&chat, concurrency).await];
        if let Some(nginx) = &nginx {
            targets.push(Target::of_nginx(nginx, concurrency).await);
        }
        turns += measure(&mut targets, &plan).await;
        print_load(&targets, concurrency);
    }
    println!("memory: {idle:.1} MiB idle, {:.1} MiB at the most", chat.memory("VmHWM"));

    chat.stop().await;
    if let Some(nginx) = &mut nginx {
        nginx.stop().await;
    }
    let logged = logged_turns(dir.path()).len();
    println!("session log: {logged} of {turns} turns");
    assert_eq!(logged, turns, "every answered turn is in the session log");
    print_in_openai_form(&model, &plan).await;
    print_beside_an_abuser(&model).await;
    print_setups(&model, &plan).await;
    print_observed(&model, &plan).await;
}

/// A server with these settings under load.
#[derive(Clone)]
struct Setup<'a> {
    name: &'static str,
    /// The text of `al-chat.toml`.
    file: Option<&'a str>,
    settings: Vec<(&'a str, &'a str)>,
    /// What reads its figures meanwhile.
    observer: Option<Observer>,
}

/// Measures turns with one provider, with a second one, and with a guard that lets all pass, by turns. What a turn does not use
/// should cost it nothing.
async fn print_setups(model: &FakeModel, plan: &Plan) {
    let (guard, url) = (FakeHook::start().await, model.base_url());
    let second = format!(
        "[[providers]]\nname = \"two\"\nbase_url = \"{url}\"\n\n[[models]]\nname = \"gpt-4o-mini\"\nprovider = \"two\"\n\n\
         [[models]]\nname = \"other\"\n"
    );
    let guard_url = guard.url();
    let settings = [("OPENAI_BASE_URL", url.as_str()), ("OPENAI_API_KEY", "sk-bench")];
    let with_guard = [&settings[..], &[("GUARD_URL", &guard_url)]].concat();
    let ordinary = Setup { name: "one provider, no hooks", file: None, settings: settings.to_vec(), observer: None };
    let two = Setup { name: "two providers", file: Some(&second), ..ordinary.clone() };
    let guarded = Setup { name: "one provider, a guard", settings: with_guard, ..ordinary.clone() };
    print_ratios("setups", &[ordinary, two, guarded], plan).await;
}

/// Measures turns that nobody observes, and turns whose metrics are read, that are traced, or that an open page of the operator
/// shows.
async fn print_observed(model: &FakeModel, plan: &Plan) {
    let (collector, url) = (FakeCollector::start().await, model.base_url());
    // It takes all spans without a look at them: its work is not that of the server.
    collector.behave(CollectorBehaviour::Respond(200, String::new()));
    let collector_url = collector.url();
    let settings = [("OPENAI_BASE_URL", url.as_str()), ("OPENAI_API_KEY", "sk-bench")];
    let all = [&settings[..], &[("OTEL_EXPORTER_OTLP_ENDPOINT", &collector_url)]].concat();
    let sampler = [("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "0.01")];
    let one_percent = [&all[..], &sampler].concat();
    let ordinary = Setup { name: "no traces", file: None, settings: settings.to_vec(), observer: None };
    let setups = [
        ordinary.clone(),
        Setup { name: "no traces, again", ..ordinary.clone() },
        Setup { name: "metrics each second", observer: Some(Observer::Scraper), ..ordinary.clone() },
        Setup { name: "traces of 1 %", settings: one_percent, ..ordinary.clone() },
        Setup { name: "traces of all", settings: all, ..ordinary.clone() },
        Setup { name: "an open /admin page", observer: Some(Observer::Page), ..ordinary },
    ];
    print_ratios("observed", &setups, plan).await;
}

/// Measures servers with these settings by turns, and prints their figures with the ratios to the first.
async fn print_ratios(title: &str, setups: &[Setup<'_>], plan: &Plan) {
    const CONCURRENCY: usize = 8;
    let (mut dirs, mut servers, mut targets, mut observing) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for Setup { name, file, settings, observer } in setups {
        let dir = tempfile::tempdir().expect("a folder");
        if let Some(text) = file {
            fs::write(dir.path().join("al-chat.toml"), text).expect("a file");
        }
        let mut server = Server::al_chat_with(dir.path(), settings).await;
        if let Some(observer) = observer {
            let Some(begun) = observer.observe(&server).await else {
                println!("{name}: left out, for the server does not offer it");
                server.stop().await;
                continue;
            };
            observing.push(begun);
        }
        let mut target = Target::of_chat(&server, CONCURRENCY).await;
        target.name = name;
        targets.push(target);
        servers.push(server);
        dirs.push(dir);
    }
    measure(&mut targets, plan).await;
    println!("{title}, concurrency {CONCURRENCY}, and the ratio to the first:");
    let figures = |target: &Target| [target.measured.cpu_each().unwrap_or(f64::NAN), target.measured.percentile(0.5)];
    let [first_cpu, first_p50] = figures(&targets[0]);
    for target in &targets {
        let ([cpu, p50], name) = (figures(target), target.name);
        let (cpu_ratio, p50_ratio) = (cpu / first_cpu, p50 / first_p50);
        println!("  {name:22}   CPU {cpu:6.2} µs each ({cpu_ratio:.3})   p50 {p50:6.0} µs ({p50_ratio:.3})");
    }
    drop(observing);
    for server in &mut servers {
        server.stop().await;
    }
}

/// Measures the same turns at `/api/chat` and at `/v1/chat/completions`, whole and streamed.
async fn print_in_openai_form(model: &FakeModel, plan: &Plan) {
    const CONCURRENCY: usize = 8;
    let dir = tempfile::tempdir().expect("a folder");
    let key = server::create_key(dir.path()).await;
    let mut chat = Server::al_chat(dir.path(), model).await;
    for (name, streams) in [("whole", false), ("streamed", true)] {
        let mut targets = vec![
            Target::of_model(model, CONCURRENCY).await,
            Target::of_chat(&chat, CONCURRENCY).await,
            Target::in_openai_form(&chat, CONCURRENCY, &key).await,
        ];
        if streams {
            targets.iter_mut().for_each(Target::ask_for_streams);
        }
        measure(&mut targets, plan).await;
        println!("al-chat in its own and in OpenAI's form, {name}, concurrency {CONCURRENCY}:");
        for target in &targets {
            target.measured.print(target.name, &targets[0].measured);
        }
    }
    chat.stop().await;
}

/// Measures 100 visitors behind one address, alone and beside an abuser at another one who sends at 100 times their limit.
async fn print_beside_an_abuser(model: &FakeModel) {
    /// Each visitor asks so often in a round: in four rounds, as often as a visitor may in a minute.
    const TURNS: usize = 5;
    /// The refusals of the abuser that are measured without the visitors.
    const REFUSALS: usize = 2000;
    /// The pause of the abuser, who may ask 20 times a minute.
    const PAUSE: Duration = Duration::from_millis(30);

    let (dir, url) = (tempfile::tempdir().expect("a folder"), model.base_url());
    let settings = [
        ("OPENAI_BASE_URL", url.as_str()),
        ("OPENAI_API_KEY", "sk-bench"),
        ("PROXIES", "1"),
        ("LIMIT_VISITOR", "20/minute"),
        ("LIMIT_ADDRESS", "2000/minute"),
    ];
    let mut chat = Server::al_chat_with(dir.path(), &settings).await;
    let mut visitors = Target::behind_proxy(&chat, 100, "192.0.2.1").await;
    let mut abuser = Target::behind_proxy(&chat, 1, "192.0.2.2").await.lanes.remove(0);
    let (mut alone, mut beside) = (Measured::default(), Measured::default());
    for _ in 0..2 {
        alone.add(visitors.ask(TURNS).await);
        let abuse = async {
            loop {
                let (status, _) = abuser.send().await;
                assert!(matches!(status, StatusCode::OK | StatusCode::TOO_MANY_REQUESTS), "{status}");
                sleep(PAUSE).await;
            }
        };
        tokio::select! {
            measured = visitors.ask(TURNS) => beside.add(measured),
            () = abuse => {}
        }
        // The request that was cut off has left its connection in the middle of a response.
        abuser.connection = Connection::open(chat.address).await.expect("a connection");
    }
    println!("100 visitors behind one address, and an abuser at another one at 100 times the limit:");
    for (name, measured) in [("alone", &alone), ("beside", &beside)] {
        measured.print(name, &alone);
    }
    let mut refused = Measured::default();
    while refused.latencies.len() < REFUSALS {
        let sent = Instant::now();
        if abuser.send().await.0 == StatusCode::TOO_MANY_REQUESTS {
            refused.latencies.push(sent.elapsed());
        }
    }
    refused.latencies.sort_unstable();
    let [p50, p99] = [0.5, 0.99].map(|part| refused.percentile(part));
    println!("  refusals, one after the other: p50 {p50:.0} µs   p99 {p99:.0} µs");
    chat.stop().await;
}

/// Measures several starts of the program; the first creates the database.
async fn print_starts(dir: &Path, model: &FakeModel, starts: usize) {
    let mut times = Vec::new();
    for _ in 0..starts {
        let mut chat = Server::al_chat(dir, model).await;
        times.push(micros(chat.start_time) / 1e3);
        chat.stop().await;
    }
    let first = times.remove(0);
    times.sort_by(f64::total_cmp);
    println!("start: {first:.0} ms with a new database, {:.0} ms later (median)", times[times.len() / 2]);
}

/// Runs the rounds of all targets in alternation, so that other load on the machine affects all targets alike. Returns
/// the number of turns.
async fn measure(targets: &mut [Target], plan: &Plan) -> usize {
    let mut turns = 0;
    // The first of these rounds is a warm-up.
    for round in 0..=plan.rounds {
        for target in &mut *targets {
            let measured = target.load(plan.round).await;
            turns += if target.name == AL_CHAT { measured.latencies.len() } else { 0 };
            if round > 0 {
                target.measured.add(measured);
            }
        }
    }
    turns
}

fn print_load(targets: &[Target], concurrency: usize) {
    println!("concurrency {concurrency}:");
    let direct = &targets[0].measured;
    for Target { name, measured, .. } in targets {
        measured.print(name, direct);
    }
    if let [_, chat, nginx] = targets {
        let ratio = |of: &dyn Fn(&Measured) -> f64| of(&chat.measured) / of(&nginx.measured);
        let cpu = ratio(&|it| it.cpu_each().unwrap_or(f64::NAN));
        let added = ratio(&|it| it.percentile(0.5) - direct.percentile(0.5));
        println!("  al-chat / nginx: {cpu:.1} times the CPU, {added:.1} times the added p50");
    }
}
