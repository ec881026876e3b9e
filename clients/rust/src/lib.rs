//! A client of AL-Chat's API. [`stream_turn`] asks a question, [`Client`] has all other calls.

use std::time::Duration;

#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated;
mod later_words;
mod replayed_text;
mod turn;
mod turn_error;

pub use generated::{Client, Error, ResponseValue, types};
pub use turn::{Turn, TurnEvent, TurnOptions, stream_message, stream_turn};
pub use turn_error::TurnError;

/// Creates a client of a server. `bearer` is an API key, the token of an account, or nothing.
///
/// Other than [`Client::new`], it sets no limit to the length of a stream.
///
/// # Errors
///
/// If the bearer cannot be sent in a header, or if TLS cannot be used on this machine.
pub fn connect(base_url: &str, bearer: Option<&str>) -> Result<Client, Box<dyn std::error::Error + Send + Sync>> {
    let mut headers = reqwest::header::HeaderMap::new();
    if let Some(bearer) = bearer {
        let mut value = reqwest::header::HeaderValue::from_str(&format!("Bearer {bearer}"))?;
        value.set_sensitive(true);
        headers.insert(reqwest::header::AUTHORIZATION, value);
    }
    let http = reqwest::Client::builder().connect_timeout(Duration::from_secs(10)).default_headers(headers).build()?;
    Ok(Client::new_with_client(base_url, http))
}
