//! The chat window that any site can embed, and a page that shows it. Compiled in; not part of the contract.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use poem::{
    Endpoint, Request, Response,
    endpoint::make_sync,
    http::{HeaderValue, StatusCode, header},
};
use sha2::{Digest, Sha256};

use super::HTML;

/// The media type of scripts.
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The page and what belongs to it come from here, nothing is written inline, and no text becomes markup.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// A file that is served as it is.
pub(super) struct File {
    /// Where it is.
    pub(super) path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

/// The window, and its types for those who write TypeScript.
pub(super) const WINDOW: &[File] = &[
    File { path: "/chat-window.js", media_type: SCRIPT, text: include_str!("../../web/chat-window.js") },
    File {
        path: "/chat-window.d.ts",
        media_type: "text/plain; charset=utf-8",
        text: include_str!("../../web/chat-window.d.ts"),
    },
];

/// The page that shows it on a neutral site.
pub(super) const PAGES: &[File] = &[
    File { path: "/embed-demo", media_type: HTML, text: include_str!("../../web/embed-demo/page.html") },
    File {
        path: "/embed-demo.css",
        media_type: "text/css; charset=utf-8",
        text: include_str!("../../web/embed-demo/page.css"),
    },
    File { path: "/embed-demo.js", media_type: SCRIPT, text: include_str!("../../web/embed-demo/page.js") },
];

/// Serves a file. Browsers keep it, and ask each time whether it is still the same.
pub(super) fn file(file: &'static File) -> impl Endpoint {
    let is_script = file.media_type == SCRIPT;
    let text =
        if is_script { Bytes::from(without_comments(file.text)) } else { Bytes::from_static(file.text.as_bytes()) };
    let tag = format!("\"{}\"", BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(&text)));
    let is_page = file.media_type == HTML;
    make_sync(move |request: Request| {
        let mut response = Response::builder()
            .header(header::ETAG, &tag)
            .header(header::CACHE_CONTROL, "no-cache")
            .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        if is_page {
            response = response.header(header::CONTENT_SECURITY_POLICY, PAGE_POLICY);
        }
        if has_it(&request, &tag) {
            return response.status(StatusCode::NOT_MODIFIED).finish();
        }
        response.header(header::CONTENT_TYPE, file.media_type).body(text.clone())
    })
}

/// A script without its indentation and the lines that are comments: those are for readers of the source, not for each
/// visitor's connection. (The one text in these scripts that goes over several lines is a style sheet, to which it is
/// all the same.)
fn without_comments(script: &str) -> String {
    let mut within = false;
    let is_code = |line: &&str| {
        let line = line.trim();
        within |= line.starts_with("/**");
        let is_comment = within || line.starts_with("//");
        within &= !line.ends_with("*/");
        !is_comment
    };
    script.lines().filter(is_code).flat_map(|line| [line.trim_start(), "\n"]).collect()
}

/// Whether the client has the file with this tag (RFC 9110, 13.1.2: weak tags, which proxies make, are as good here).
fn has_it(request: &Request, tag: &str) -> bool {
    let tags = request.headers().get_all(header::IF_NONE_MATCH).iter().filter_map(|tags| tags.to_str().ok());
    let mut tags = tags.flat_map(|tags| tags.split(',')).map(str::trim);
    tags.any(|it| it == "*" || it.strip_prefix("W/").unwrap_or(it) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_and_comments_on_lines_of_their_own_are_left_out() {
        let script = "/** One. */\n/**\n * More.\n */\nlet a = 1; // here\n  // why\n  const c = `\n* { }`;\n";
        assert_eq!(without_comments(script), "let a = 1; // here\nconst c = `\n* { }`;\n");
    }
}
