//! The second factor at the login: asked for once the password is right, and answered with it or in a call of its own.

use std::sync::Arc;
use std::time::Duration;

use crate::model::account::Member;
use crate::model::id::ProofId;
use crate::model::proof::Purpose;
use crate::model::session::Origin;
use crate::model::time::Millis;
use crate::model::two_factor::{Answer, Factors, Method};
use crate::secrets::Secrets;
use crate::service::login::LoginError;
use crate::service::policy::Policy;
use crate::service::proving::Mailing;
use crate::service::throttle::spend_mail;
use crate::service::{Entered, Service, Unavailable, wait_until};
use crate::store::{Tx, accounts, proofs, two_factor};
use crate::tokens::{Claims, TokenKind};

use super::{Challenge, Judged, Question};

/// The second factor of a login, made before the transaction.
pub(in crate::service) struct Checkpoint {
    answer: Option<Answer>,
    ticket: ProofId,
    /// A mailed code, should it be the way that the account prefers.
    mailing: Option<Mailing>,
    secrets: Arc<Secrets>,
    subject: String,
    limits: bool,
    now: Millis,
}

/// Why a login went no further. It has to be remembered.
pub(in crate::service) enum Missed {
    /// No answer was given; the ticket stands for the login so far.
    Unanswered(Box<Ticket>),
    Wrong,
    Locked(Duration),
}

/// A login that lacks its second factor.
pub(in crate::service) struct Ticket {
    proof: ProofId,
    member: Member,
    factors: Factors,
    mailed: bool,
}

impl Service {
    /// Prepares to ask a member for the second factor; none where there is none.
    pub(in crate::service) fn checkpoint(
        &self,
        member: &Member,
        answer: Option<&Answer>,
    ) -> Result<Option<Checkpoint>, Unavailable> {
        if member.account.second_factor_at.is_none() {
            return Ok(None);
        }
        let now = self.clock.now();
        let factors = self.store.read(|tx| two_factor::factors(tx, member.account.id))?;
        let ticket = self.chance.id(now);
        let by_mail = answer.is_none() && factors.primary == Some(Method::Mail);
        Ok(Some(Checkpoint {
            answer: answer.cloned(),
            ticket,
            mailing: by_mail.then(|| self.code_letter(member, ticket, Purpose::SecondFactor)),
            secrets: Arc::clone(&self.secrets),
            subject: self.code_subject(member.account.id),
            limits: self.limits,
            now,
        }))
    }

    /// What somebody is told whose login lacks its second factor.
    pub(in crate::service) fn challenge(&self, policy: &Policy, ticket: Ticket) -> Challenge {
        let now = self.clock.now();
        let expires_at = now + Purpose::SecondFactor.life();
        let token = self.ring.sign(&Claims {
            iss: self.issuer.clone(),
            aud: policy.contract.as_str().to_owned(),
            kind: TokenKind::Mfa,
            token_id: ticket.proof.to_string(),
            user_id: ticket.member.account.id.to_string(),
            email: None,
            org_id: None,
            generation: None,
            iat: now.seconds(),
            exp: expires_at.seconds(),
        });
        Challenge { token, expires_at, member: ticket.member, factors: ticket.factors, mailed: ticket.mailed }
    }

    /// Goes on with a login that lacked its second factor. The ticket dies with a change or reset of the password, as
    /// every open proof does.
    ///
    /// # Errors
    /// [`LoginError::TicketEnded`], or as a login.
    pub async fn finish_login(
        &self,
        policy: &Policy,
        token: &str,
        answer: Answer,
        origin: &Origin,
    ) -> Result<Entered, LoginError> {
        let now = self.clock.now();
        let claims = self.verify_token(token, TokenKind::Mfa, Some(policy.contract))?;
        let ticket: ProofId =
            claims.and_then(|claims| claims.token_id.parse().ok()).ok_or(LoginError::TicketEnded)?;
        let member = self.store.read(|tx| waiting(tx, ticket, now))?.ok_or(LoginError::TicketEnded)?;
        let admission = self.admission(policy, &member, origin)?;
        let may_write = admission.may_write();
        let secrets = Arc::clone(&self.secrets);
        let verdict = self.store.write(move |tx| {
            let Some(member) = waiting(tx, ticket, now)? else { return Ok(Err(LoginError::TicketEnded)) };
            let question =
                Question { account: member.account.id, answer: &answer, ticket: Some(ticket), now };
            match question.judge(tx, &secrets)? {
                Judged::Right => {}
                Judged::Wrong => return Ok(Err(LoginError::SecondFactorWrong)),
                Judged::Locked(until) => {
                    return Ok(Err(LoginError::SecondFactorLocked(wait_until(until, now))));
                }
            }
            if !proofs::consume(tx, ticket, now)? {
                return Ok(Err(LoginError::TicketEnded));
            }
            Ok::<_, Unavailable>(Ok(admission.admit(tx, member, true)?))
        });
        let admitted = verdict.await??;
        if may_write {
            self.bell.ring();
        }
        Ok(self.entered(admitted))
    }
}

/// Whose login a ticket stands for, while it is good.
fn waiting(tx: &Tx<'_>, ticket: ProofId, now: Millis) -> Result<Option<Member>, Unavailable> {
    let open = proofs::find(tx, ticket)?
        .filter(|proof| proof.purpose == Purpose::SecondFactor && proof.is_open(now));
    let member = open.map_or(Ok(None), |proof| accounts::member(tx, proof.account))?;
    Ok(member.filter(Member::may_enter))
}

impl Checkpoint {
    /// Lets pass who gave the right answer. Without an answer the login so far is kept as a ticket, and where the account
    /// prefers it a code is mailed, unless the address has been sent too much.
    pub fn pass(&self, tx: &Tx<'_>, member: &Member) -> Result<Result<(), Missed>, Unavailable> {
        let account = member.account.id;
        if let Some(answer) = &self.answer {
            let question = Question { account, answer, ticket: None, now: self.now };
            return Ok(match question.judge(tx, &self.secrets)? {
                Judged::Right => Ok(()),
                Judged::Wrong => Err(Missed::Wrong),
                Judged::Locked(until) => Err(Missed::Locked(wait_until(until, self.now))),
            });
        }
        proofs::insert(tx, self.ticket, account, Purpose::SecondFactor, self.now)?;
        proofs::extend(tx, self.ticket, self.now + Purpose::SecondFactor.life())?;
        let mut mailed = false;
        if let Some(mailing) = &self.mailing
            && spend_mail(tx, &self.subject, self.limits, self.now)?.is_none()
        {
            mailing.post(tx, account)?;
            mailed = true;
        }
        let factors = two_factor::factors(tx, account)?;
        let ticket = Ticket { proof: self.ticket, member: member.clone(), factors, mailed };
        Ok(Err(Missed::Unanswered(Box::new(ticket))))
    }
}
