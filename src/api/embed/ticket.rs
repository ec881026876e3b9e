//! `POST /api/embed/ticket`: a ticket for a visitor of a site's page.

use poem::{Request, http::header, web::Data};
use poem_openapi::{Object, OpenApi, types::Example};
use secrecy::ExposeSecret;
use serde::{Deserialize, Serialize};

use crate::{
    api::{
        AppState, Group,
        caller::{ClientAddress, is_sent_by_own_page},
        json::Json,
        problem::failures,
    },
    services::sites::RequestingPage,
};

failures! { TicketFailure {
    400 "The body is not valid JSON (`invalid_json`) or not whole (`body_incomplete`), or a field is invalid (`invalid_request`).",
    403 "The page is of an origin that the site does not list, or the request names no origin (`origin_not_listed`).",
    404 "There is no such site (`site_not_found`).",
    408 "The body took too long to arrive (`body_timeout`).",
    413 "The body is larger than 1 MiB (`body_too_large`).",
    415 "The body is not JSON (`unsupported_media_type`).",
    429 "One address has requested too many tickets (`too_many_tickets`).",
    500 "A fault of this server (`internal_error`).",
    503 "Too many large bodies are sent at once (`body_memory_used_up`).",
} }

/// The request of a page for a ticket.
#[derive(Debug, Deserialize, Object)]
#[oai(example, skip_serializing_if_is_none)]
struct TicketRequest {
    /// The id of the site.
    site: String,
    /// The page's last ticket. The new one names the same visitor, also if this one has expired within the last hour.
    #[oai(nullable)]
    previous: Option<String>,
}

/// A ticket.
#[derive(Debug, Object, Serialize)]
#[oai(example)]
struct EmbedTicket {
    /// The ticket, for `Authorization: Bearer …`. It is for the page that has requested it.
    ticket: String,
    /// The seconds for which the ticket is valid.
    expires_in: u64,
}

pub(in crate::api) struct EmbedTicketApi;

#[OpenApi(prefix_path = "/api/embed", tag = "Group::Chat")]
impl EmbedTicketApi {
    /// Request a ticket for a page
    ///
    /// A page that embeds the chat window proves by the ticket that it is a page of the site: the browser's `Origin` must be one
    /// of the site's, or this server's own. The ticket names site, origin and visitor, and is needed to ask if there are sites.
    /// Nothing is stored.
    #[oai(path = "/ticket", method = "post", operation_id = "requestTicket")]
    #[expect(clippy::unused_async, reason = "the framework's handlers are async")]
    async fn ticket(
        &self,
        Data(state): Data<&AppState>,
        request: &Request,
        ClientAddress(address): ClientAddress,
        Json(body): Json<TicketRequest>,
    ) -> Result<Json<EmbedTicket>, TicketFailure> {
        let headers = request.headers();
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let page = RequestingPage { origin, is_own: is_sent_by_own_page(state, headers) };
        let ticket = state.sites.issue_ticket(&body.site, page, body.previous.as_deref(), address)?;
        let expires_in = ticket.lifetime.as_secs();
        Ok(Json(EmbedTicket { ticket: ticket.text.expose_secret().to_owned(), expires_in }))
    }
}

impl Example for TicketRequest {
    fn example() -> Self {
        Self { site: "shop".to_owned(), previous: None }
    }
}

impl Example for EmbedTicket {
    fn example() -> Self {
        let ticket = "alt_eyJzaXRlIjoic2hvcCJ9.3q2-7wAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA".to_owned();
        Self { ticket, expires_in: 900 }
    }
}
