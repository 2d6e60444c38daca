//! Bringing somebody into an organization by an account that waits for them: the mailed link proves the address, and
//! asks for a password where none was given. It stands in the list of [`super::invitation`] with all others.

use crate::mail::Recipient;
use crate::model::account::Member;
use crate::model::audit::Deed;
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::id::AccountId;
use crate::model::invitation::Invitation;
use crate::model::language::Language;
use crate::model::name::PersonName;
use crate::model::organization::Role;
use crate::model::password::Password;
use crate::model::permission::Action;
use crate::model::proof::Purpose;
use crate::store::accounts::{self, NewAccount};
use crate::store::{Unavailable, audit, invitations, organizations, proofs};

use super::authenticate::Caller;
use super::invitation::refuse;
use super::team::{TeamError, caller_now, permit, place_of, recipient, user_of};
use super::throttle::spend_mail;
use super::{Service, Setback, wait_until};

/// Somebody to make an account for.
#[derive(Debug, Clone)]
pub struct NewMember {
    pub email: EmailAddress,
    pub first_name: PersonName,
    pub last_name: PersonName,
    /// None: the mailed page asks for one.
    pub password: Option<Password>,
    pub role: Role,
    /// Whether the letter goes out now.
    pub send: bool,
    pub language: Language,
}

impl Service {
    /// Makes an account in the caller's organization and mails the invitation.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn invite(&self, caller: &Caller, invitation: NewMember) -> Result<Member, TeamError> {
        let place = place_of(&caller.member)?;
        permit(place, Action::Invite(invitation.role))?;
        let organization = place.organization;
        let found = self.store.read(|tx| {
            refuse::<TeamError>(tx, organization, &invitation.email, self.clock.now())?;
            Ok::<_, TeamError>(organizations::find(tx, organization)?)
        })?;
        let name = found.ok_or(TeamError::NoOrganization)?.name;
        let password_hash = match invitation.password.clone() {
            Some(password) => Some(self.hashing.hash(password).await.map_err(Setback::from)?),
            None => None,
        };
        let now = self.clock.now();
        let to = Recipient {
            address: &invitation.email,
            first_name: invitation.first_name.as_str(),
            language: invitation.language,
        };
        let mailing = self.mailer(now).prepare_invitation(self.chance.id(now), to, &name);
        let (id, caller, limits): (AccountId, _, _) = (self.chance.id(now), caller.clone(), self.limits);
        let subject = self.subject(&invitation.email.key());
        let identity = self.identities(&invitation.email).mailbox;
        let entry = self.entry(caller.actor(), Deed::MemberInvited).detailed(invitation.role.name());
        let listed = Invitation {
            id: self.chance.id(now),
            organization,
            email: invitation.email.clone(),
            role: invitation.role,
            inviter: Some(caller.member.account.id),
            account: Some(id),
            expires_at: mailing.expires,
            registered_at: None,
            revoked_at: None,
            created_at: now,
            updated_at: now,
        };
        let member = self
            .store
            .write(move |tx| {
                let (_, place) = caller_now(tx, &caller, now)?;
                permit(&place, Action::Invite(invitation.role))?;
                refuse::<TeamError>(tx, place.organization, &invitation.email, now)?;
                let new = NewAccount {
                    id,
                    email: &invitation.email,
                    email_identity: &identity,
                    password_hash: password_hash.as_deref(),
                    first_name: invitation.first_name.as_str(),
                    last_name: invitation.last_name.as_str(),
                    language: invitation.language,
                    contract: Contract::Flashback,
                    now,
                };
                accounts::insert(tx, &new)?.ok_or(TeamError::AddressTaken)?;
                organizations::join(tx, id, place.organization, invitation.role, now)?;
                let listed = Invitation { organization: place.organization, ..listed };
                invitations::insert(tx, &listed, None)?;
                proofs::insert(tx, mailing.proof, id, Purpose::Verify, now)?;
                if invitation.send {
                    if let Some(at) = spend_mail(tx, &subject, limits, now)? {
                        return Err(TeamError::TooManyLetters(wait_until(at, now)));
                    }
                    mailing.post(tx, id)?;
                }
                let member = accounts::member(tx, id)?.ok_or(TeamError::Unknown)?;
                audit::note(tx, &entry.about(&member))?;
                Ok(member)
            })
            .await?;
        self.bell.ring();
        Ok(member)
    }

    /// Mails an invitation again.
    ///
    /// # Errors
    /// [`TeamError`].
    pub async fn resend_invitation(&self, caller: &Caller, id: AccountId) -> Result<(), TeamError> {
        let place = place_of(&caller.member)?;
        permit(place, Action::Invite(Role::User))?;
        let member = self.find_user(caller, id, true)?;
        let role = member.organization.as_ref().map_or(Role::User, |place| place.role);
        permit(place, Action::Invite(role))?;
        let organization = place.organization;
        let now = self.clock.now();
        let (open, name) = self.store.read(|tx| {
            let open = proofs::latest_open(tx, id, Purpose::Verify)?;
            let found = organizations::find(tx, organization)?;
            Ok::<_, Unavailable>((open, found.map_or_else(String::new, |found| found.name)))
        })?;
        let proof = open.map_or_else(|| self.chance.id(now), |proof| proof.id);
        let mailing = self.mailer(now).prepare_invitation(proof, recipient(&member), &name);
        let (subject, limits) = (self.subject(&member.account.email.key()), self.limits);
        let caller = caller.clone();
        self.store
            .write(move |tx| {
                let (_, place) = caller_now(tx, &caller, now)?;
                let (waiting, role) = user_of(tx, place.organization, id)?;
                permit(&place, Action::Invite(role))?;
                // Its link would be good for nothing.
                if !waiting.may_enter() {
                    return Err(TeamError::Unknown);
                }
                if waiting.account.verified_at.is_some() {
                    return Err(TeamError::AlreadyVerified);
                }
                if let Some(at) = spend_mail(tx, &subject, limits, now)? {
                    return Err(TeamError::TooManyLetters(wait_until(at, now)));
                }
                if proofs::find(tx, mailing.proof)?.is_none() {
                    proofs::insert(tx, mailing.proof, id, Purpose::Verify, now)?;
                }
                invitations::extend(tx, id, mailing.expires, now)?;
                Ok(mailing.post(tx, id)?)
            })
            .await?;
        self.bell.ring();
        Ok(())
    }
}
