//! Two replicas on one PostgreSQL database whose clocks differ by an hour.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

use al_chat::foundation::clock::Clock;
use jiff::{ToSpan, tz::TimeZone};
use serde_json::json;
use tokio::{
    task::{JoinSet, spawn_blocking},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use crate::{
    environment::{CLIENTS, Environment},
    fakes::model::Behaviour,
    load::Load,
    measurement::Reference,
    postgres::cluster,
    support::{
        client::Client,
        service::{Service, TestSetup},
        user::User,
    },
    table::{Fault, Figures, Scale},
};

/// The time of a turn.
const TURN: Duration = Duration::from_secs(1);

/// The least time in which each replica looks for dead ones, which it does every 5 seconds.
const LOOK: Duration = Duration::from_millis(6500);

/// The number of stored chats at each replica.
const CHATS: usize = 4;

pub fn faults() -> Vec<Fault> {
    vec![Fault {
        name: "replicas an hour apart, PostgreSQL",
        play: |scale| Box::pin(an_hour_apart(scale)),
        seconds: 4.0,
        reason: "nothing stops; a turn takes 1 s here",
    }]
}

/// Runs turns of stored chats and others at both replicas without a pause. A replica that counts the other one as dead
/// fails its running turns in stored chats, and sends its usage records, too.
async fn an_hour_apart(scale: Scale) -> Figures {
    let database = spawn_blocking(|| cluster::shared().database()).await.expect("a database");
    let (mut environment, setup, second) = start(database.as_str()).await;
    let addresses = [environment.address, second.address()];
    let mut chats = StoredChats { clients: JoinSet::new(), enough: CancellationToken::new() };
    for address in addresses {
        chats.start(&Client::new(address)).await;
    }
    environment.model.set_behaviour(Behaviour::Delayed(TURN, Box::new(Behaviour::Echo)));
    let loads = addresses.map(|address| Load::start(address, CLIENTS / 2, Duration::ZERO));
    sleep(LOOK.max(scale.duration() * 4 / 3)).await;
    let looked = Instant::now();
    let mut seconds = 0_f64;
    for load in &loads {
        seconds = seconds.max(load.recovery(looked).await);
    }
    let (mut answered, lost, doubled) = chats.stop().await;
    for load in loads {
        answered.extend(load.stop().await);
    }
    environment.other_log_dirs.push(setup.log_dir());
    let mut figures = environment.measure_answered(&answered, seconds, Reference::Log).await;
    let records = environment.papita.usage_keys();
    let sent_twice = records.len() - records.iter().collect::<HashSet<_>>().len();
    figures.expect(lost + doubled == 0, format!("messages in chats: {lost} lost, {doubled} doubled"));
    figures.expect(sent_twice == 0, format!("{sent_twice} records were sent twice"));
    figures.lost = figures.lost.max(lost);
    figures.doubled = figures.doubled.max(doubled).max(sent_twice);
    figures
}

/// Starts two replicas. The clock of the second one is an hour ahead.
async fn start(database: &str) -> (Environment, TestSetup, Service) {
    let mut environment = Environment::new(&[("DATABASE_URL", database)]).await;
    environment.start_with_clock(Clock::system(TimeZone::UTC)).await;
    let setup = TestSetup::for_papita(&environment.model, &environment.papita).with("DATABASE_URL", database);
    let system = Clock::system(TimeZone::UTC);
    let ahead = Clock::from_fn(move || system.now() + 1.hour(), TimeZone::UTC);
    let second = setup.start_with_clock(ahead).await;
    (environment, setup, second)
}

/// Users who each ask one question after the other in a stored chat.
struct StoredChats {
    clients: JoinSet<(Vec<String>, Vec<String>)>,
    enough: CancellationToken,
}

impl StoredChats {
    async fn start(&mut self, client: &Client) {
        for number in 0..CHATS {
            let user = User::register(client, &format!("user-{}-{number}", self.clients.len())).await;
            let (chat, enough) = (user.create_chat().await, self.enough.clone());
            self.clients.spawn(async move {
                let mut answered = Vec::new();
                while !enough.is_cancelled() {
                    let request = user.send_request(chat, &json!({ "text": format!("question {}", answered.len()) }));
                    let answer = user.client.send(request).await;
                    // A turn that was failed is missing in the chat.
                    answered.push(answer.header("x-request-id").to_owned());
                }
                (answered, user.transcript(chat).await)
            });
        }
    }

    /// Returns the ids of all turns, and how many messages the chats lack or have twice.
    async fn stop(self) -> (Vec<String>, usize, usize) {
        self.enough.cancel();
        let (mut all, mut lost, mut doubled) = (Vec::new(), 0, 0);
        for (turns, transcript) in self.clients.join_all().await {
            let expected = (0..turns.len()).flat_map(|turn| ["", "> "].map(|arrow| format!("{arrow}question {turn}")));
            lost += expected.filter(|message| !transcript.contains(message)).count();
            doubled += transcript.len() - transcript.iter().collect::<HashSet<_>>().len();
            all.extend(turns);
        }
        (all, lost, doubled)
    }
}
