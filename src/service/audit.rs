//! The audit log. An entry is made before the transaction, for it takes time and chance, and noted inside, so that no
//! change goes without its entry and no entry without its change.

use crate::clock::Chance;
use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry, Recorded};
use crate::model::id::AccountId;
use crate::model::time::Millis;
use crate::store::{Unavailable, audit};

use super::Service;
use super::authenticate::Caller;

/// Entries that somebody is shown of their own.
const OWN_ENTRIES: i64 = 200;

impl Caller {
    /// Who this is in the audit log.
    pub fn actor(&self) -> Actor {
        Actor::Person(self.member.account.id, self.address)
    }
}

/// An entry of this moment about nobody in particular.
pub fn entry(chance: &Chance, now: Millis, actor: Actor, deed: Deed) -> Entry {
    Entry {
        id: chance.id(now),
        at: now,
        actor,
        deed,
        account: None,
        organization: None,
        detail: String::new(),
    }
}

impl Service {
    /// An entry of this moment about nobody in particular.
    pub(super) fn entry(&self, actor: Actor, deed: Deed) -> Entry {
        entry(&self.chance, self.clock.now(), actor, deed)
    }

    /// An entry of this moment about a member.
    pub(super) fn entry_about(&self, member: &Member, actor: Actor, deed: Deed) -> Entry {
        self.entry(actor, deed).about(member)
    }

    /// The latest entries about the caller or by the caller, newest first. Where somebody else called from is their
    /// own affair.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn own_audit(&self, caller: &Caller) -> Result<Vec<Recorded>, Unavailable> {
        let id = caller.member.account.id;
        let entries = self.store.read(|tx| audit::of_account(tx, id, OWN_ENTRIES))?;
        Ok(entries.into_iter().map(|entry| as_shown_to(id, entry)).collect())
    }

    /// The latest entries, newest first: all, or those about an account or by it, which may be gone.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn audit(&self, account: Option<AccountId>, limit: i64) -> Result<Vec<Recorded>, Unavailable> {
        self.store.read(|tx| match account {
            Some(account) => audit::of_account(tx, account, limit),
            None => audit::latest(tx, limit),
        })
    }
}

/// An entry as somebody may see it who is no operator.
pub(super) fn as_shown_to(id: AccountId, entry: Recorded) -> Recorded {
    if entry.actor == Some(id) { entry } else { Recorded { address: String::new(), ..entry } }
}
