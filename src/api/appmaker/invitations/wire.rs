//! What travels when invitations are managed.

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::appmaker::failure::Sentences;
use crate::api::appmaker::wire::{DateTime, role_named};
use crate::api::body::{Text, TextValue};
use crate::api::problem::Problem;
use crate::api::values::Moment;
use crate::model::email::EmailAddress;
use crate::model::fault::{Fault, Rule};
use crate::model::invitation::{Invitation, LONGEST_LIFE};
use crate::model::language::Language;
use crate::model::organization::Role;
use crate::model::time::{DAY, Millis};
use crate::service::invitation::InvitationWish;

/// Somebody to invite. Organization and inviter come from path and session.
#[derive(Object)]
#[oai(rename = "AppMakerInvitationRequest", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct InvitationRequest {
    /// Where the letter goes, and the only address that can accept.
    email: Text<EmailAddress>,
    /// Names or ids of roles, of which the highest counts, for it contains the others; at most one's own. `USER` when
    /// absent or empty.
    #[oai(validator(max_items = 5))]
    roles: Option<Vec<String>>,
    /// Until when the invitation is good: a moment in RFC 3339 or a date, to come and at most 30 days ahead.
    validated_at: Text<Moment>,
}

impl Example for InvitationRequest {
    fn example() -> InvitationRequest {
        let fits = "the example obeys its own rules";
        InvitationRequest {
            email: Text(EmailAddress::parse("jane.doe@example.com").expect(fits)),
            roles: Some(vec![Role::User.name().to_owned()]),
            validated_at: Text(Moment::parse("2027-01-31T12:00:00Z").expect(fits)),
        }
    }
}

impl InvitationRequest {
    /// What is wished, or all that is wrong with it.
    pub fn wish(self, language: Language, now: Millis) -> Result<InvitationWish, Problem<Sentences>> {
        let mut faults = Vec::new();
        let named: Option<Vec<Role>> = self.roles.iter().flatten().map(|text| role_named(text)).collect();
        if named.is_none() {
            let names = Role::ALL.map(|role| role.name().to_owned());
            faults.push(Fault::new("roles", Rule::OneOf(names.into())));
        }
        let expires_at = self.validated_at.0.1;
        if expires_at <= now {
            faults.push(Fault::new("validatedAt", Rule::Future));
        } else if expires_at > now + LONGEST_LIFE {
            let days = LONGEST_LIFE.as_secs() / DAY.as_secs();
            faults.push(Fault::new("validatedAt", Rule::WithinDays(days)));
        }
        match named.filter(|_| faults.is_empty()) {
            Some(named) => Ok(InvitationWish {
                email: self.email.0,
                role: named.into_iter().max().unwrap_or(Role::User),
                expires_at,
                language,
            }),
            None => Err(Problem::invalid_input(&faults)),
        }
    }
}

/// An invitation.
#[derive(Object)]
#[oai(rename = "AppMakerInvitation", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct InvitationBody {
    #[oai(rename = "_id")]
    id: String,
    email: String,
    /// Always masked: the secret is in the letter alone.
    token: String,
    /// The id of the organization.
    organization: String,
    /// The id of who invited; absent where the operator did, or the account is erased.
    user: Option<String>,
    // No description: beside a reference, generators of clients stumble over it.
    registered: Option<RegisteredBody>,
    /// `pending`, `registered`, `revoked` or `expired`.
    status: String,
    /// Until when it is good.
    validated_at: DateTime,
    created_at: DateTime,
    updated_at: DateTime,
}

/// Who came of an invitation, and when; absent until somebody has accepted.
#[derive(Object)]
#[oai(rename = "AppMakerInvitationRegistered", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct RegisteredBody {
    completed_at: DateTime,
    /// The id of the account.
    user: Option<String>,
}

/// What stands for a secret that nobody is told.
const MASKED: &str = "********";

impl InvitationBody {
    /// The invitation as it is now.
    pub fn of(invitation: &Invitation, now: Millis) -> InvitationBody {
        let registered = invitation.registered_at.map(|at| RegisteredBody {
            completed_at: DateTime(at),
            user: invitation.account.map(|account| account.to_string()),
        });
        InvitationBody {
            id: invitation.id.to_string(),
            email: invitation.email.as_str().to_owned(),
            token: MASKED.to_owned(),
            organization: invitation.organization.to_string(),
            user: invitation.inviter.map(|inviter| inviter.to_string()),
            registered,
            status: invitation.state(now).as_str().to_owned(),
            validated_at: DateTime(invitation.expires_at),
            created_at: DateTime(invitation.created_at),
            updated_at: DateTime(invitation.updated_at),
        }
    }
}
