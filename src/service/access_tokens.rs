//! Personal access tokens: made, listed and ended by their owners' sessions, and shown in place of one.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::model::access_token::{
    AccessToken, Lifetime, MOST_TOKENS, Privilege, Privileges, TokenName, TokenText,
};
use crate::model::account::{AccountState, Member};
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::id::{AccessTokenId, SessionId};
use crate::model::time::Millis;
use crate::secrets::sha256;
use crate::store::{Unavailable, access_tokens, audit};

use super::Service;
use super::authenticate::Caller;
use super::standing::{self, StandingError};

/// How stale "last used" may be before a call freshens it, as with sessions.
const TOUCH_AFTER: Duration = Duration::from_secs(300);

/// A token to be made.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: TokenName,
    pub lifetime: Lifetime,
    pub privileges: Privileges,
}

/// Why a token was not made. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AccessTokenError {
    /// Nobody lends what they may not do themselves.
    #[error("the privileges exceed the owner's")]
    Exceeding {
        /// Those that do.
        beyond: Privileges,
    },
    #[error("an account may have {MOST_TOKENS} tokens")]
    TooMany,
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl From<StandingError> for AccessTokenError {
    fn from(error: StandingError) -> AccessTokenError {
        match error {
            // Neither a place nor a role is asked for here.
            StandingError::SessionEnded | StandingError::NoOrganization | StandingError::Forbidden => {
                AccessTokenError::SessionEnded
            }
            StandingError::Unavailable(cause) => AccessTokenError::Unavailable(cause),
        }
    }
}

/// Somebody by an access token of theirs.
#[derive(Debug, Clone)]
pub struct Delegate {
    caller: Caller,
    /// What the token was made for and its owner may at the moment.
    privileges: Privileges,
    must_enrol: bool,
}

impl Delegate {
    /// Whether the owner's organization asks for a second factor that the owner does not have yet.
    pub fn must_enrol(&self) -> bool {
        self.must_enrol
    }

    /// The owner, where nothing is done that takes a privilege.
    pub fn into_owner(self) -> Caller {
        self.caller
    }

    /// The owner, for what this privilege stands for; `None` where the token lacks it.
    pub fn into_caller_with(self, privilege: Privilege) -> Option<Caller> {
        self.privileges.contains(privilege).then_some(self.caller)
    }
}

impl Service {
    /// Whoever acts by a token. `None` when it is unknown, ended or expired, or its owner may not enter or has not proved
    /// the address: a ban or deactivation is seen at the next call (D2).
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn delegate(self: &Arc<Self>, token: &str, address: IpAddr) -> Result<Option<Delegate>, Unavailable> {
        // A typo is told from a token without asking the database.
        let Some(text) = TokenText::parse(token) else { return Ok(None) };
        let (hash, now) = (sha256(text.as_str()), self.clock.now());
        let Some((token, owner)) = self.store.read(|tx| access_tokens::by_hash(tx, &hash))? else {
            return Ok(None);
        };
        let must_enrol = owner.must_enrol();
        let Some(member) = acting(&token, owner, now) else { return Ok(None) };
        self.touch_token(&token, now);
        let lent = Privileges::of_role(member.organization.as_ref().map(|place| place.role));
        let privileges = token.privileges.within(&lent);
        let (id, session) = (token.id, SessionId(token.id.0));
        let caller = Caller { session, token: Some(id), member, address, passed_at: None };
        Ok(Some(Delegate { caller, privileges, must_enrol }))
    }

