//! Stored chats: creation, lists, titles, clearing, deletion and export.

use std::{collections::HashSet, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::{
    fakes::model::{Behaviour, FakeModel},
    support::{
        manual_clock::ManualClock,
        raw_connection::RawConnection,
        service::{Service, TestSetup},
        user::{User, list, next_page, number, prompt_lines, start_with_ada},
    },
};

const HISTORIES: &str = "/api/chat/histories";
const CREATE: &str = "/api/chat/create";

/// Keeps the fake model and the service running during a test.
type Running = (FakeModel, TestSetup, Service);

/// Starts a service with a manual clock and a model that echoes.
async fn start_at_noon() -> (Running, User, ManualClock) {
    let model = FakeModel::start().await;
    model.set_behaviour(Behaviour::Echo);
    let setup = TestSetup::for_model(&model);
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let ada = User::register(&service.client, "ada").await;
    ((model, setup, service), ada, clock)
}

#[track_caller]
fn assert_moment(value: &Value, expected: &str) {
    let moment = value.as_str().expect("a time").parse::<Timestamp>().expect("RFC 3339 with an offset");
    assert_eq!(moment, expected.parse().unwrap());
}

#[track_caller]
fn assert_fields(value: &Value, fields: &[&str]) {
    let found = value.as_object().expect("an object").keys().map(String::as_str).collect::<HashSet<_>>();
    assert_eq!(found, fields.iter().copied().collect(), "{value}");
}

const CHAT: [&str; 6] = ["id", "title", "created_at", "updated_at", "message_count", "user_id"];
const WHOLE_CHAT: [&str; 7] = ["id", "title", "created_at", "updated_at", "message_count", "user_id", "messages"];
const MESSAGE: [&str; 11] =
    ["id", "text", "sender", "image_url", "created_at", "status", "chat_id", "user_id", "who", "image", "time"];

#[tokio::test]
async fn a_chat_is_created_filled_read_and_deleted() {
    let (_kept, ada, clock) = start_at_noon().await;
    let made = ada.post(CREATE, &json!({ "title": " Trip to\nRome " })).await;
    assert_eq!(made.status, 201);
    let made = made.json();
    assert_fields(&made, &WHOLE_CHAT);
    let chat = number(&made["id"]);
    assert_eq!(
        (&made["title"], &made["messages"], &made["message_count"]),
        (&"Trip to Rome".into(), &json!([]), &0.into())
    );
    for field in ["created_at", "updated_at"] {
        assert_moment(&made[field], "2026-05-04T12:00:00Z");
    }
    assert_eq!(ada.chat(chat).await, made);

    clock.advance(Duration::from_mins(1));
    let sent = ada.ask(chat, " What is\nPython? ").await;
    assert_fields(&sent, &["user_message", "ai_response", "ai_message"]);
    let (question, answer) = (&sent["user_message"], &sent["ai_response"]);
    for (message, sender) in [(question, "user"), (answer, "bot")] {
        assert_fields(message, &MESSAGE);
        assert_eq!((&message["sender"], &message["text"]), (&sender.into(), &" What is\nPython? ".into()));
        assert_eq!((&message["image_url"], &message["status"]), (&Value::Null, &"complete".into()));
        assert_moment(&message["created_at"], "2026-05-04T12:01:00Z");
    }
    assert!(number(&question["id"]) < number(&answer["id"]));
    let whole = ada.chat(chat).await;
    assert_eq!((&whole["messages"], &whole["message_count"]), (&json!([question, answer]), &2.into()));
    assert_eq!((&whole["title"], &whole["created_at"]), (&"Trip to Rome".into(), &made["created_at"]));
    assert_moment(&whole["updated_at"], "2026-05-04T12:01:00Z");
    assert_eq!(ada.messages(chat).await, [question.clone(), answer.clone()]);
    let listed = ada.list_chats().await;
    assert_eq!(listed.len(), 1);
    assert_fields(&listed[0], &CHAT);
    for field in CHAT {
        assert_eq!(listed[0][field], whole[field]);
    }

    let deleted = ada.delete(&format!("/api/chat/{chat}/delete")).await.assert_ok();
    assert_eq!(deleted, json!({ "message": "Chat deleted successfully" }));
    assert_eq!((ada.list_chats().await.len(), ada.search("python").await.len()), (0, 0));
    ada.get(&format!("/api/chat/{chat}")).await.assert_error(404, "chat_not_found");
    ada.get(&format!("/api/messages/{chat}/messages")).await.assert_error(404, "chat_not_found");
    ada.send(chat, "Hello?").await.assert_error(404, "chat_not_found");
    ada.delete(&format!("/api/chat/{chat}/delete")).await.assert_error(404, "chat_not_found");
    for message in [question, answer] {
        ada.delete(&format!("/api/messages/{}", message["id"])).await.assert_error(404, "message_not_found");
    }
}

#[tokio::test]
async fn a_chat_without_a_title_is_created_with_any_body_or_none() {
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    let rows = [
        ("", ""),
        ("application/json", ""),
        ("application/json", " "),
        ("application/json", "{}"),
        ("", "{}"),
        ("application/json", r#"{"title":null}"#),
        ("application/json", r#"{"title":" \n"}"#),
        ("application/json", r#"{"title":"","unknown":7}"#),
    ];
    for (content_type, body) in rows {
        let mut request = ada.request(Method::POST, CREATE).body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let answer = ada.client.send(request).await;
        assert_eq!(answer.status, 201, "{content_type} {body}: {}", answer.text);
        assert_eq!(answer.json()["title"], "New Chat");
    }
    for (body, code) in [
        ("{", "invalid_json"),
        (r#"{"title":7}"#, "invalid_request"),
        (r#"["title"]"#, "invalid_request"),
        (&json!({ "title": "x".repeat(201) }).to_string(), "invalid_title"),
    ] {
        let request = ada.request(Method::POST, CREATE).header("content-type", "application/json");
        ada.client.send(request.body(body.to_owned())).await.assert_error(400, code);
    }
    let huge = json!({ "title": "x".repeat(1 << 20) });
    ada.post(CREATE, &huge).await.assert_error(413, "body_too_large");
    assert_eq!(ada.list_chats().await.len(), rows.len());
}

#[tokio::test]
async fn the_first_message_becomes_the_title_of_an_untitled_chat() {
    let (model, _setup, _service, ada) = start_with_ada(&[("MODEL_RETRIES", "0")]).await;
    let chat = ada.create_chat().await;
    ada.ask(chat, "  What is\n\tPython? ").await;
    ada.ask(chat, "And what is Rust?").await;
    assert_eq!(ada.chat(chat).await["title"], "What is Python?");
    ada.clear(chat).await;
    ada.ask(chat, "Something else").await;
    assert_eq!(ada.chat(chat).await["title"], "What is Python?", "a title was changed");

    // A title that a client sets is kept. Some clients send their default title for an untitled chat.
    for (title, later) in [("Trip to Rome", "Trip to Rome"), ("New Chat", "What is Python?")] {
        let chat = ada.create_titled_chat(title).await;
        assert_eq!(ada.chat(chat).await["title"], title);
        ada.ask(chat, "What is Python?").await;
        assert_eq!(ada.chat(chat).await["title"], later);
    }
    // An image has no text, so that the first text becomes the title. A failed message counts, too.
    let chat = ada.create_chat().await;
    let image = json!({ "image_url": "https://a.example/cat.png" });
    ada.client.send(ada.send_request(chat, &image)).await.assert_ok();
    assert_eq!(ada.chat(chat).await["title"], "New Chat");
    model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    ada.send(chat, "Whose cat is it?").await.assert_error(400, "request_refused");
    assert_eq!(ada.chat(chat).await["title"], "Whose cat is it?");
    let chat = ada.create_chat().await;
    ada.ask(chat, &"word ".repeat(100)).await;
    let title = ada.chat(chat).await["title"].as_str().unwrap().to_owned();
    assert!(title.ends_with("word…") && title.chars().count() <= 61, "{title}");
}

#[tokio::test]
async fn a_chat_is_renamed() {
    let (_kept, ada, clock) = start_at_noon().await;
    let chat = ada.create_chat().await;
    clock.advance(Duration::from_secs(1));
    let renamed = ada.rename(chat, " Trip\nto  Rome ").await.assert_ok();
    assert_fields(&renamed, &CHAT);
    assert_eq!((number(&renamed["id"]), &renamed["title"]), (chat, &"Trip to Rome".into()));
    assert_moment(&renamed["updated_at"], "2026-05-04T12:00:01Z");
    assert_moment(&renamed["created_at"], "2026-05-04T12:00:00Z");
    ada.ask(chat, "What is Python?").await;
    let expected = "x".repeat(200);
    for (body, code) in [
        (json!({ "title": " \n" }), "invalid_title"),
        (json!({ "title": null }), "invalid_title"),
        (json!({}), "invalid_title"),
        (json!({ "title": "x".repeat(201) }), "invalid_title"),
        (json!({ "title": ["x"] }), "invalid_request"),
    ] {
        let request = ada.json_request(Method::PATCH, &format!("/api/chat/{chat}"), &body);
        ada.client.send(request).await.assert_error(400, code);
    }
    assert_eq!(ada.chat(chat).await["title"], "Trip to Rome");
    ada.rename(chat, &expected).await.assert_ok();
    assert_eq!(ada.list_chats().await[0]["title"], expected);
    ada.rename(chat + 1, "Nothing").await.assert_error(404, "chat_not_found");
}

#[tokio::test]
async fn chats_are_listed_by_their_latest_activity() {
    let (_kept, ada, clock) = start_at_noon().await;
    let mut chats = Vec::new();
    for _ in 0..4 {
        clock.advance(Duration::from_secs(1));
        chats.push(ada.create_chat().await);
    }
    let order = async || ada.list_chats().await.iter().map(|chat| number(&chat["id"])).collect::<Vec<_>>();
    assert_eq!(order().await, [chats[3], chats[2], chats[1], chats[0]]);
    clock.advance(Duration::from_secs(1));
    ada.ask(chats[0], "Hello").await;
    assert_eq!(order().await, [chats[0], chats[3], chats[2], chats[1]]);
    clock.advance(Duration::from_secs(1));
    ada.rename(chats[1], "Renamed").await.assert_ok();
    assert_eq!(order().await, [chats[1], chats[0], chats[3], chats[2]]);
    clock.advance(Duration::from_secs(1));
    ada.clear(chats[2]).await;
    assert_eq!(order().await, [chats[2], chats[1], chats[0], chats[3]]);
    ada.delete_chat(chats[1]).await;
    assert_eq!(order().await, [chats[2], chats[0], chats[3]]);
}

#[tokio::test]
async fn a_cleared_chat_is_empty_and_can_continue() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_titled_chat("Rome").await;
    ada.ask(chat, "Forget this").await;
    for (content_type, body) in [("", ""), ("application/json", "{}"), ("text/plain", "{"), ("application/json", "")] {
        let mut request = ada.request(Method::POST, &format!("/api/chat/{chat}/clear")).body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        let cleared = ada.client.send(request).await.assert_ok();
        assert_eq!(cleared, json!({ "message": "Chat cleared successfully" }));
    }
    assert_eq!((ada.transcript(chat).await.len(), ada.search("forget").await.len()), (0, 0));
    assert_eq!(ada.chat(chat).await["title"], "Rome");
    model.set_behaviour(Behaviour::Echo);
    ada.ask(chat, "Hello").await;
    assert_eq!(ada.transcript(chat).await, ["Hello", "> Hello"]);
    assert_eq!(prompt_lines(&model, 1), ["u: Hello"]);
}

#[tokio::test]
async fn a_deleted_message_is_removed_everywhere() {
    let (model, _setup, _service, ada) = start_with_ada(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    let chat = ada.create_chat().await;
    let first = ada.ask(chat, "Keep one").await;
    let second = ada.ask(chat, "Drop two").await;
    for (message, left) in [
        (&second["user_message"]["id"], &["Keep one", "> Keep one", "> Drop two"][..]),
        (&first["ai_response"]["id"], &["Keep one", "> Drop two"]),
    ] {
        let deleted = ada.delete(&format!("/api/messages/{message}")).await.assert_ok();
        assert_eq!(deleted, json!({ "message": "Message deleted successfully" }));
        assert_eq!(ada.transcript(chat).await, left);
        ada.delete(&format!("/api/messages/{message}")).await.assert_error(404, "message_not_found");
    }
    assert_eq!((ada.search("keep").await.len(), ada.search("drop").await.len()), (1, 1));
    ada.ask(chat, "Three").await;
    let prompt = prompt_lines(&model, 2);
    assert!(!prompt.contains(&"u: Drop two".to_owned()) && prompt.ends_with(&["u: Three".to_owned()]), "{prompt:?}");
}

/// Creates chats, some of them at the same time. Returns the whole list.
async fn create_chats(ada: &User, clock: &ManualClock, count: usize) -> Vec<Value> {
    for number in 0..count {
        clock.advance(Duration::from_micros(u64::from(number % 3 == 0)));
        ada.create_chat().await;
    }
    ada.list_chats().await
}

#[tokio::test]
async fn pages_of_any_size_cover_the_whole_list() {
    const COUNT: usize = 23;
    let (_kept, ada, clock) = start_at_noon().await;
    assert_eq!(ada.pages(&format!("{HISTORIES}?limit=1")).await, [Vec::<Value>::new()]);
    let whole = create_chats(&ada, &clock, COUNT).await;
    assert_eq!(whole.len(), COUNT);
    for size in (1..=COUNT + 2).chain([1000]) {
        let pages = ada.pages(&format!("{HISTORIES}?limit={size}")).await;
        assert_eq!(pages.len(), COUNT.div_ceil(size), "a Link header is missing or unexpected");
        assert!(pages.iter().rev().skip(1).all(|page| page.len() == size));
        assert_eq!(pages.concat(), whole, "pages of {size}");
    }
    assert_eq!(next_page(&ada.get(HISTORIES).await), None);
}

#[tokio::test]
async fn pages_stay_consistent_while_chats_are_added_and_deleted() {
    let (_kept, ada, clock) = start_at_noon().await;
    for size in [1, 2, 3, 5] {
        let whole = create_chats(&ada, &clock, 12).await;
        let ids = whole.iter().map(|chat| number(&chat["id"])).collect::<Vec<_>>();
        let (mut seen, mut touched, mut next) = (Vec::new(), HashSet::new(), Some(format!("{HISTORIES}?limit={size}")));
        let mut round = 0;
        while let Some(path) = next {
            let answer = ada.get(&path).await;
            let page = list(&answer.assert_ok());
            seen.extend(page.iter().map(|chat| number(&chat["id"])));
            next = next_page(&answer);
            clock.advance(Duration::from_secs(1));
            // The last chat of a page, after which the next one starts, is renamed or deleted, and chats are added.
            let last = *seen.last().unwrap();
            touched.insert(last);
            if round % 2 == 0 {
                ada.rename(last, "Renamed").await.assert_ok();
            } else {
                ada.delete_chat(last).await;
            }
            let other = ids[(round * 7 + 3) % ids.len()];
            if touched.insert(other) {
                ada.delete_chat(other).await;
            }
            ada.create_chat().await;
            round += 1;
        }
        let once = seen.iter().collect::<HashSet<_>>();
        assert_eq!(once.len(), seen.len(), "a message is listed twice: {seen:?}");
        let untouched = ids.iter().filter(|id| !touched.contains(*id));
        assert!(untouched.clone().all(|id| seen.contains(id)), "{untouched:?} are not all in {seen:?}");
        for chat in ada.list_chats().await {
            ada.delete_chat(number(&chat["id"])).await;
        }
    }
}

#[tokio::test]
async fn invalid_page_parameters_are_rejected() {
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    for path in [HISTORIES.to_owned(), "/api/chat/search".to_owned(), format!("/api/messages/{chat}/messages")] {
        for limit in ["0", "-1", "1001", "x", "1.5", "99999999999999999999"] {
            ada.get(&format!("{path}?limit={limit}")).await.assert_error(400, "invalid_request");
        }
        for before in ["", "x", "1", "_", "1_", "_1", "1_2_3", "1_99999999999999999999", "%00"] {
            ada.get(&format!("{path}?before={before}")).await.assert_error(400, "invalid_cursor");
        }
        for edge in ["9223372036854775807_9223372036854775807", "-9223372036854775808_-9223372036854775808", "0_0"] {
            ada.get(&format!("{path}?limit=1000&before={edge}")).await.assert_ok();
        }
    }
    for path in ["/api/chat/x", "/api/chat/99999999999999999999", "/api/chat/-1", "/api/chat/0", "/api/chat/1.0"] {
        let answer = ada.get(path).await;
        assert_eq!(answer.status, 404, "{path} {}", answer.text);
    }
}

#[tokio::test]
async fn a_chat_is_exported_as_json_and_markdown() {
    let (_kept, ada, _) = start_at_noon().await;
    let chat = ada.create_titled_chat("Trip to Rome").await;
    ada.ask(chat, "Where is *it*?\n").await;
    let path = format!("/api/chat/{chat}/export");
    for path in [path.clone(), format!("{path}?format=json")] {
        let answer = ada.get(&path).await;
        assert_eq!(answer.assert_ok(), ada.chat(chat).await);
        assert!(answer.header("content-type").starts_with("application/json"));
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"chat-{chat}.json\""));
    }
    let at = ada.chat(chat).await["created_at"].as_str().unwrap().to_owned();
    let expected = format!("# Trip to Rome\n\n**You**, {at}\n\nWhere is *it*?\n\n**Bot**, {at}\n\nWhere is *it*?\n");
    for path in [format!("{path}?format=markdown"), format!("{path}/markdown")] {
        let answer = ada.get(&path).await;
        assert_eq!(answer.status, 200);
        assert!(answer.header("content-type").starts_with("text/markdown"));
        assert_eq!(answer.header("content-disposition"), format!("attachment; filename=\"chat-{chat}.md\""));
        assert_eq!(answer.text, expected);
    }
    for format in ["pdf", "", "JSON%00"] {
        ada.get(&format!("{path}?format={format}")).await.assert_error(400, "invalid_request");
    }
    ada.get(&format!("/api/chat/{}/export?format=markdown", chat + 1)).await.assert_error(404, "chat_not_found");
}

#[tokio::test]
async fn cors_allows_patch_and_exposes_the_link_header() {
    let (_model, _setup, _service, ada) = start_with_ada(&[]).await;
    let preflight = ada.client.request(Method::OPTIONS, "/api/chat/1").header("origin", "https://shop.example");
    let preflight = preflight.header("access-control-request-method", "PATCH");
    let answer = ada.client.send(preflight).await;
    assert!(names(&answer.headers, "access-control-allow-methods").contains("patch"));
    let exposed = names(&ada.get(HISTORIES).await.headers, "access-control-expose-headers");
    for header in ["link", "content-disposition", "x-request-id", "retry-after"] {
        assert!(exposed.contains(header), "{header} is not among {exposed:?}");
    }
}

fn names(headers: &HeaderMap, list: &str) -> HashSet<String> {
    let list = headers[list].to_str().unwrap().to_ascii_lowercase();
    list.split(',').map(|name| name.trim().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clear_whose_client_disconnects_leaves_no_transaction() {
    let (_model, _setup, service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_chat().await;
    let head = format!("Host: al-chat\r\nAuthorization: Bearer {}\r\nContent-Length: 0", ada.token);
    let clear = format!("POST /api/chat/{chat}/clear HTTP/1.1\r\n{head}\r\n\r\n");
    let leave = async || RawConnection::connect(service.address()).await.send(&clear).await;
    for _ in 0..10 {
        join_all((0..30).map(|_| leave())).await;
        // A chat that joined the open transaction of such a client would not be seen by readers. Clearing may end after the
        // chat is created, so that the new chat is not always the first.
        let new_chat = ada.create_chat().await;
        assert!(ada.list_chats().await.iter().any(|chat| number(&chat["id"]) == new_chat));
    }
    service.client.post("/api/session/start", &json!({})).await.assert_ok();
    service.client.chat("hello").await.assert_ok();
    // A clearing that goes on would remove the question from the cleared chat.
    ada.ask(ada.create_chat().await, "Is anybody there?").await;
}
