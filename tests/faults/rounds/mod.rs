//! Rounds of faults, one after the other, on one service under load. After each round, all questions, lines, declared gaps,
//! totals and findings of `al-chat log verify` must agree.

mod declared;
mod force;
mod ledger;
mod line;
mod rotation;
mod site;
mod stopped;
mod verified;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use futures_util::future::join_all;
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::{Value, json};

use self::{declared::Round, force::Force, ledger::Ledger, site::Site};
use crate::{
    environment::CLIENTS,
    load::Load,
    support::{client::Client, log_check},
    table::{Fault, Figures, Scale},
};

/// The pause of a client after an answer, so that a round writes hundreds of lines and not thousands.
const PAUSE: Duration = Duration::from_millis(40);

/// The numbers of rounds.
const SHORT: u64 = 12;
const LONG: u64 = 200;

pub fn faults() -> Vec<Fault> {
    vec![Fault { name: "rounds of faults", play: |scale| Box::pin(play(scale)), seconds: 5.0, reason: "a restart" }]
}

/// Plays rounds until one finds something wrong.
async fn play(scale: Scale) -> Figures {
    let mut rng = StdRng::seed_from_u64(scale.seed);
    let (mut site, mut ledger) = (Site::start().await, Ledger::default());
    let (mut figures, mut played) = (Figures::default(), BTreeMap::<Force, usize>::new());
    let mut bag = Vec::new();
    let rounds = scale.fault_rounds.unwrap_or(if scale.is_long { LONG } else { SHORT });
    for round in 1..=rounds {
        if bag.is_empty() {
            bag.extend(Force::ALL);
            bag.shuffle(&mut rng);
        }
        let force = bag.pop().expect("a force");
        *played.entry(force).or_default() += 1;
        let seconds = play_round(&mut site, &mut ledger, force, &mut rng).await;
        figures.seconds = figures.seconds.max(seconds);
        let found = ledger.take_violations();
        figures.violations.extend(found.into_iter().map(|found| format!("round {round}, {}: {found}", force.name())));
        if !figures.violations.is_empty() {
            break;
        }
    }
    end(site, &mut ledger, &mut figures).await;
    let played = played.iter().map(|(force, count)| format!("{count} x {}", force.name())).collect::<Vec<_>>();
    eprintln!("rounds of faults, --seed {}: {}; {}", scale.seed, played.join(", "), ledger.summary());
    figures
}

/// Plays one round. Returns the seconds until turns were answered again.
async fn play_round(site: &mut Site, ledger: &mut Ledger, force: Force, rng: &mut StdRng) -> f64 {
    let client = site.environment.client();
    let sessions = join_all((0..CLIENTS).map(|_| start_session(&client))).await;
    let calls = site.environment.model.call_count();
    let load = Load::start_in(sessions.iter().cloned(), site.environment.address, PAUSE);
    load.wait_for(rng.random_range(10..60)).await;
    let ended = site.apply(force, &load, rng).await;
    let seconds = load.recovery(ended).await;
    load.wait_for(rng.random_range(5..30)).await;
    let asked = load.end().await;
    site.environment.wait_for_readiness(200).await;
    let client = site.environment.client();
    join_all(sessions.iter().map(|session| stop_session(&client, session))).await;
    let calls = site.environment.model.call_count() - calls;
    ledger.check(site, Round { force, asked, sessions, calls }).await;
    seconds
}

async fn start_session(client: &Client) -> String {
    let started = client.post("/api/session/start", &json!({})).await.assert_ok();
    started["session_id"].as_str().expect("an id").to_owned()
}

async fn stop_session(client: &Client, session: &str) {
    let stop = json!({ "session_id": session, "metrics": { "clicks": 3 } });
    client.post("/api/session/stop", &stop).await.assert_ok();
}

/// Checks what can only be checked at the end: the records at Papita, the lines of all rounds together, and their form.
async fn end(site: Site, ledger: &mut Ledger, figures: &mut Figures) {
    let started = Instant::now();
    let records = site.environment.wait_for_records(&ledger.answered).await;
    figures.answered = ledger.answered.len();
    figures.lost = ledger.lost_answers.max(records);
    figures.expect(records == 0, format!("{records} records are missing at Papita after {:?}", started.elapsed()));
    let missing = missing_lines(&site.environment.client()).await;
    figures.expect(missing == 0, format!("the service reports {missing} lines that it has not counted"));
    ledger.check_all(&site).await;
    figures.violations.append(&mut ledger.take_violations());
    log_check::assert_lines_match(&site.log_dir());
    site.archives.iter().for_each(|archive| log_check::assert_lines_match(archive));
}

/// Returns how many lines the service has missed when it counted lines at a start.
async fn missing_lines(client: &Client) -> u64 {
    let metrics = client.get("/metrics").await.text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("al_chat_session_log_missing_lines "));
    line.expect("the metric").parse().expect("a number")
}

/// Returns the totals of the database: answered turns, and tokens of prompts and answers.
async fn totals(client: &Client) -> (u64, u64, u64) {
    let usage = client.get("/api/openai/usage").await.assert_ok();
    let figure = |name: &str| usage.get(name).and_then(Value::as_u64).expect("a number");
    (figure("request_count"), figure("total_prompt_tokens"), figure("total_completion_tokens"))
}
