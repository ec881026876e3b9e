//! The configuration file: limits, sites, mistakes, and changes while the service runs.

use std::fs;

use reqwest::Method;
use serde_json::json;

use crate::{
    command_line::run,
    fakes::model::FakeModel,
    limits::assert_limited,
    support::{
        client::Client,
        service::{TestSetup, wait_until},
    },
};

/// Returns the setup with this text as its configuration file.
pub fn with_file(setup: TestSetup, text: &str) -> TestSetup {
    let path = setup.path().join("sites.toml");
    write_file(&setup, text);
    setup.with("CONFIG_FILE", &path.display().to_string())
}

/// Replaces the configuration file.
pub fn write_file(setup: &TestSetup, text: &str) {
    fs::write(setup.path().join("sites.toml"), text).expect("a file");
}

const SHOP: &str = "[[sites]]\nid = \"shop\"\norigins = [\"https://shop.example\", \"https://*.shop.example\"]\n";

/// Returns the origin that an answer to a page of an origin allows.
async fn allowed_origin(client: &Client, origin: &str) -> String {
    let request = client.request(Method::OPTIONS, "/api/chat").header("origin", origin);
    client.send(request).await.header("access-control-allow-origin").to_owned()
}

#[tokio::test]
async fn limits_of_the_file_apply_where_no_others_are_set() {
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("LIMIT_ADDRESS", "off");
    let setup = with_file(setup, "[limits]\nvisitor = \"2/day\"\naddress = \"1/day\"\n");
    let service = setup.start().await;
    for _ in 0..2 {
        service.client.chat("hello").await.assert_ok();
    }
    assert_limited(&service.client.chat("hello").await, "limit_reached", "visitor", "turns", "day");
}

#[tokio::test]
async fn all_mistakes_of_the_file_are_reported_with_lines() {
    let text = "[limits]\nvisitor = \"5/hour\"\nsecret = \"sk-Secret\"\n\n[[sites]]\nid = \"Secret!\"\norigins = [\n  \"https://a.example\",\n  \
                \"Secret\",\n]\n[[sites]]\nid = \"blog\"\n";
    let setup = with_file(TestSetup::new().with("PORT", "nonsense"), text);
    for command in [&[][..], &["check"]] {
        let ran = run(&setup, command).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        for line in [2, 3, 6, 9, 11] {
            assert!(ran.err.contains(&format!(" in line {line} of ")), "line {line} in {}", ran.err);
        }
        assert!(ran.err.contains("sites.toml") && ran.err.contains("PORT: expected"), "{}", ran.err);
        assert!(ran.err.contains("limits.visitor, limits.address, limits.key, limits.total"), "{}", ran.err);
        assert!(!ran.err.contains("Secret"), "{}", ran.err);
    }
    for path in ["missing.toml", "/dev/null"] {
        let ran = run(&TestSetup::new().with("CONFIG_FILE", path), &["check"]).await;
        assert!(ran.code == Some(2) && ran.err.contains(&format!("{path} cannot be read")), "{ran:?}");
    }
}

#[tokio::test]
async fn a_site_names_personas_and_models_that_there_are() {
    let text = format!("{SHOP}persona = \"nobody\"\nmodels = [\"unknown\", \"small\"]\n");
    let setup = with_file(TestSetup::new().with("OPENAI_MODEL", "small"), &text);
    for (command, code) in [(&[][..], 2), (&["check"], 1)] {
        let ran = run(&setup, command).await;
        assert_eq!(ran.code, Some(code), "{ran:?}");
        for words in ["a persona that exists for the site shop", "models among small", "line 1 of "] {
            assert!(ran.err.contains(words), "{words} in {}", ran.err);
        }
    }
}

