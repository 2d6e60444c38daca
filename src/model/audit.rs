//! The audit log: who did what to whom, and from where.

use std::net::IpAddr;
use std::time::Duration;

use super::account::Member;
use super::id::{AccountId, AuditId, OrganizationId, SessionId};
use super::time::{DAY, Millis};

/// How long an entry is kept: a year, and what it takes to look back on one.
pub const AUDIT_LIFE: Duration = Duration::from_secs(400 * DAY.as_secs());

/// Who did it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// Somebody by a call, with the network address it came from.
    Person(AccountId, IpAddr),
    /// Somebody at the command line.
    Operator,
    /// The server by itself.
    System,
}

impl Actor {
    /// The word in the log.
    pub fn kind(self) -> &'static str {
        match self {
            Actor::Person(..) => "person",
            Actor::Operator => "operator",
            Actor::System => "system",
        }
    }
}

macro_rules! deeds {
    ($($(#[$doc:meta])* $name:ident = $word:literal)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Deed {
            $($(#[$doc])* $name,)*
        }

        impl Deed {
            /// All of them.
            pub const ALL: &[Deed] = &[$(Deed::$name),*];

            /// The word in the log.
            pub fn word(self) -> &'static str {
                match self {
                    $(Deed::$name => $word,)*
                }
            }
        }
    };
}

deeds! {
    AccountCreated = "account.created"
    /// "This was not me": the owner of the address removed the account.
    AccountDisowned = "account.disowned"
    /// Removed, for its address was never proved.
    AccountExpired = "account.expired"
    AccountDeactivated = "account.deactivated"
    AccountActivated = "account.activated"
    AccountBanned = "account.banned"
    AccountUnbanned = "account.unbanned"
    AccountErased = "account.erased"
    AddressVerified = "address.verified"
    /// Another address was asked for.
    AddressRequested = "address.requested"
    AddressChanged = "address.changed"
    /// A change was undone from the former mailbox.
    AddressRestored = "address.restored"
    PasswordChosen = "password.chosen"
    PasswordChanged = "password.changed"
    PasswordReset = "password.reset"
    /// Somebody was brought into an organization.
    MemberInvited = "member.invited"
    InvitationRevoked = "invitation.revoked"
    /// Somebody was taken out of an organization.
    MemberRemoved = "member.removed"
    /// Somebody was taken back in.
    MemberRestored = "member.restored"
    RoleChanged = "role.changed"
    /// A session was ended from another.
    SessionEnded = "session.ended"
    /// The oldest session made room for a login past the contract's limit.
    SessionEvicted = "session.evicted"
    /// All other sessions were ended from one.
    SessionsEnded = "sessions.ended"
    /// An old refresh token turned up again, so the session ended.
    SessionReused = "session.reused"
    DeviceTrusted = "device.trusted"
    DeviceUntrusted = "device.untrusted"
    DeviceRemoved = "device.removed"
    SubscriptionStarted = "subscription.started"
    SubscriptionCanceled = "subscription.canceled"
    /// Somebody changed what clients keep for them.
    SettingsChanged = "settings.changed"
    /// Somebody changed what clients keep for the organization.
    OrganizationSettingsChanged = "organization-settings.changed"
    OrganizationBanned = "organization.banned"
    OrganizationUnbanned = "organization.unbanned"
    DomainBanned = "domain.banned"
    DomainUnbanned = "domain.unbanned"
    KeysRotated = "keys.rotated"
    ApiKeyCreated = "api-key.created"
    ApiKeyRevoked = "api-key.revoked"
    /// Another took the place of the one before.
    ApiKeyRotated = "api-key.rotated"
    AccessTokenCreated = "access-token.created"
    AccessTokenRevoked = "access-token.revoked"
    InviteCodeCreated = "invite-code.created"
    InviteCodeRevoked = "invite-code.revoked"
    TokensCredited = "tokens.credited"
    /// Tokens for having brought in somebody that subscribed.
    ReferralRewarded = "referral.rewarded"
    SecondFactorOn = "second-factor.on"
    SecondFactorOff = "second-factor.off"
    /// Members of an organization must, or need no longer, have one.
    SecondFactorEnforced = "second-factor.enforced"
    RecoveryCodesMade = "recovery-codes.made"
}

impl Deed {
    /// Those whose detail names mail addresses.
    pub const OF_ADDRESSES: [Deed; 3] = [Deed::AddressRequested, Deed::AddressChanged, Deed::AddressRestored];
}

/// An entry about to be written.
#[derive(Debug, Clone)]
pub struct Entry {
    pub id: AuditId,
    pub at: Millis,
    pub actor: Actor,
    pub deed: Deed,
    pub account: Option<AccountId>,
    pub organization: Option<OrganizationId>,
    /// More about it, never a secret and nothing of a person, for it outlives their erasure. The exceptions go with the
    /// account: the mail addresses of [`Deed::OF_ADDRESSES`], and the keys of settings, which are of a client's choice.
    pub detail: String,
}

impl Entry {
    /// The same, about a member.
    pub fn about(self, member: &Member) -> Entry {
        let organization = member.organization.as_ref().map(|place| place.organization);
        Entry { account: Some(member.account.id), organization, ..self }
    }

    /// The same, with more about it.
    pub fn detailed(self, detail: impl ToString) -> Entry {
        Entry { detail: detail.to_string(), ..self }
    }

    /// The same, about this session.
    pub fn of_session(self, session: SessionId) -> Entry {
        self.detailed(format_args!("session {session}"))
    }
}

/// An entry as it is read: its words may be those of a newer version.
#[derive(Debug, Clone)]
pub struct Recorded {
    pub id: AuditId,
    pub at: Millis,
    pub actor_kind: String,
    pub actor: Option<AccountId>,
    pub account: Option<AccountId>,
    pub organization: Option<OrganizationId>,
    pub action: String,
    /// Empty where there is none.
    pub address: String,
    pub detail: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_deeds_share_a_word() {
        let mut words: Vec<&str> = Deed::ALL.iter().map(|deed| deed.word()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Deed::ALL.len());
    }
}
