//! Sites: their personas, models and limits, and their pauses.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    config_file::{with_file, write_file},
    fakes::{
        hook::{FakeHook, HookBehaviour},
        model::{Behaviour, FakeModel, Gate, Pace, PieceGate, Script},
    },
    limits::assert_limited,
    support::{
        client::{Client, HttpResponse},
        service::{TestSetup, wait_until},
    },
    tickets::{BLOG, SHOP, SITES, question, start_sites, ticket},
};

/// Returns the request of the operator, who is at this machine.
fn admin(client: &Client, method: Method, path: &str) -> RequestBuilder {
    client.request(method, &format!("/api/admin/sites{path}"))
}

async fn pause(client: &Client, site: &str) -> Value {
    client.send(admin(client, Method::POST, &format!("/{site}/pause"))).await.assert_ok()
}

async fn resume(client: &Client, site: &str) -> Value {
    client.send(admin(client, Method::POST, &format!("/{site}/resume"))).await.assert_ok()
}

/// Asks as a new visitor of a site.
async fn ask(client: &Client, site: &str, origin: &str) -> HttpResponse {
    client.send(question(client, &ticket(client, site, origin).await, origin)).await
}

/// Asks as a new visitor of the shop with these further fields.
async fn ask_with(client: &Client, fields: &Value) -> HttpResponse {
    let mut body = json!({ "message": "hello" });
    body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    let ticket = ticket(client, "shop", SHOP).await;
    client.send(client.json_request("/api/chat", &body).bearer_auth(ticket).header("origin", SHOP)).await
}

