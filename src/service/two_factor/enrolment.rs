//! Turning second factors on. One that was never confirmed gates nothing (E5).

use crate::model::account::Member;
use crate::model::audit::Deed;
use crate::model::id::ProofId;
use crate::model::proof::Purpose;
use crate::model::two_factor::{Answer, Method, TotpSecret, WRONG_ANSWERS};
use crate::secrets::Use;
use crate::service::authenticate::Caller;
use crate::service::standing;
use crate::service::throttle::spend_mail;
use crate::service::{Service, wait_until};
use crate::store::{Tx, proofs, two_factor};

use super::change::{Asked, FactorError, is_fresh};
use super::{PassError, mailed_for, use_totp};

/// What an authenticator app needs, told once.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// The secret in base 32, to be typed.
    pub secret: String,
    /// The same as an `otpauth:` URI, to be shown as a picture.
    pub uri: String,
    pub recovery_codes: Vec<String>,
}

/// Whose session it is, if they may set this method up: the address is proved, for a stranger may have typed it (A1); the
/// method is not on; and where another one is, this session has passed it lately (E5).
fn may_begin(tx: &Tx<'_>, asked: Asked, method: Method) -> Result<Member, FactorError> {
    let Asked { session, now } = asked;
    let member = standing::member(tx, session, now)?;
    let factors = two_factor::factors(tx, member.account.id)?;
    if member.account.verified_at.is_none() {
        return Err(FactorError::Unverified);
    }
    if factors.enabled.contains(&method) {
        return Err(FactorError::AlreadyOn);
    }
    if !factors.enabled.is_empty() && !is_fresh(tx, session, now)? {
        return Err(FactorError::NotPassed);
    }
    Ok(member)
}

impl Service {
    /// Begins to set up an authenticator app. Asking again replaces what was begun; nothing is on before a code of the
    /// app confirms it.
    ///
    /// # Errors
    /// [`FactorError::AlreadyOn`] or [`FactorError::Standing`].
    pub async fn begin_totp(&self, caller: &Caller) -> Result<Enrolment, FactorError> {
        let asked = self.asked(caller);
        let secret = TotpSecret::of_bytes(self.chance.bytes());
        let codes = self.fresh_codes();
        let account = &caller.member.account;
        let enrolment = Enrolment {
            secret: secret.base32(),
            uri: secret.uri(&self.mailroom.letterhead().app_name, account.email.as_str()),
            recovery_codes: codes.clone(),
        };
        let sealed = self.secrets.seal(Use::Totp, secret.bytes());
        let digests = self.digests(account.id, &codes);
        self.store
            .write(move |tx| {
                let id = may_begin(tx, asked, Method::Totp)?.account.id;
                Ok::<_, FactorError>(two_factor::put_totp(tx, id, &sealed, &digests, asked.now)?)
            })
            .await?;
        Ok(enrolment)
    }

    /// Turns the authenticator app on with a code that it shows.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn confirm_totp(&self, caller: &Caller, answer: Answer) -> Result<(), FactorError> {
        let change = self.change(caller, Deed::SecondFactorOn, true);
        let secrets = self.secrets.clone();
        self.commit(move |tx| {
            let now = change.asked.now;
            let member = may_begin(tx, change.asked, Method::Totp)?;
            let id = member.account.id;
            let Answer::Totp(code) = &answer else { return Ok(Err(FactorError::WrongCode)) };
            let (failures, until) = two_factor::failures(tx, id, now)?;
            if failures >= WRONG_ANSWERS {
                return Ok(Err(PassError::Locked(wait_until(until, now)).into()));
            }
            if !use_totp(tx, &secrets, id, code, now)? {
                two_factor::fail(tx, id, now)?;
                return Ok(Err(FactorError::WrongCode));
            }
            two_factor::adopt_pending_codes(tx, id)?;
            change.turn_on(tx, &member, Method::Totp).map(Ok)
        })
        .await
    }

    /// Begins to set up mailed codes: the first one is mailed.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn begin_mailed_codes(&self, caller: &Caller) -> Result<(), FactorError> {
        let asked = self.asked(caller);
        let now = asked.now;
        let proof: ProofId = self.chance.id(now);
        let mailing = self.code_letter(&caller.member, proof, Purpose::EnrolMail);
        let (subject, limits) = (self.code_subject(caller.member.account.id), self.limits);
        self.store
            .write(move |tx| {
                let id = may_begin(tx, asked, Method::Mail)?.account.id;
                if let Some(at) = spend_mail(tx, &subject, limits, now)? {
                    return Err(FactorError::TooManyLetters(wait_until(at, now)));
                }
                proofs::void(tx, id, Purpose::EnrolMail, now)?;
                proofs::insert(tx, proof, id, Purpose::EnrolMail, now)?;
                Ok(mailing.post(tx, id)?)
            })
            .await?;
        self.bell.ring();
        Ok(())
    }

    /// Turns mailed codes on with the one that was mailed.
    ///
    /// # Errors
    /// [`FactorError`].
    pub async fn confirm_mailed_codes(&self, caller: &Caller, answer: Answer) -> Result<(), FactorError> {
        let change = self.change(caller, Deed::SecondFactorOn, true);
        let secrets = self.secrets.clone();
        self.commit(move |tx| {
            let now = change.asked.now;
            let member = may_begin(tx, change.asked, Method::Mail)?;
            let id = member.account.id;
            let Answer::Mailed(code) = &answer else { return Ok(Err(FactorError::WrongCode)) };
            let (failures, until) = two_factor::failures(tx, id, now)?;
            if failures >= WRONG_ANSWERS {
                return Ok(Err(PassError::Locked(wait_until(until, now)).into()));
            }
            let fitting = mailed_for(tx, &secrets, (id, Purpose::EnrolMail), code, now)?;
            let good = fitting.map_or(Ok(false), |proof| proofs::consume(tx, proof, now))?;
            if !good {
                two_factor::fail(tx, id, now)?;
                return Ok(Err(FactorError::WrongCode));
            }
            change.turn_on(tx, &member, Method::Mail).map(Ok)
        })
        .await
    }
}
