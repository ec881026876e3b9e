//! All paths of the HTTP interface: the operations of the contract, by resource and handler, and the paths beside the
//! contract.

use bytes::Bytes;
use poem::{Endpoint, EndpointExt, Response, endpoint::BoxEndpoint, http::HeaderValue, middleware::SetHeader};

use super::{
    AppState, admin,
    asset::{Asset, HTML, serve},
    auth, chat, chats, docs_policy, embed, handover, health, health_alias,
    json::MEDIA_TYPE,
    messages, metrics, openai, openai_compatible, personas, portal, session, session_content, web,
};

/// Lists the handlers of each resource, each with its operations.
macro_rules! resources {
    ($($module:ident { $($handler:ident: $operations:expr,)+ })+) => {
        /// The handlers of the contract's operations. Those of one resource are a tuple.
        #[expect(unused_parens, reason = "the only handler of a resource is no tuple")]
        pub(super) type Resources = ($(($($module::$handler),+)),+);

        /// Returns the handlers of the contract's operations.
        pub(super) fn resources() -> Resources {
            ($(($($module::$handler),+)),+)
        }

        /// The operations of each handler, as method and path.
        #[cfg(test)]
        const OPERATIONS: &[&[&str]] = &[$($(&$operations),+),+];
    };
}

// The paths that count are those at the handlers: a unit test compares them with this list.
resources! {
    chat {
        ChatApi: [
            "POST /api/chat",
            "POST /api/chat/stream",
            "GET /api/chat/{request_id}/events",
            "POST /api/chat/{request_id}/stop",
        ],
        ChatImageApi: [
            "POST /api/chat/image",
        ],
        FeedbackApi: [
            "POST /api/chat/{request_id}/feedback",
        ],
    }
    embed {
        EmbedTicketApi: [
            "POST /api/embed/ticket",
        ],
    }
    personas {
        PersonasApi: [
            "GET /api/personas",
        ],
    }
    session {
        SessionApi: [
            "POST /api/session/start",
            "POST /api/session/stop",
        ],
    }
    handover {
        HandoverApi: [
            "POST /api/session/{session_id}/handover",
        ],
    }
    session_content {
        SessionContentApi: [
            "DELETE /api/session/{session_id}/content",
        ],
    }
    auth {
        RegisterApi: [
            "POST /api/auth/register",
        ],
        LoginApi: [
            "POST /api/auth/login",
        ],
        OwnAccountApi: [
            "GET /api/auth/me",
            "DELETE /api/auth/me",
        ],
        LogoutApi: [
            "POST /api/auth/logout",
        ],
        ChangePasswordApi: [
            "POST /api/auth/password",
        ],
    }
    chats {
        ListChatsApi: [
            "GET /api/chat/histories",
        ],
        SearchMessagesApi: [
            "GET /api/chat/search",
        ],
        CreateChatApi: [
            "POST /api/chat/create",
        ],
        ChatByIdApi: [
            "GET /api/chat/{chat_id}",
            "PATCH /api/chat/{chat_id}",
        ],
        DeleteChatApi: [
            "DELETE /api/chat/{chat_id}/delete",
        ],
        ClearChatApi: [
            "POST /api/chat/{chat_id}/clear",
        ],
        ExportChatApi: [
            "GET /api/chat/{chat_id}/export",
            "GET /api/chat/{chat_id}/export/markdown",
        ],
    }
    messages {
        SendMessageApi: [
            "POST /api/messages/{chat_id}/send",
            "POST /api/messages/{chat_id}/send/stream",
        ],
        ListMessagesApi: [
            "GET /api/messages/{chat_id}/messages",
        ],
        MessageByIdApi: [
            "GET /api/messages/{message_id}",
            "DELETE /api/messages/{message_id}",
        ],
        RetryMessageApi: [
            "POST /api/messages/{message_id}/retry",
        ],
    }
    portal {
        PortalChatApi: [
            "POST /chat",
        ],
        PortalHistoryApi: [
            "GET /chat_history",
        ],
        PortalClearApi: [
            "POST /clear_chat",
        ],
        PortalStatusApi: [
            "GET /api_status",
        ],
    }
    openai {
        ModelInfoApi: [
            "GET /api/openai/info",
        ],
        ModelTestApi: [
            "GET /api/openai/test",
        ],
        UsageApi: [
            "GET /api/openai/usage",
        ],
    }
    openai_compatible {
        CompletionsApi: [
            "POST /v1/chat/completions",
        ],
        OpenAiModelsApi: [
            "GET /v1/models",
            "GET /v1/models/{model}",
        ],
    }
    health {
        HealthApi: [
            "GET /api/health",
            "GET /api/health/live",
            "GET /api/health/ready",
        ],
    }
    health_alias {
        HealthAliasApi: [
            "GET /health",
        ],
    }
    admin {
        LimitsApi: [
            "GET /api/admin/limits",
        ],
        ResetLimitApi: [
            "DELETE /api/admin/limits/{count_id}",
        ],
        SitesApi: [
            "GET /api/admin/sites",
        ],
        PauseApi: [
            "POST /api/admin/pause",
            "POST /api/admin/resume",
        ],
        PauseSiteApi: [
            "POST /api/admin/sites/{site_id}/pause",
            "POST /api/admin/sites/{site_id}/resume",
        ],
        UsageApi: [
            "GET /api/admin/usage",
            "GET /api/admin/usage/csv",
        ],
        OverviewApi: [
            "GET /api/admin/overview",
        ],
        DaysApi: [
            "GET /api/admin/days",
        ],
        StatusApi: [
            "GET /api/admin/status",
        ],
        SessionsApi: [
            "GET /api/admin/sessions",
        ],
        SessionTurnsApi: [
            "GET /api/admin/sessions/{session_id}",
        ],
    }
}

