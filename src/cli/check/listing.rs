//! The response of a model server to `GET …/models`, a request that costs nothing.

use std::time::Duration;

use reqwest::{Response, StatusCode, header::LOCATION};
use serde_json::Value;
use url::Url;

use super::server::Server;
use crate::foundation::http_client::{Cause, cause, read_body, url_below};

/// The time for the response.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The largest body that is read, in bytes. The longest lists of models have some hundred kilobytes.
const MAX_BYTES: usize = 4 << 20;

/// The number of characters of a server's text that are printed.
const MAX_SHOWN_CHARS: usize = 80;

/// A server's response to the request for its models.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// The names of the models.
    Models(Vec<String>),
    /// The server is loading a model.
    Loading,
    /// The server refuses the key.
    Refused,
    /// The server redirects to this address.
    Redirect(String),
    /// The port expects TLS.
    NeedsTls,
    /// A web page of this title, which may be blank.
    Page(String),
    /// Any other response, with its status.
    Other(u16),
    /// No response came.
    NoResponse(Cause),
}

impl Listing {
    /// Requests the list of models from a provider's server, at a base URL.
    pub(super) async fn read(server: Server<'_>, base: &Url) -> Self {
        let url = url_below(base, "models");
        let request = |client: &reqwest::Client| server.with_headers(client.get(url.clone()).timeout(TIMEOUT));
        match server.client.send(request).await {
            Ok(response) => Self::of_response(response).await,
            Err(error) => Self::NoResponse(cause(&error)),
        }
    }

    async fn of_response(response: Response) -> Self {
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        if let (true, Some(location)) = (status.is_redirection(), location) {
            return Self::Redirect(shown(location));
        }
        let body = read_body(response, MAX_BYTES, TIMEOUT).await.unwrap_or_default();
        Self::of_body(status, &String::from_utf8_lossy(&body))
    }

    fn of_body(status: StatusCode, body: &str) -> Self {
        let words = body.to_ascii_lowercase();
        match status {
            StatusCode::SERVICE_UNAVAILABLE if words.contains("loading") => Self::Loading,
            StatusCode::BAD_REQUEST if words.contains("https") && words.contains("plain http") => Self::NeedsTls,
            StatusCode::BAD_REQUEST if words.contains("http request to an https server") => Self::NeedsTls,
            _ if words.trim_start().starts_with('<') => Self::Page(title(body)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Self::Refused,
            StatusCode::OK => names(body).map_or(Self::Other(200), Self::Models),
            status => Self::Other(status.as_u16()),
        }
    }
}

fn names(body: &str) -> Option<Vec<String>> {
    let body = serde_json::from_str::<Value>(body).ok()?;
    let models = body.get("data").or_else(|| body.get("models")).unwrap_or(&body).as_array()?;
    let name = |model: &Value| model.get("id").or_else(|| model.get("name"))?.as_str().map(shown);
    Some(models.iter().filter_map(name).collect())
}

fn title(page: &str) -> String {
    let lower = page.to_ascii_lowercase();
    let title = lower.find("<title").and_then(|start| {
        let begin = start + lower[start..].find('>')? + 1;
        Some(&page[begin..begin + lower[begin..].find('<')?])
    });
    shown(title.unwrap_or_default().trim())
}

/// Makes a server's text safe for a terminal: shortened, and without control characters.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(MAX_SHOWN_CHARS).collect()
}
