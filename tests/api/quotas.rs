//! What an account or a visitor of the portal can store.

use reqwest::Method;
use serde_json::json;

use crate::{
    fakes::model::{Behaviour, FakeModel},
    support::{
        service::{Service, TestSetup, start_with},
        user::{User, number, start_with_ada},
        visitor::Visitor,
    },
};

/// The owners whose counts differ from what they have stored.
pub const MISCOUNTED: &str = "owners WHERE chats <> (SELECT COUNT(*) FROM chats WHERE chats.owner_id = owners.id)
    OR stored_bytes <> (SELECT COALESCE(SUM(octet_length(text) + image_bytes + octet_length(COALESCE(sources, ''))), 0)
                        FROM messages WHERE messages.owner_id = owners.id)";

const IMAGE: &str = "data:image/png;base64,iVBORw0KGgo=";

#[tokio::test]
async fn an_account_can_store_so_many_chats() {
    let (_model, _setup, service, ada) = start_with_ada(&[("MAX_CHATS", "2")]).await;
    let chats = [ada.create_chat().await, ada.create_chat().await];
    let refused = ada.post("/api/chat/create", &json!({})).await;
    refused.assert_error(409, "too_many_chats");
    assert_eq!(refused.json()["details"], json!({ "max_chats": 2 }));
    ada.ask(chats[0], "hello").await;
    User::register(&service.client, "bob").await.create_chat().await;
    ada.delete_chat(chats[1]).await;
    ada.create_chat().await;
    assert_eq!(ada.list_chats().await.len(), 2);
}

#[tokio::test]
async fn an_account_can_store_so_many_bytes() {
    let (model, setup, service, ada) = start_with_ada(&[("MAX_STORED_BYTES", "2KiB")]).await;
    let (chat, other) = (ada.create_chat().await, ada.create_chat().await);
    let question = "x".repeat(1500);
    let asked = ada.ask(chat, &question).await;
    for path in [chat, other] {
        let refused = ada.send(path, &question).await;
        refused.assert_error(409, "storage_full");
        assert_eq!(refused.json()["details"], json!({ "max_bytes": 2048 }));
    }
    assert_eq!((model.call_count(), ada.transcript(chat).await.len(), ada.transcript(other).await.len()), (1, 2, 0));
    ada.ask(other, "short").await;
    let message = number(&asked["user_message"]["id"]);
    ada.delete(&format!("/api/messages/{message}")).await.assert_ok();
    ada.ask(chat, &question).await;
    ada.clear(chat).await;
    ada.ask(chat, &question).await;
    assert_eq!(setup.count_rows(MISCOUNTED).await, 0);
    drop(service);
}

#[tokio::test]
async fn a_visitor_of_the_portal_has_the_same_quota() {
    let (_model, _setup, service) = start_with(&[("MAX_STORED_BYTES", "100")]).await;
    let visitor = Visitor::first_visit(&service.client).await;
    visitor.ask(&"x".repeat(90)).await;
    let refused = visitor.send(&"x".repeat(90)).await;
    refused.assert_error(409, "storage_full");
    assert_eq!(refused.json()["success"], false);
    visitor.call(Method::POST, "/clear_chat").await.assert_ok();
    visitor.ask(&"x".repeat(90)).await;
}

/// Numbers that look random, the same in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_of(&mut self, values: &[i64]) -> Option<i64> {
        let index = self.below(values.len().max(1) as u64);
        values.get(usize::try_from(index).expect("a small number")).copied()
    }
}

async fn message_ids(user: &User, chat: i64) -> Vec<i64> {
    user.messages(chat).await.iter().map(|message| number(&message["id"])).collect()
}

async fn change(model: &FakeModel, users: &[User], chats: &mut [Vec<i64>], numbers: &mut Numbers) {
    let who = usize::try_from(numbers.below(users.len() as u64)).expect("a small number");
    let (user, own) = (&users[who], &mut chats[who]);
    let Some(chat) = numbers.one_of(own) else { return own.push(user.create_chat().await) };
    match numbers.below(8) {
        0 => own.push(user.create_chat().await),
        1 => {
            user.delete_chat(chat).await;
            own.retain(|id| *id != chat);
        }
        2 => user.clear(chat).await,
        3 => {
            if let Some(message) = numbers.one_of(&message_ids(user, chat).await) {
                user.delete(&format!("/api/messages/{message}")).await.assert_ok();
            }
        }
        4 => {
            model.behave_once(Behaviour::CloseImmediately);
            user.send(chat, "é").await;
        }
        5 => {
            let body = json!({ "text": "hi", "image_url": IMAGE });
            user.post(&format!("/api/messages/{chat}/send"), &body).await.assert_ok();
        }
        _ => {
            let text = "é".repeat(usize::try_from(numbers.below(200)).expect("a small number") + 1);
            user.ask(chat, &text).await;
        }
    }
}

async fn start_with_users() -> (FakeModel, TestSetup, Service, Vec<User>) {
    let (model, setup, service, ada) = start_with_ada(&[("MODEL_RETRIES", "0")]).await;
    let bob = User::register(&service.client, "bob").await;
    (model, setup, service, vec![ada, bob])
}

#[tokio::test]
async fn the_counts_are_those_of_what_is_stored() {
    let (model, setup, service, mut users) = start_with_users().await;
    let (mut numbers, mut chats) = (Numbers(20_261_130), vec![Vec::new(), Vec::new()]);
    for _ in 0..60 {
        change(&model, &users, &mut chats, &mut numbers).await;
    }
    assert_eq!(setup.count_rows(MISCOUNTED).await, 0);
    assert_eq!(setup.count_rows("owners WHERE stored_bytes > 0").await, 2);
    let visitor = Visitor::first_visit(&service.client).await;
    visitor.ask("hello").await;
    let bob = users.pop().expect("bob");
    bob.delete("/api/auth/me").await.assert_ok();
    assert_eq!(setup.count_rows(MISCOUNTED).await, 0);
}
