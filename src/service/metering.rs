//! Calls that a key pays for: whose key it is, and taking the cost. Revocation and bans are seen at the next call,
//! because the rows are asked at every one.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::model::account::AccountState;
use crate::model::api_key::{Endpoint, KeyText, ShownKey};
use crate::model::id::{AccountId, ApiKeyId, OrganizationId};
use crate::model::ledger::{Cost, EntryKind, IdempotencyKey, Ledger, LedgerEntry};
use crate::model::time::{DAY, Millis};
use crate::secrets::sha256;
use crate::store::api_keys::Found;
use crate::store::ledgers::{self, Debited, Repeatable};
use crate::store::{Tx, Unavailable, api_keys};

use super::Service;
use super::authenticate::Caller;
use super::ledger::{Account, settle};

/// Calls a minute while no plan is in force.
const UNPLANNED_RATE: i64 = 60;
/// How long an idempotency key is remembered.
pub const IDEMPOTENCY_LIFE: std::time::Duration = std::time::Duration::from_secs(7 * DAY.as_secs());
/// Uses of keys noted in one transaction.
const NOTED_AT_ONCE: usize = 500;

/// Who pays for a call.
#[derive(Debug, Clone)]
pub struct Payer {
    /// None where the key is an organization's.
    pub account: Option<AccountId>,
    pub organization: OrganizationId,
    /// None for a person's session.
    pub key: Option<ShownKey>,
    pub standing: Account,
}

impl Payer {
    /// The plan's key, or `none`.
    pub fn plan(&self) -> &str {
        self.standing.terms.as_ref().map_or("none", |terms| terms.plan.as_str())
    }

    /// How many metered calls the plan allows.
    pub fn calls_a_minute(&self) -> i64 {
        self.standing.terms.as_ref().map_or(UNPLANNED_RATE, |terms| terms.calls_a_minute)
    }
}

/// A call to be paid for.
#[derive(Debug, Clone)]
pub struct Charge {
    pub cost: Cost,
    pub endpoint: Option<Endpoint>,
    /// The caller's, so that asking again costs nothing again.
    pub idempotency_key: Option<IdempotencyKey>,
    /// The request's id, for the line.
    pub request: String,
}

/// Why a call is not paid for. Nothing was debited then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ChargeError {
    #[error("the balance does not suffice")]
    TooLittle(Ledger),
    #[error("the idempotency key was used for another call")]
    Conflict,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// When keys were used, until it is written down: a write for every call would cost more than the exact minute is
/// worth.
#[derive(Default)]
pub struct KeyUse(Mutex<HashMap<ApiKeyId, Millis>>);

impl KeyUse {
    fn note(&self, key: ApiKeyId, at: Millis) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, at);
    }

    fn take(&self) -> HashMap<ApiKeyId, Millis> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Service {
    /// Who pays for calls with a key. `None` when the key is unknown, revoked or expired, or its owner may not enter or
    /// has not proved the address.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn payer_of_key(&self, key: &KeyText) -> Result<Option<Payer>, Unavailable> {
        let (hash, now) = (sha256(key.as_str()), self.clock.now());
        let found = self.store.read(|tx| api_keys::by_hash(tx, &hash))?;
        let Some(Found { key, account, organization, books }) = found else { return Ok(None) };
        let may_enter = account.is_none_or(|(_, milestones)| milestones.state() == AccountState::Active);
        let Some(organization) = organization.filter(|_| may_enter && key.is_live(now)) else {
            return Ok(None);
        };
        self.key_use.note(key.id, now);
        Ok(Some(Payer {
            account: account.map(|(id, _)| id),
            organization,
            key: Some(key),
            standing: Account::of(books, organization, now),
        }))
    }

    /// Who pays for what a person with a session sees; `None` without an organization.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn payer_of_caller(&self, caller: &Caller) -> Result<Option<Payer>, Unavailable> {
        let Some(place) = &caller.member.organization else { return Ok(None) };
        let standing = self.ledger(place.organization)?;
        let account = Some(caller.member.account.id);
        Ok(Some(Payer { account, organization: place.organization, key: None, standing }))
    }

    /// Takes the cost of a call; tells the balance after it, which is on disk then. A call that costs nothing writes
    /// nothing.
    ///
    /// # Errors
    /// [`ChargeError`]; nothing was debited then.
    pub async fn charge(&self, payer: &Payer, charge: Charge) -> Result<i64, ChargeError> {
        if charge.cost.tokens() == 0 {
            return Ok(payer.standing.ledger.balance());
        }
        let debit = Debit {
            organization: payer.organization,
            key: payer.key.as_ref().map(|key| key.id),
            charge,
            now: self.clock.now(),
        };
        self.store.write(move |tx| debit.commit(tx)).await
    }

    /// Writes down when keys were used since the last time.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn note_key_use(&self) -> Result<(), Unavailable> {
        let used: Vec<(ApiKeyId, Millis)> = self.key_use.take().into_iter().collect();
        for some in used.chunks(NOTED_AT_ONCE) {
            let some = some.to_vec();
            self.store
                .write(move |tx| some.into_iter().try_for_each(|(key, at)| api_keys::touch(tx, key, at)))
                .await?;
        }
        Ok(())
    }
}

struct Debit {
    organization: OrganizationId,
    key: Option<ApiKeyId>,
    charge: Charge,
    now: Millis,
}

impl Debit {
    fn commit(self, tx: &Tx<'_>) -> Result<i64, ChargeError> {
        // Sessions never pay, so whoever can ask again has a key.
        let Some((payer, key)) = self.key.zip(self.charge.idempotency_key.clone()) else {
            return self.take(tx);
        };
        let request_digest = self.digest();
        let debit = Repeatable { payer, key: &key, request_digest: &request_digest };
        match ledgers::claim(tx, debit, self.now)? {
            Some(before) if before.request_digest == request_digest => Ok(before.balance),
            Some(_) => Err(ChargeError::Conflict),
            None => {
                let balance = self.take(tx)?;
                ledgers::remember(tx, payer, &key, balance)?;
                Ok(balance)
            }
        }
    }

    /// Takes the cost and writes the line. A ledger is settled only when it could not be debited as it stands.
    fn take(self, tx: &Tx<'_>) -> Result<i64, ChargeError> {
        let Debit { organization, key, charge, now } = self;
        let debited = match ledgers::debit_if_settled(tx, organization, charge.cost, now)? {
            Some(debited) => debited,
            None => {
                let standing = settle(tx, organization, now)?;
                let debited = ledgers::debit_settled(tx, organization, charge.cost)?;
                debited.ok_or(ChargeError::TooLittle(standing.ledger))?
            }
        };
        let Debited { balance, entry } = debited;
        let entry = LedgerEntry {
            organization,
            number: entry,
            at: now,
            kind: EntryKind::Debit,
            delta: -charge.cost.tokens(),
            balance,
            endpoint: charge.endpoint,
            key,
            detail: charge.request,
        };
        ledgers::note(tx, &entry)?;
        Ok(balance)
    }

    /// What was asked for: the same key for anything else is a mistake.
    fn digest(&self) -> String {
        let endpoint = self.charge.endpoint.as_ref().map_or("", Endpoint::as_str);
        sha256(&format!("{} {endpoint}", self.charge.cost.tokens()))
    }
}
