//! Accounts: registration, login, tokens and deletion; throttling of login attempts; secrets that are never exposed.

use std::{
    fs,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use futures_util::future::join_all;
use jiff::Timestamp;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use sqlx::{ConnectOptions, sqlite::SqliteConnectOptions};
use tokio::task::JoinSet;

use crate::{
    command_line::run,
    support::{
        client::{Client, HttpResponse},
        manual_clock::ManualClock,
        service::{Service, TestSetup},
    },
};

const REGISTER: &str = "/api/auth/register";
const LOGIN: &str = "/api/auth/login";
const ME: &str = "/api/auth/me";
const LOGOUT: &str = "/api/auth/logout";
const PASSWORD: &str = "/api/auth/password";

/// A password that occurs in no other text, so that a test can search all output for it.
const ADA_PASSWORD: &str = "Correct-Horse-77";

/// A secret with enough entropy.
const SECRET: &str = "6b1f0de2c8a94735be50d1f7a2839c4e6d07b5f81c2e93a4";

/// Registers an account with this name and the password [`ADA_PASSWORD`].
async fn register(client: &Client, name: &str) -> Value {
    let email = format!("{name}@example.org");
    let answer = client.post(REGISTER, &json!({ "username": name, "email": email, "password": ADA_PASSWORD })).await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

async fn log_in(client: &Client, name: &str, password: &str) -> HttpResponse {
    client.post(LOGIN, &json!({ "username": name, "password": password })).await
}

/// Logs in with this name and the password [`ADA_PASSWORD`], and returns the token.
async fn token(client: &Client, name: &str) -> String {
    let body = log_in(client, name, ADA_PASSWORD).await.assert_ok();
    body["access_token"].as_str().expect("a token").to_owned()
}

fn with_token(request: RequestBuilder, token: &str) -> RequestBuilder {
    request.header("authorization", format!("Bearer {token}"))
}

async fn call(client: &Client, method: Method, path: &str, token: &str) -> HttpResponse {
    client.send(with_token(client.request(method, path), token)).await
}

async fn me(client: &Client, token: &str) -> HttpResponse {
    call(client, Method::GET, ME, token).await
}

async fn change_password(client: &Client, token: &str, current: &str, new: &str) -> HttpResponse {
    let body = json!({ "current_password": current, "new_password": new });
    client.send(with_token(client.json_request(PASSWORD, &body), token)).await
}

/// Starts a service in which `ada` is registered and logged in.
async fn start_with_ada() -> (TestSetup, Service, String) {
    let setup = TestSetup::new();
    let service = setup.start().await;
    register(&service.client, "ada").await;
    let token = token(&service.client, "ada").await;
    (setup, service, token)
}

#[tokio::test]
async fn a_name_and_a_password_match_in_each_way_to_type_them() {
    let service = TestSetup::new().start().await;
    let body = |name: &str, email: &str| json!({ "username": name, "email": email, "password": "Pässwort 77" });
    let registered = service.client.post(REGISTER, &body("Zoë Ångström", "zoe@example.org")).await;
    assert_eq!(
        (registered.status.as_u16(), &registered.json()["username"]),
        (201, &json!("Zoë Ångström")),
        "{}",
        registered.text
    );
    let decomposed = "ZOE\u{308}  A\u{30a}ngstro\u{308}m";
    service.client.post(REGISTER, &body(decomposed, "other@example.org")).await.assert_error(409, "username_taken");
    log_in(&service.client, decomposed, "Pa\u{308}sswort\u{a0}77").await.assert_ok();
    log_in(&service.client, decomposed, "pa\u{308}sswort 77").await.assert_error(401, "wrong_login");
    for invisible in ["Zo\u{200b}ë", "\u{202e}Zoë", "Zoë\u{e0041}", "Zo\u{ad}ë"] {
        let answer = service.client.post(REGISTER, &body(invisible, "third@example.org")).await;
        answer.assert_error(400, "invalid_username");
    }
}

#[tokio::test]
async fn an_account_is_registered_logged_in_and_deleted() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new();
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;

    let made = register(client, "ada").await;
    let id = made["id"].as_i64().expect("a number");
    assert_eq!((&made["username"], &made["email"]), (&"ada".into(), &"ada@example.org".into()));
    let created = made["created_at"].as_str().expect("a time").parse::<Timestamp>().expect("RFC 3339");
    assert_eq!(created, "2026-05-04T12:00:00Z".parse().unwrap());

    let login = log_in(client, "ada", ADA_PASSWORD).await.assert_ok();
    let account = json!({ "id": id, "username": "ada", "email": "ada@example.org", "created_at": made["created_at"] });
    assert_eq!(login["user"], account);
    let token = login["access_token"].as_str().expect("a token");
    let claims = BASE64.decode(token.split('.').nth(1).expect("claims")).expect("base64");
    let claims: Value = serde_json::from_slice(&claims).expect("JSON");
    assert_eq!(claims["sub"], id.to_string());
    assert_eq!(claims["exp"], created.as_second() + 2_592_000);
    assert!(claims["jti"].is_string(), "{claims}");

    assert_eq!(me(client, token).await.assert_ok(), account);
    let out = call(client, Method::POST, LOGOUT, token).await.assert_ok();
    assert_eq!(out, json!({ "message": "Successfully logged out" }));
    me(client, token).await.assert_unauthorized("token_ended");
    call(client, Method::POST, LOGOUT, token).await.assert_unauthorized("token_ended");
}

#[tokio::test]
async fn invalid_registrations_are_rejected_with_the_reason() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let whole = json!({ "username": "ada", "email": "ada@example.org", "password": ADA_PASSWORD });
    let wrong = [
        ("username", Value::Null, "username_required"),
        ("username", " \t".into(), "username_required"),
        ("username", "a\u{0}da".into(), "invalid_username"),
        ("username", "ada@example.org".into(), "invalid_username"),
        ("username", "x".repeat(81).into(), "invalid_username"),
        ("username", 7.into(), "invalid_request"),
        ("email", Value::Null, "email_required"),
        ("email", " ".into(), "email_required"),
        ("email", "ada".into(), "invalid_email"),
        ("email", "a da@example.org".into(), "invalid_email"),
        ("password", Value::Null, "password_required"),
        ("password", "".into(), "password_required"),
        ("password", "12345".into(), "password_too_short"),
        ("password", "x".repeat(1025).into(), "password_too_long"),
    ];
    for (field, value, code) in wrong {
        for body in [changed(&whole, field, Some(&value)), changed(&whole, field, None)] {
            let answer = service.client.post(REGISTER, &body).await;
            let expected = if body[field].is_null() { format!("{field}_required") } else { code.to_owned() };
            answer.assert_error(400, &expected);
        }
    }
    for body in ["", "{", "hello"] {
        let request = service.client.request(Method::POST, REGISTER).header("content-type", "application/json");
        service.client.send(request.body(body)).await.assert_error(400, "invalid_json");
    }
    for (field, code) in [("username", "username_required"), ("password", "password_required")] {
        let body = changed(&json!({ "username": "ada", "password": ADA_PASSWORD }), field, None);
        service.client.post(LOGIN, &body).await.assert_error(400, code);
    }
    // Unknown fields are ignored, and a password of six characters is long enough.
    let body = changed(&changed(&whole, "password", Some(&"sechs6".into())), "unknown", Some(&1.into()));
    assert_eq!(service.client.post(REGISTER, &body).await.status, 201);
}

