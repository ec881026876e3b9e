//! The chat window that any site can embed, the portal, and a page for the window alone. Compiled in; not part of the
//! contract.

use bytes::Bytes;
use poem::{Endpoint, http::HeaderValue};

use super::{
    HTML,
    asset::{Asset, serve},
};

/// The media type of scripts.
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The media type of style sheets.
const STYLE: &str = "text/css; charset=utf-8";

/// The media type of drawings.
const DRAWING: &str = "image/svg+xml";

/// The page and what belongs to it come from here, nothing is written inline, and no text becomes markup.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'self'; require-trusted-types-for 'script'; trusted-types 'none'",
);

/// A drawing that is opened by itself is a page, too; one that does nothing.
const DRAWING_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// Amaya, as the avatar of the persona.
const AMAYA: &str = include_str!("../../web/personas/amaya.svg");

/// Where a page has her within itself: only then can its style sheet move her face.
const AMAYAS_PLACE: &str = "<!-- amaya.svg -->";

/// A file that is served as it is.
pub(super) struct File {
    /// Where it is.
    pub(super) path: &'static str,
    media_type: &'static str,
    text: &'static str,
}

/// The window, its types for those who write TypeScript, and who may be seen beside it.
pub(super) const WINDOW: &[File] = &[
    File { path: "/chat-window.js", media_type: SCRIPT, text: include_str!("../../web/chat-window.js") },
    File {
        path: "/chat-window.d.ts",
        media_type: "text/plain; charset=utf-8",
        text: include_str!("../../web/chat-window.d.ts"),
    },
    File { path: "/personas/amaya.svg", media_type: DRAWING, text: AMAYA },
];

/// The portal, and the page that shows the window on a neutral site.
pub(super) const PAGES: &[File] = &[
    File { path: "/", media_type: HTML, text: include_str!("../../web/portal/page.html") },
    File { path: "/portal.css", media_type: STYLE, text: include_str!("../../web/portal/page.css") },
    File { path: "/portal.js", media_type: SCRIPT, text: include_str!("../../web/portal/page.js") },
    File { path: "/embed-demo", media_type: HTML, text: include_str!("../../web/embed-demo/page.html") },
    File { path: "/embed-demo.css", media_type: STYLE, text: include_str!("../../web/embed-demo/page.css") },
    File { path: "/embed-demo.js", media_type: SCRIPT, text: include_str!("../../web/embed-demo/page.js") },
];

/// Serves a file.
pub(super) fn file(file: &'static File) -> impl Endpoint {
    let text = match file.media_type {
        SCRIPT => Bytes::from(without_comments(file.text)),
        HTML => Bytes::from(file.text.replace(AMAYAS_PLACE, AMAYA.trim())),
        _ => Bytes::from_static(file.text.as_bytes()),
    };
    let policy = match file.media_type {
        HTML => Some(PAGE_POLICY),
        DRAWING => Some(DRAWING_POLICY),
        _ => None,
    };
    serve(Asset { media_type: file.media_type, text, policy })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indentation_and_comments_on_lines_of_their_own_are_left_out() {
        let script = "/** One. */\n/**\n * More.\n */\nlet a = 1; // here\n  // why\n  const c = `\n* { }`;\n";
        assert_eq!(without_comments(script), "let a = 1; // here\nconst c = `\n* { }`;\n");
    }
}
