//! Taking an account into one's own hands by its mailbox: what others may have left in it ends.

use crate::model::account::Member;
use crate::model::audit::{Actor, Entry};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, access_tokens, api_keys, audit, devices, proofs, sessions, two_factor};

use super::Service;
use super::proving::{Identities, settle_verified};
use super::register::silence;

/// What it takes to give an account to the reader of its mailbox, made before the transaction.
pub(super) struct Reclaim {
    identities: Identities,
    /// What the audit log says if keys end with it.
    keys_entry: Entry,
    /// And if access tokens do.
    tokens_entry: Entry,
}

impl Service {
    /// Prepares to give a member's account to whoever reads its mailbox.
    pub(super) fn reclaim(&self, member: &Member, actor: Actor) -> Reclaim {
        Reclaim {
            identities: self.identities(&member.account.email),
            keys_entry: self.keys_revoked_entry(member, actor),
            tokens_entry: self.tokens_revoked_entry(member, actor, "all"),
        }
    }
}

impl Reclaim {
    /// The address counts as proved. Every session, pending link and trusted device of the account ends; where the address
    /// was not proved before, so do the keys, access tokens and the second factor of whoever typed it (A1, D2). The password is the
    /// caller's affair.
    pub fn commit(&self, tx: &Tx<'_>, member: &Member, now: Millis) -> Result<(), Unavailable> {
        let id = member.account.id;
        settle_verified(tx, member, &self.identities, now)?;
        proofs::void_all_but_undoing(tx, id, now)?;
        silence(tx, id, now)?;
        sessions::revoke_all(tx, id, None, now)?;
        // Keys, tokens and the second factor of an account that was in use stay: a reset is no way around the latter (D4).
        if member.account.verified_at.is_none() {
            if api_keys::revoke_all(tx, id, now)? > 0 {
                audit::note(tx, &self.keys_entry)?;
            }
            if access_tokens::revoke_all(tx, id, now)? > 0 {
                audit::note(tx, &self.tokens_entry)?;
            }
            two_factor::remove_all(tx, id, now)?;
        }
        devices::remove_all(tx, id)
    }
}
