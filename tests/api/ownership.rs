//! Ownership of stored data, checked for every operation of the contract.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    fakes::model::Behaviour,
    support::{
        client::{Client, HttpResponse},
        user::{User, number, start_with_ada},
        visitor::Visitor,
    },
};

/// An operation of the contract.
#[derive(Debug)]
struct Operation {
    method: Method,
    path: String,
    id: String,
    security: Value,
    takes_body: bool,
}

fn operations() -> Vec<Operation> {
    let contract: Value = serde_json::from_str(&al_chat::api::contract()).expect("the contract is JSON");
    let paths = contract["paths"].as_object().expect("paths");
    let operations = paths.iter().flat_map(|(path, methods)| {
        let methods = methods.as_object().expect("methods");
        methods.iter().map(move |(method, operation)| Operation {
            method: method.to_uppercase().parse().expect("a method"),
            path: path.clone(),
            id: operation["operationId"].as_str().expect("an id").to_owned(),
            security: operation["security"].clone(),
            takes_body: operation["requestBody"].is_object(),
        })
    });
    operations.collect()
}

impl Operation {
    fn accepts_scheme(&self, scheme: &str) -> bool {
        let ways = self.security.as_array().map_or(&[][..], Vec::as_slice);
        ways.iter().any(|way| way[scheme].is_array())
    }

    fn accepts_token(&self) -> bool {
        self.accepts_scheme("bearerAuth")
    }

    /// Returns whether the operation requires a token.
    fn needs_token(&self) -> bool {
        let is_none = |way: &Value| way.as_object().is_none_or(serde_json::Map::is_empty);
        self.accepts_token() && self.security.as_array().is_some_and(|ways| !ways.iter().any(is_none))
    }

    fn is_about(&self, what: &str) -> bool {
        self.path.contains(&format!("{{{what}}}"))
    }

    /// Returns a valid body for the operation. Every operation on owned data that has a body is listed here.
    fn body(&self) -> Option<Value> {
        self.takes_body.then(|| match self.id.as_str() {
            "changePassword" => json!({ "current_password": "Correct-Horse-77", "new_password": "Staple-Battery-79" }),
            "createChat" | "renameChat" => json!({ "title": "Mine now" }),
            "sendMessage" | "sendMessageStream" => json!({ "text": "Is anybody there?" }),
            "giveFeedback" => json!({ "rating": "up" }),
            "retryMessage" | "requestHandover" => json!({}),
            "stopSession" => json!({ "session_id": "window-1" }),
            "chatImage" => json!({ "image": "data:image/png;base64,iVBORw0KGgo=" }),
            "chat" | "chatStream" | "portalChat" => json!({ "message": "Is anybody there?" }),
            other => panic!("{other} is missing in this test: what is its body?"),
        })
    }

    fn request(&self, client: &Client, chat: i64, message: i64) -> RequestBuilder {
        self.request_about(client, chat, message, "019aa5b1-7c3e-7d10-b1f4-5a5c1b0f9e27")
    }

    fn request_about(&self, client: &Client, chat: i64, message: i64, turn: &str) -> RequestBuilder {
        let ids = [("{chat_id}", chat.to_string()), ("{message_id}", message.to_string())];
        let path = ids.iter().fold(self.path.clone(), |path, (name, id)| path.replace(name, id));
        let path = path.replace("{request_id}", turn).replace("{session_id}", "window-1");
        assert!(!path.contains('{'), "{path} has a parameter that is missing in this test");
        let request = client.request(self.method.clone(), &path);
        match self.body() {
            Some(body) => request.header("content-type", "application/json").body(body.to_string()),
            None => request,
        }
    }
}

/// Returns the status and the body of an error, without its request ID.
fn error_of(answer: &HttpResponse) -> (u16, Value) {
    let mut body = answer.json();
    body["request_id"].take();
    (answer.status.as_u16(), body)
}

