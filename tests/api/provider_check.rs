//! `al-chat check` with several providers.

use std::time::Duration;

use crate::{
    command_line::run,
    config_file::with_file,
    fakes::{
        certificates::Authority,
        model::{Behaviour, FakeModel},
        tls,
    },
    providers::{Pair, model, provider},
    support::service::TestSetup,
};

/// Returns the cells of the row that begins with this word in the table of `al-chat check`.
fn cells(out: &str, first: &str) -> Vec<String> {
    let row = out.lines().find(|line| line.starts_with(&format!("{first}  "))).expect("a row");
    row.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn check_asks_all_models_and_prints_a_table() {
    let Pair { one, two, setup } = Pair::new(&[("ALLOWED_MODELS", "second")]).await;
    let ran = run(&setup, &["check"]).await;
    assert_eq!(ran.code, Some(0), "{ran:?}");
    assert_eq!((one.call_count(), two.call_count()), (2, 2));
    for line in
        ["Key of one: from KEY_ONE; ", "Key of two: from KEY_TWO; ", "Model: second answers, whole and streamed."]
    {
        assert!(ran.out.contains(line), "{line} in {ran:?}");
    }
    assert_eq!(cells(&ran.out, "model")[..3], ["model", "provider", "key"]);
    assert_eq!(cells(&ran.out, "first")[..6], ["first", "one", "set", "yes", "yes", "reported"]);
    assert_eq!(cells(&ran.out, "second")[..6], ["second", "two", "set", "yes", "yes", "reported"]);
    // One that does not answer, with a key of another provider.
    two.accept_only(&["sk-right"]);
    one.set_behaviour(Behaviour::Delayed(Duration::from_millis(10), Box::new(Behaviour::Echo)));
    let ran = run(&setup.with("KEY_TWO", "gsk_0123456789abcdef"), &["check"]).await;
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.out.contains("the key looks like one of Groq") && ran.out.contains("(base_url of the provider two)"),
        "{ran:?}"
    );
    assert_eq!(cells(&ran.out, "second")[3..], ["no", "no", "none", "-", "-"]);
    assert!(!ran.out.contains("gsk_0123"), "{ran:?}");
}

#[tokio::test]
async fn a_model_without_a_key_is_in_the_table() {
    let Pair { one, two, setup } = Pair::new(&[("KEY_ONE", "")]).await;
    let ran = run(&setup, &["check"]).await;
    assert_eq!((ran.code, one.call_count(), two.call_count()), (Some(1), 0, 2), "{ran:?}");
    assert!(
        ran.out.contains("Model: first is not asked, as there is no key for it; the environment variable"),
        "{ran:?}"
    );
    assert_eq!(cells(&ran.out, "first"), ["first", "one", "missing", "no", "no", "none", "-", "-"]);
    assert_eq!(cells(&ran.out, "second")[..5], ["second", "two", "set", "yes", "yes"]);
}

#[tokio::test]
async fn http_for_https_and_an_own_authority_get_a_hint() {
    let (server, authority) = (FakeModel::start().await, Authority::new());
    let proxy = tls::start(&authority.issue(&["localhost"]), server.address()).await;
    for (scheme, hint) in [
        ("http", "the server expects TLS on this port; begin base_url of the provider own with https://."),
        ("https", "certificate (PEM) in roots of the provider own."),
    ] {
        let base = format!("{scheme}://localhost:{}/v1", proxy.address.port());
        let text = [provider("own", &base, ""), model("m", "own", "")];
        let ran = run(&with_file(TestSetup::new(), &text.concat()), &["check"]).await;
        assert!(ran.code == Some(1) && ran.out.contains(hint), "{hint} in {ran:?}");
    }
}

#[tokio::test]
async fn a_context_window_that_is_not_known_is_named() {
    let server = FakeModel::start().await;
    let hint = "Hint: its context window is not known, so 8192 tokens are assumed; set window in [[models]]";
    for (fields, is_known) in [("", false), ("window = 32768", true), ("upstream_name = \"gpt-4o\"", true)] {
        let text = [provider("own", &server.base_url(), ""), model("qwen3-4b", "own", fields)];
        let ran = run(&with_file(TestSetup::new(), &text.concat()), &["check"]).await;
        assert!(ran.code == Some(0) && ran.out.contains(hint) != is_known, "{fields}: {ran:?}");
    }
}
