//! Long lists of messages and chats: whole, in memory that is bounded, and for clients that do not read them.

use std::net::SocketAddr;

use reqwest::Method;
use serde_json::Value;

use crate::{
    fakes::model::FakeModel,
    support::{
        raw_connection::{RawAnswer, RawConnection},
        service::{TestSetup, wait_until},
        user::{User, list, number, start_with_ada},
    },
};

const MIB: usize = 1 << 20;

/// Adds 149 copies of each question to the chats.
const MANY_COPIES: &str = "INSERT INTO messages
        (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, created_at)
    WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < 149)
    SELECT chat_id, owner_id, turn + number, sender, status, text, image_bytes, request_id, created_at
    FROM messages CROSS JOIN copies WHERE sender = 'user'";

/// Adds four copies.
const FEW_COPIES: &str = "INSERT INTO messages
        (chat_id, owner_id, turn, sender, status, text, image_bytes, request_id, created_at)
    WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < 4)
    SELECT chat_id, owner_id, turn + number, sender, status, text, image_bytes, request_id, created_at
    FROM messages CROSS JOIN copies WHERE sender = 'user'";

/// Adds 200 copies of a chat, each older than the one before.
const MANY_CHATS: &str = "INSERT INTO chats (owner_id, title, is_titled, created_at, updated_at)
    WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < 200)
    SELECT owner_id, title, is_titled, created_at, updated_at - number FROM chats CROSS JOIN copies";

/// Adds 39 copies of each of these.
const MORE_CHATS: &str = "INSERT INTO chats (owner_id, title, is_titled, created_at, updated_at)
    WITH RECURSIVE copies (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM copies WHERE number < 39)
    SELECT owner_id, title, is_titled, created_at, updated_at - number * 1000 FROM chats CROSS JOIN copies";

/// Makes the oldest chat the latest.
const CHANGE_OLDEST: &str = "UPDATE chats SET title = 'Changed', updated_at = updated_at + 60000000
    WHERE updated_at = (SELECT MIN(updated_at) FROM chats)";

/// Deletes the oldest chat.
const DELETE_OLDEST: &str = "DELETE FROM chats WHERE updated_at = (SELECT MIN(updated_at) FROM chats)";

fn ids(messages: &[Value]) -> Vec<i64> {
    messages.iter().map(|message| number(&message["id"])).collect()
}

