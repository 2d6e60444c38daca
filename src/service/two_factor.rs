//! The second factor: asking for it at every login, whichever contract it comes through, and judging the answer.

pub mod change;
pub mod enrolment;
pub mod login;
pub mod removal;

use std::time::Duration;

use crate::mail::{Contents, Recipient};
use crate::model::account::Member;
use crate::model::id::{AccountId, ProofId};
use crate::model::letter::Letter;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::model::two_factor::{Answer, Factors, Method, TotpSecret, WRONG_ANSWERS};
use crate::secrets::{Secrets, Use};
use crate::store::{Tx, Unavailable, proofs, two_factor};

use super::authenticate::Caller;
use super::proving::{Mailing, code_mac};
use super::{Service, wait_until};

/// What a login still lacks: somebody knows the password, and has to answer for the second factor.
#[derive(Debug, Clone)]
pub struct Challenge {
    /// A signed token that stands for the login so far, good for [`Purpose::SecondFactor`]'s life.
    pub token: String,
    pub expires_at: Millis,
    pub member: Member,
    pub factors: Factors,
    /// Whether a code was mailed.
    pub mailed: bool,
}

/// How an answer was judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    Right,
    Wrong,
    /// Too many were wrong, until then.
    Locked(Millis),
}

/// Why the second factor was not passed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PassError {
    #[error("the answer is wrong")]
    Wrong,
    #[error("too many wrong answers")]
    Locked(Duration),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Judged {
    fn into_result(self, now: Millis) -> Result<(), PassError> {
        match self {
            Judged::Right => Ok(()),
            Judged::Wrong => Err(PassError::Wrong),
            Judged::Locked(until) => Err(PassError::Locked(wait_until(until, now))),
        }
    }
}

/// An answer to be judged.
pub(super) struct Question<'a> {
    pub account: AccountId,
    pub answer: &'a Answer,
    /// The login that a mailed code has to belong to; the latest one when none is named.
    pub ticket: Option<ProofId>,
    pub now: Millis,
}

impl Question<'_> {
    /// Judges an answer. One budget of wrong ones serves every path (E2), and what was used cannot be used again (E3);
    /// both have to be committed, whatever comes of it.
    pub fn judge(&self, tx: &Tx<'_>, secrets: &Secrets) -> Result<Judged, Unavailable> {
        let (failures, until) = two_factor::failures(tx, self.account, self.now)?;
        if failures >= WRONG_ANSWERS {
            return Ok(Judged::Locked(until));
        }
        let factors = two_factor::factors(tx, self.account)?;
        let is_right = match self.answer {
            Answer::Totp(code) => {
                factors.enabled.contains(&Method::Totp)
                    && use_totp(tx, secrets, self.account, code, self.now)?
            }
            Answer::Mailed(code) => {
                factors.enabled.contains(&Method::Mail) && self.mailed(tx, secrets, code)?
            }
            Answer::Recovery(code) => {
                let digest = recovery_digest(secrets, self.account, code);
                !factors.enabled.is_empty()
                    && two_factor::use_recovery_code(tx, self.account, &digest, self.now)?
            }
            Answer::Nonsense => false,
        };
        if !is_right {
            two_factor::fail(tx, self.account, self.now)?;
        }
        Ok(if is_right { Judged::Right } else { Judged::Wrong })
    }

    fn mailed(&self, tx: &Tx<'_>, secrets: &Secrets, code: &str) -> Result<bool, Unavailable> {
        if let Some(ticket) = self.ticket {
            // It is used up by the login that it stands for.
            return proofs::has_code(tx, ticket, &code_mac(secrets, ticket, code), self.now);
        }
        // Any login that waits may be meant: one begun later must not make the code in hand worthless.
        let fitting = mailed_for(tx, secrets, (self.account, Purpose::SecondFactor), code, self.now)?;
        fitting.map_or(Ok(false), |proof| proofs::consume(tx, proof, self.now))
    }
}

/// The open proof of an account that a mailed code fits. The budget of wrong answers is the caller's to count.
fn mailed_for(
    tx: &Tx<'_>,
    secrets: &Secrets,
    (account, purpose): (AccountId, Purpose),
    code: &str,
    now: Millis,
) -> Result<Option<ProofId>, Unavailable> {
    for proof in proofs::open(tx, account, purpose, now)? {
        if proofs::has_code(tx, proof, &code_mac(secrets, proof, code), now)? {
            return Ok(Some(proof));
        }
    }
    Ok(None)
}

/// Whether a code is of the shared secret and of a step that was not used before; uses the step up.
fn use_totp(
    tx: &Tx<'_>,
    secrets: &Secrets,
    account: AccountId,
    code: &str,
    now: Millis,
) -> Result<bool, Unavailable> {
    let Some(sealed) = two_factor::totp(tx, account)? else { return Ok(false) };
    let secret = secrets.open(Use::Totp, &sealed).map_err(Unavailable::because)?;
    let secret =
        TotpSecret::of_stored(&secret).ok_or_else(|| Unavailable::because("a TOTP secret is malformed"))?;
    match secret.step_of(code, now) {
        Some(step) => two_factor::use_step(tx, account, step),
        None => Ok(false),
    }
}

/// By what a recovery code is found: keyed, for it is too short to be hashed bare.
fn recovery_digest(secrets: &Secrets, account: AccountId, code: &str) -> String {
    secrets.digest(Use::RecoveryCode, &format!("{account}:{code}"))
}

impl Service {
    /// What the caller has turned on.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn factors(&self, caller: &Caller) -> Result<Factors, Unavailable> {
        self.store.read(|tx| two_factor::factors(tx, caller.member.account.id))
    }

    /// Under what the codes mailed to an account are counted: only who knows the password can cause one, so strangers who
    /// use up the address's own budget keep nobody out (H6).
    fn code_subject(&self, account: AccountId) -> String {
        self.subject(&format!("codes of {account}"))
    }

    /// A fresh code for a login, with its letter.
    fn code_letter(&self, member: &Member, proof: ProofId, purpose: Purpose) -> Mailing {
        self.mailer(self.clock.now()).prepare(proof, purpose, recipient(member))
    }

    /// Word to the owner of an account that a second factor was turned on or off.
    fn factor_notice(&self, member: &Member, on: bool) -> Letter {
        self.mailroom.compose(recipient(member), if on { Contents::FactorOn } else { Contents::FactorOff })
    }
}

fn recipient(member: &Member) -> Recipient<'_> {
    let account = &member.account;
    Recipient { address: &account.email, first_name: &account.first_name, language: account.language }
}
