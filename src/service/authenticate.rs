//! Who is calling: a token, and the session behind it, asked at every request.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::Service;
use crate::model::account::Member;
use crate::model::contract::Contract;
use crate::model::id::{AccessTokenId, SessionId};
use crate::model::session::Session;
use crate::model::time::Millis;
use crate::store::{Unavailable, sessions};
use crate::tokens::{Claims, TokenError, TokenKind};

/// How stale a session's "last used" may be before a request freshens it. A write for every read would cost more than
/// the exact minute is worth.
const TOUCH_AFTER: Duration = Duration::from_secs(300);

/// Somebody with a live session, or a live access token in its place.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Of a call with an access token the token's own id, which no session has: whatever was not made for such calls
    /// finds that the session has ended.
    pub session: SessionId,
    /// The access token that is shown in place of a session.
    pub token: Option<AccessTokenId>,
    pub member: Member,
    /// Where the call comes from.
    pub address: IpAddr,
    /// When this session last passed the second factor.
    pub passed_at: Option<Millis>,
}

impl Service {
    /// The caller behind an access token given out through `contract` (any, when none is named). `None` when the token
    /// is not good, its session has ended, or the account or organization may not enter: a log-out, ban or
    /// deactivation cuts at the next request.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn authenticate(
        self: &Arc<Self>,
        token: &str,
        contract: Option<Contract>,
        address: IpAddr,
    ) -> Result<Option<Caller>, Unavailable> {
        let Some(claims) = self.verify_token(token, TokenKind::Access, contract)? else { return Ok(None) };
        let Ok(id) = claims.token_id.parse::<SessionId>() else { return Ok(None) };
        let now = self.clock.now();
        let found = self.store.read(|tx| sessions::with_member(tx, id))?;
        let Some((session, member)) = found else { return Ok(None) };
        if !session.is_live(now) || !member.may_enter() {
            return Ok(None);
        }
        self.touch(&session);
        let passed_at = session.second_factor_at;
        Ok(Some(Caller { session: session.id, token: None, member, address, passed_at }))
    }

    /// The claims of a good token; reads the keys again once when it names one that is not known here.
    pub(super) fn verify_token(
        &self,
        token: &str,
        kind: TokenKind,
        contract: Option<Contract>,
    ) -> Result<Option<Arc<Claims>>, Unavailable> {
        let now = self.clock.now();
        match self.ring.verify(token, kind, contract, now) {
            Ok(claims) => Ok(Some(claims)),
            Err(TokenError::Invalid) => Ok(None),
            Err(TokenError::UnknownKey) => {
                if !self.reload_keys_at_most_once_a_second()? {
                    return Ok(None);
                }
                Ok(self.ring.verify(token, kind, contract, now).ok())
            }
        }
    }

    fn touch(self: &Arc<Self>, session: &Session) {
        let now = self.clock.now();
        if now.since(session.last_used_at) < TOUCH_AFTER {
            return;
        }
        let (service, id) = (Arc::clone(self), session.id);
        tokio::spawn(async move {
            let noted: Result<(), Unavailable> =
                service.store.write(move |tx| sessions::touch(tx, id, now)).await;
            if let Err(error) = noted {
                tracing::warn!("the last use of a session could not be noted: {error}");
            }
        });
    }
}
