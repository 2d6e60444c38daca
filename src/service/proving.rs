//! Mailed secrets: how they are made, found and used up. Shared by all use cases that prove a mailbox.

use std::time::Duration;

use crate::clock::Chance;
use crate::mail::{Contents, Mailroom, Recipient};
use crate::model::account::Member;
use crate::model::id::{AccountId, ProofId};
use crate::model::letter::{Letter, LetterKind};
use crate::model::proof::{CODE_TRIES, INVITATION_LIFE, Proof, Purpose};
use crate::model::time::Millis;
use crate::secrets::{Secrets, Use, link_secret, sha256};
use crate::store::{
    Tx, Unavailable, accounts, invitations, letters, members, organizations, proofs, subscriptions,
};

/// What somebody shows to prove that they read a mailbox. A code alone is nothing: it needs the proof's id or the
/// address beside it.
#[derive(Clone)]
pub enum Evidence {
    /// The secret of a mailed link.
    Link(String),
    /// A mailed code, with the id of its proof.
    CodeOfProof { proof: ProofId, code: String },
    /// A mailed code, with the key of the address it went to.
    CodeOfAddress { email_key: String, code: String },
}

/// A fresh secret for a proof, and the letter that carries it.
pub(super) struct Mailing {
    pub proof: ProofId,
    secret_hash: String,
    code_mac: String,
    pub expires: Millis,
    pub letter: Letter,
}

/// What it takes to make a [`Mailing`].
pub(super) struct Mailer<'a> {
    pub mailroom: &'a Mailroom,
    pub secrets: &'a Secrets,
    pub chance: &'a Chance,
    pub now: Millis,
}

impl Mailer<'_> {
    /// Makes a secret and a code for a proof and writes the letter.
    pub fn prepare(&self, proof: ProofId, purpose: Purpose, to: Recipient<'_>) -> Mailing {
        let Fresh { secret, code, expires } = &self.fresh(purpose.life());
        let contents = match purpose {
            Purpose::Verify => Contents::Verify { secret, code, expires: *expires },
            Purpose::Reset => Contents::Reset { secret, code, expires: *expires },
            Purpose::ChangeAddress => Contents::ChangeAddress { secret, code, expires: *expires },
            // Its code is mailed to nobody, and so is good for nothing.
            Purpose::UndoChange => Contents::AddressChanged { secret, expires: *expires },
            // Its secret is mailed to nobody, and so is good for nothing.
            Purpose::SecondFactor | Purpose::EnrolMail => Contents::LoginCode { code, expires: *expires },
            // Its code is mailed to nobody, and so is good for nothing.
            Purpose::MagicLink => Contents::MagicLink { secret, expires: *expires },
        };
        self.mailing(proof, (secret, code, *expires), self.mailroom.compose(to, contents))
    }

    /// The same for somebody invited into an organization: the secret proves the address, and lives longer.
    pub fn prepare_invitation(&self, proof: ProofId, to: Recipient<'_>, organization: &str) -> Mailing {
        let Fresh { secret, code, expires } = &self.fresh(INVITATION_LIFE);
        let contents = Contents::Invitation { secret, code: Some(code), expires: *expires, organization };
        self.mailing(proof, (secret, code, *expires), self.mailroom.compose(to, contents))
    }

    fn fresh(&self, life: Duration) -> Fresh {
        Fresh {
            secret: link_secret(self.chance),
            code: format!("{:08}", self.chance.below(100_000_000)),
            expires: self.now + life,
        }
    }

    fn mailing(
        &self,
        proof: ProofId,
        (secret, code, expires): (&str, &str, Millis),
        letter: Letter,
    ) -> Mailing {
        let (secret_hash, code_mac) = (sha256(secret), code_mac(self.secrets, proof, code));
        Mailing { proof, secret_hash, code_mac, expires, letter }
    }
}

/// What goes into a letter and is then only known by its digests.
struct Fresh {
    secret: String,
    code: String,
    expires: Millis,
}

impl Mailing {
    /// Notes the secret with its proof and puts the letter into the outbox.
    pub fn post(&self, tx: &Tx<'_>, account: AccountId) -> Result<(), Unavailable> {
        proofs::add_secret(tx, self.proof, &self.secret_hash, &self.code_mac, self.expires)?;
        letters::insert(tx, &self.letter, Some(account))
    }
}

/// By what a mailed code is found.
pub(super) fn code_mac(secrets: &Secrets, proof: ProofId, code: &str) -> String {
    secrets.digest(Use::Code, &format!("{proof}:{code}"))
}

