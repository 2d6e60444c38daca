//! Following an invitation: whoever has its link reads the invited mailbox, so the account starts with a proved address,
//! in the inviting organization and with the role that was given.

use std::fmt;
use std::net::IpAddr;

use crate::captcha::Refused;
use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::id::AccountId;
use crate::model::invitation::{Invitation, InvitationSecret, InvitationState};
use crate::model::language::Language;
use crate::model::name::LongName;
use crate::model::password::Password;
use crate::model::permission::Action;
use crate::model::time::Millis;
use crate::secrets::sha256;
use crate::service::proving::{Identities, settle_verified};
use crate::service::{Service, Setback};
use crate::store::accounts::{self, NewAccount};
use crate::store::{Tx, Unavailable, audit, bans, invitations, organizations};

/// Somebody who follows an invitation, in values that cannot be wrong.
#[derive(Debug, Clone)]
pub struct Acceptance {
    pub secret: InvitationSecret,
    /// The address that the account shall have, where it was said: none but the invited one will do.
    pub email: Option<EmailAddress>,
    pub password: Password,
    pub first_name: LongName,
    pub last_name: LongName,
    pub language: Language,
}

/// The answer to a captcha: a type of its own, for a contract calls it by the name that the invitation's secret has.
#[derive(Clone)]
pub enum CaptchaAnswer {
    /// Of a client's request.
    Client(String),
    /// Of the form on our own page.
    Page(String),
}

impl fmt::Debug for CaptchaAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CaptchaAnswer(…)")
    }
}

/// Why nobody came of an invitation. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AcceptError {
    /// Unknown, accepted, revoked or expired; its organization is banned; or who invited may do so no longer.
    #[error("the invitation is not good")]
    NotOpen,
    #[error("the invitation is for another address")]
    OtherAddress,
    #[error("the address belongs to an account")]
    AddressTaken,
    #[error("the domain is banned")]
    DomainBanned,
    #[error("the captcha was not passed")]
    CaptchaRefused,
    #[error(transparent)]
    Setback(#[from] Setback),
}

impl From<Unavailable> for AcceptError {
    fn from(error: Unavailable) -> AcceptError {
        AcceptError::Setback(error.into())
    }
}

impl From<Refused> for AcceptError {
    fn from(_: Refused) -> AcceptError {
        AcceptError::CaptchaRefused
    }
}

/// An invitation as the page that its link leads to tells it.
#[derive(Debug, Clone)]
pub struct ShownInvitation {
    pub invitation: Invitation,
    /// The organization's name.
    pub organization: String,
    /// Whether it can be accepted; else it is one that was.
    pub open: bool,
}

/// The invitation of a secret, if it can be accepted.
fn open(
    tx: &Tx<'_>,
    secret: &InvitationSecret,
    now: Millis,
) -> Result<Option<(Invitation, String)>, Unavailable> {
    let found = invitations::by_secret(tx, &sha256(secret.expose()))?;
    let Some(invitation) = found.filter(|found| found.state(now) == InvitationState::Pending) else {
        return Ok(None);
    };
    if !still_stands(tx, &invitation)? {
        return Ok(None);
    }
    let place = organizations::find(tx, invitation.organization)?;
    Ok(place.filter(|place| place.banned_at.is_none()).map(|place| (invitation, place.name)))
}

/// Whether who invited could still do so: an administrator who is out has left no way back in (B5). The operator always
/// could.
fn still_stands(tx: &Tx<'_>, invitation: &Invitation) -> Result<bool, Unavailable> {
    let Some(inviter) = invitation.inviter else { return Ok(true) };
    let inviter = accounts::member(tx, inviter)?.filter(Member::may_enter);
    let place = inviter.and_then(|member| member.organization);
    Ok(place.is_some_and(|place| {
        place.organization == invitation.organization && place.role.may(Action::Invite(invitation.role))
    }))
}

