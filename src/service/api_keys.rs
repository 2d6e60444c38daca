//! API keys: made, listed and ended by whom they act for.

use crate::mail::{Contents, Mailroom};
use crate::model::account::{Member, Membership};
use crate::model::api_key::{ApiKey, Endpoint, KeyName, KeyOwner, KeyText};
use crate::model::audit::{Actor, Deed};
use crate::model::id::{AccountId, ApiKeyId};
use crate::model::letter::Letter;
use crate::model::permission::Action;
use crate::model::plan::CapabilityCode;
use crate::model::time::Millis;
use crate::secrets::sha256;
use crate::store::{Tx, Unavailable, api_keys, audit, letters};

use super::Service;
use super::authenticate::Caller;
use super::register::RegisterOrder;
use super::standing::{self, StandingError, place_for};
use super::subscription::subscribed;

/// What the first key of an account is called.
const DEFAULT_NAME: &str = "default";

/// Whose keys are spoken of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyScope {
    /// The caller's own.
    Own,
    /// Those of the caller's organization, by whose role may.
    Organization,
}

/// A key to be made.
#[derive(Debug, Clone)]
pub struct NewKey {
    pub name: KeyName,
    /// None never expires.
    pub expires_at: Option<Millis>,
    /// What it may be used for; anything when empty.
    pub endpoints: Vec<Endpoint>,
}

/// Why a key was not made. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum KeyError {
    #[error("the end of the key is past")]
    Past,
    #[error("the plan allows {allowed} keys")]
    TooMany { allowed: i64 },
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl From<Unavailable> for KeyError {
    fn from(error: Unavailable) -> KeyError {
        KeyError::Standing(error.into())
    }
}

impl Service {
    /// The live keys of the caller or the caller's organization, the oldest first.
    ///
    /// # Errors
    /// [`StandingError`].
    pub fn keys(&self, caller: &Caller, scope: KeyScope) -> Result<Vec<ApiKey>, StandingError> {
        let (session, now) = (caller.session, self.clock.now());
        self.store.read(|tx| {
            let (owner, _) = owner(tx, session, scope, now)?;
            Ok(api_keys::live(tx, owner, now)?)
        })
    }

