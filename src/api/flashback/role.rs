//! What role somebody of one's organization has (read in `profile.rs`, at the path of the profile), and giving another.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Object, OpenApi};

use super::failure::{FamilyB, SENTENCE_ONLY};
use super::{Area, Proven};
use crate::api::body::Body;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_TOKEN, outcomes};
use crate::model::account::Member;
use crate::model::id::AccountId;
use crate::model::organization::Role;
use crate::service::Service;
use crate::service::team::{MemberChange, TeamError};

/// Somebody's role.
#[derive(Object)]
#[oai(rename = "FlashbackRoleAnswer")]
pub struct RoleAnswer {
    /// Always true.
    success: bool,
    data: RoleBody,
}

/// Somebody's role.
#[derive(Object)]
#[oai(rename = "FlashbackRole", rename_all = "camelCase")]
pub struct RoleBody {
    user_id: String,
    /// 0 USER, 1 BILLING, 2 WORKSPACES, 254 ADMINISTRATORS, 255 OWNER.
    org_role: i64,
    org_role_description: String,
    /// The role and all that it contains.
    org_roles: Vec<i64>,
}

impl From<Member> for RoleAnswer {
    fn from(member: Member) -> RoleAnswer {
        let role = role_of(&member);
        let data = RoleBody {
            user_id: member.account.id.to_string(),
            org_role: role.number(),
            org_role_description: role.name().to_owned(),
            org_roles: role.cumulative().into_iter().map(Role::number).collect(),
        };
        RoleAnswer { success: true, data }
    }
}

/// The role of a member; that of nobody in particular for somebody without a place.
pub fn role_of(member: &Member) -> Role {
    member.organization.as_ref().map_or(Role::User, |place| place.role)
}

/// The role to give.
#[derive(Object)]
#[oai(rename = "FlashbackRoleChange", rename_all = "camelCase", example)]
pub struct RoleRequest {
    /// 0 USER, 1 BILLING, 2 WORKSPACES, 254 ADMINISTRATORS, 255 OWNER; at most one's own.
    org_role: i64,
}

impl Example for RoleRequest {
    fn example() -> RoleRequest {
        RoleRequest { org_role: Role::Workspaces.number() }
    }
}

/// The role given.
#[derive(Object)]
#[oai(rename = "FlashbackRoleChangedAnswer")]
pub struct RoleChangedAnswer {
    /// Always true.
    success: bool,
    data: RoleChangedBody,
}

/// The role given.
#[derive(Object)]
#[oai(rename = "FlashbackRoleChanged", rename_all = "camelCase")]
pub struct RoleChangedBody {
    user_id: String,
    previous_role: i64,
    new_role: i64,
    message: String,
}

outcomes!(WriteReply = WriteOutcomes: FamilyB, 200 "The role is given." => RoleChangedAnswer,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "`Invalid role combination`: no such role; the last owner keeps theirs; or the input is faulty."),
    (403, "`EMAIL_NOT_VERIFIED`, or one's own role does not suffice."),
    (404, "`User not found`: unknown, or of another organization."),
]]);

#[derive(Clone)]
pub struct Roles;

#[OpenApi]
impl Roles {
    /// Give somebody a role
    ///
    /// Takes the role WORKSPACES; neither the old nor the new role may be above one's own. The last owner keeps theirs.
    #[oai(
        path = "/user/:userId/role",
        method = "put",
        tag = "Area::Organization",
        operation_id = "flashbackChangeRole"
    )]
    async fn write(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `/organization/users`.
        #[oai(name = "userId")]
        user_id: Path<String>,
        body: Body<RoleRequest>,
    ) -> WriteReply {
        let Some(role) = Role::of_number(body.0.org_role) else { return WriteReply::Failed(no_such_role()) };
        let change = MemberChange { role: Some(role), ..MemberChange::default() };
        let changed = service.change_user(&caller, AccountId::named(&user_id.0), change).await;
        let answer = |(previous, member): (Role, Member)| RoleChangedAnswer {
            success: true,
            data: RoleChangedBody {
                user_id: member.account.id.to_string(),
                previous_role: previous.number(),
                new_role: role_of(&member).number(),
                message: "User role updated successfully".to_owned(),
            },
        };
        changed.map(answer).map_err(Problem::from).into()
    }
}

/// 400 for a number that is no role.
pub fn no_such_role<F: crate::api::problem::Family>() -> Problem<F> {
    Problem::new(StatusCode::BAD_REQUEST, SENTENCE_ONLY, "Invalid role combination")
}

impl From<TeamError> for Problem<FamilyB> {
    fn from(error: TeamError) -> Problem<FamilyB> {
        team_problem(error, "Insufficient permissions to update users")
    }
}

/// What a refusal says on the wire; only the sentence about permissions differs from call to call.
pub fn team_problem<F: crate::api::problem::Family>(error: TeamError, forbidden: &str) -> Problem<F> {
    let say = |status, sentence: &str| Problem::new(status, SENTENCE_ONLY, sentence);
    match error {
        TeamError::NoOrganization => say(StatusCode::FORBIDDEN, "User not associated with any organization"),
        TeamError::Unknown => say(StatusCode::NOT_FOUND, "User not found"),
        TeamError::Forbidden => say(StatusCode::FORBIDDEN, forbidden),
        TeamError::LastOwner => say(StatusCode::BAD_REQUEST, "The last owner cannot lose the role"),
        TeamError::Oneself => say(StatusCode::BAD_REQUEST, "Cannot delete yourself"),
        TeamError::NotRemoved => say(StatusCode::BAD_REQUEST, "User is not deleted"),
        TeamError::AlreadyVerified => say(StatusCode::BAD_REQUEST, "User is already verified"),
        TeamError::AddressTaken => say(StatusCode::BAD_REQUEST, "Email address is already in use"),
        TeamError::AlreadyInvited => say(StatusCode::BAD_REQUEST, "Email address is already invited"),
        TeamError::DomainBanned => say(StatusCode::BAD_REQUEST, "The domain of this email address is banned"),
        TeamError::TooManyLetters(wait) => Problem::rate_limited(wait),
        TeamError::SessionEnded => Problem::unauthorized(),
        TeamError::Setback(setback) => Problem::from(setback),
    }
}
