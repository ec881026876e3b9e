//! The clients of the former server of the accounts: requests of a React page and of Python scripts.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::{
    fakes::model::Behaviour,
    support::{
        client::{Client, HttpResponse},
        forms::{Part, multipart, url_encoded},
        service::{TestSetup, start_with},
        user::{list, number, prompt_lines, prompt_messages, start_with_ada, text},
    },
};

/// An image of one pixel that the scripts send.
const PNG_BASE64: &str = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4DwAAAQEABRgNtQAAAABJRU5ErkJggg==";

async fn register(client: &Client, name: &str) -> HttpResponse {
    let body = json!({ "username": name, "email": format!("{name}@test.com"), "password": "TestPass@123" });
    client.post("/api/auth/register", &body).await
}

async fn log_in(client: &Client, name: &str) -> HttpResponse {
    client.post("/api/auth/login", &json!({ "username": name, "password": "TestPass@123" })).await
}

/// Adds the token that the page stores and sends in each request: `null` before a login.
fn bearer(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header("authorization", format!("Bearer {token}"))
}

fn data_url() -> String {
    format!("data:image/png;base64,{PNG_BASE64}")
}

#[tokio::test]
async fn the_react_page_can_register_chat_and_show_images() {
    let (model, setup, service) = start_with(&[]).await;
    let client = &service.client;
    model.set_behaviour(Behaviour::Echo);
    assert_eq!(register(client, "ada").await.status, 201);
    // The page shows `error` of every failure.
    assert_eq!(register(client, "ada").await.json()["error"], "Username already exists");
    let wrong = client.post("/api/auth/login", &json!({ "username": "ada", "password": "wrong-one" })).await;
    assert_eq!(wrong.json()["error"], "Invalid username or password");

    let login = log_in(client, "ada").await.assert_ok();
    let token = text(&login["token"]);
    assert_eq!((&login["username"], &login["email"]), (&"ada".into(), &"ada@test.com".into()));

    let chat = bearer(client.json_request("/api/chat", &json!({ "message": "What is React?" })), &token);
    let answer = client.send(chat).await.assert_ok();
    assert_eq!((&answer["reply"], &answer["response"]), (&"What is React?".into(), &"What is React?".into()));

    // The page sends an image as base64 in one window, and as a data URL in another.
    for image in [PNG_BASE64, &data_url()] {
        let request = bearer(client.request(Method::POST, "/api/chat/image"), &token);
        let form = [Part::Text("image", image), Part::Text("question", "What's in this image?")];
        let answer = client.send(multipart(request, &form)).await.assert_ok();
        assert!(!text(&answer["reply"]).is_empty());
        let shown = prompt_messages(&model, model.call_count() - 1).pop().expect("a question");
        assert_eq!(shown["content"][0]["text"], "What's in this image?");
        assert_eq!(shown["content"][1]["image_url"]["url"], data_url());
    }
    for line in setup.log_lines("chat") {
        assert_eq!((&line["username"], &line["is_guest"]), (&"ada".into(), &false.into()), "{line}");
        assert_eq!(line["user_id"], login["user"]["id"]);
    }

    // After a logout the page still sends its stored value.
    for token in ["null", "undefined", ""] {
        let chat = bearer(client.json_request("/api/chat", &json!({ "message": "Hello?" })), token);
        let image = bearer(client.request(Method::POST, "/api/chat/image"), token);
        let image = multipart(image, &[Part::Text("image", PNG_BASE64)]);
        for request in [chat, image] {
            let refused = client.send(request).await;
            let sentence = refused.assert_error(401, "token_invalid");
            assert_eq!(refused.json()["msg"], sentence);
        }
    }
    assert_eq!(setup.log_lines("chat").len(), 3);
}

