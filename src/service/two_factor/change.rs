//! A change of somebody's second factors: who asks for it, whether they may, and who is told.

use crate::model::account::Member;
use crate::model::audit::{Deed, Entry};
use crate::model::id::{AccountId, SessionId};
use crate::model::letter::Letter;
use crate::model::time::{HOUR, Millis};
use crate::model::two_factor::{Answer, FRESH, Method, RECOVERY_CODES, recovery_code};
use crate::secrets::Secrets;
use crate::service::authenticate::Caller;
use crate::service::standing::StandingError;
use crate::service::{Service, Unavailable};
use crate::store::{Tx, audit, letters, two_factor};

use super::{Judged, PassError, Question, recovery_digest};

/// Notices of a kind that an account is mailed within an hour; the audit log has all.
const NOTICES_AN_HOUR: i64 = 4;

/// Why a second factor was not changed. Only counts of wrong answers have changed then.
#[derive(Debug, Clone, thiserror::Error)]
pub enum FactorError {
    #[error("it is on already")]
    AlreadyOn,
    #[error("it is not on")]
    NotOn,
    /// The setup was never begun, or its code is wrong or too old.
    #[error("the code is wrong")]
    WrongCode,
    /// Neither an answer nor a session that passed lately.
    #[error("the second factor has to be passed first")]
    NotPassed,
    #[error("the address is not verified")]
    Unverified,
    #[error(transparent)]
    Pass(#[from] PassError),
    #[error("the address has been sent too many letters")]
    TooManyLetters(std::time::Duration),
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl From<Unavailable> for FactorError {
    fn from(error: Unavailable) -> FactorError {
        FactorError::Standing(error.into())
    }
}

impl Service {
    pub(super) fn fresh_codes(&self) -> Vec<String> {
        (0..RECOVERY_CODES).map(|_| recovery_code(self.chance.bytes())).collect()
    }

    pub(super) fn digests(&self, account: AccountId, codes: &[String]) -> Vec<String> {
        codes.iter().map(|code| recovery_digest(&self.secrets, account, code)).collect()
    }

    pub(super) fn change(&self, caller: &Caller, deed: Deed, on: bool) -> Change {
        Change {
            asked: self.asked(caller),
            entry: self.entry_about(&caller.member, caller.actor(), deed),
            notice: self.factor_notice(&caller.member, on),
        }
    }

    pub(super) fn asked(&self, caller: &Caller) -> Asked {
        Asked { session: caller.session, now: self.clock.now() }
    }

    /// Runs a change whose refusals have to be remembered.
    pub(super) async fn commit<F>(&self, change: F) -> Result<(), FactorError>
    where
        F: FnOnce(&Tx<'_>) -> Result<Result<(), FactorError>, FactorError> + Send + 'static,
    {
        self.store.write(change).await??;
        self.bell.ring();
        Ok(())
    }
}

/// Whether a session has passed the second factor so lately that it may change what guards the account (E5).
pub(in crate::service) fn is_fresh(
    tx: &Tx<'_>,
    session: SessionId,
    now: Millis,
) -> Result<bool, Unavailable> {
    Ok(two_factor::stamp_of(tx, session)?.is_some_and(|at| now.since(at) < FRESH))
}

/// A call about somebody's second factors: in which session, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub session: SessionId,
    pub now: Millis,
}

/// A change of somebody's second factors, made before the transaction.
pub(super) struct Change {
    pub asked: Asked,
    pub entry: Entry,
    notice: Letter,
}

impl Change {
    /// Turns a method on.
    pub fn turn_on(&self, tx: &Tx<'_>, member: &Member, method: Method) -> Result<(), FactorError> {
        let Asked { session, now } = self.asked;
        two_factor::enable(tx, member.account.id, method, now)?;
        two_factor::stamp_session(tx, session, now)?;
        self.note(tx, member)
    }

    /// Notes the change and tells the account's owner.
    pub fn note(&self, tx: &Tx<'_>, member: &Member) -> Result<(), FactorError> {
        audit::note(tx, &self.entry)?;
        let told = letters::count_since(tx, member.account.id, &self.notice.kind, self.asked.now - HOUR)?;
        if told < NOTICES_AN_HOUR {
            Ok(letters::insert(tx, &self.notice, Some(member.account.id))?)
        } else {
            Ok(())
        }
    }
}

impl Asked {
    /// Whether the second factor is passed: now, or lately in this session.
    pub fn ask(
        &self,
        tx: &Tx<'_>,
        secrets: &Secrets,
        member: &Member,
        answer: Option<&Answer>,
    ) -> Result<Result<(), FactorError>, FactorError> {
        match answer {
            Some(answer) => self.judge(tx, secrets, member, answer),
            None => {
                let fresh = is_fresh(tx, self.session, self.now)?;
                Ok(if fresh { Ok(()) } else { Err(FactorError::NotPassed) })
            }
        }
    }

    /// Judges an answer; a right one counts for this session for a while.
    pub fn judge(
        &self,
        tx: &Tx<'_>,
        secrets: &Secrets,
        member: &Member,
        answer: &Answer,
    ) -> Result<Result<(), FactorError>, FactorError> {
        let question = Question { account: member.account.id, answer, ticket: None, now: self.now };
        let judged = question.judge(tx, secrets)?;
        if judged == Judged::Right {
            two_factor::stamp_session(tx, self.session, self.now)?;
        }
        Ok(judged.into_result(self.now).map_err(FactorError::from))
    }
}
