//! The wire objects of an organization's users, and the shapes of their refusals.

use poem_openapi::Object;
use poem_openapi::types::{Any, Example};
use serde::Serialize;

use crate::api::body::Text;
use crate::api::flashback::failure::SENTENCE_ONLY;
use crate::api::flashback::role::role_of;
use crate::api::problem::{Family, Problem};
use crate::model::account::Member;
use crate::model::email::EmailAddress;
use crate::model::name::PersonName;
use crate::model::organization::Role;

/// A user of the organization.
// `Serialize` too: a list of many is written through it, which makes no tree of it first.
#[derive(Object, Serialize)]
#[serde(rename_all = "camelCase")]
#[oai(rename = "FlashbackOrgUser", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct UserBody {
    id: String,
    email: String,
    /// The first name.
    name: String,
    last_name: String,
    /// Empty for somebody without an organization.
    org_id: String,
    /// 0 USER, 1 BILLING, 2 WORKSPACES, 254 ADMINISTRATORS, 255 OWNER.
    org_role: i64,
    /// Whether the address is proved.
    validated: bool,
    /// When the user was taken out, RFC 3339; absent for who is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    deleted_at: Option<String>,
    org_role_description: String,
    /// The role and all that it contains.
    org_roles: Vec<i64>,
}

impl From<&Member> for UserBody {
    fn from(member: &Member) -> UserBody {
        let (account, role) = (&member.account, role_of(member));
        let place = member.organization.as_ref();
        UserBody {
            id: account.id.to_string(),
            email: account.email.as_str().to_owned(),
            name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            org_id: place.map(|place| place.organization.to_string()).unwrap_or_default(),
            org_role: role.number(),
            validated: account.verified_at.is_some(),
            deleted_at: account.removed_at.map(crate::model::time::Millis::rfc3339),
            org_role_description: role.name().to_owned(),
            org_roles: role.cumulative().into_iter().map(Role::number).collect(),
        }
    }
}

/// A user, and a sentence about what was done.
#[derive(Object)]
#[oai(rename = "FlashbackOrgUserAnswer")]
pub struct UserAnswer {
    /// Always true.
    success: bool,
    data: UserBody,
    message: String,
}

impl UserAnswer {
    /// The user as it is now.
    pub fn new(member: Member, sentence: &str) -> UserAnswer {
        UserAnswer { success: true, data: UserBody::from(&member), message: sentence.to_owned() }
    }
}

/// The users of the organization.
#[derive(Object)]
#[oai(rename = "FlashbackOrgUsers")]
pub struct UsersBody {
    /// Always true.
    success: bool,
    data: Vec<UserBody>,
    total: u64,
}

/// Somebody to bring in.
#[derive(Object)]
#[oai(rename = "FlashbackInviteRequest", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct InviteRequest {
    pub email: Text<EmailAddress>,
    pub first_name: Text<PersonName>,
    pub last_name: Text<PersonName>,
    /// Absent: the mailed page asks for one.
    pub password: Option<String>,
    /// 0 USER when absent; at most one's own.
    pub org_role: Option<i64>,
    /// True when absent. Without a letter, the address is proved through `resend-invitation` later.
    pub send_invite: Option<bool>,
}

impl Example for InviteRequest {
    fn example() -> InviteRequest {
        let fits = "the example obeys its own rules";
        InviteRequest {
            email: Text(EmailAddress::parse("ann.lee@company.com").expect(fits)),
            first_name: Text(PersonName::parse("Ann").expect(fits)),
            last_name: Text(PersonName::parse("Lee").expect(fits)),
            password: None,
            org_role: Some(Role::Workspaces.number()),
            send_invite: None,
        }
    }
}

/// What is to change about a user; absent fields stay.
#[derive(Object)]
#[oai(rename = "FlashbackOrgUserChange", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ChangeUserRequest {
    /// The first name.
    pub name: Option<Text<PersonName>>,
    pub last_name: Option<Text<PersonName>>,
    /// At most one's own.
    pub org_role: Option<i64>,
}

/// The family of listing users: an empty list beside the sentence.
pub enum FamilyList {}

/// What went wrong; the list is always empty.
#[derive(Object)]
#[oai(rename = "FlashbackOrgUsersRefusal")]
pub struct FailureList {
    /// Always false.
    success: bool,
    /// Always empty.
    data: Vec<String>,
    /// Always 0.
    total: u64,
    /// A sentence for people.
    message: String,
    /// A fixed word for programs, where Latchkey itself refuses.
    #[oai(skip_serializing_if_is_none)]
    error_code: Option<String>,
}

impl Family for FamilyList {
    type Body = FailureList;

    fn body(problem: &Problem<FamilyList>) -> FailureList {
        let (message, error_code) = words(problem);
        FailureList { success: false, data: Vec::new(), total: 0, message, error_code }
    }
}

/// The family of changing a user: an empty object beside the sentence.
pub enum FamilyEmpty {}

/// What went wrong; `data` is always an empty object.
#[derive(Object)]
#[oai(rename = "FlashbackOrgUserRefusal")]
pub struct FailureEmpty {
    /// Always false.
    success: bool,
    /// Always an empty object.
    data: Any<serde_json::Value>,
    /// A sentence for people.
    message: String,
    /// A fixed word for programs, where Latchkey itself refuses.
    #[oai(skip_serializing_if_is_none)]
    error_code: Option<String>,
}

impl Family for FamilyEmpty {
    type Body = FailureEmpty;

    fn body(problem: &Problem<FamilyEmpty>) -> FailureEmpty {
        let (message, error_code) = words(problem);
        FailureEmpty { success: false, data: Any(serde_json::json!({})), message, error_code }
    }
}

fn words<F: Family>(problem: &Problem<F>) -> (String, Option<String>) {
    let code = (problem.code != SENTENCE_ONLY).then(|| problem.code.to_owned());
    (problem.message.clone(), code)
}
