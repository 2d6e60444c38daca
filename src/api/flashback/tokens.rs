//! The list of one's sessions, and ending one.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyA;
use super::wire::{DoneBody, done};
use super::{Area, Known};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::id::SessionId;
use crate::model::session::Session;
use crate::service::Service;

/// The caller's sessions.
#[derive(Object)]
#[oai(rename = "FlashbackTokens")]
pub struct TokensBody {
    /// Always true.
    success: bool,
    tokens: Vec<TokenBody>,
}

/// A session. Moments are RFC 3339 in UTC.
#[derive(Object)]
#[oai(rename = "FlashbackToken", rename_all = "camelCase")]
pub struct TokenBody {
    /// Names the session; for `DELETE /token/{tokenId}`.
    token_id: String,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    /// What the client called itself.
    device: String,
    /// Whether this is the session of the call.
    current: bool,
}

impl TokenBody {
    fn new(session: Session, current: SessionId) -> TokenBody {
        TokenBody {
            token_id: session.id.to_string(),
            created_at: session.created_at.rfc3339(),
            last_used_at: session.last_used_at.rfc3339(),
            expires_at: session.expires_at.rfc3339(),
            current: session.id == current,
            device: session.device,
        }
    }
}

outcomes!(ListReply = ListOutcomes: FamilyA, 200 "The caller's live sessions, the latest used first." => TokensBody,
    [ALWAYS, WITH_TOKEN]);
outcomes!(EndReply = EndOutcomes: FamilyA, 200 "The session has ended." => DoneBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[(404, "`TOKEN_NOT_FOUND`: the caller has no such live session.")]]);

#[derive(Clone)]
pub struct Tokens;

#[OpenApi]
impl Tokens {
    /// List sessions
    ///
    /// The caller's live sessions, in every contract.
    #[oai(path = "/token", method = "get", tag = "Area::Entry", operation_id = "flashbackTokens")]
    async fn list(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ListReply {
        let sessions = service.list_sessions(&caller);
        let body = |session| TokenBody::new(session, caller.session);
        sessions
            .map(|sessions| TokensBody { success: true, tokens: sessions.into_iter().map(body).collect() })
            .map_err(Problem::from)
            .into()
    }

    /// End a session
    ///
    /// Its tokens are refused from the next request on.
    #[oai(
        path = "/token/:tokenId",
        method = "delete",
        tag = "Area::Entry",
        operation_id = "flashbackEndToken"
    )]
    async fn end(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `tokenId` of `GET /token`.
        #[oai(name = "tokenId")]
        token_id: Path<String>,
    ) -> EndReply {
        match service.end_session(&caller, SessionId::named(&token_id.0)).await {
            Ok(true) => EndReply::Done(done()),
            Ok(false) => EndReply::Failed(Problem::new(
                StatusCode::NOT_FOUND,
                "TOKEN_NOT_FOUND",
                "There is no such session of yours.",
            )),
            Err(cause) => EndReply::Failed(cause.into()),
        }
    }
}
