//! The profile: the first read, and the first write.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::{FamilyB, SENTENCE_ONLY};
use super::register::choose_password;
use super::role::RoleAnswer;
use super::wire::{MessageBody, message};
use super::{Area, Known, Proven};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::account::Member;
use crate::model::id::AccountId;
use crate::model::name::PersonName;
use crate::model::organization::Role;
use crate::service::Service;
use crate::service::profile::{ProfileChange, ProfileError};

/// The caller's profile.
#[derive(Object)]
#[oai(rename = "FlashbackProfileAnswer")]
pub struct ProfileAnswer {
    /// Always true.
    success: bool,
    data: ProfileBody,
}

/// Who the caller is.
#[derive(Object)]
#[oai(rename = "FlashbackProfile", rename_all = "camelCase")]
pub struct ProfileBody {
    id: String,
    /// The first name.
    name: String,
    last_name: String,
    email: String,
    /// Empty for somebody without an organization.
    org_id: String,
    /// 0 USER, 1 BILLING, 2 WORKSPACES, 254 ADMINISTRATORS, 255 OWNER.
    org_role: i64,
    org_role_description: String,
    /// The role and all that it contains.
    org_roles: Vec<i64>,
    /// Whether the address is proved.
    validated: bool,
    /// Whether logging in takes a second factor.
    mfa_required: bool,
    is_business: bool,
}

impl From<&Member> for ProfileBody {
    fn from(member: &Member) -> ProfileBody {
        let account = &member.account;
        let place = member.organization.as_ref();
        let role = place.map_or(Role::User, |place| place.role);
        ProfileBody {
            id: account.id.to_string(),
            name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            email: account.email.as_str().to_owned(),
            org_id: place.map(|place| place.organization.to_string()).unwrap_or_default(),
            org_role: role.number(),
            org_role_description: role.name().to_owned(),
            org_roles: role.cumulative().into_iter().map(Role::number).collect(),
            validated: account.verified_at.is_some(),
            mfa_required: account.second_factor_at.is_some() || place.is_some_and(|place| place.mfa_enforced),
            is_business: place.is_some_and(|place| place.is_business),
        }
    }
}

/// What is to change; absent fields stay.
#[derive(Object)]
#[oai(rename = "FlashbackProfileChange", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct ChangeRequest {
    /// The first name.
    name: Option<Text<PersonName>>,
    last_name: Option<Text<PersonName>>,
    /// One's own only. Ends all other sessions and mails a notice.
    password: Option<String>,
}

impl Example for ChangeRequest {
    fn example() -> ChangeRequest {
        let name = |text| PersonName::parse(text).map(Text).ok();
        ChangeRequest { name: name("Johnny"), last_name: name("Doe"), password: None }
    }
}

outcomes!(ReadReply = ReadOutcomes: FamilyB, 200 "The caller's profile." => ProfileAnswer,
    [ALWAYS, WITH_TOKEN, &[(404, "`User not found`: the account is gone.")]]);
outcomes!(WriteReply = WriteOutcomes: FamilyB, 200 "Changed." => MessageBody,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "The input is faulty, or the password is another's; `message` says what."),
    (403, "`EMAIL_NOT_VERIFIED` until the address is proved; else the role does not suffice."),
    (404, "`User not found`: unknown, or of another organization."),
]]);

outcomes!(RoleReply = RoleOutcomes: FamilyB, 200 "The role." => RoleAnswer,
[ALWAYS, WITH_PATH, WITH_TOKEN, &[
    (403, "`User not associated with any organization`: the caller has none."),
    (404, "`User not found`: unknown, or of another organization."),
]]);

#[derive(Clone)]
pub struct Profile;

/// Operations of one path stand in one `impl`: the document would keep only the last of two.
#[OpenApi]
impl Profile {
    /// Read one's profile
    ///
    /// Open to unverified accounts too.
    #[oai(path = "/user/profile", method = "get", tag = "Area::Profile", operation_id = "flashbackProfile")]
    async fn read(&self, Known(caller): Known) -> ReadReply {
        ReadReply::Done(ProfileAnswer { success: true, data: ProfileBody::from(&caller.member) })
    }

    /// Read somebody's role
    ///
    /// Of the same organization; open to every member.
    #[oai(path = "/user/:userId", method = "get", tag = "Area::Organization", operation_id = "flashbackRole")]
    async fn role(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `user.id` of the answer to `/user/register`, or `id` of `/organization/users`.
        #[oai(name = "userId")]
        user_id: Path<String>,
    ) -> RoleReply {
        let found = service.find_user(&caller, AccountId::named(&user_id.0), false);
        found.map(RoleAnswer::from).map_err(Problem::from).into()
    }

    /// Change a profile
    ///
    /// One's own names and password, or, with the role WORKSPACES, the names of a member of the same organization whose
    /// role is not above one's own. Blocked until the address is proved.
    #[oai(
        path = "/user/:userId",
        method = "put",
        tag = "Area::Profile",
        operation_id = "flashbackChangeProfile"
    )]
    async fn write(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `user.id` of the answer to `/user/register`, or `data.id` of `/user/profile`.
        #[oai(name = "userId")]
        user_id: Path<String>,
        body: Body<ChangeRequest>,
    ) -> WriteReply {
        let change = match change(body.0) {
            Ok(change) => change,
            Err(problem) => return WriteReply::Failed(problem),
        };
        let changed = service.change_profile(&caller, AccountId::named(&user_id.0), change).await;
        changed.map(|()| message("User updated successfully")).map_err(Problem::from).into()
    }
}

fn change(request: ChangeRequest) -> Result<ProfileChange, Problem<FamilyB>> {
    let password = request.password.map(|text| choose_password("password", &text)).transpose()?;
    Ok(ProfileChange {
        first_name: request.name.map(|name| name.0),
        last_name: request.last_name.map(|name| name.0),
        password,
    })
}

impl From<ProfileError> for Problem<FamilyB> {
    fn from(error: ProfileError) -> Problem<FamilyB> {
        match error {
            ProfileError::Unknown => Problem::new(StatusCode::NOT_FOUND, SENTENCE_ONLY, "User not found"),
            ProfileError::Forbidden => {
                Problem::new(StatusCode::FORBIDDEN, SENTENCE_ONLY, "Insufficient permissions to update users")
            }
            ProfileError::PasswordOfAnother => {
                Problem::new(StatusCode::BAD_REQUEST, SENTENCE_ONLY, "You can change only your own password")
            }
            ProfileError::SecondFactorNeeded => Problem::new(
                StatusCode::FORBIDDEN,
                "MFA_REQUIRED",
                "Pass the second factor first: POST /mfa/verify-login with a code.",
            ),
            ProfileError::SessionEnded => Problem::unauthorized(),
            ProfileError::Setback(setback) => Problem::from(setback),
        }
    }
}
