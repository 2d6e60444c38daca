//! Invitations: somebody is asked into an organization, at one address and with one role. Not to be mistaken for invite
//! codes, which are the installation's and bound to nobody.

use std::fmt;
use std::time::Duration;

use super::email::EmailAddress;
use super::id::{AccountId, InvitationId, OrganizationId};
use super::organization::Role;
use super::time::{DAY, Millis};

/// The longest that an invitation may be good (contracts/appmaker.md section 2).
pub const LONGEST_LIFE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// The secret of an invitation's link, as somebody showed it. `Debug` prints no part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct InvitationSecret(String);

impl InvitationSecret {
    /// Takes whatever was shown: what is no secret of ours is found nowhere.
    pub fn shown(text: &str) -> InvitationSecret {
        InvitationSecret(text.to_owned())
    }

    /// The text to look it up by.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for InvitationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InvitationSecret(…)")
    }
}

/// An invitation as the database holds it: without its secret.
#[derive(Debug, Clone)]
pub struct Invitation {
    pub id: InvitationId,
    pub organization: OrganizationId,
    /// Where the letter goes, and the only address that can accept.
    pub email: EmailAddress,
    pub role: Role,
    /// None is the operator, or somebody since erased.
    pub inviter: Option<AccountId>,
    /// The account that waits for its address to be proved, or that came of the invitation.
    pub account: Option<AccountId>,
    /// The first moment at which it is no longer good.
    pub expires_at: Millis,
    pub registered_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
    pub created_at: Millis,
    pub updated_at: Millis,
}

/// What has become of an invitation, computed from its dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationState {
    Pending,
    Registered,
    Revoked,
    Expired,
}

impl InvitationState {
    /// The word for operators and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            InvitationState::Pending => "pending",
            InvitationState::Registered => "registered",
            InvitationState::Revoked => "revoked",
            InvitationState::Expired => "expired",
        }
    }
}

impl Invitation {
    /// The state at `now`. Who has registered stays so, whatever came after.
    pub fn state(&self, now: Millis) -> InvitationState {
        if self.registered_at.is_some() {
            InvitationState::Registered
        } else if self.revoked_at.is_some() {
            InvitationState::Revoked
        } else if now >= self.expires_at {
            InvitationState::Expired
        } else {
            InvitationState::Pending
        }
    }
}

/// What invitations can be put in order by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationField {
    Id,
    Email,
    ExpiresAt,
    CreatedAt,
    UpdatedAt,
}

/// In which order invitations are listed; those alike by their ids, in the same direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvitationOrder {
    pub by: InvitationField,
    pub descending: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::RawId;

    #[test]
    fn the_state_follows_from_the_dates() {
        let id = RawId::new(0, [1; 8]);
        let invitation = Invitation {
            id: InvitationId(id),
            organization: OrganizationId(id),
            email: EmailAddress::parse("ann@x.org").expect("an address"),
            role: Role::User,
            inviter: None,
            account: None,
            expires_at: Millis(100),
            registered_at: None,
            revoked_at: None,
            created_at: Millis(0),
            updated_at: Millis(0),
        };
        let (past, none) = (Some(Millis(50)), None);
        let rows = [
            ("fresh", none, none, 99, InvitationState::Pending),
            ("at its end", none, none, 100, InvitationState::Expired),
            ("revoked", none, past, 99, InvitationState::Revoked),
            ("revoked, and past its end", none, past, 100, InvitationState::Revoked),
            ("registered, and past its end", past, none, 100, InvitationState::Registered),
            ("taken out, taken back in, and registered", past, past, 100, InvitationState::Registered),
        ];
        for (what, registered_at, revoked_at, now, state) in rows {
            let invitation = Invitation { registered_at, revoked_at, ..invitation.clone() };
            assert_eq!(invitation.state(Millis(now)), state, "{what}");
        }
    }
}