/// Asks for a list, and reads nothing of it.
async fn ask_unread(address: SocketAddr, user: &User, path: &str, from: &str) -> RawConnection {
    let mut wire = RawConnection::connect_narrow(address, 4096).await;
    let authorization = user.request(Method::GET, path).build().expect("a request").headers()["authorization"].clone();
    let authorization = authorization.to_str().expect("a header in UTF-8").to_owned();
    let head =
        format!("Host: al-chat\r\nConnection: close\r\nAuthorization: {authorization}\r\nX-Forwarded-For: {from}");
    wire.send(&format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n")).await;
    wire
}

#[tokio::test]
async fn a_list_of_several_parts_is_whole() {
    let (_model, setup, service, ada) = start_with_ada(&[]).await;
    let (chat, other) = (ada.create_chat().await, ada.create_chat().await);
    ada.ask(other, "hello").await;
    ada.ask(chat, &format!("\"{}\"\n", "é".repeat(2000))).await;
    setup.change_database(MANY_COPIES).await;
    let messages = ada.messages(chat).await;
    assert_eq!(messages.len(), 151);
    let texts = messages.iter().filter(|message| message["sender"] == "user").map(|message| message["text"].clone());
    assert!(texts.collect::<Vec<_>>().windows(2).all(|pair| pair[0] == pair[1]));
    assert!(messages.iter().all(|message| message["chat_id"] == chat));
    assert_eq!(list(&ada.chat(chat).await["messages"]), messages);
    let export = ada.get(&format!("/api/chat/{chat}/export")).await;
    assert_eq!(list(&export.assert_ok()["messages"]), messages);
    let markdown = ada.get(&format!("/api/chat/{chat}/export/markdown")).await.text;
    assert_eq!((markdown.matches("**You**").count(), markdown.matches("**Bot**").count()), (150, 1));

    let pages = ada.pages(&format!("/api/messages/{chat}/messages?limit=70")).await;
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [70, 70, 11]);
    assert_eq!(pages.into_iter().rev().flatten().collect::<Vec<_>>(), messages);
    let fitting = ada.pages(&format!("/api/messages/{chat}/messages?limit=151")).await;
    assert_eq!(fitting.iter().map(|page| ids(page)).collect::<Vec<_>>(), [ids(&messages)]);
    drop(service);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unread_lists_leave_memory_for_others() {
    const COUNT: usize = 20;
    let model = FakeModel::start().await;
    let setup = TestSetup::for_model(&model).with("BODY_MEMORY", "64MiB").with("PROXIES", "1");
    let process = setup.start_process().await;
    let ada = User::register(&process.client, "ada").await;
    let (large, small) = (ada.create_chat().await, ada.create_chat().await);
    ada.ask(large, &"x".repeat(MIB)).await;
    setup.change_database(FEW_COPIES).await;
    ada.ask(small, "hello").await;
    let path = format!("/api/chat/{large}");
    let before = process.peak_memory();
    let mut unread = Vec::new();
    for _ in 0..COUNT {
        unread.push(ask_unread(process.address, &ada, &path, "192.0.2.1").await);
    }
    // Each holds a text of 1 MiB, which counts as 7 MiB; one address can have half of the memory.
    let mut refused = 0;
    for wire in &mut unread {
        let head = wire.head().await;
        if head.starts_with("HTTP/1.1 503") {
            refused += 1;
        } else {
            assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        }
    }
    assert_eq!(refused, COUNT - 4);
    ada.transcript(small).await;
    let other = ada.request(Method::GET, &path).header("x-forwarded-for", "192.0.2.2");
    assert_eq!(list(&process.client.send(other).await.assert_ok()["messages"]).len(), 6);
    let growth = process.peak_memory().saturating_sub(before);
    assert!(growth < 64 * MIB, "{} MiB", growth / MIB);

    let own = ask_unread(process.address, &ada, &path, "192.0.2.1").await.response().await;
    let answer = RawAnswer::parse(&own);
    answer.assert_error(503, "list_memory_used_up");
    assert_eq!(answer.header("retry-after"), Some("2"));
    drop(unread);
    wait_until("memory for the same address", async || {
        let own = ada.request(Method::GET, &path).header("x-forwarded-for", "192.0.2.1");
        (process.client.send(own).await.status == 200).then_some(())
    })
    .await;
}

#[tokio::test]
async fn clients_that_read_no_list_are_disconnected() {
    // One address has room for one list at a time.
    let settings = [("BODY_TIMEOUT", "100ms"), ("BODY_MEMORY", "900KiB")];
    let (_model, setup, service, ada) = start_with_ada(&settings).await;
    let chat = ada.create_chat().await;
    ada.ask(chat, &"x".repeat(60 << 10)).await;
    setup.change_database(MANY_COPIES).await;
    let path = format!("/api/chat/{chat}");
    let mut wire = ask_unread(service.address(), &ada, &path, "192.0.2.1").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200"));
    ada.get(&path).await.assert_error(503, "list_memory_used_up");
    wait_until("memory for another list", async || (ada.get(&path).await.status == 200).then_some(())).await;
    let received = wire.read_to_end().await;
    assert!(!received.ends_with("0\r\n\r\n"), "it was sent whole");
}

#[tokio::test]
async fn a_list_of_chats_of_several_parts_is_whole() {
    let (_model, setup, service, ada) = start_with_ada(&[]).await;
    ada.create_titled_chat(&"é".repeat(200)).await;
    setup.change_database(MANY_CHATS).await;
    let chats = list(&ada.get("/api/chat/histories").await.assert_ok());
    assert_eq!(chats.len(), 201);
    let times = chats.iter().map(|chat| chat["updated_at"].as_str().expect("a time")).collect::<Vec<_>>();
    assert!(times.is_sorted_by(|time, next| time >= next));
    for (limit, expected) in [(70, &[70, 70, 61][..]), (201, &[201]), (200, &[200, 1])] {
        let pages = ada.pages(&format!("/api/chat/histories?limit={limit}")).await;
        assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), expected);
        assert_eq!(pages.concat(), chats);
    }
    drop(service);
}

#[tokio::test]
async fn a_list_of_chats_has_those_that_change_while_it_is_read() {
    // One address has room for one list of this length at a time.
    let (_model, setup, service, ada) = start_with_ada(&[("BODY_MEMORY", "900KiB")]).await;
    ada.create_titled_chat(&"é".repeat(200)).await;
    setup.change_database(MANY_CHATS).await;
    setup.change_database(MORE_CHATS).await;
    let path = "/api/chat/histories";
    let mut wire = ask_unread(service.address(), &ada, path, "192.0.2.1").await;
    assert!(wire.head().await.starts_with("HTTP/1.1 200"));
    ada.get(path).await.assert_error(503, "list_memory_used_up");
    setup.change_database(CHANGE_OLDEST).await;
    setup.change_database(DELETE_OLDEST).await;
    let received = wire.read_to_end().await;
    assert_eq!(received.matches("\"message_count\":").count(), 201 * 40 - 1);
    assert_eq!(received.matches("\"title\":\"Changed\"").count(), 1);
    assert!(received.ends_with("0\r\n\r\n"), "it ends early");
}
