//! What a server has to say at `GET …/models`, the cheapest of questions.

use std::time::Duration;

use reqwest::{
    Response, StatusCode,
    header::{AUTHORIZATION, LOCATION},
};
use serde_json::Value;
use url::Url;

use crate::foundation::{
    http_client::{Cause, Client, cause, read_body},
    secret::ApiKey,
};

/// How long the answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes read of the answer. The longest lists of models have some hundred kilobytes.
const LIMIT: usize = 4 << 20;

/// Characters shown of what a server says.
const SHOWN: usize = 80;

/// What a server answers when it is asked for its models.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Listing {
    /// Their names.
    Models(Vec<String>),
    /// The model is being loaded.
    Loading,
    /// The key is refused.
    Refused,
    /// The answer is at another address.
    ElsewhereAt(String),
    /// The port expects TLS.
    NeedsTls,
    /// A web page of this title, which may be blank.
    Page(String),
    /// Something else, with this status.
    Other(u16),
    /// Nothing.
    NoAnswer(Cause),
}

impl Listing {
    /// Asks the server at this base URL.
    pub(super) async fn read(client: &Client, base: &Url, key: Option<&ApiKey>) -> Self {
        let mut url = base.clone();
        url.set_path(&format!("{}/models", base.path().trim_end_matches('/')));
        let request = |client: &reqwest::Client| {
            let request = client.get(url.clone()).timeout(PATIENCE);
            if let Some(key) = key { request.header(AUTHORIZATION, key.bearer()) } else { request }
        };
        match client.send(request).await {
            Ok(response) => Self::of_response(response).await,
            Err(error) => Self::NoAnswer(cause(&error)),
        }
    }

    async fn of_response(response: Response) -> Self {
        let status = response.status();
        let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
        if let (true, Some(location)) = (status.is_redirection(), location) {
            return Self::ElsewhereAt(shown(location));
        }
        let body = read_body(response, LIMIT, PATIENCE).await.unwrap_or_default();
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

/// Somebody else's words as a terminal may show them.
fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
