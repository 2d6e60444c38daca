//! Undoing a change of address from the former mailbox.

use std::net::IpAddr;

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::email::EmailAddress;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::secrets::sha256;
use crate::service::Service;
use crate::service::proving::Mailing;
use crate::service::register::silence;
use crate::store::addresses::{self, NewAddress};
use crate::store::{
    Tx, Unavailable, access_tokens, accounts, api_keys, audit, devices, proofs, sessions, two_factor,
};

use super::{from_to, recipient};

impl Service {
    /// Gives an account its former address back. Whoever changed it knew the password: so that ends too, with every
    /// session, device and pending link, every key and access token of the account made since, and second factors if any was turned on since;
    /// a reset letter goes to the restored address. Lets nobody in, and so works
    /// whatever state the account is in; one that may not enter gets no reset letter. Answers the account as it is now,
    /// or `None` when the link is not good.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn undo_address_change(
        &self,
        secret: &str,
        address: IpAddr,
    ) -> Result<Option<Member>, Unavailable> {
        let (secret_hash, now) = (sha256(secret), self.clock.now());
        let found = self.store.read(|tx| {
            let proof = proofs::by_secret(tx, &secret_hash, Purpose::UndoChange, now)?;
            let Some((account, former)) = proof.and_then(|proof| Some((proof.account, proof.address?)))
            else {
                return Ok(None);
            };
            Ok::<_, Unavailable>(accounts::member(tx, account)?.map(|member| (member, former)))
        })?;
        let Some((member, former)) = found else { return Ok(None) };
        let to = recipient(&member.account, &former);
        let actor = Actor::Person(member.account.id, address);
        let undoing = Undoing {
            secret_hash,
            reset: self.mailer(now).prepare(self.chance.id(now), Purpose::Reset, to),
            identity: self.identities(&former).mailbox,
            entry: self
                .entry_about(&member, actor, Deed::AddressRestored)
                .detailed(from_to(&member.account.email, &former)),
            keys_entry: self
                .entry_about(&member, actor, Deed::ApiKeyRevoked)
                .detailed("those made since the change of address"),
            tokens_entry: self.tokens_revoked_entry(&member, actor, "those made since the change of address"),
            factors_entry: self
                .entry_about(&member, actor, Deed::SecondFactorOff)
                .detailed("turned on since the change of address"),
            former,
            now,
        };
        let restored = self.store.write(move |tx| undoing.commit(tx)).await?;
        self.bell.ring();
        Ok(restored)
    }
}

struct Undoing {
    secret_hash: String,
    former: EmailAddress,
    /// Keyed digest of the former mailbox.
    identity: String,
    reset: Mailing,
    entry: Entry,
    /// What the audit log says where keys end.
    keys_entry: Entry,
    /// What it says where access tokens end.
    tokens_entry: Entry,
    /// What it says where second factors go.
    factors_entry: Entry,
    now: Millis,
}

impl Undoing {
    fn commit(&self, tx: &Tx<'_>) -> Result<Option<Member>, Unavailable> {
        let now = self.now;
        let Some(proof) = proofs::by_secret(tx, &self.secret_hash, Purpose::UndoChange, now)? else {
            return Ok(None);
        };
        let id = proof.account;
        let restored = NewAddress { account: id, email: &self.former, identity: &self.identity };
        // It was kept for the account by the very proof, so nobody else has it.
        if !addresses::set(tx, &restored, now)? || !proofs::consume(tx, proof.id, now)? {
            return Ok(None);
        }
        proofs::void_all_but_undoing(tx, id, now)?;
        addresses::void_undoing_since(tx, id, proof.created_at, now)?;
        silence(tx, id, now)?;
        accounts::clear_password(tx, id, now)?;
        sessions::revoke_all(tx, id, None, now)?;
        devices::remove_all(tx, id)?;
        // Older keys may be at work and stay, as they do after a reset.
        if api_keys::revoke_since(tx, id, proof.created_at, now)? > 0 {
            audit::note(tx, &self.keys_entry)?;
        }
        if access_tokens::revoke_since(tx, id, proof.created_at, now)? > 0 {
            audit::note(tx, &self.tokens_entry)?;
        }
        // A second factor turned on since is the thief's; an older one is the owner's and stays.
        if two_factor::remove_if_newer(tx, id, proof.created_at, now)? {
            audit::note(tx, &self.factors_entry)?;
        }
        audit::note(tx, &self.entry)?;
        let member = accounts::member(tx, id)?;
        if member.as_ref().is_some_and(Member::may_enter) {
            proofs::insert(tx, self.reset.proof, id, Purpose::Reset, now)?;
            self.reset.post(tx, id)?;
        }
        Ok(member)
    }
}