    /// The caller's live tokens, the oldest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn access_tokens(&self, caller: &Caller) -> Result<Vec<AccessToken>, Unavailable> {
        let now = self.clock.now();
        self.store.read(|tx| access_tokens::live(tx, caller.member.account.id, now))
    }

    /// Makes a token for the caller, who has to be there by a session: a token that could make others would never end.
    /// Its text is told here and never again.
    ///
    /// # Errors
    /// [`AccessTokenError`]; nothing has changed then.
    pub async fn create_access_token(
        &self,
        caller: &Caller,
        new: NewToken,
    ) -> Result<(AccessToken, TokenText), AccessTokenError> {
        let (session, now) = (caller.session, self.clock.now());
        let text = TokenText::of_bytes(self.chance.bytes());
        let (head, tail) = text.ends();
        let token = AccessToken {
            id: self.chance.id(now),
            account: caller.member.account.id,
            organization: None,
            name: new.name.as_str().to_owned(),
            head: head.to_owned(),
            tail: tail.to_owned(),
            privileges: new.privileges,
            created_at: now,
            expires_at: now + new.lifetime.span(),
            revoked_at: None,
            last_used_at: None,
        };
        let entry =
            self.entry_about(&caller.member, caller.actor(), Deed::AccessTokenCreated).detailed(token.id);
        let hash = sha256(text.as_str());
        let made = self.store.write(move |tx| {
            // The owner comes from the session (G1), and is asked again: a role may have changed meanwhile.
            let owner = standing::member(tx, session, now)?;
            let place = owner.organization.as_ref();
            let beyond = token.privileges.beyond(&Privileges::of_role(place.map(|place| place.role)));
            if !beyond.is_empty() {
                return Err(AccessTokenError::Exceeding { beyond });
            }
            if access_tokens::count(tx, owner.account.id, now)? >= MOST_TOKENS {
                return Err(AccessTokenError::TooMany);
            }
            let organization = place.map(|place| place.organization);
            let token = AccessToken { account: owner.account.id, organization, ..token };
            access_tokens::insert(tx, &token, &hash)?;
            audit::note(tx, &entry)?;
            Ok(token)
        });
        Ok((made.await?, text))
    }

    /// Ends a token of the caller's at once. False when the caller has no such live token.
    ///
    /// # Errors
    /// [`AccessTokenError::SessionEnded`] or [`AccessTokenError::Unavailable`]; nothing has changed then.
    pub async fn revoke_access_token(
        &self,
        caller: &Caller,
        id: AccessTokenId,
    ) -> Result<bool, AccessTokenError> {
        let (session, now) = (caller.session, self.clock.now());
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::AccessTokenRevoked).detailed(id);
        self.store
            .write(move |tx| {
                let owner = standing::member(tx, session, now)?;
                let ended = access_tokens::revoke(tx, owner.account.id, id, now)?;
                if ended {
                    audit::note(tx, &entry)?;
                }
                Ok(ended)
            })
            .await
    }

    /// What the audit log says where all tokens of an account end with something else, or those made since.
    pub(super) fn tokens_revoked_entry(&self, member: &Member, actor: Actor, which: &str) -> Entry {
        self.entry_about(member, actor, Deed::AccessTokenRevoked).detailed(which)
    }

    fn touch_token(self: &Arc<Self>, token: &AccessToken, now: Millis) {
        if token.last_used_at.is_some_and(|at| now.since(at) < TOUCH_AFTER) {
            return;
        }
        let (service, id) = (Arc::clone(self), token.id);
        tokio::spawn(async move {
            let noted: Result<(), Unavailable> =
                service.store.write(move |tx| access_tokens::touch(tx, id, now)).await;
            if let Err(error) = noted {
                tracing::warn!("the last use of an access token could not be noted: {error}");
            }
        });
    }
}

/// The owner of a token as somebody who acts by it; `None` where it opens nothing. Outside the organization that it was
/// made in the owner is somebody without one.
pub(super) fn acting(token: &AccessToken, owner: Member, now: Millis) -> Option<Member> {
    if !token.is_live(now) || !owner.may_enter() || owner.account.state() != AccountState::Active {
        return None;
    }
    let organization = owner.organization.filter(|place| Some(place.organization) == token.organization);
    Some(Member { organization, ..owner })
}
