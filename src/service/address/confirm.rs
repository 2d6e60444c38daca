//! Making a change of address that was asked for.

use std::net::IpAddr;

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::email::EmailAddress;
use crate::model::id::OrganizationId;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::secrets::Secrets;
use crate::service::Service;
use crate::service::profile::void_requests;
use crate::service::proving::{Evidence, Identities, Mailing, examine, proof_of};
use crate::store::addresses::{self, NewAddress, NewAddressProof};
use crate::store::{Tx, Unavailable, accounts, audit, bans, organizations, proofs, sessions, subscriptions};

use super::{from_to, recipient};

impl Service {
    /// Gives an account the address that the evidence proves. Sessions end but the one that asked; resets that were
    /// mailed to the former address are void; that one gets a link by which the change is undone. Answers the account
    /// as it is now, or `None` when the evidence is not good, or the address became somebody else's or was banned
    /// meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn confirm_address(
        &self,
        evidence: Evidence,
        address: IpAddr,
    ) -> Result<Option<Member>, Unavailable> {
        let now = self.clock.now();
        let found = self.store.read(|tx| {
            let proof = proof_of(tx, &evidence, Purpose::ChangeAddress, now)?;
            let Some((account, wanted)) = proof.and_then(|proof| Some((proof.account, proof.address?)))
            else {
                return Ok(None);
            };
            Ok::<_, Unavailable>(accounts::member(tx, account)?.map(|member| (member, wanted)))
        })?;
        let Some((member, new)) = found else { return Ok(None) };
        let old = member.account.email.clone();
        let to = recipient(&member.account, &old);
        let actor = Actor::Person(member.account.id, address);
        let change = Change {
            evidence,
            identities: self.identities(&new),
            undo: self.mailer(now).prepare(self.chance.id(now), Purpose::UndoChange, to),
            entry: self.entry_about(&member, actor, Deed::AddressChanged).detailed(from_to(&old, &new)),
            old,
            new,
            now,
        };
        let secrets = self.secrets.clone();
        // A wrong code must leave its mark, so a refusal is part of the `Ok`.
        let changed = self.store.write(move |tx| change.commit(tx, &secrets)).await?;
        self.bell.ring();
        Ok(changed)
    }
}

struct Change {
    evidence: Evidence,
    old: EmailAddress,
    new: EmailAddress,
    /// Of the new address.
    identities: Identities,
    undo: Mailing,
    entry: Entry,
    now: Millis,
}

impl Change {
    fn commit(&self, tx: &Tx<'_>, secrets: &Secrets) -> Result<Option<Member>, Unavailable> {
        let now = self.now;
        let Some(proof) = examine(tx, &self.evidence, Purpose::ChangeAddress, secrets, now)? else {
            return Ok(None);
        };
        let member = accounts::member(tx, proof.account)?.filter(Member::may_enter);
        // What was prepared holds for these two addresses.
        let as_prepared =
            |member: &Member| member.account.email == self.old && proof.address.as_ref() == Some(&self.new);
        let Some(member) = member.filter(as_prepared) else { return Ok(None) };
        let id = member.account.id;
        let anothers = addresses::holder(tx, &self.new.key(), now)?.is_some_and(|holder| holder != id);
        if anothers || bans::covers(tx, &self.new.domain())? || !proofs::consume(tx, proof.id, now)? {
            return Ok(None);
        }
        let new = NewAddress { account: id, email: &self.new, identity: &self.identities.mailbox };
        if !addresses::set(tx, &new, now)? {
            return Ok(None);
        }
        proofs::clear_tries(tx, id, Purpose::ChangeAddress)?;
        void_requests(tx, id, now)?;
        sessions::revoke_all(tx, id, proof.session, now)?;
        let undo = NewAddressProof {
            id: self.undo.proof,
            account: id,
            purpose: Purpose::UndoChange,
            address: &self.old,
            session: None,
            now,
        };
        addresses::open(tx, &undo)?;
        self.undo.post(tx, id)?;
        self.settle(tx, member.organization.map(|place| place.organization))?;
        audit::note(tx, &self.entry)?;
        accounts::member(tx, id)
    }

    /// The mailbox counts as having had its trial, and the organization's claim on its domain is made, as when an
    /// address is first proved. No change of address leads to another trial (G5).
    fn settle(&self, tx: &Tx<'_>, organization: Option<OrganizationId>) -> Result<(), Unavailable> {
        subscriptions::give_trial(tx, &self.identities.mailbox, self.now)?;
        let (Some(organization), Some((domain, identity))) = (organization, &self.identities.domain) else {
            return Ok(());
        };
        let claimed = organizations::claim_domain(tx, organization, domain)?;
        if claimed && !subscriptions::give_trial(tx, identity, self.now)? {
            subscriptions::trial_to_free(tx, organization)?;
        }
        Ok(())
    }
}