#[tokio::test]
async fn a_site_has_one_persona_and_its_own_models() {
    let model = FakeModel::start().await;
    let file = "[[sites]]\nid = \"shop\"\norigins = [\"https://shop.example\"]\npersona = \"amaya\"\nmodels = [\"large\", \"huge\"]\n";
    let setup = TestSetup::for_model(&model).with("OPENAI_MODEL", "small").with("ALLOWED_MODELS", "large, huge");
    let service = with_file(setup, file).start().await;
    let client = &service.client;
    for (fields, asked) in [
        (json!({}), "large"),
        (json!({ "persona": "amaya" }), "large"),
        (json!({ "persona": " ", "model": "huge" }), "huge"),
    ] {
        ask_with(client, &fields).await.assert_ok();
        let body = model.calls().last().unwrap().body.clone();
        assert_eq!(body["model"], asked, "{fields}");
        assert!(body["messages"][0]["content"].as_str().unwrap().contains("Amaya"), "{body}");
    }
    ask_with(client, &json!({ "persona": "assistant" })).await.assert_error(400, "persona_not_found");
    ask_with(client, &json!({ "model": "small" })).await.assert_error(400, "model_not_allowed");
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn limits_of_a_site_do_not_touch_its_neighbour() {
    let (_model, _setup, service) =
        start_sites(&SITES.replacen("\n[[", "\nlimits.site = \"3/day\"\nlimits.visitor = \"2/day\"\n[[", 1)).await;
    let client = &service.client;
    let greedy = ticket(client, "shop", SHOP).await;
    for _ in 0..2 {
        client.send(question(client, &greedy, SHOP)).await.assert_ok();
    }
    let refused = client.send(question(client, &greedy, SHOP)).await;
    assert_limited(&refused, "limit_reached", "visitor", "turns", "day");
    let last = ask(client, "shop", SHOP).await;
    last.assert_ok();
    assert_eq!(last.header("ratelimit-policy"), "\"site\";q=3;w=86400");
    assert_limited(&ask(client, "shop", SHOP).await, "limit_reached", "site", "turns", "day");
    for _ in 0..4 {
        ask(client, "blog", BLOG).await.assert_ok();
    }
    let listed = client.get("/api/admin/limits?percent=100").await.assert_ok();
    let ids = listed["limits"].as_array().unwrap().iter().map(|limit| limit["count_id"].as_str().unwrap().to_owned());
    let groups = ids.map(|id| id.split(':').next().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(groups, ["visitor@shop", "site@shop"]);
}

#[tokio::test]
async fn sites_are_listed_for_the_operator_only() {
    let (_model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let listed = client.send(admin(client, Method::GET, "")).await.assert_ok();
    let expected = json!({
        "id": "blog", "origins": [BLOG], "persona": null, "models": null, "is_paused": false, "is_paused_by_file": false,
        "is_paused_by_operator": false,
    });
    assert_eq!((&listed[0], &listed[1]["id"]), (&expected, &json!("shop")));
    for (method, path) in [(Method::GET, ""), (Method::POST, "/shop/pause"), (Method::POST, "/shop/resume")] {
        let request = admin(client, method, path).header("x-forwarded-for", "192.0.2.1");
        client.send(request).await.assert_error(401, "operator_only");
    }
    for path in ["/other/pause", "/Other!/resume"] {
        client.send(admin(client, Method::POST, path)).await.assert_error(404, "site_not_found");
    }
}

#[tokio::test]
async fn a_pause_stops_running_turns_and_refuses_new_ones() {
    let (model, setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let gate = PieceGate::new();
    model.set_behaviour(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let bearer = ticket(client, "shop", SHOP).await;
    let request = client.json_request("/api/chat/stream", &json!({ "message": "hello" })).bearer_auth(&bearer);
    let mut events = client.open_stream(request).await;
    gate.release(2);
    events.read_deltas(2).await;
    let paused = pause(client, "shop").await;
    assert_eq!((&paused["is_paused"], &paused["is_paused_by_operator"]), (&json!(true), &json!(true)));
    let (_, end) = events.text_and_end().await;
    assert_eq!((end.name.as_str(), &end.data["code"]), ("error", &json!("site_paused")));
    model.wait_for_disconnects(1).await;
    let line = &setup.wait_for_log_lines("chat", 1).await[0];
    assert_eq!(
        (&line["code"], &line["finish"], &line["site"]),
        (&json!("site_paused"), &json!("stopped"), &json!("shop"))
    );

    let refused = client.send(question(client, &bearer, SHOP)).await;
    let sentence = refused.assert_error(503, "site_paused");
    assert!(sentence.contains("paused") && refused.header("retry-after") == "60", "{sentence}");
    model.set_behaviour(Behaviour::Echo);
    ask(client, "blog", BLOG).await.assert_ok();
    assert_eq!(model.call_count(), 2);
    assert_eq!(resume(client, "shop").await["is_paused"], false);
    client.send(question(client, &bearer, SHOP)).await.assert_ok();
}

#[tokio::test]
async fn a_pause_also_stops_a_whole_answer() {
    let (model, _setup, service) = start_sites(SITES).await;
    let client = &service.client;
    let gate = Gate::new();
    model.set_behaviour(Behaviour::Held(gate.clone()));
    let asked = async { ask(client, "shop", SHOP).await };
    let paused = async {
        model.wait_for_calls(1).await;
        pause(client, "shop").await
    };
    let (answer, _) = tokio::join!(asked, paused);
    answer.assert_error(503, "site_paused");
    model.wait_for_disconnects(1).await;
    gate.open();
}

#[tokio::test]
async fn a_pause_ends_turns_that_wait_for_a_hook() {
    for hook_url in ["GUARD_URL", "CONTEXT_URL"] {
        let (model, hook) = (FakeModel::start().await, FakeHook::start().await);
        hook.behave(HookBehaviour::Silent);
        let setup = with_file(TestSetup::for_model(&model).with(hook_url, &hook.url()), SITES);
        let service = setup.start().await;
        let client = &service.client;
        let (answer, ()) = tokio::join!(ask(client, "shop", SHOP), async {
            hook.wait_for_requests(1).await;
            pause(client, "shop").await;
        });
        answer.assert_error(503, "site_paused");
        hook.wait_for_disconnects(1).await;
        let line = setup.wait_for_log_lines("chat", 1).await.remove(0);
        assert_eq!((&line["code"], model.call_count()), (&json!("site_paused"), 0), "{hook_url}: {line}");
    }
}

#[tokio::test]
async fn a_pause_survives_a_restart_and_one_of_the_file_does_not_end() {
    let (_model, setup, service) = start_sites(SITES).await;
    pause(&service.client, "shop").await;
    service.stop().await;
    let service = setup.start().await;
    ask(&service.client, "shop", SHOP).await.assert_error(503, "site_paused");
    ask(&service.client, "blog", BLOG).await.assert_ok();
    service.stop().await;
    write_file(&setup, &format!("{SITES}paused = true\n"));
    let service = setup.start().await;
    ask(&service.client, "blog", BLOG).await.assert_error(503, "site_paused");
    let resumed = resume(&service.client, "blog").await;
    assert_eq!((&resumed["is_paused"], &resumed["is_paused_by_file"]), (&json!(true), &json!(true)));
    assert_eq!(resume(&service.client, "shop").await["is_paused"], false);
    ask(&service.client, "shop", SHOP).await.assert_ok();
}

#[tokio::test]
async fn the_file_pauses_a_site_while_the_service_runs() {
    let model = FakeModel::start().await;
    let setup = with_file(TestSetup::for_model(&model), SITES);
    let process = setup.start_process().await;
    ask(&process.client, "blog", BLOG).await.assert_ok();
    let gate = PieceGate::new();
    model.behave_once(Behaviour::Stream(Script { pace: Pace::Gated(gate.clone()), ..Script::default() }));
    let bearer = ticket(&process.client, "blog", BLOG).await;
    let request = process.client.json_request("/api/chat/stream", &json!({ "message": "hello" })).bearer_auth(&bearer);
    let mut running = process.client.open_stream(request).await;
    gate.release(1);
    running.read_deltas(1).await;
    write_file(&setup, &format!("{SITES}paused = true\n"));
    process.signal("HUP");
    assert_eq!(running.text_and_end().await.1.data["code"], "site_paused");
    let is_paused = async || (ask(&process.client, "blog", BLOG).await.status == 503).then_some(());
    wait_until("the pause", is_paused).await;
    ask(&process.client, "shop", SHOP).await.assert_ok();
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn replicas_share_pauses_and_tickets_on_postgres() {
    let (database, model) = (crate::postgres::cluster::shared().database(), FakeModel::start().await);
    let setup = || with_file(TestSetup::for_model(&model).with("DATABASE_URL", database.as_str()), SITES);
    let (first, second) = (setup().start().await, setup().start().await);
    let bearer = ticket(&first.client, "shop", SHOP).await;
    second.client.send(question(&second.client, &bearer, SHOP)).await.assert_ok();
    pause(&first.client, "shop").await;
    let ask_second = async || second.client.send(question(&second.client, &bearer, SHOP)).await.status;
    wait_until("the pause at the other replica", async || (ask_second().await == 503).then_some(())).await;
    resume(&first.client, "shop").await;
    wait_until("the end of the pause", async || (ask_second().await == 200).then_some(())).await;
    first.client.post("/api/admin/pause", &json!({})).await.assert_ok();
    wait_until("the pause of all at the other replica", async || (ask_second().await == 503).then_some(())).await;
    first.client.post("/api/admin/resume", &json!({})).await.assert_ok();
    wait_until("the end of the pause of all", async || (ask_second().await == 200).then_some(())).await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL's programs; .ci/run runs it"]
async fn a_pause_that_cannot_be_stored_stays_on_postgres() {
    let (database, model) = (crate::postgres::cluster::shared().database(), FakeModel::start().await);
    let setup = || with_file(TestSetup::for_model(&model).with("DATABASE_URL", database.as_str()), SITES);
    let (first_setup, second_setup) = (setup(), setup());
    let (first, second) = (first_setup.start().await, second_setup.start().await);
    first_setup.change_database("ALTER TABLE paused_sites RENAME TO away").await;
    let refused = first.client.send(first.client.request(Method::POST, "/api/admin/sites/shop/pause")).await;
    refused.assert_error(503, "storage_unavailable");
    first_setup.change_database("ALTER TABLE away RENAME TO paused_sites").await;

    // The first replica has read the database again when it knows of a later pause.
    pause(&second.client, "blog").await;
    let is_paused = async |site: &str, origin: &str| ask(&first.client, site, origin).await.status == 503;
    wait_until("the pause of the blog", async || is_paused("blog", BLOG).await.then_some(())).await;
    assert!(is_paused("shop", SHOP).await);
    resume(&first.client, "shop").await;
    assert!(!is_paused("shop", SHOP).await);
}