/// The refusals that need no more than a look: the invitation first, so that a stranger without one learns nothing.
fn refuse(tx: &Tx<'_>, order: &Acceptance, now: Millis) -> Result<Invitation, AcceptError> {
    let (invitation, _) = open(tx, &order.secret, now)?.ok_or(AcceptError::NotOpen)?;
    let key = invitation.email.key();
    if order.email.as_ref().is_some_and(|email| email.key() != key) {
        return Err(AcceptError::OtherAddress);
    }
    if accounts::member_by_email(tx, &key)?.is_some() {
        return Err(AcceptError::AddressTaken);
    }
    if bans::covers(tx, &invitation.email.domain())? {
        return Err(AcceptError::DomainBanned);
    }
    Ok(invitation)
}

impl Service {
    /// What the link of an invitation leads to. Consumes nothing, so scanners and previews do no harm (C3).
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn inspect_invitation(
        &self,
        secret: &InvitationSecret,
    ) -> Result<Option<ShownInvitation>, Unavailable> {
        let now = self.clock.now();
        self.store.read(|tx| {
            if let Some((invitation, organization)) = open(tx, secret, now)? {
                return Ok(Some(ShownInvitation { invitation, organization, open: true }));
            }
            let found = invitations::by_secret(tx, &sha256(secret.expose()))?;
            let accepted = found.filter(|found| found.registered_at.is_some());
            Ok(accepted.map(|invitation| ShownInvitation {
                invitation,
                organization: String::new(),
                open: false,
            }))
        })
    }

    /// Makes the account of who follows an invitation. The captcha is asked after all cheap refusals and before the
    /// costly hash; of many at once one comes through (B3).
    ///
    /// # Errors
    /// [`AcceptError`].
    pub async fn accept_invitation(
        &self,
        order: Acceptance,
        captcha: CaptchaAnswer,
        address: IpAddr,
    ) -> Result<Member, AcceptError> {
        let invitation = self.store.read(|tx| refuse(tx, &order, self.clock.now()))?;
        match captcha {
            CaptchaAnswer::Client(answer) => self.captcha.judge(&answer, address).await?,
            CaptchaAnswer::Page(answer) => self.captcha.judge_page(&answer)?,
        }
        let password_hash = self.hashing.hash(order.password.clone()).await.map_err(Setback::from)?;
        let now = self.clock.now();
        let account = self.chance.id(now);
        let actor = Actor::Person(account, address);
        let created = self.entry(actor, Deed::AccountCreated).detailed("by invitation");
        let entering = Entering {
            identities: self.identities(&invitation.email),
            created: Entry { account: Some(account), organization: Some(invitation.organization), ..created },
            account,
            password_hash,
            order,
            now,
        };
        self.store.write(move |tx| entering.commit(tx)).await
    }
}

/// Everything that an acceptance writes.
struct Entering {
    order: Acceptance,
    account: AccountId,
    password_hash: String,
    identities: Identities,
    /// What the audit log says.
    created: Entry,
    now: Millis,
}

impl Entering {
    fn commit(&self, tx: &Tx<'_>) -> Result<Member, AcceptError> {
        let (order, now) = (&self.order, self.now);
        let invitation = refuse(tx, order, now)?;
        let new = NewAccount {
            id: self.account,
            // Never the text that was sent (A3).
            email: &invitation.email,
            email_identity: &self.identities.mailbox,
            password_hash: Some(&self.password_hash),
            first_name: order.first_name.as_str(),
            last_name: order.last_name.as_str(),
            language: order.language,
            contract: Contract::AppMaker,
            now,
        };
        accounts::insert(tx, &new)?.ok_or(AcceptError::AddressTaken)?;
        organizations::join(tx, self.account, invitation.organization, invitation.role, now)?;
        if !invitations::accept(tx, invitation.id, self.account, now)? {
            return Err(AcceptError::NotOpen);
        }
        audit::note(tx, &self.created)?;
        let missing = || Unavailable::because("an account just inserted is not there");
        let member = accounts::member(tx, self.account)?.ok_or_else(missing)?;
        settle_verified(tx, &member, &self.identities, now)?;
        Ok(accounts::member(tx, self.account)?.ok_or_else(missing)?)
    }
}