#[tokio::test]
async fn the_scripts_get_every_field_that_they_read() {
    let (model, _setup, service) = start_with(&[]).await;
    let client = &service.client;
    model.set_behaviour(Behaviour::Echo);
    let registered = register(client, "ada").await;
    assert_eq!(registered.status, 201);
    let registered = registered.json();
    let user = &registered["user"];
    let id = number(&user["id"]);
    assert_eq!((&user["username"], &user["email"]), (&"ada".into(), &"ada@test.com".into()));
    assert_eq!((&user["created_at"], &user["id"]), (&registered["created_at"], &registered["id"]));
    assert!(!text(&registered["message"]).is_empty());

    let login = log_in(client, "ada").await.assert_ok();
    assert_eq!((&login["token"], &login["user"]), (&login["access_token"], user));
    assert!(!text(&login["message"]).is_empty());
    let token = text(&login["token"]);
    let send = async |method: Method, path: &str, body: &Value| {
        let request = bearer(client.request(method, path), &token).header("content-type", "application/json");
        client.send(request.body(body.to_string())).await
    };

    let made = send(Method::POST, "/api/chat/create", &json!({ "title": "Test Chat" })).await;
    assert_eq!((made.status.as_u16(), &made.json()["user_id"]), (201, &id.into()));
    let chat = number(&made.json()["id"]);
    let path = format!("/api/messages/{chat}/send");
    let body = json!({ "text": "Who is it?", "voice_text": "the one in blue", "image": PNG_BASE64 });
    let both = send(Method::POST, &path, &body).await.assert_ok();
    let (user_message, answered) = (&both["user_message"], &both["ai_message"]);
    assert_eq!(answered, &both["ai_response"]);
    let expected_text = "Who is it? [Voice: the one in blue]";
    assert_eq!((&user_message["text"], &user_message["image"]), (&expected_text.into(), &data_url().into()));
    for (message, who) in [(user_message, "user"), (answered, "bot")] {
        let numbers = (&message["chat_id"], &message["user_id"], &message["who"]);
        assert_eq!(numbers, (&chat.into(), &id.into(), &who.into()));
        let same = (&message["sender"], &message["image_url"], &message["created_at"]);
        assert_eq!(same, (&message["who"], &message["image"], &message["time"]));
    }

    let listed = send(Method::GET, &format!("/api/messages/{chat}/messages"), &Value::Null).await.assert_ok();
    assert_eq!(list(&listed), [user_message.clone(), answered.clone()]);
    let whole = send(Method::GET, &format!("/api/chat/{chat}"), &Value::Null).await.assert_ok();
    assert_eq!((&whole["messages"], &whole["user_id"]), (&listed, &id.into()));
    let list_chats = send(Method::GET, "/api/chat/histories", &Value::Null).await.assert_ok();
    assert_eq!((&list_chats[0]["user_id"], &list_chats[0]["message_count"]), (&id.into(), &2.into()));
    let renamed = send(Method::PATCH, &format!("/api/chat/{chat}"), &json!({ "title": "Another" })).await.assert_ok();
    assert_eq!(renamed["user_id"], id);

    let request = bearer(client.request(Method::POST, "/api/chat/image"), &token);
    let form = url_encoded(request, &[("image", PNG_BASE64), ("question", "What is in this image?")]);
    let answer = client.send(form).await.assert_ok();
    assert_eq!((&answer["question"], &answer["reply"]), (&"What is in this image?".into(), &answer["response"]));
    let health = client.get("/health").await.assert_ok();
    assert_eq!(health["status"], "ok");
    assert!(!text(&health["message"]).is_empty());
}

#[tokio::test]
async fn an_invalid_authorization_is_never_anonymous() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let client = &service.client;
    let ended = ada.clone();
    let newer = client.post("/api/auth/login", &json!({ "username": "ada", "password": "Correct-Horse-77" })).await;
    let newer = text(&newer.assert_ok()["access_token"]);
    ended.post("/api/auth/logout", &json!({})).await.assert_ok();
    let (head, claims) = newer.rsplit_once('.').map(|(rest, _)| rest.split_once('.').expect("claims")).expect("parts");
    let bad = [
        ("Bearer null".to_owned(), "token_invalid"),
        ("Bearer undefined".to_owned(), "token_invalid"),
        ("Bearer".to_owned(), "token_invalid"),
        ("Bearer ".to_owned(), "token_invalid"),
        (String::new(), "token_invalid"),
        (newer.clone(), "token_invalid"),
        (format!("Token {newer}"), "token_invalid"),
        (format!("JWT {newer}"), "token_invalid"),
        (format!("Bearer \"{newer}\""), "token_invalid"),
        (format!("Bearer {newer}x"), "token_invalid"),
        (format!("Bearer {head}.{claims}."), "token_invalid"),
        ("Basic YWRhOng=".to_owned(), "token_invalid"),
        (format!("Bearer {}", ended.token), "token_ended"),
    ];
    for (header, code) in &bad {
        let requests = [
            client.json_request("/api/chat", &json!({ "message": "hi" })),
            client.json_request("/api/chat", &json!({ "message": "hi", "stream": true })),
            client.json_request("/api/chat/image", &json!({ "image": PNG_BASE64 })),
        ];
        for request in requests {
            let answer = client.send(request.header("authorization", header)).await;
            let sentence = answer.assert_error(401, code);
            assert_eq!(answer.json()["msg"], sentence, "{header}");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
        }
    }
    assert_eq!(model.call_count(), 0);
    // Without a token the caller is anonymous and sees no further fields.
    let answer = client.chat("hi").await.assert_ok();
    assert!(answer["reply"].is_null() && answer["response"].is_null(), "{answer}");
    let request = client.json_request("/api/chat", &json!({ "message": "hi" }));
    client.send(request.header("authorization", format!("bearer {newer}"))).await.assert_ok();
}

