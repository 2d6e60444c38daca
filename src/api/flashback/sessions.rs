//! Where somebody is signed in: family C.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::failure::FamilyC;
use super::wire::{MessageBody, message};
use super::{Area, Known};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_PATH, WITH_TOKEN, outcomes};
use crate::service::Service;
use crate::service::authenticate::Caller;
use crate::service::devices::{DeviceError, OwnSession};

/// The caller's sessions.
#[derive(Object)]
#[oai(rename = "FlashbackSessions")]
pub struct SessionsBody {
    /// Always true.
    success: bool,
    data: Vec<SessionBody>,
}

/// A session. Moments are RFC 3339 in UTC.
#[derive(Object)]
#[oai(rename = "FlashbackSession", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SessionBody {
    /// Names the session, as `tokenId` of `GET /token` does.
    id: String,
    /// `id` of `GET /devices`, where the login told of a device.
    device_id: Option<String>,
    /// What the client called itself.
    device: String,
    /// The contract it was opened through.
    contract: String,
    /// The network address it was opened from.
    ip_address: String,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    /// Whether this is the session of the call.
    current: bool,
}

impl SessionBody {
    fn new(session: OwnSession, caller: &Caller) -> SessionBody {
        SessionBody {
            id: session.id.to_string(),
            device_id: session.device.map(|id| id.to_string()),
            device: session.name,
            contract: session.contract.as_str().to_owned(),
            ip_address: session.address,
            created_at: session.created_at.rfc3339(),
            last_used_at: session.last_used_at.rfc3339(),
            expires_at: session.expires_at.rfc3339(),
            current: session.id == caller.session,
        }
    }
}

const UNKNOWN: Status = (404, "`Session not found`: the caller has no such live session.");

outcomes!(ListReply = ListOutcomes: FamilyC, 200 "The caller's live sessions, the latest used first." => SessionsBody,
    [ALWAYS, WITH_TOKEN]);
outcomes!(RevokeReply = RevokeOutcomes: FamilyC, 200 "The session has ended." => MessageBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNKNOWN]]);
outcomes!(RevokeAllReply = RevokeAllOutcomes: FamilyC, 200 "All other sessions have ended." => MessageBody,
    [ALWAYS, WITH_TOKEN]);
outcomes!(HeartbeatReply = HeartbeatOutcomes: FamilyC, 200 "Noted." => MessageBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNKNOWN]]);

#[derive(Clone)]
pub struct Sessions;

#[OpenApi]
impl Sessions {
    /// List sessions with their devices
    ///
    /// The caller's live sessions, in every contract.
    #[oai(path = "/sessions", method = "get", tag = "Area::Devices", operation_id = "flashbackSessions")]
    async fn list(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ListReply {
        let body = |session| SessionBody::new(session, &caller);
        let sessions = service.own_sessions(&caller);
        sessions
            .map(|sessions| SessionsBody { success: true, data: sessions.into_iter().map(body).collect() })
            .map_err(Problem::from)
            .into()
    }

    /// End one session
    ///
    /// Its tokens are refused from the next request on.
    #[oai(
        path = "/sessions/:id/revoke",
        method = "post",
        tag = "Area::Devices",
        operation_id = "flashbackRevokeSession"
    )]
    async fn revoke(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `id` of `GET /sessions`.
        id: Path<String>,
    ) -> RevokeReply {
        let ended = match id.0.parse() {
            Ok(id) => service.end_session(&caller, id).await,
            Err(_) => Ok(false),
        };
        match ended {
            Ok(true) => RevokeReply::Done(message("Session revoked successfully")),
            Ok(false) => RevokeReply::Failed(session_problem(DeviceError::Unknown)),
            Err(cause) => RevokeReply::Failed(cause.into()),
        }
    }

    /// End all other sessions
    ///
    /// The session of the call goes on.
    #[oai(
        path = "/sessions/revoke-all",
        method = "post",
        tag = "Area::Devices",
        operation_id = "flashbackRevokeSessions"
    )]
    async fn revoke_all(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> RevokeAllReply {
        let ended = service.end_other_sessions(&caller).await;
        ended.map(|()| message("All other sessions revoked successfully")).map_err(session_problem).into()
    }

    /// Say that a session is in use
    ///
    /// Freshens its `lastUsedAt`; it ends no later for that.
    #[oai(
        path = "/sessions/:id/heartbeat",
        method = "post",
        tag = "Area::Devices",
        operation_id = "flashbackHeartbeat"
    )]
    async fn heartbeat(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `id` of `GET /sessions`.
        id: Path<String>,
    ) -> HeartbeatReply {
        let noted = match id.0.parse() {
            Ok(id) => service.keep_alive(&caller, id).await,
            Err(_) => Err(DeviceError::Unknown),
        };
        noted.map(|()| message("Session is alive")).map_err(session_problem).into()
    }
}

fn session_problem(error: DeviceError) -> Problem<FamilyC> {
    super::devices::problem(error, "Session not found")
}
