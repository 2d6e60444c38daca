//! Sessions: opening, listing and ending them, and the tokens that stand for one.

use crate::model::account::Member;
use crate::model::audit::Deed;
use crate::model::contract::Contract;
use crate::model::id::{AccountId, SessionId};
use crate::model::session::{Origin, Session};
use crate::model::time::Millis;
use crate::store::{Unavailable, audit, sessions};
use crate::tokens::{Claims, TokenKind};

use super::Service;
use super::authenticate::Caller;

/// A device's name is kept up to this many characters.
const DEVICE_CHARS: usize = 200;

/// The two tokens of a session.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub session: SessionId,
    pub access: String,
    pub refresh: String,
    pub access_expires_at: Millis,
    pub refresh_expires_at: Millis,
}

impl Service {
    /// A session to be inserted in the transaction that lets its owner in.
    pub(super) fn new_session(&self, account: AccountId, contract: Contract, origin: &Origin) -> Session {
        let now = self.clock.now();
        Session {
            id: self.chance.id(now),
            account,
            contract,
            device: origin.device.chars().filter(|c| !c.is_control()).take(DEVICE_CHARS).collect(),
            created_at: now,
            last_used_at: now,
            expires_at: now + contract.token_lives().refresh,
            revoked_at: None,
            generation: 0,
            rotated_at: now,
            second_factor_at: None,
        }
    }

    /// Signs the tokens of a session as it stands.
    pub(super) fn tokens(&self, session: &Session, member: &Member) -> Tokens {
        let now = self.clock.now();
        let access_expires_at = (now + session.contract.token_lives().access).min(session.expires_at);
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: session.contract.as_str().to_owned(),
            kind: TokenKind::Access,
            token_id: session.id.to_string(),
            user_id: member.account.id.to_string(),
            email: Some(member.account.email.as_str().to_owned()),
            org_id: member.organization.as_ref().map(|place| place.organization.to_string()),
            generation: None,
            iat: now.seconds(),
            exp: access_expires_at.seconds(),
        };
        let refresh = Claims {
            kind: TokenKind::Refresh,
            email: None,
            org_id: None,
            generation: Some(session.generation),
            exp: session.expires_at.seconds(),
            ..claims.clone()
        };
        Tokens {
            session: session.id,
            access: self.ring.sign(&claims),
            refresh: self.ring.sign(&refresh),
            access_expires_at,
            refresh_expires_at: session.expires_at,
        }
    }

    /// Fresh tokens of the caller's session; none when it has ended.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn session_tokens(&self, caller: &Caller) -> Result<Option<Tokens>, Unavailable> {
        let session = self.store.read(|tx| sessions::find(tx, caller.session))?;
        let live = session.filter(|session| session.is_live(self.clock.now()));
        Ok(live.map(|session| self.tokens(&session, &caller.member)))
    }

    /// The caller's live sessions, the latest used first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_sessions(&self, caller: &Caller) -> Result<Vec<Session>, Unavailable> {
        let now = self.clock.now();
        self.store.read(|tx| sessions::live(tx, caller.member.account.id, now))
    }

    /// Ends a session of the caller's. False when the caller has no such live session.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn end_session(&self, caller: &Caller, id: SessionId) -> Result<bool, Unavailable> {
        let (account, now) = (caller.member.account.id, self.clock.now());
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::SessionEnded).of_session(id);
        let from_another = id != caller.session;
        self.store
            .write(move |tx| {
                let own = sessions::find(tx, id)?.is_some_and(|s| s.account == account && s.is_live(now));
                let ended = own && sessions::revoke(tx, id, now)?;
                if ended && from_another {
                    audit::note(tx, &entry)?;
                }
                Ok(ended)
            })
            .await
    }

    /// Ends the session of a refresh token, whatever its generation; an unknown or dead token is fine too.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn log_out(&self, refresh_token: &str, contract: Contract) -> Result<(), Unavailable> {
        let claims = self.verify_token(refresh_token, TokenKind::Refresh, Some(contract))?;
        let Some(id) = claims.and_then(|claims| claims.token_id.parse().ok()) else { return Ok(()) };
        let now = self.clock.now();
        self.store.write(move |tx| sessions::revoke(tx, id, now).map(drop)).await
    }
}