#[tokio::test]
async fn a_token_overrides_the_user_in_the_body() {
    let (model, setup, service, ada) = start_with_ada(&[]).await;
    let body = json!({ "message": "hi", "username": "eve", "isGuest": true, "is_guest": true, "sessionId": "s-1" });
    ada.post("/api/chat", &body).await.assert_ok();
    service
        .client
        .post("/api/chat", &json!({ "message": "hi", "username": "ada", "isGuest": false }))
        .await
        .assert_ok();
    let lines = setup.log_lines("chat");
    let who = |line: &Value| (line["username"].clone(), line["is_guest"].clone(), line["user_id"].is_i64());
    assert_eq!(who(&lines[0]), ("ada".into(), false.into(), true));
    assert_eq!(lines[0]["session_id"], "s-1");
    // A user name without a token is not verified.
    assert_eq!(who(&lines[1]), ("ada".into(), false.into(), false));
    assert_eq!(model.call_count(), 2);
}

#[tokio::test]
async fn idempotency_keys_of_accounts_are_separate() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let body = json!({ "message": "hi", "sessionId": "s-1" });
    let claim = json!({ "message": "hi", "username": "ada", "isGuest": false });
    let keyed = |request: RequestBuilder| request.header("idempotency-key", "k-1");
    let once = async |body: &Value| {
        ada.client.send(keyed(ada.json_request(Method::POST, "/api/chat", body))).await.assert_ok()
    };
    let first = once(&body).await;
    // The same account repeats the request in another session.
    let again = once(&json!({ "message": "hi", "sessionId": "s-2" })).await;
    assert_eq!((&again["message"], model.call_count()), (&first["message"], 1));
    // A request with only the same name, or the same session, is another turn.
    service.client.send(keyed(service.client.json_request("/api/chat", &claim))).await.assert_ok();
    service.client.send(keyed(service.client.json_request("/api/chat", &body))).await.assert_ok();
    assert_eq!(model.call_count(), 3);
}

#[tokio::test]
async fn voice_transcripts_are_part_of_the_message() {
    let (model, _setup, service, ada) = start_with_ada(&[]).await;
    let chat = ada.create_titled_chat("Voices").await;
    let rows = [
        (json!({ "voice_text": "by voice" }), "by voice"),
        (json!({ "text": "", "voice_text": "by voice" }), "by voice"),
        (json!({ "text": "typed", "voice_text": "by voice" }), "typed [Voice: by voice]"),
        (json!({ "text": "typed", "voice_text": "" }), "typed"),
        (json!({ "text": "typed", "voice_text": null }), "typed"),
        (json!({ "message": "typed", "voice_text": " " }), "typed"),
    ];
    for (turn, (body, said)) in rows.into_iter().enumerate() {
        let answer = ada.client.send(ada.send_request(chat, &body)).await.assert_ok();
        assert_eq!(answer["user_message"]["text"], said, "{body}");
        assert_eq!(prompt_lines(&model, turn).pop(), Some(format!("u: {said}")));
    }
    let body = json!({ "message": "typed", "voice_text": "by voice" });
    service.client.post("/api/chat", &body).await.assert_ok();
    assert_eq!(prompt_lines(&model, 6), ["u: typed [Voice: by voice]"]);
    ada.client.send(ada.send_request(chat, &json!({ "voice_text": 7 }))).await.assert_error(400, "invalid_request");
}

#[tokio::test]
async fn the_old_health_path_answers() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let health = service.client.get("/health").await;
    assert_eq!(health.assert_ok()["status"], "ok");
    assert!(!health.header("access-control-allow-origin").is_empty());
    let head = service.client.send(service.client.request(Method::HEAD, "/health")).await;
    assert_eq!(head.status, 200);
}

#[test]
fn legacy_fields_are_marked_as_deprecated() {
    let contract: Value = serde_json::from_str(&al_chat::api::contract()).expect("JSON");
    let answer = |path: &str, method: &str, status: &str| {
        let content = &contract["paths"][path][method]["responses"][status]["content"]["application/json"];
        let schema = &content["schema"];
        let name = schema["$ref"].as_str().or(schema["items"]["$ref"].as_str()).expect("a schema").to_owned();
        contract["components"]["schemas"][name.rsplit('/').next().unwrap()]["properties"].clone()
    };
    let send = answer("/api/messages/{chat_id}/send", "post", "200");
    let rows = [
        (answer("/api/auth/register", "post", "201"), vec!["message", "user"]),
        (answer("/api/auth/login", "post", "200"), vec!["token", "username", "email", "message"]),
        (answer("/api/chat", "post", "200"), vec!["reply", "response"]),
        (answer("/api/chat/image", "post", "200"), vec!["reply", "response"]),
        (answer("/api/messages/{message_id}", "get", "200"), vec!["chat_id", "user_id", "who", "image", "time"]),
        (answer("/api/chat/histories", "get", "200"), vec!["user_id"]),
        (answer("/api/chat/{chat_id}", "get", "200"), vec!["user_id"]),
        (send, vec!["ai_message"]),
    ];
    for (properties, names) in rows {
        for name in names {
            assert_eq!(properties[name]["deprecated"], true, "{name}: {properties}");
        }
    }
    assert_eq!(contract["paths"]["/health"]["get"]["deprecated"], true);
}