/// Returns a copy of the object with another value of this field, or without the field.
fn changed(object: &Value, field: &str, value: Option<&Value>) -> Value {
    let mut object = object.clone();
    let fields = object.as_object_mut().expect("an object");
    match value {
        Some(value) => fields.insert(field.to_owned(), value.clone()),
        None => fields.remove(field),
    };
    object
}

#[tokio::test]
async fn names_and_emails_are_unique_ignoring_case_and_spaces() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let client = &service.client;
    register(client, "Ada").await;
    let again = async |name: &str, email: &str| {
        client.post(REGISTER, &json!({ "username": name, "email": email, "password": ADA_PASSWORD })).await
    };
    for name in ["Ada", " ada", "ADA\t", "aDA "] {
        let sentence = again(name, "other@example.org").await.assert_error(409, "username_taken");
        assert_eq!(sentence, "Username already exists");
        // If both are taken, the error names the user name.
        again(name, "ADA@example.org").await.assert_error(409, "username_taken");
    }
    for email in ["ada@example.org", " ADA@Example.Org "] {
        let sentence = again("grace", email).await.assert_error(409, "email_taken");
        assert_eq!(sentence, "Email already exists");
    }
    for name in ["ada", " ADA ", "ada@example.org", "\tAda@EXAMPLE.org"] {
        let user = log_in(client, name, ADA_PASSWORD).await.assert_ok()["user"].clone();
        assert_eq!((&user["username"], &user["email"]), (&"Ada".into(), &"Ada@example.org".into()), "{name:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_of_several_concurrent_registrations_succeeds() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    let client = &service.client;
    let names = ["ada", "Ada", " ada", "ada ", "ADA", "aDa", "adA", "\tada"];
    let registrations = names.iter().enumerate().map(|(number, name)| {
        let email = format!("ada{number}@example.org");
        let body = json!({ "username": name, "email": email, "password": ADA_PASSWORD });
        async move { client.post(REGISTER, &body).await }
    });
    let mut statuses = join_all(registrations).await.iter().map(|it| it.status.as_u16()).collect::<Vec<_>>();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409, 409, 409, 409, 409, 409, 409]);

    let registrations = (0..8).map(|number| {
        let body =
            json!({ "username": format!("grace{number}"), "email": "Grace@example.org", "password": ADA_PASSWORD });
        async move { client.post(REGISTER, &body).await }
    });
    let answers = join_all(registrations).await;
    let (made, taken): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 201);
    assert_eq!((made.len(), taken.len()), (1, 7), "{answers:?}");
    for answer in taken {
        answer.assert_error(409, "email_taken");
    }
}