/// Creates a chat with a message, its answer, and a failed message. Returns the IDs of the chat and the failed message.
async fn create_chat_with_messages(user: &User, once: impl FnOnce()) -> (i64, i64) {
    let chat = user.create_titled_chat("Hers").await;
    user.ask(chat, "A secret recipe").await;
    once();
    let failed = user.send(chat, "And its price").await;
    failed.assert_error(400, "request_refused");
    (chat, number(&failed.json()["details"]["user_message_id"]))
}

/// Returns all stored data of a user.
async fn stored_data(user: &User, chat: i64) -> Value {
    json!([user.get("/api/auth/me").await.assert_ok(), user.list_chats().await, user.chat(chat).await])
}

#[tokio::test]
async fn without_a_token_no_stored_data_is_accessible() {
    // Without the setting, this machine needs no token for what is for operators.
    let settings = [("ADMIN_TOKEN", "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe")];
    let (model, _setup, _service, ada) = start_with_ada(&settings).await;
    let refuse = || model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let (chat, message) = create_chat_with_messages(&ada, refuse).await;
    let (before, calls) = (stored_data(&ada, chat).await, model.call_count());
    let operations = operations();
    let closed = operations.iter().filter(|operation| operation.needs_token()).count();
    assert!(closed >= 16, "only {closed} operations need a token");
    for operation in operations.iter().filter(|operation| operation.accepts_token()) {
        let ask = async |header: Option<&str>| {
            let request = operation.request(&ada.client, chat, message);
            let request = header.into_iter().fold(request, |request, it| request.header("authorization", it));
            ada.client.send(request).await
        };
        if operation.needs_token() {
            ask(None).await.assert_unauthorized("token_missing");
        }
        for header in ["Bearer x", "Bearer a.b.c", &format!("Bearer {}x", ada.token)] {
            ask(Some(header)).await.assert_unauthorized("token_invalid");
        }
        // If no token is required, other credentials are meant for a proxy in front of the service.
        for header in ["", "Bearer", "Basic YWRhOng="].into_iter().filter(|_| operation.needs_token()) {
            ask(Some(header)).await.assert_unauthorized("token_invalid");
        }
        // A malformed ID or body does not bypass the check.
        if operation.needs_token() {
            let request = ada.client.request(operation.method.clone(), &operation.path.replace(['{', '}'], ""));
            ada.client.send(request.body("{")).await.assert_unauthorized("token_missing");
        }
    }
    assert_eq!((stored_data(&ada, chat).await, model.call_count()), (before, calls));
}

#[tokio::test]
async fn data_of_another_user_is_not_found_and_not_changed() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let grace = User::register(&service.client, "grace").await;
    let refuse = || model.behave_once(Behaviour::Respond { status: 400, headers: vec![], body: "{}".to_owned() });
    let (chat, failed) = create_chat_with_messages(&ada, refuse).await;
    let mut messages = ada.messages(chat).await.iter().map(|message| number(&message["id"])).collect::<Vec<_>>();
    assert_eq!(messages.pop(), Some(failed));
    let graces = grace.create_titled_chat("Another").await;
    let (before, graces_before) = (stored_data(&ada, chat).await, stored_data(&grace, graces).await);
    let calls = model.call_count();

    let owned = operations().into_iter().filter(|operation| operation.path.contains("_id}"));
    // Texts of sessions have a test of their own; counts of limits and sites are the operator's.
    let owned =
        owned.filter(|operation| !["session_id", "count_id", "site_id"].iter().any(|it| operation.is_about(it)));
    let mut owned = owned.filter(|operation| !operation.is_about("request_id")).collect::<Vec<_>>();
    assert!(owned.len() >= 9, "{owned:?}");
    for operation in &owned {
        let code = if operation.is_about("chat_id") { "chat_not_found" } else { "message_not_found" };
        let ask = async |user: &User, chat: i64, message: i64| {
            let request = operation.request(&user.client, chat, message).bearer_auth(&user.token);
            user.client.send(request).await
        };
        let nowhere = ask(&ada, 999_999, 999_999).await;
        nowhere.assert_error(404, code);
        for message in messages.iter().chain([&failed]) {
            let answer = ask(&grace, chat, *message).await;
            answer.assert_error(404, code);
            assert_eq!(error_of(&answer), error_of(&nowhere), "{operation:?} shows that the object exists");
        }
    }
    assert_eq!(stored_data(&ada, chat).await, before);
    assert_eq!(stored_data(&grace, graces).await, graces_before);
    assert_eq!(model.call_count(), calls);

    // With the right token each operation succeeds, which proves that the requests were valid. Deletions come last.
    owned.sort_by_key(|operation| match operation.id.as_str() {
        "deleteMessage" => 1,
        "clearChat" => 2,
        "deleteChat" => 3,
        _ => 0,
    });
    for operation in &owned {
        let request = operation.request(&ada.client, chat, failed).bearer_auth(&ada.token);
        let answer = ada.client.send(request).await;
        assert_eq!(answer.status, 200, "{operation:?}: {}", answer.text);
    }
    assert!(ada.list_chats().await.is_empty());
}

