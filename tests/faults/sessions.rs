//! Sessions that are stopped when the program is killed.

use std::time::Instant;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::{
    environment::{CLIENTS, Environment},
    measurement::Reference,
    support::{client::Client, service::wait_until},
    table::{Fault, Figures, Scale},
};

pub fn faults(reason: &'static str) -> Vec<Fault> {
    vec![Fault {
        name: "sessions stopped, then kill -9",
        play: |scale| Box::pin(stop_sessions(scale)),
        seconds: 5.0,
        reason,
    }]
}

/// Kills the program when the first of many sessions is stopped. A session counts as lost unless it has a `session_stop`
/// line with its metric, and as doubled if it has several.
async fn stop_sessions(scale: Scale) -> Figures {
    let mut environment = Environment::running(&[]).await;
    let (mut answered, mut sessions, mut seconds) = (Vec::new(), Vec::new(), 0_f64);
    for _ in 0..scale.rounds(4, 40) {
        let client = environment.client();
        let started = start_sessions(&client, &mut answered).await;
        let mut stops = JoinSet::new();
        for session in &started {
            stops.spawn(stop(client.clone(), session.clone()));
        }
        stops.join_next().await;
        let killed = Instant::now();
        environment.kill().await;
        let stopped = stops.join_all().await;
        let load = environment.load();
        seconds = seconds.max(load.recovery(killed).await);
        answered.extend(load.stop().await);
        // A stop that was not answered is repeated, as a client would do.
        for session in stopped.into_iter().filter_map(Result::err) {
            environment.client().post("/api/session/stop", &body(&session)).await;
        }
        sessions.extend(started);
    }
    wait_until("all stops in the log", async || {
        let left = environment.setup.count_rows("sessions WHERE stopped_at IS NOT NULL AND logged = 0").await;
        (left == 0).then_some(())
    })
    .await;
    let mut figures = environment.measure_answered(&answered, seconds, Reference::Log).await;
    for event in ["session_stop", "metric"] {
        let lines = environment.setup.log_lines(event);
        let count = |session: &String| lines.iter().filter(|line| line["session_id"] == **session).count();
        let counts = sessions.iter().map(count).collect::<Vec<_>>();
        let lost = counts.iter().filter(|count| **count == 0).count();
        let doubled = counts.iter().filter(|count| **count > 1).count();
        figures.expect(lost + doubled == 0, format!("{event}: {lost} sessions without, {doubled} with several"));
        figures.lost += lost;
        figures.doubled += doubled;
    }
    figures
}

/// Starts sessions with one turn each, and adds the turns' ids. Returns the sessions' ids.
async fn start_sessions(client: &Client, answered: &mut Vec<String>) -> Vec<String> {
    let text = |body: &Value, field: &str| body[field].as_str().expect("an id").to_owned();
    let mut sessions = Vec::new();
    for _ in 0..CLIENTS {
        let session = text(&client.post("/api/session/start", &json!({})).await.assert_ok(), "session_id");
        let question = json!({ "message": "hello", "session_id": session });
        answered.push(text(&client.post("/api/chat", &question).await.assert_ok(), "request_id"));
        sessions.push(session);
    }
    sessions
}

fn body(session: &str) -> Value {
    json!({ "session_id": session, "metrics": { "clicks": 3 } })
}

/// Stops a session. Returns it as an error if there was no answer.
async fn stop(client: Client, session: String) -> Result<(), String> {
    let request = client.json_request("/api/session/stop", &body(&session));
    client.try_send(request).await.map_err(|_| session)?;
    Ok(())
}
