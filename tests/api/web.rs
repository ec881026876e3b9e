//! Static files: the chat window, its types, the persona's picture, and the pages that show them.

use std::io::Read;

use flate2::read::GzDecoder;
use reqwest::Method;

use crate::support::{
    client::{Client, HttpResponse},
    service::TestSetup,
};

const WINDOW: [&str; 4] = ["/chat-window.js", "/chat-window-on-demand.js", "/chat-window.d.ts", "/personas/amaya.svg"];
const DOCS: [&str; 2] = ["/docs", "/openapi.json"];
const ADMIN: [&str; 3] = ["/admin", "/admin.css", "/admin.js"];
const PAGES: [&str; 6] = ["/", "/portal.css", "/portal.js", "/embed-demo", "/embed-demo.css", "/embed-demo.js"];

async fn get_if_not(client: &Client, path: &str, tags: &str) -> HttpResponse {
    client.send(client.request(Method::GET, path).header("if-none-match", tags)).await
}

#[tokio::test]
async fn files_have_media_types_and_may_be_used_by_any_site() {
    let service = TestSetup::new().start().await;
    let text = ["text/html", "text/css", "text/javascript"].map(|it| format!("{it}; charset=utf-8"));
    let script = "text/javascript; charset=utf-8";
    let window = [script, script, "text/plain; charset=utf-8", "image/svg+xml"].map(str::to_owned);
    let types = window.into_iter().chain(text.clone()).chain(text.clone()).chain(text);
    for (path, media_type) in WINDOW.into_iter().chain(PAGES).chain(ADMIN).zip(types) {
        let request = service.client.request(Method::GET, path).header("origin", "https://shop.example");
        let file = service.client.send(request).await;
        assert_eq!(file.status, 200, "{path}");
        assert_eq!(file.header("content-type"), media_type, "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(file.header("cache-control"), "no-cache", "{path}");
        assert_eq!(file.headers.get_all("access-control-allow-origin").iter().count(), 1, "{path}");
        assert_eq!(file.header("access-control-allow-origin"), "*", "{path}");
        assert!(file.text.len() > 300, "{path}: {}", file.text);
    }
}

#[tokio::test]
async fn a_cached_file_is_not_sent_again() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    for path in WINDOW.into_iter().chain(PAGES).chain(ADMIN).chain(DOCS) {
        let tag = client.get(path).await.header("etag").to_owned();
        assert!(tag.len() > 20 && tag.starts_with('"') && tag.ends_with('"'), "{path}: {tag}");
        for tags in [tag.clone(), format!("W/{tag}"), format!("\"other\", {tag}"), "*".to_owned()] {
            let answer = get_if_not(client, path, &tags).await;
            assert_eq!((answer.status.as_u16(), answer.text.as_str()), (304, ""), "{path} {tags}");
            assert_eq!(answer.header("etag"), tag);
            assert_eq!(answer.header("cache-control"), "no-cache");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
        }
        assert_eq!(get_if_not(client, path, "\"other\"").await.status, 200, "{path}");
    }
    let tags = [client.get(WINDOW[0]).await, client.get(WINDOW[1]).await].map(|file| file.header("etag").to_owned());
    assert_ne!(tags[0], tags[1]);
}

#[tokio::test]
async fn files_are_compressed_for_clients_that_accept_it() {
    let service = TestSetup::new().with("FRONTEND_URL", "https://shop.example").start().await;
    let client = &service.client;
    let get = async |path: &str, takes: &'static str, has: &str| {
        let request = client.request(Method::GET, path).header("accept-encoding", takes).header("if-none-match", has);
        request.send().await.expect("an answer")
    };
    let header = |answer: &reqwest::Response, name: &str| {
        answer.headers().get_all(name).iter().map(|it| it.to_str().unwrap().to_owned()).collect::<Vec<_>>().join(", ")
    };
    for path in WINDOW.into_iter().chain(PAGES).chain(ADMIN).chain(DOCS) {
        let plain = client.get(path).await;
        let varies = if path == WINDOW[0] { "accept-encoding, sec-fetch-mode" } else { "accept-encoding" };
        for takes in ["gzip", "br, GZIP;q=0.5", "deflate, gzip; q=1.0"] {
            let zipped = get(path, takes, "").await;
            assert_eq!(header(&zipped, "content-encoding"), "gzip", "{path} {takes}");
            assert_eq!(header(&zipped, "vary"), format!("{varies}, origin"), "{path}");
            let tag = header(&zipped, "etag");
            assert_ne!(tag, plain.header("etag"), "{path}");
            let mut text = String::new();
            let bytes = zipped.bytes().await.expect("a body");
            GzDecoder::new(&bytes[..]).read_to_string(&mut text).expect("a text");
            assert_eq!(text, plain.text, "{path}");
            assert!(bytes.len() < text.len(), "{path}");
            assert_eq!(get(path, takes, &tag).await.status(), 304, "{path}");
        }
        for takes in ["", "br", "gzip;q=0", "gzip; Q=0.000", "xgzip"] {
            let answer = get(path, takes, "").await;
            assert_eq!(header(&answer, "content-encoding"), "", "{path} {takes}");
            assert_eq!(answer.text().await.expect("a text"), plain.text, "{path}");
        }
    }
}