#[tokio::test]
async fn data_of_a_visitor_is_not_accessible_to_others() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    model.set_behaviour(Behaviour::Echo);
    let visitor = Visitor::first_visit(&service.client).await;
    let other_visitor = Visitor::first_visit(&service.client).await;
    visitor.ask("A secret recipe").await;
    let events = visitor.stream("And its secret price").await;
    let turn = events.request_id();
    let end = events.text_and_end().await.1;
    let (message, before) = (number(&end.data["user_message_id"]), visitor.history().await);
    // The chat's ID is not in the response; it is the first one in this database.
    let asks = |operation: &Operation| {
        let request = || operation.request_about(&service.client, 1, message, &turn);
        let by = |token: &str| request().header("cookie", format!("al_chat_visitor={token}"));
        [
            request(),
            request().bearer_auth(&ada.token),
            by(&other_visitor.token),
            by("x"),
            by(&visitor.token).header("origin", "https://evil.example"),
            by(&visitor.token).header("sec-fetch-site", "same-site"),
        ]
    };
    let known = operations()
        .into_iter()
        .filter(|operation| operation.accepts_scheme("visitorCookie") || operation.accepts_token());
    // Ada's account itself is not a visitor's data.
    let known = known.filter(|operation| !operation.path.starts_with("/api/auth/")).collect::<Vec<_>>();
    let of_visitors = known.iter().filter(|operation| operation.accepts_scheme("visitorCookie")).count();
    assert!(of_visitors >= 5 && known.len() >= 16, "{known:?}");
    for operation in &known {
        for request in asks(operation) {
            let answer = service.client.send(request).await;
            assert!(!answer.text.contains("secret"), "{operation:?}: {}", answer.text);
            assert!(!answer.status.is_server_error(), "{operation:?}: {}", answer.text);
        }
    }
    assert_eq!(visitor.history().await, before);
    // With the right cookie the requests succeed, which proves that they were valid.
    let events = format!("/api/chat/{turn}/events");
    assert!(visitor.call(Method::GET, &events).await.text.contains("secret"));
}

#[tokio::test]
async fn lists_and_searches_contain_only_the_callers_data() {
    let (_model, _setup, service, ada) = start_with_ada(&[]).await;
    let grace = User::register(&service.client, "grace").await;
    for (user, other, title) in [(&ada, &grace, "Of ada"), (&grace, &ada, "Of grace")] {
        let chat = user.create_titled_chat(title).await;
        user.ask(chat, title).await;
        assert!(!other.list_chats().await.iter().any(|chat| chat["title"] == title));
        assert!(!other.search("of").await.contains(&title.to_owned()));
        assert_eq!(user.list_chats().await.len(), 1);
        assert_eq!(user.search("of").await, [title]);
    }
    // A paging position that belongs to another user.
    for path in ["/api/chat/histories?limit=1", "/api/chat/search?q=of&limit=1"] {
        let before = "before=9223372036854775806_9223372036854775806";
        for user in [&ada, &grace] {
            assert_eq!(user.get(&format!("{path}&{before}")).await.assert_ok().as_array().map(Vec::len), Some(1));
        }
    }
}
