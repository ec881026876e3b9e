//! Allowed and rejected origins of websites, and what the diagnostics report about them.

use reqwest::Method;

use crate::support::{
    client::{Client, HttpResponse},
    service::{Process, TestSetup},
};

async fn request_with_headers(client: &Client, method: Method, path: &str, headers: &[(&str, &str)]) -> HttpResponse {
    let request = client.request(method, path);
    client.send(headers.iter().fold(request, |request, (name, value)| request.header(*name, *value))).await
}

/// Stops the service and returns its diagnostics.
async fn diagnostics_of(mut process: Process) -> Vec<String> {
    process.terminate();
    assert_eq!(process.exit_code().await, Some(0));
    let mut lines = Vec::new();
    while let Some(line) = process.diagnostics.recv().await {
        lines.push(line);
    }
    lines
}

#[tokio::test]
async fn an_asterisk_matches_exactly_one_label_of_an_origin() {
    let origins = "https://*.shop.example, https://shop.example:8443, http://*.localhost:3000";
    let service = TestSetup::new().with("FRONTEND_URL", origins).start().await;
    let client = &service.client;
    for origin in ["https://a.shop.example", "https://shop.example:8443", "http://app.localhost:3000"] {
        for (method, path) in [(Method::OPTIONS, "/api/chat"), (Method::GET, "/api/health"), (Method::GET, "/nowhere")]
        {
            let answer = request_with_headers(client, method, path, &[("origin", origin)]).await;
            assert_eq!(answer.header("access-control-allow-origin"), origin);
            assert_eq!(answer.header("access-control-allow-credentials"), "true");
        }
    }
    let refused = [
        "https://shop.example",
        "https://a.b.shop.example",
        "http://a.shop.example",
        "https://a.shop.example:8443",
        "https://evilshop.example",
        "https://a.shop.example.evil.example",
        "http://localhost:3000",
        "null",
        "https://*.shop.example.",
    ];
    for origin in refused {
        let answer = request_with_headers(client, Method::GET, "/api/health", &[("origin", origin)]).await;
        assert_eq!(answer.header("access-control-allow-origin"), "https://*.shop.example", "{origin}");
    }
}

#[tokio::test]
async fn an_asterisk_in_any_other_position_is_a_startup_error() {
    for origins in ["https://*", "https://*.com", "https://a.*.example", "https://shop.*", "https://*shop.example"] {
        let setup = TestSetup::new().with("FRONTEND_URL", origins);
        let ran = crate::command_line::run(&setup, &[]).await;
        assert_eq!(ran.code, Some(2), "{origins}: {}", ran.err);
        assert!(ran.err.contains("FRONTEND_URL") && ran.err.contains("https://*.shop.example"), "{}", ran.err);
    }
}

#[tokio::test]
async fn a_rejected_origin_is_logged_once_with_the_setting() {
    let setup = TestSetup::new().with("FRONTEND_URL", "https://shop.example").with("LOG_LEVEL", "warn,al_chat=info");
    let process = setup.start_process().await;
    let (client, own) = (&process.client, format!("http://{}", process.address));
    for _ in 0..3 {
        for origin in ["https://other.example", "http://shop.example", "null"] {
            for method in [Method::OPTIONS, Method::POST] {
                request_with_headers(client, method, "/api/chat", &[("origin", origin)]).await;
            }
        }
    }
    // An allowed origin, the server's own, and two that no browser sends.
    for origin in ["https://shop.example", &own, "javascript:alert(1)", "https://other.example/path", ""] {
        request_with_headers(client, Method::POST, "/api/session/start", &[("origin", origin)]).await;
    }
    request_with_headers(
        client,
        Method::GET,
        "/",
        &[("origin", "https://behind.example"), ("sec-fetch-site", "same-origin")],
    )
    .await;
    for number in 0..200 {
        request_with_headers(client, Method::GET, "/nowhere", &[("origin", &format!("https://{number}.example"))])
            .await;
    }
    let lines = diagnostics_of(process).await;
    let refused = lines.iter().filter(|line| line.contains("CORS")).collect::<Vec<_>>();
    assert!(refused.iter().all(|line| line.contains("WARN") && line.contains("FRONTEND_URL")), "{refused:#?}");
    for origin in ["https://other.example", "http://shop.example"] {
        assert_eq!(refused.iter().filter(|line| line.contains(origin)).count(), 1, "{refused:#?}");
    }
    assert_eq!(refused.iter().filter(|line| line.contains("without an origin")).count(), 1, "{refused:#?}");
    assert_eq!(refused.len(), 50, "{refused:#?}");
    for origin in ["https://shop.example", &own, "javascript", "/path", "behind.example"] {
        assert!(!refused.iter().any(|line| line.contains(origin)), "{origin}: {refused:#?}");
    }
}

#[tokio::test]
async fn without_allowed_origins_no_origin_is_logged() {
    let process = TestSetup::new().start_process().await;
    request_with_headers(&process.client, Method::POST, "/api/session/start", &[("origin", "https://any.example")])
        .await;
    let lines = diagnostics_of(process).await;
    assert!(!lines.iter().any(|line| line.contains("CORS")), "{lines:#?}");
}

#[tokio::test]
async fn probes_and_scrapes_are_logged_at_debug_level() {
    for (level, expected) in [("info", 0), ("debug", 1)] {
        let process = TestSetup::new().with("LOG_LEVEL", &format!("warn,al_chat={level}")).start_process().await;
        let probes = ["/api/health", "/api/health/live", "/api/health/ready", "/metrics"];
        for path in probes {
            assert_eq!(process.client.get(path).await.status, 200);
        }
        process.client.get("/api/healthy").await.assert_error(404, "not_found");
        let lines = diagnostics_of(process).await;
        let logged = |path: &str| lines.iter().filter(|line| line.contains(&format!("path=\"{path}\""))).count();
        for path in probes {
            assert_eq!(logged(path), expected, "{path} at {level}: {lines:#?}");
        }
        assert_eq!(logged("/api/healthy"), 1, "{lines:#?}");
    }
}

#[tokio::test]
async fn a_page_behind_a_misconfigured_proxy_explains_the_remedy() {
    let process = TestSetup::new().start_process().await;
    let hidden = [("origin", "https://shop.example")];
    let answer = request_with_headers(&process.client, Method::GET, "/chat_history", &hidden).await;
    let sentence = answer.assert_error(403, "foreign_origin");
    for jargon in ["proxy", "portal", "Host", "header", "cookie", "/embed-demo"] {
        assert!(!sentence.contains(jargon), "{sentence}");
    }
    assert!(answer.json()["details"]["hint"].as_str().is_some_and(|hint| hint.contains("/embed-demo")));
    let cross_site = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    request_with_headers(&process.client, Method::GET, "/chat_history", &cross_site)
        .await
        .assert_error(403, "foreign_origin");
    let lines = diagnostics_of(process).await;
    let line = |origin: &str| lines.iter().find(|line| line.contains(origin)).expect("a line");
    let (hidden, cross_site) = (line("https://shop.example"), line("https://evil.example"));
    assert!(
        hidden.contains("WARN") && hidden.contains("X-Forwarded-Host") && hidden.contains("$http_host"),
        "{hidden}"
    );
    assert!(!cross_site.contains("X-Forwarded-Host"), "{cross_site}");
}