/// Requests the chat window's script as browsers do for an element of this `Sec-Fetch-Mode`.
async fn script(client: &Client, mode: Option<&'static str>, tags: &str) -> HttpResponse {
    let request = client.request(Method::GET, WINDOW[0]).header("if-none-match", tags);
    client.send(mode.into_iter().fold(request, |request, mode| request.header("sec-fetch-mode", mode))).await
}

#[tokio::test]
async fn a_script_element_without_a_type_gets_a_classic_script() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    let classic = script(client, Some("no-cors"), "").await;
    assert!(classic.text.contains("console.warn") && !classic.text.contains("import.meta"), "{}", classic.text);
    assert_eq!(classic.header("content-type"), "text/javascript; charset=utf-8");
    let modes = [Some("cors"), Some("same-origin"), Some("navigate"), Some(""), None];
    for mode in modes {
        let module = script(client, mode, "").await;
        assert!(module.text.contains("import.meta"), "{mode:?}");
        assert_ne!(module.header("etag"), classic.header("etag"));
        assert_eq!(script(client, mode, module.header("etag")).await.status, 304, "{mode:?}");
        assert_eq!(script(client, mode, classic.header("etag")).await.text, module.text, "{mode:?}");
        assert_eq!(script(client, Some("no-cors"), module.header("etag")).await.text, classic.text, "{mode:?}");
    }
    let cached = script(client, Some("no-cors"), classic.header("etag")).await;
    assert_eq!(cached.status, 304);
    for answer in [classic, cached, script(client, None, "").await] {
        let varies = answer.headers.get_all("vary").iter().filter_map(|names| names.to_str().ok());
        assert_eq!(varies.collect::<Vec<_>>().join(", "), "accept-encoding, sec-fetch-mode");
    }
}

#[tokio::test]
async fn pages_name_only_addresses_below_their_own_folder() {
    let service = TestSetup::new().start().await;
    for path in PAGES {
        let text = service.client.get(path).await.text;
        for absolute in ["=\"/", "(\"/", "url(/"] {
            assert!(!text.contains(absolute), "{path}: {absolute}");
        }
    }
    let docs = service.client.get("/docs").await.text;
    let servers = docs.split("\"servers\": [").nth(1).and_then(|rest| rest.split(']').next()).unwrap();
    assert!(servers.contains(r#""url": ".""#), "{servers}");
}

#[tokio::test]
async fn files_accept_only_get_and_head() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    for path in WINDOW.into_iter().chain(PAGES).chain(ADMIN).chain(DOCS) {
        let head = client.send(client.request(Method::HEAD, path)).await;
        assert_eq!((head.status.as_u16(), head.text.as_str()), (200, ""), "{path}");
        assert!(!head.header("etag").is_empty());
        let posted = client.send(client.request(Method::POST, path)).await;
        posted.assert_error(405, "method_not_allowed");
        assert_eq!(posted.header("allow"), "GET");
    }
}

const FOREIGN: [&str; 7] = ["<style", " style=", " onclick=", " onload=", "javascript:", "https://", "src=\"//"];

#[tokio::test]
async fn pages_allow_no_inline_and_no_external_resources() {
    let service = TestSetup::new().start().await;
    for path in ["/", "/embed-demo"] {
        let page = service.client.get(path).await;
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let text = page.text.to_lowercase();
        for foreign in FOREIGN {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
        assert!(text.contains("<al-chat-window"), "{path}");
    }
}

#[tokio::test]
async fn the_operators_page_is_never_in_a_frame() {
    let service = TestSetup::new().start().await;
    let page = service.client.get("/admin").await;
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'") && policy.ends_with("frame-ancestors 'none'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for foreign in FOREIGN {
        assert!(!page.text.to_lowercase().contains(foreign), "{foreign}");
    }
}

#[tokio::test]
async fn amayas_picture_has_no_script_and_is_on_her_page() {
    let service = TestSetup::new().start().await;
    let drawing = service.client.get("/personas/amaya.svg").await;
    assert_eq!(drawing.header("content-security-policy"), "default-src 'none'; sandbox");
    for active in FOREIGN.into_iter().chain(["<script", "<foreignobject", "<animate", "<image", "@import"]) {
        assert!(!drawing.text.to_lowercase().contains(active), "{active}");
    }
    let page = service.client.get("/").await;
    assert!(page.text.contains(drawing.text.trim()));
}

#[tokio::test]
async fn the_portal_does_not_replace_other_paths() {
    let service = TestSetup::new().start().await;
    let client = &service.client;
    assert_eq!(client.get("/api/health").await.status, 200);
    for path in ["/portal", "/index.html", "/personas", "/personas/", "/personas/nobody.svg", "//"] {
        client.get(path).await.assert_error(404, "not_found");
    }
    client.send(client.request(Method::DELETE, "/api/health")).await.assert_error(405, "method_not_allowed");
}

#[tokio::test]
async fn without_the_portal_its_pages_are_not_served() {
    let service = TestSetup::new().with("PORTAL", "off").start().await;
    for path in PAGES {
        service.client.get(path).await.assert_error(404, "not_found");
    }
    for path in WINDOW.into_iter().chain(ADMIN) {
        assert_eq!(service.client.get(path).await.status, 200, "{path}");
    }
}