    /// Makes a key. Its text is told here and never again.
    ///
    /// # Errors
    /// [`KeyError`]; nothing has changed then.
    pub async fn create_key(
        &self,
        caller: &Caller,
        scope: KeyScope,
        new: NewKey,
    ) -> Result<(ApiKey, KeyText), KeyError> {
        let (session, now) = (caller.session, self.clock.now());
        if new.expires_at.is_some_and(|end| end <= now) {
            return Err(KeyError::Past);
        }
        let own = KeyOwner::Account(caller.member.account.id);
        let (key, text) = self.new_key(own, new.name.as_str().to_owned(), new.expires_at, new.endpoints);
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::ApiKeyCreated).detailed(key.id);
        let hash = sha256(text.as_str());
        let key = self
            .store
            .write(move |tx| {
                let (owner, place) = owner(tx, session, scope, now)?;
                let allowed = allowed(tx, &place, now)?;
                if api_keys::count(tx, place.organization, now)? >= allowed {
                    return Err(KeyError::TooMany { allowed });
                }
                let key = ApiKey { owner, ..key };
                api_keys::insert(tx, &key, &hash, false)?;
                audit::note(tx, &entry)?;
                Ok(key)
            })
            .await?;
        Ok((key, text))
    }

    /// Ends a key at once. False when the caller, or the caller's organization, has no such live key.
    ///
    /// # Errors
    /// [`StandingError`]; nothing has changed then.
    pub async fn revoke_key(
        &self,
        caller: &Caller,
        scope: KeyScope,
        id: ApiKeyId,
    ) -> Result<bool, StandingError> {
        let (session, now) = (caller.session, self.clock.now());
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::ApiKeyRevoked).detailed(id);
        self.store
            .write(move |tx| {
                let (owner, _) = owner(tx, session, scope, now)?;
                let ended = api_keys::revoke(tx, owner, id, now)?;
                if ended {
                    audit::note(tx, &entry)?;
                }
                Ok(ended)
            })
            .await
    }

    /// The one key that a contract shows which knows no more than one.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn default_key(&self, account: AccountId) -> Result<Option<ApiKey>, Unavailable> {
        let now = self.clock.now();
        self.store.read(|tx| api_keys::default_of(tx, account, now))
    }

    /// Puts a fresh key in the place of the caller's default one, which is dead at once.
    ///
    /// # Errors
    /// [`StandingError`]; nothing has changed then.
    pub async fn rotate_default_key(&self, caller: &Caller) -> Result<KeyText, StandingError> {
        let (session, now) = (caller.session, self.clock.now());
        let own = KeyOwner::Account(caller.member.account.id);
        let (key, text) = self.new_key(own, DEFAULT_NAME.to_owned(), None, Vec::new());
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::ApiKeyRotated).detailed(key.id);
        let hash = sha256(text.as_str());
        self.store
            .write(move |tx| {
                let account = standing::member(tx, session, now)?.account.id;
                let owner = KeyOwner::Account(account);
                if let Some(old) = api_keys::default_of(tx, account, now)? {
                    api_keys::revoke(tx, owner, old.id, now)?;
                }
                api_keys::insert(tx, &ApiKey { owner, ..key }, &hash, true)?;
                audit::note(tx, &entry)?;
                Ok::<_, StandingError>(())
            })
            .await?;
        Ok(text)
    }

    /// The first key of somebody who signs up, and the letter that brings it.
    pub(super) fn welcome(&self, account: AccountId, order: &RegisterOrder) -> Welcome {
        let owner = KeyOwner::Account(account);
        let (key, text) = self.new_key(owner, DEFAULT_NAME.to_owned(), None, Vec::new());
        let mailroom: &Mailroom = &self.mailroom;
        let letter = mailroom.compose(order.recipient(), Contents::Welcome { api_key: text.as_str() });
        Welcome { key, hash: sha256(text.as_str()), letter }
    }

    fn new_key(
        &self,
        owner: KeyOwner,
        name: String,
        expires_at: Option<Millis>,
        endpoints: Vec<Endpoint>,
    ) -> (ApiKey, KeyText) {
        let now = self.clock.now();
        let text = KeyText::of_bytes(self.chance.bytes());
        let (head, tail) = text.ends();
        let key = ApiKey {
            id: self.chance.id(now),
            owner,
            name,
            head: head.to_owned(),
            tail: tail.to_owned(),
            endpoints,
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        (key, text)
    }

    /// Ends every key of an account, by somebody or by itself.
    pub(super) fn keys_revoked_entry(&self, member: &Member, actor: Actor) -> crate::model::audit::Entry {
        self.entry_about(member, actor, Deed::ApiKeyRevoked).detailed("all")
    }
}

/// A first key with its letter, made before the transaction.
pub(super) struct Welcome {
    key: ApiKey,
    hash: String,
    letter: Letter,
}

impl Welcome {
    /// Makes the key good and puts its letter into the outbox.
    pub fn post(&self, tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
        api_keys::insert(tx, &self.key, &self.hash, true)?;
        letters::insert(tx, &self.letter, Some(account))
    }
}

/// Who owns the keys of a scope, which comes from the session and never from the body (G1), and whose tokens they spend.
fn owner(
    tx: &Tx<'_>,
    session: crate::model::id::SessionId,
    scope: KeyScope,
    now: Millis,
) -> Result<(KeyOwner, Membership), StandingError> {
    match scope {
        KeyScope::Own => {
            let member = standing::member(tx, session, now)?;
            let place = member.organization.ok_or(StandingError::NoOrganization)?;
            Ok((KeyOwner::Account(member.account.id), place))
        }
        KeyScope::Organization => {
            let place = place_for(tx, session, Action::ManageKeys, now)?;
            Ok((KeyOwner::Organization(place.organization), place))
        }
    }
}

/// How many live keys the plan in force allows an organization and its members together.
fn allowed(tx: &Tx<'_>, place: &Membership, now: Millis) -> Result<i64, Unavailable> {
    let found = subscribed(tx, place.organization)?;
    let in_force = found.filter(|found| found.subscription.state(now).is_in_force());
    let capabilities = in_force.map(|found| found.plan.capabilities).unwrap_or_default();
    let limit = capabilities.iter().find(|capability| capability.code == CapabilityCode::ApiKeys);
    Ok(limit.map_or(0, |limit| limit.value))
}