#[tokio::test]
async fn every_failed_login_gets_the_same_error() {
    let (_setup, service, _) = start_with_ada().await;
    let wrong = [
        ("ada", "correct-horse-77"),
        ("ada", "Correct-Horse-77 "),
        ("ada@example.org", "x"),
        ("nobody", ADA_PASSWORD),
        ("nobody@example.org", ADA_PASSWORD),
        ("a\u{0}da", ADA_PASSWORD),
        ("' OR '1'='1", ADA_PASSWORD),
        ("ada%", ADA_PASSWORD),
    ];
    for (name, password) in wrong {
        let answer = log_in(&service.client, name, password).await;
        answer.assert_unauthorized("wrong_login");
        assert_eq!(answer.json()["error"], "Invalid username or password", "{name:?}");
    }
}

#[tokio::test]
async fn a_missing_or_invalid_token_is_unauthorized() {
    let (_setup, service, token) = start_with_ada().await;
    let client = &service.client;
    let operations = [(Method::GET, ME), (Method::DELETE, ME), (Method::POST, LOGOUT), (Method::POST, PASSWORD)];
    let (head, signature) = token.rsplit_once('.').expect("a signature");
    let none = BASE64.encode(r#"{"alg":"none","typ":"JWT"}"#);
    let claims = head.split_once('.').expect("claims").1;
    let mut bad = vec![
        String::new(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        "Basic YWRhOng=".to_owned(),
        token.clone(),
        "Bearer a.b.c".to_owned(),
        "Bearer null".to_owned(),
        format!("Bearer {none}.{claims}."),
        format!("Bearer {none}.{claims}.{signature}"),
        format!("Bearer {head}."),
        format!("Bearer {head}"),
        format!("Bearer {token}x"),
        format!("Bearer {token} {token}"),
    ];
    // The claims of another account with the signature of this token.
    let forged = BASE64.encode(r#"{"sub":"2","jti":"x","iat":0,"exp":99999999999,"generation":0}"#);
    bad.push(format!("Bearer {}.{forged}.{signature}", head.split_once('.').unwrap().0));
    for (method, path) in operations {
        client.send(client.request(method.clone(), path)).await.assert_unauthorized("token_missing");
        for header in &bad {
            let request = client.request(method.clone(), path).header("authorization", header);
            client.send(request).await.assert_unauthorized("token_invalid");
        }
    }
    // The account is unaffected, and the scheme's name is case-insensitive.
    let request = client.request(Method::GET, ME).header("authorization", format!("bearer {token}"));
    client.send(request).await.assert_ok();
}

#[tokio::test]
async fn a_token_signed_with_another_secret_is_rejected() {
    let open = async |secret: &str| {
        let setup = TestSetup::new().with("JWT_SECRET_KEY", secret);
        let service = setup.start().await;
        register(&service.client, "ada").await;
        let token = token(&service.client, "ada").await;
        (setup, service, token)
    };
    let (_setup, one, token) = open(SECRET).await;
    let (_other_setup, other, _) = open("e09b7d41f6a3c2588b1e5d7f90a4c63d2e7f18b9").await;
    me(&one.client, &token).await.assert_ok();
    me(&other.client, &token).await.assert_unauthorized("token_invalid");
}

#[tokio::test]
async fn a_token_expires_after_the_configured_lifetime() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new().with("JWT_ACCESS_TOKEN_EXPIRES", "3600");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;
    register(client, "ada").await;
    let token = token(client, "ada").await;
    clock.advance(Duration::from_secs(3599));
    me(client, &token).await.assert_ok();
    clock.advance(Duration::from_secs(1));
    me(client, &token).await.assert_unauthorized("token_expired");
}

#[tokio::test]
async fn a_logout_revokes_one_token_also_after_a_restart() {
    let (setup, service, _) = start_with_ada().await;
    let client = &service.client;
    let other_token = token(client, "ada").await;
    let mut ended = Vec::new();
    let bodies: [(&str, &str); 5] =
        [("", ""), ("application/json", ""), ("application/json", "{}"), ("text/plain", "bye"), ("", "{")];
    for (content_type, body) in bodies {
        let token = token(client, "ada").await;
        let mut request = with_token(client.request(Method::POST, LOGOUT), &token).body(body);
        if !content_type.is_empty() {
            request = request.header("content-type", content_type);
        }
        client.send(request).await.assert_ok();
        ended.push(token);
    }
    service.stop().await;
    let service = setup.start().await;
    for token in ended {
        me(&service.client, &token).await.assert_unauthorized("token_ended");
    }
    me(&service.client, &other_token).await.assert_ok();
}

#[tokio::test]
async fn a_revoked_token_is_stored_until_it_expires() {
    let clock = ManualClock::at("2026-05-04T12:00:00Z");
    let setup = TestSetup::new().on_sqlite().with("JWT_ACCESS_TOKEN_EXPIRES", "1h");
    let service = setup.start_with_clock(clock.clock("UTC")).await;
    let client = &service.client;
    register(client, "ada").await;
    let file = SqliteConnectOptions::new().filename(setup.path().join("al-chat.db")).read_only(true);
    let mut database = file.connect().await.expect("the database");
    for remembered in [1, 2, 1] {
        let token = token(client, "ada").await;
        call(client, Method::POST, LOGOUT, &token).await.assert_ok();
        let counting = sqlx::query_scalar::<_, i64>("SELECT COUNT(*) FROM revoked_tokens");
        assert_eq!(counting.fetch_one(&mut database).await.expect("a count"), remembered);
        clock.advance(Duration::from_mins(40));
        if remembered == 2 {
            clock.advance(Duration::from_mins(40));
        }
    }
}

#[tokio::test]
async fn a_new_password_revokes_all_other_tokens() {
    let (_setup, service, token_before) = start_with_ada().await;
    let client = &service.client;
    let other = token(client, "ada").await;

    let answer = change_password(client, &token_before, "wrong", "staple-battery").await;
    answer.assert_error(403, "wrong_password");
    change_password(client, &token_before, ADA_PASSWORD, "short").await.assert_error(400, "password_too_short");
    change_password(client, &token_before, "", "staple-battery").await.assert_error(400, "password_required");
    me(client, &token_before).await.assert_ok();

    let changed = change_password(client, &token_before, ADA_PASSWORD, "staple-battery").await.assert_ok();
    assert!(changed["message"].is_string(), "{changed}");
    for token in [&token_before, &other] {
        me(client, token).await.assert_unauthorized("token_ended");
    }
    me(client, changed["access_token"].as_str().expect("a token")).await.assert_ok();
    log_in(client, "ada", ADA_PASSWORD).await.assert_unauthorized("wrong_login");
    log_in(client, "ada", "staple-battery").await.assert_ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_concurrent_password_changes_one_succeeds() {
    let (_setup, service, token) = start_with_ada().await;
    let client = &service.client;
    let (one, other) = tokio::join!(
        change_password(client, &token, ADA_PASSWORD, "staple-battery-1"),
        change_password(client, &token, ADA_PASSWORD, "staple-battery-2"),
    );
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    // The later request had a token that was revoked by then, or a current password that was replaced by then.
    assert!(statuses[0] == 200 && matches!(statuses[1], 401 | 403), "{statuses:?}");
    let held = if one.status == 200 { "staple-battery-1" } else { "staple-battery-2" };
    log_in(client, "ada", held).await.assert_ok();
}

#[tokio::test]
async fn a_deleted_account_leaves_no_data_and_frees_its_name() {
    let (_setup, service, token_before) = start_with_ada().await;
    let client = &service.client;
    let id = me(client, &token_before).await.assert_ok()["id"].clone();
    let removed = call(client, Method::DELETE, ME, &token_before).await.assert_ok();
    assert!(removed["message"].is_string(), "{removed}");
    me(client, &token_before).await.assert_unauthorized("token_ended");
    log_in(client, "ada", ADA_PASSWORD).await.assert_unauthorized("wrong_login");

    let again = register(client, "Ada").await;
    assert_ne!(again["id"], id, "an ID was assigned twice");
    me(client, &token_before).await.assert_unauthorized("token_ended");
}

#[tokio::test]
async fn the_secret_is_generated_once_and_survives_a_restart() {
    let (setup, service, token) = start_with_ada().await;
    service.stop().await;
    let service = setup.start().await;
    me(&service.client, &token).await.assert_ok();
    service.stop().await;
    // A configured secret replaces the generated one.
    let setup = setup.with("JWT_SECRET_KEY", SECRET);
    let service = setup.start().await;
    me(&service.client, &token).await.assert_unauthorized("token_invalid");

    // Two services generate different secrets.
    let (_other_setup, other, token) = start_with_ada().await;
    me(&other.client, &token).await.assert_ok();
    me(&service.client, &token).await.assert_unauthorized("token_invalid");
}

#[tokio::test]
async fn a_rotation_of_the_secret_keeps_tokens_valid() {
    const NEXT: &str = "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe";
    // This secret contains commas and was configured before a list of secrets was supported.
    const BEFORE: &str = "0f4a9c31d27be8,5f6a1c0d9e8b,7a6f5c4d2e91";
    let setup = TestSetup::new().with("JWT_SECRET_KEY", BEFORE);
    let service = setup.start().await;
    register(&service.client, "ada").await;
    let first = token(&service.client, "ada").await;
    service.stop().await;

    let setup = setup.with("JWT_SECRET_KEY", &format!("{NEXT}, {}", BEFORE.replace(',', "\\,")));
    let service = setup.start().await;
    me(&service.client, &first).await.assert_ok();
    let second = token(&service.client, "ada").await;
    service.stop().await;

    let setup = setup.with("JWT_SECRET_KEY", NEXT);
    let service = setup.start().await;
    me(&service.client, &second).await.assert_ok();
    me(&service.client, &first).await.assert_unauthorized("token_invalid");
}

#[tokio::test]
async fn a_weak_or_well_known_secret_is_rejected_at_start() {
    for secret in [
        "N3v2Zr7mQy0LxWbTt1k8Jd5uHc9sAfGe,too-short",
        "secret",
        "hunter2-hunter2",
        "your_secret_key_here",
        "your-super-secret-jwt-key-change-this-in-production",
        "a-string-secret-at-least-256-bits-long",
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "01234567890123456789012345678901234567890123456789",
    ] {
        let setup = TestSetup::new().with("JWT_SECRET_KEY", secret);
        let ran = run(&setup, &[]).await;
        assert_eq!(ran.code, Some(2), "{ran:?}");
        assert!(ran.err.contains("JWT_SECRET_KEY: expected "), "{ran:?}");
        assert!(!ran.err.contains(secret), "{ran:?}");
        assert!(setup.log().is_empty());
    }
}

#[tokio::test]
async fn ten_registrations_a_minute_take_five_seconds_each_at_most() {
    let setup = TestSetup::new();
    let service = setup.start().await;
    for number in 0..10 {
        let started = Instant::now();
        register(&service.client, &format!("user{number}")).await;
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn registrations_of_one_client_keep_no_other_out() {
    // The client of a proxy that the settings do not name is told apart, too.
    for proxies in ["1", "0"] {
        let service = TestSetup::new().with("PROXIES", proxies).start().await;
        let register = |from: &str, name: &str| {
            let account = json!({ "username": name, "email": format!("{name}@example.org"), "password": ADA_PASSWORD });
            let request = service.client.json_request("/api/auth/register", &account).header("x-forwarded-for", from);
            let client = service.client.clone();
            async move { client.send(request).await }
        };
        let mut flood = JoinSet::new();
        for number in 0..320 {
            flood.spawn(register("198.51.100.1", &format!("flood{number}")));
        }
        // The others wait until their passwords are hashed.
        loop {
            let answer = flood.join_next().await.expect("a refusal").expect("an answer");
            if answer.status == 429 && answer.json()["code"] == "too_many_registrations" {
                break;
            }
        }
        drop(flood);
        register("198.51.100.1", "late").await.assert_error(429, "too_many_registrations");
        let started = Instant::now();
        assert_eq!(register("192.0.2.1", "ada").await.status, 201, "PROXIES={proxies}");
        assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    }
}

#[tokio::test]
async fn login_attempts_are_throttled_but_the_owner_can_log_in() {
    let setup = TestSetup::new().with("PROXIES", "1");
    let service = setup.start().await;
    let client = &service.client;
    register(client, "ada").await;
    let attempt = async |from: &str, password: &str| {
        let request = client.json_request(LOGIN, &json!({ "username": "ada", "password": password }));
        // A client can write the first entries of the header itself.
        client.send(request.header("x-forwarded-for", format!("203.0.113.77, {from}"))).await
    };
    let attacker = "198.51.100.1";
    let flood = join_all((0..40).map(|number| attempt(attacker, if number == 0 { "x" } else { "wrong" })));
    let owner = async {
        for _ in 0..3 {
            let started = Instant::now();
            attempt("192.0.2.1", ADA_PASSWORD).await.assert_ok();
            assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
        }
    };
    let (answers, ()) = tokio::join!(flood, owner);
    let wrong = answers.iter().filter(|answer| answer.status == 401).count();
    assert!((5..=9).contains(&wrong), "{wrong}");
    for answer in answers.iter().filter(|answer| answer.status != 401) {
        answer.assert_error(429, "too_many_attempts");
        assert!(answer.header("retry-after").parse::<u64>().is_ok_and(|seconds| (1..=5).contains(&seconds)));
    }

    let started = Instant::now();
    attempt(attacker, "wrong").await.assert_unauthorized("wrong_login");
    assert!(started.elapsed() >= Duration::from_millis(500), "{:?}", started.elapsed());
    // The correct password succeeds also from the attacker's address, and resets the count of failures.
    let started = Instant::now();
    attempt(attacker, ADA_PASSWORD).await.assert_ok();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    attempt(attacker, ADA_PASSWORD).await.assert_ok();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_from_a_network_keep_no_owner_waiting() {
    let service = TestSetup::new().with("PROXIES", "1").start().await;
    let client = &service.client;
    register(client, "ada").await;
    let attempt = |from: &str, name: &str, password: &str| {
        let request = client.json_request(LOGIN, &json!({ "username": name, "password": password }));
        let (client, request) = (client.clone(), request.header("x-forwarded-for", from));
        async move { client.send(request).await }
    };
    let mut guesses = JoinSet::new();
    for number in 0..250 {
        guesses.spawn(attempt(&format!("2001:db8:1:{number:x}::1"), &format!("name{number}"), "wrong"));
    }
    for _ in 0..20 {
        guesses.join_next().await.unwrap().unwrap().assert_unauthorized("wrong_login");
    }
    // First at an address where the owner is not known.
    for _ in 0..2 {
        attempt("192.0.2.1", "ada", ADA_PASSWORD).await.assert_ok();
    }
    let mut answered = 20;
    while guesses.try_join_next().is_some() {
        answered += 1;
    }
    // Most of them are answered only after pauses.
    assert!(answered < 180, "the owner has waited for {answered} guesses");
}

#[tokio::test]
async fn without_a_trusted_proxy_forwarded_addresses_are_ignored() {
    let (_setup, service, _) = start_with_ada().await;
    let client = &service.client;
    let attempts = (0..40).map(|number| {
        let request = client.json_request(LOGIN, &json!({ "username": "ada", "password": "wrong" }));
        client.send(request.header("x-forwarded-for", format!("203.0.113.{number}")))
    });
    let refused = join_all(attempts).await.iter().filter(|answer| answer.status == 429).count();
    assert!(refused >= 31, "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_correct_logins_all_succeed() {
    let (_setup, service, _) = start_with_ada().await;
    // More than are tried at once. Each has to begin within seconds, and occupies a processor core.
    for answer in join_all((0..6).map(|_| log_in(&service.client, "ada", ADA_PASSWORD))).await {
        answer.assert_ok();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_takes_the_same_time_for_an_unknown_account() {
    let (_setup, service, _) = start_with_ada().await;
    let mut shortest = [Duration::MAX; 2];
    // A number of attempts that is not throttled.
    for _ in 0..4 {
        for (shortest, name) in shortest.iter_mut().zip(["ada", "nobody"]) {
            let started = Instant::now();
            log_in(&service.client, name, "wrong").await.assert_unauthorized("wrong_login");
            *shortest = started.elapsed().min(*shortest);
        }
    }
    let ratio = shortest[1].as_secs_f64() / shortest[0].as_secs_f64();
    assert!((0.4..2.5).contains(&ratio), "{shortest:?}");
}

#[tokio::test]
async fn passwords_tokens_and_hashes_are_never_exposed() {
    let setup = TestSetup::new().with("JWT_SECRET_KEY", SECRET).with("LOG_LEVEL", "trace");
    let mut process = setup.start_process().await;
    let client = &process.client;
    let mut texts = vec![register(client, "ada").await.to_string()];
    let token = token(client, "ada").await;
    texts.push(me(client, &token).await.text);
    texts.push(log_in(client, "ada", "Guessed-Horse-78").await.text);
    texts.push(log_in(client, ADA_PASSWORD, ADA_PASSWORD).await.text);
    let body = json!({ "username": { "x": ADA_PASSWORD }, "email": ADA_PASSWORD, "password": [ADA_PASSWORD] });
    texts.push(client.post(REGISTER, &body).await.text);
    let body = json!({ "username": "grace", "email": ADA_PASSWORD, "password": ADA_PASSWORD });
    texts.push(client.post(REGISTER, &body).await.text);
    texts.push(me(client, &format!("{token}x")).await.text);
    texts.push(change_password(client, &token, "Guessed-Horse-78", ADA_PASSWORD).await.text);
    let changed = change_password(client, &token, ADA_PASSWORD, "Staple-Battery-79").await.assert_ok();
    let newer = changed["access_token"].as_str().expect("a token").to_owned();
    texts.push(call(client, Method::DELETE, ME, &newer).await.text);
    texts.push(client.get("/metrics").await.text);
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    while let Some(line) = process.diagnostics.recv().await {
        texts.push(line);
    }
    let days = fs::read_dir(setup.log_dir()).expect("a log").map(|day| day.expect("a day").path());
    texts.extend(days.filter_map(|day| fs::read_to_string(day).ok()));
    let secrets = [ADA_PASSWORD, "Guessed-Horse", "Staple-Battery", SECRET, "$argon2", "argon2id", &token, &newer];
    for texts in &texts {
        for secret in secrets {
            assert!(!texts.contains(secret), "{secret} in {texts}");
        }
    }
}

#[tokio::test]
async fn the_contract_names_the_operations_that_need_a_token() {
    let contract: Value = serde_json::from_str(&al_chat::api::contract()).expect("JSON");
    let scheme = &contract["components"]["securitySchemes"]["bearerAuth"];
    assert_eq!((&scheme["type"], &scheme["scheme"]), (&"http".into(), &"bearer".into()), "{scheme}");
    let needs = |path: &str, method: &str| contract["paths"][path][method]["security"][0]["bearerAuth"].is_array();
    for (path, method, expected) in [
        (ME, "get", true),
        (ME, "delete", true),
        (LOGOUT, "post", true),
        (PASSWORD, "post", true),
        (LOGIN, "post", false),
        (REGISTER, "post", false),
    ] {
        assert_eq!(needs(path, method), expected, "{method} {path}");
    }
}