/// A path beside the contract, and the endpoint that answers its `GET` requests.
pub(super) type PlainRoute = (&'static str, BoxEndpoint<'static, Response>);

/// Returns the paths beside the contract: the contract itself, its documentation as the page `docs`, the metrics, the
/// events for the operator's page, the
/// chat window's script, the operator's page and, unless it is switched off, the portal.
pub(super) fn plain_routes(state: &AppState, contract: String, docs: String) -> Vec<PlainRoute> {
    let pages = if state.config.server.portal { web::PAGES } else { &[] };
    // The chat window and its pictures are loaded by pages of other websites.
    let shared = || SetHeader::new().overriding("cross-origin-resource-policy", "cross-origin");
    let window = web::WINDOW.iter().map(|file| (file.path, web::file(file, &state.sites).with(shared()).boxed()));
    let pages = web::ADMIN.iter().chain(pages).map(|file| (file.path, web::file(file, &state.sites)));
    let docs_policy = docs_policy::policy(&docs);
    let routes = [
        ("/docs", text(HTML, docs, docs_policy).boxed()),
        ("/openapi.json", text(MEDIA_TYPE, contract, None).boxed()),
        (metrics::PATH, metrics::endpoint(state.clone()).boxed()),
        (admin::EVENTS_PATH, admin::events(state.clone()).boxed()),
    ];
    routes.into_iter().chain(window).chain(pages).collect()
}

fn text(media_type: &'static str, text: String, policy: Option<HeaderValue>) -> impl Endpoint<Output = Response> {
    serve(Asset { media_type, text: Bytes::from(text), policy })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::api::contract;

    #[test]
    fn the_list_of_operations_is_that_of_the_contract() {
        let contract: Value = serde_json::from_str(&contract()).unwrap();
        let paths = contract["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        });
        let mut operations = operations.collect::<Vec<_>>();
        let mut listed = OPERATIONS.concat();
        operations.sort_unstable();
        listed.sort_unstable();
        assert_eq!(operations, listed);
    }
}
