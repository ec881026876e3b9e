//! Full-text search in messages.

use serde_json::{Value, json};

use crate::{
    fakes::model::Behaviour,
    support::user::{User, list, next_page, number, query, start_with_ada},
};

const SEARCH: &str = "/api/chat/search";

/// Sends these messages in a new chat to a model with another answer. Returns the chat's ID.
async fn send_to_new_chat(ada: &User, texts: &[&str]) -> i64 {
    let chat = ada.create_titled_chat("Sayings").await;
    for text in texts {
        ada.ask(chat, text).await;
    }
    chat
}

#[tokio::test]
async fn messages_are_found_by_their_search_terms() {
    const CAFE: &str = "The Café in Zürich-West, it's 42% off!";
    const TOWER: &str = "東京タワーはどこですか";
    const HINDI: &str = "हिन्दी में लिखो";
    const RUSSIAN: &str = "Где находится Ёлка?";
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    send_to_new_chat(&ada, &[CAFE, TOWER, HINDI, RUSSIAN]).await;
    for (words, found) in [
        ("café", CAFE),
        ("CAFE", CAFE),
        ("cafe\u{301}", CAFE),
        ("caf", CAFE),
        ("zurich", CAFE),
        ("west zürich", CAFE),
        ("42", CAFE),
        ("the cafe, in ZUR…", CAFE),
        ("cafe cafe cafe", CAFE),
        ("東京", TOWER),
        ("タワー", TOWER),
        ("ﾀﾜｰ", TOWER),
        ("京東", TOWER),
        ("हिन्दी", HINDI),
        ("елка", RUSSIAN),
        ("ЁЛК", RUSSIAN),
        ("наход", RUSSIAN),
    ] {
        assert_eq!(ada.search(words).await, [found], "{words}");
    }
    // Two letters are too short for a prefix, and all terms must match.
    for words in ["ca", "ur", "afe", "cafe rome", "大阪", "4", "cafeteria"] {
        assert_eq!(ada.search(words).await, Vec::<String>::new(), "{words}");
    }
    // Answers are found, too, the latest first.
    assert_eq!(ada.search("fake model").await.len(), 4);
}

#[tokio::test]
async fn no_search_text_is_an_error() {
    const ODD: &str = "Is \"this\" OR that NOT near AND words : owner * ^ it's?";
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    send_to_new_chat(&ada, &[ODD]).await;
    for words in [
        "\"this\"",
        "\"this",
        "this*",
        "OR",
        "NOT",
        "AND",
        "near",
        "this OR that",
        "words : owner",
        "words:owner",
        "^this",
        "it's",
        "it''s",
        "(this)",
        "this)",
        "-this",
        "+this",
        "this & that",
        "this | that",
        "!this",
        "this:*",
        "\\this",
        "{this}",
        "[this]",
        "this~",
        "'this' <-> 'that'",
        "\u{0}this",
    ] {
        assert_eq!(ada.search(words).await, [ODD], "{words:?}");
    }
    for words in
        ["", " ", "*", "\"", "'", "\"\"", "()", "-", ":", "\u{0}", "…", "%", "_", "\\", "\u{301}", "🦀", "NEAR( x"]
    {
        assert_eq!(ada.search(words).await, Vec::<String>::new(), "{words:?}");
    }
    for words in ["x".repeat(5000), "a b c ".repeat(1000), "( \" ' : * ".repeat(500)] {
        ada.search(&words).await;
    }
    assert_eq!(ada.get(SEARCH).await.assert_ok(), json!([]));
    // Bytes that are not UTF-8 match nothing.
    assert_eq!(ada.get(&format!("{SEARCH}?q=%ff%fe")).await.assert_ok(), json!([]));
}

#[tokio::test]
async fn a_search_finds_only_the_users_existing_messages() {
    let (model, _setup, service, ada) = start_with_ada(&[("MODEL_RETRIES", "0")]).await;
    let grace = User::register(&service.client, "grace").await;
    let ada_chat = send_to_new_chat(&ada, &["A secret recipe"]).await;
    assert!(grace.search("secret").await.is_empty());
    send_to_new_chat(&grace, &["Another secret"]).await;
    assert_eq!(grace.search("secret").await, ["Another secret"]);
    assert_eq!(ada.search("secret").await, ["A secret recipe"]);

    let cleared = send_to_new_chat(&ada, &["A secret to clear"]).await;
    let deleted = send_to_new_chat(&ada, &["A secret to delete"]).await;
    assert_eq!(ada.search("secret").await, ["A secret to delete", "A secret to clear", "A secret recipe"]);
    ada.clear(cleared).await;
    ada.delete_chat(deleted).await;
    assert_eq!(ada.search("secret").await, ["A secret recipe"]);

    // Failed messages are found, too.
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    ada.send(ada_chat, "A secret that failed").await.assert_error(400, "request_refused");
    assert_eq!(ada.search("secret").await, ["A secret that failed", "A secret recipe"]);
    ada.delete("/api/auth/me").await.assert_ok();
    assert_eq!(grace.search("secret").await, ["Another secret"]);
}

#[tokio::test]
async fn search_results_are_paged_and_name_their_chat() {
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    let texts = (0..7).map(|number| format!("Lemon number {number}")).collect::<Vec<_>>();
    let chat = send_to_new_chat(&ada, &texts.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let whole = list(&ada.get(&format!("{SEARCH}?{}", query("q", "lemon"))).await.assert_ok());
    let found = whole.iter().map(|found| found["message"]["text"].as_str().unwrap()).collect::<Vec<_>>();
    assert!(found.iter().eq(texts.iter().rev()), "{found:?}");
    let messages = ada.messages(chat).await;
    for found in &whole {
        assert_eq!((number(&found["chat_id"]), &found["chat_title"]), (chat, &"Sayings".into()));
        assert!(messages.contains(&found["message"]));
        assert_eq!(found.as_object().unwrap().len(), 3);
    }
    for size in 1..9 {
        let pages = ada.pages(&format!("{SEARCH}?{}&limit={size}", query("q", "lemon number"))).await;
        assert_eq!((pages.len(), pages.concat()), (7_usize.div_ceil(size), whole.clone()));
    }
    // The default limit is fifty.
    let chat = ada.create_chat().await;
    for number in 0..51 {
        ada.ask(chat, &format!("Orange {number}")).await;
    }
    let first = ada.get(&format!("{SEARCH}?{}", query("q", "orange"))).await;
    assert_eq!(list(&first.assert_ok()).len(), 50);
    let rest: Value = ada.get(&next_page(&first).expect("another value")).await.assert_ok();
    assert_eq!(rest[0]["message"]["text"], "Orange 0");
}