/// Finds the proof that the evidence is good for. A code costs a try whether it is right or not, so what this counts
/// has to be committed: answer "no" with `Ok(None)`, never by undoing the transaction (E1).
pub(super) fn examine(
    tx: &Tx<'_>,
    evidence: &Evidence,
    purpose: Purpose,
    secrets: &Secrets,
    now: Millis,
) -> Result<Option<Proof>, Unavailable> {
    let found = proof_of(tx, evidence, purpose, now)?;
    let code = match evidence {
        Evidence::Link(_) => return Ok(found),
        Evidence::CodeOfProof { code, .. } | Evidence::CodeOfAddress { code, .. } => code,
    };
    let Some(proof) = found.filter(|proof| proof.is_open(now)) else { return Ok(None) };
    if proofs::count_try(tx, proof.account, purpose, now)? > CODE_TRIES {
        return Ok(None);
    }
    let right = proofs::has_code(tx, proof.id, &code_mac(secrets, proof.id, code), now)?;
    Ok(right.then_some(proof))
}

/// The account that evidence speaks of: for a link it is good already, a code is yet to be judged by [`examine`].
pub(super) fn account_of(
    tx: &Tx<'_>,
    evidence: &Evidence,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<Member>, Unavailable> {
    let member = match evidence {
        Evidence::CodeOfAddress { email_key, .. } => accounts::member_by_email(tx, email_key)?,
        Evidence::Link(_) | Evidence::CodeOfProof { .. } => {
            let proof = proof_of(tx, evidence, purpose, now)?;
            proof.map_or(Ok(None), |proof| accounts::member(tx, proof.account))?
        }
    };
    Ok(member.filter(Member::may_enter))
}

/// The proof that evidence speaks of: by a link it is good already, a code is yet to be judged by [`examine`].
pub(super) fn proof_of(
    tx: &Tx<'_>,
    evidence: &Evidence,
    purpose: Purpose,
    now: Millis,
) -> Result<Option<Proof>, Unavailable> {
    match evidence {
        Evidence::Link(secret) => proofs::by_secret(tx, &sha256(secret), purpose, now),
        Evidence::CodeOfProof { proof, .. } => Ok(proofs::find(tx, *proof)?.filter(|p| p.purpose == purpose)),
        Evidence::CodeOfAddress { email_key, .. } => {
            let member = accounts::member_by_email(tx, email_key)?;
            let open = member.map(|member| proofs::latest_open(tx, member.account.id, purpose));
            Ok(open.transpose()?.flatten())
        }
    }
}

/// Marks an account's address as proved, with all that follows from it: its organization's claim on the domain, and
/// the one trial of the mailbox and the domain. `identities` are the keyed digests of mailbox and domain.
pub(super) fn settle_verified(
    tx: &Tx<'_>,
    member: &Member,
    identities: &Identities,
    now: Millis,
) -> Result<(), Unavailable> {
    let account = &member.account;
    proofs::void(tx, account.id, Purpose::Verify, now)?;
    proofs::clear_tries(tx, account.id, Purpose::Verify)?;
    for kind in [LetterKind::Verify, LetterKind::Invitation] {
        letters::drop_waiting(tx, account.id, kind.as_str(), now)?;
    }
    if !accounts::set_verified(tx, account.id, now)? {
        return Ok(());
    }
    invitations::settle(tx, account.id, now)?;
    let Some(place) = &member.organization else { return Ok(()) };
    // A trial belongs to whoever's sign-up made the organization; who was invited into it uses up none.
    let founder = members::is_founder(tx, place.organization, account.id)?;
    let mut first = !founder || subscriptions::give_trial(tx, &identities.mailbox, now)?;
    if let Some((domain, identity)) = &identities.domain {
        first &= if organizations::claim_domain(tx, place.organization, domain)? {
            subscriptions::give_trial(tx, identity, now)?
        } else {
            !founder || !organizations::domain_is_claimed(tx, domain)?
        };
    }
    // The domain it says it has may have been claimed since the sign-up asked (G5).
    first &= !organizations::domain_is_anothers(tx, place.organization)?;
    if first { Ok(()) } else { subscriptions::trial_to_free(tx, place.organization) }
}

/// By what a mailbox and its domain are remembered.
pub(super) struct Identities {
    pub mailbox: String,
    /// The registrable domain and its digest; none where mailboxes are for anybody.
    pub domain: Option<(String, String)>,
}

impl super::Service {
    pub(super) fn identities(&self, email: &crate::model::email::EmailAddress) -> Identities {
        let host = email.domain();
        let domain = host.registrable().filter(|domain| !host.is_free_mail() && !domain.is_free_mail());
        Identities {
            mailbox: self.trial_identity(&email.identity()),
            domain: domain.map(|domain| {
                let digest = self.trial_identity(domain.as_str());
                (domain.as_str().to_owned(), digest)
            }),
        }
    }

    pub(super) fn mailer(&self, now: Millis) -> Mailer<'_> {
        Mailer { mailroom: &self.mailroom, secrets: &self.secrets, chance: &self.chance, now }
    }
}
