//! The chat window that any site can embed, the portal, a page that shows the window alone, and the operator's page. The files
//! are compiled in and are not part of the contract.

use bytes::Bytes;
use poem::{EndpointExt, Response, endpoint::BoxEndpoint, http::HeaderValue};
use rust_embed::{Embed, EmbeddedFile};

use super::{
    asset::{Asset, HTML, serve},
    classic_script::ModuleOrClassic,
    framed_page::FramedPage,
    page_policy,
};
use crate::services::sites::Sites;

/// The media type of scripts.
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// The media type of style sheets.
const STYLE: &str = "text/css; charset=utf-8";

/// The media type of drawings.
const DRAWING: &str = "image/svg+xml";

/// The Content-Security-Policy of drawings. A drawing that is opened in a tab is a page, too, and may do nothing.
const DRAWING_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// The place in a page where the drawing of Amaya is inserted: the page's style sheet can animate only an inline drawing.
const DRAWING_PLACEHOLDER: &str = "<!-- amaya.svg -->";

/// The drawing of Amaya, which is also her avatar.
const AMAYA: &str = "personas/amaya.svg";

/// The files that browsers are served.
#[derive(Embed)]
#[folder = "web"]
struct Files;

/// A file that browsers are served.
pub(super) struct File {
    /// The path of its URL.
    pub(super) path: &'static str,
    /// The path of its source in the folder `web`.
    source: &'static str,
}

/// The chat window's script.
const WINDOW_SCRIPT: &str = "chat-window.js";

/// The page that shows the chat window alone. It uses no cookies, so that it works in a frame on other websites.
const DEMO_PAGE: &str = "embed-demo/page.html";

/// The operator's page. It is for everybody; what it shows is guarded.
const ADMIN_PAGE: &str = "admin/page.html";

/// The script for pages that load the chat window's module as a classic script.
const CLASSIC_SCRIPT: &str = "classic-script.js";

/// The chat window, its types for TypeScript, and the avatars shown with it.
pub(super) const WINDOW: &[File] = &[
    File { path: "/chat-window.js", source: WINDOW_SCRIPT },
    File { path: "/chat-window-on-demand.js", source: "chat-window-on-demand.js" },
    File { path: "/chat-window.d.ts", source: "chat-window.d.ts" },
    File { path: "/personas/amaya.svg", source: AMAYA },
];

/// The portal, and the page that shows the chat window on a neutral site.
pub(super) const PAGES: &[File] = &[
    File { path: "/", source: "portal/page.html" },
    File { path: "/portal.css", source: "portal/page.css" },
    File { path: "/portal.js", source: "portal/page.js" },
    File { path: "/embed-demo", source: DEMO_PAGE },
    File { path: "/embed-demo.css", source: "embed-demo/page.css" },
    File { path: "/embed-demo.js", source: "embed-demo/page.js" },
];

/// The operator's page, with its chart library.
pub(super) const ADMIN: &[File] = &[
    File { path: "/admin", source: ADMIN_PAGE },
    File { path: "/admin.css", source: "admin/page.css" },
    File { path: "/admin.js", source: "admin/page.js" },
];

/// Returns the endpoint that serves a file.
pub(super) fn file(file: &File, sites: &Sites) -> BoxEndpoint<'static, Response> {
    let own = serve(asset(file.source));
    match file.source {
        DEMO_PAGE => FramedPage { page: own, sites: sites.clone() }.boxed(),
        WINDOW_SCRIPT => ModuleOrClassic { module: own, classic: serve(asset(CLASSIC_SCRIPT)) }.boxed(),
        _ => own.boxed(),
    }
}

/// Returns a file of the folder `web` as it is served.
fn asset(name: &str) -> Asset {
    let media_type = media_type(name);
    let text = source(name);
    let text = if media_type == HTML { text.replace(DRAWING_PLACEHOLDER, source(AMAYA).trim()) } else { text };
    let text = Bytes::from(text);
    let policy = match media_type {
        HTML if name == ADMIN_PAGE => page_policy::unframed_policy(),
        HTML => page_policy::policy([""; 0]),
        DRAWING => Some(DRAWING_POLICY),
        _ => None,
    };
    Asset { media_type, text, policy }
}

/// Returns the text of a file of the folder `web`.
fn source(path: &str) -> String {
    let data = Files::get(path).map(|EmbeddedFile { data, .. }| data.into_owned());
    String::from_utf8(data.unwrap_or_default()).unwrap_or_default()
}

/// Returns the media type for a file name.
fn media_type(name: &str) -> &'static str {
    match name.rsplit_once('.') {
        Some((_, "js")) => SCRIPT,
        Some((_, "css")) => STYLE,
        Some((_, "html")) => HTML,
        Some((_, "svg")) => DRAWING,
        _ => "text/plain; charset=utf-8",
    }
}