#[tokio::test]
async fn a_site_without_a_model_that_may_answer_is_reported() {
    for (fields, code) in [
        ("models = [\"spare\"]", 1),
        ("models = [\"spare\", \"small\"]", 0),
        ("models = [\"own\"]", 0),
        ("models = [\"own\"]\npersona = \"eva\"", 0),
        ("models = [\"own\", \"spare\"]\npersona = \"amaya\"", 1),
    ] {
        let setup = TestSetup::new().with_all(&[("OPENAI_MODEL", "small"), ("FALLBACK_MODELS", "spare")]);
        let folder = setup.path().join("personas");
        fs::create_dir(&folder).expect("a folder");
        fs::write(folder.join("eva.md"), "+++\nname = \"Eva\"\nmodel = \"own\"\n+++\n\nYou are Eva.\n")
            .expect("a file");
        let setup = with_file(setup.with("PERSONAS_DIR", &folder.display().to_string()), &format!("{SHOP}{fields}\n"));
        let ran = run(&setup, &["check"]).await;
        assert_eq!(ran.code, Some(code), "{fields}: {ran:?}");
        let words = "a persona of the site, and not only fallbacks, among the models of the site shop";
        assert_eq!(ran.err.contains(words), code == 1, "{fields}: {ran:?}");
    }
}

#[tokio::test]
async fn check_lists_the_sites_with_what_is_set() {
    let text =
        format!("{SHOP}persona = \"amaya\"\nmodels = [\"gpt-4o-mini\"]\nlimits.visitor = \"5/day\"\npaused = true\n");
    let ran = run(&with_file(TestSetup::new(), &text), &["check"]).await;
    let line = "Site shop: https://shop.example, https://*.shop.example; persona amaya; models gpt-4o-mini; at most 5/day for a \
                visitor; paused.\n";
    assert!(ran.code == Some(0) && ran.out.contains(line), "{ran:?}");
    let ran = run(&TestSetup::new(), &["check"]).await;
    assert!(ran.out.contains("Sites: al-chat.toml is not there"), "{ran:?}");
}

#[tokio::test]
async fn pages_of_sites_may_call_the_server_and_others_may_not() {
    let service = with_file(TestSetup::new(), SHOP).start().await;
    for origin in ["https://shop.example", "https://a.shop.example"] {
        assert_eq!(allowed_origin(&service.client, origin).await, origin);
    }
    assert_eq!(allowed_origin(&service.client, "https://other.example").await, "https://shop.example");
    let setup = with_file(TestSetup::new().with("FRONTEND_URL", "https://own.example"), SHOP);
    let service = setup.start().await;
    for origin in ["https://own.example", "https://shop.example"] {
        assert_eq!(allowed_origin(&service.client, origin).await, origin);
    }
}

#[tokio::test]
async fn a_changed_file_is_read_again_and_a_mistake_changes_nothing() {
    let model = FakeModel::start().await;
    let setup = with_file(TestSetup::for_model(&model), SHOP);
    let mut process = setup.start_process().await;
    let client = process.client.clone();
    let allows = async |origin: &str| (allowed_origin(&client, origin).await == origin).then_some(());
    // A page of this server needs no ticket.
    let own = format!("http://{}", process.address);
    let ask = async || {
        let request = client.json_request("/api/chat", &json!({ "message": "hello" })).header("origin", &own);
        client.send(request).await
    };
    ask().await.assert_ok();
    // Noticed by itself.
    write_file(&setup, &format!("[limits]\nvisitor = \"2/day\"\n{}", SHOP.replace("shop", "blog")));
    process.wait_for_line("sites.toml was read again").await;
    wait_until("the new origin", async || allows("https://blog.example").await).await;
    assert_eq!(allowed_origin(&client, "https://shop.example").await, "https://blog.example");
    let limited = async || (ask().await.status == 429).then_some(());
    wait_until("the new limit", limited).await;
    // A mistake.
    write_file(&setup, "[limits]\nvisitor = \"2/day\"\n\n[[site]]\n");
    process.signal("HUP");
    let warning = process.wait_for_line("stay as they were").await;
    assert!(warning.contains("sites.toml") && warning.contains("in line 4 of "), "{warning}");
    assert_eq!(allowed_origin(&client, "https://shop.example").await, "https://blog.example");
    // A file that is gone is a mistake, too: without sites, everybody could ask.
    fs::remove_file(setup.path().join("sites.toml")).unwrap();
    process.signal("HUP");
    process.wait_for_line("sites.toml cannot be read").await;
    assert_eq!(allowed_origin(&client, "https://shop.example").await, "https://blog.example");
    write_file(&setup, SHOP);
    process.signal("HUP");
    wait_until("the first origin", async || allows("https://shop.example").await).await;
}
