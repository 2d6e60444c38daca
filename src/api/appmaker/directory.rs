//! `GET /organizations/{id}/users` and `/roles`: who is in an organization, for its administrators.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::{Path, Query};
use poem_openapi::{Object, OpenApi};

use super::Area;
use super::access::Shown;
use super::failure::{Sentences, refused};
use super::page::{Page, order_of, paging};
use super::wire::{UserBody, role_id, role_named};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_TOKEN, outcomes};
use crate::model::access_token::Privilege;
use crate::model::account::Member;
use crate::model::directory::{UserField, UserFilter, UserOrder};
use crate::model::id::OrganizationId;
use crate::model::organization::Role;
use crate::service::Service;
use crate::service::directory::Search;
use crate::service::team::TeamError;

/// A user of the organization, with the role.
#[derive(Object)]
#[oai(rename = "AppMakerOrganizationUser", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct OrganizationUser {
    #[oai(flatten)]
    user: UserBody,
    /// The names of the role and of all that it contains, the least first.
    roles: Vec<String>,
}

impl From<Member> for OrganizationUser {
    fn from(member: Member) -> OrganizationUser {
        let roles = member.organization.as_ref().map(|place| place.role.cumulative()).unwrap_or_default();
        let roles = roles.into_iter().map(|role| role.name().to_owned()).collect();
        OrganizationUser { user: UserBody::from(&member), roles }
    }
}

/// A role: one of the built-in five. A higher level contains the lower ones.
#[derive(Object)]
#[oai(rename = "AppMakerRole")]
pub struct RoleBody {
    /// The same in every organization.
    #[oai(rename = "_id")]
    id: String,
    /// `USER`, `BILLING`, `WORKSPACES`, `ADMINISTRATORS` or `OWNER`.
    name: String,
    /// 0, 1, 2, 254 or 255.
    level: i64,
}

impl From<Role> for RoleBody {
    fn from(role: Role) -> RoleBody {
        RoleBody { id: role_id(role), name: role.name().to_owned(), level: role.number() }
    }
}

const FAULTY: Status = (400, "Which parameters are wrong.");
const FORBIDDEN: Status = (
    403,
    "Another organization, known or not; a role below ADMINISTRATORS; an access token without the privilege \
    `list-users`; or the organization asks for a second factor that the caller has yet to set up.",
);

outcomes!(UsersReply = UsersOutcomes: Sentences, 200 "The page." => Page<OrganizationUser>,
    [ALWAYS, WITH_TOKEN, &[FAULTY, FORBIDDEN]]);
outcomes!(RolesReply = RolesOutcomes: Sentences, 200 "The page." => Page<RoleBody>,
    [ALWAYS, WITH_TOKEN, &[FAULTY, FORBIDDEN]]);

#[derive(Clone)]
pub struct Directory;

#[OpenApi]
impl Directory {
    /// List users
    ///
    /// Those of the caller's organization, those taken out of it too. Takes the role ADMINISTRATORS; of an access token
    /// the privilege `list-users`.
    #[oai(
        path = "/organizations/:id/users",
        method = "get",
        tag = "Area::Organization",
        operation_id = "appmakerUsers"
    )]
    #[expect(clippy::too_many_arguments, reason = "each is a parameter that the contract publishes")]
    async fn users(
        &self,
        service: Data<&Arc<Service>>,
        shown: Shown,
        /// `organization` of `GET /me`.
        id: Path<String>,
        /// A part of the address, in whatever case.
        #[oai(validator(max_length = 254))]
        username: Query<Option<String>>,
        /// 1 for active users, 0 for the others.
        #[oai(validator(minimum(value = "0"), maximum(value = "1")))]
        status: Query<Option<i64>>,
        /// The name or the id of a role; those of this very role are listed.
        role: Query<Option<String>>,
        /// `_id`, `username`, `firstName`, `lastName`, `status`, `role`, `lastLoginAt`, `createdAt` or `updatedAt`, with
        /// `-` before it for the greatest first; `_id` when absent.
        sort: Query<Option<String>>,
        /// Items a page; 10 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<i64>>,
        /// From 1 on; 1 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
        page: Query<Option<i64>>,
    ) -> UsersReply {
        let caller = match shown.with(Privilege::ListUsers) {
            Ok(caller) => caller,
            Err(error) => return UsersReply::Failed(Problem::of_guard(&error)),
        };
        let sorted = order_of(sort.0.as_deref(), &FIELDS);
        let asked = sorted.and_then(|order| Ok((order, role_of(role.0)?, part_of(username.0)?)));
        let ((by, descending), role, username) = match asked {
            Ok(asked) => asked,
            Err(problem) => return UsersReply::Failed(problem),
        };
        let filter = UserFilter { username, active: status.0.map(|status| status == 1), role };
        let order = UserOrder { by, descending };
        let search = Search { filter, order, paging: paging(limit.0, page.0) };
        let found = service.search_users(&caller, OrganizationId::named(&id.0), search).await;
        found.map(|page| Page::of(page, OrganizationUser::from)).map_err(refusal).into()
    }

    /// List roles
    ///
    /// The built-in five, the least first; every organization has the same. Takes the role ADMINISTRATORS; of an access
    /// token the privilege `list-users`.
    #[oai(
        path = "/organizations/:id/roles",
        method = "get",
        tag = "Area::Organization",
        operation_id = "appmakerRoles"
    )]
    async fn roles(
        &self,
        service: Data<&Arc<Service>>,
        shown: Shown,
        /// `organization` of `GET /me`.
        id: Path<String>,
        /// Items a page; 10 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<i64>>,
        /// From 1 on; 1 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
        page: Query<Option<i64>>,
    ) -> RolesReply {
        let caller = match shown.with(Privilege::ListUsers) {
            Ok(caller) => caller,
            Err(error) => return RolesReply::Failed(Problem::of_guard(&error)),
        };
        let found = service.list_roles(&caller, OrganizationId::named(&id.0), paging(limit.0, page.0));
        found.map(|page| Page::of(page, RoleBody::from)).map_err(refusal).into()
    }
}

/// What users can be put in order by, the first when nothing is asked for.
const FIELDS: [(&str, UserField); 9] = [
    ("_id", UserField::Id),
    ("username", UserField::Username),
    ("firstName", UserField::FirstName),
    ("lastName", UserField::LastName),
    ("status", UserField::Status),
    ("role", UserField::Role),
    ("lastLoginAt", UserField::LastLoginAt),
    ("createdAt", UserField::CreatedAt),
    ("updatedAt", UserField::UpdatedAt),
];

fn part_of(username: Option<String>) -> Result<Option<String>, Problem<Sentences>> {
    let part = username.filter(|part| !part.is_empty());
    if part.as_ref().is_some_and(|part| part.contains(char::is_control)) {
        return Err(refused("username", "Must not contain control characters"));
    }
    Ok(part)
}

fn role_of(text: Option<String>) -> Result<Option<Role>, Problem<Sentences>> {
    let Some(text) = text else { return Ok(None) };
    let words = || Role::ALL.map(Role::name).join(", ");
    let unknown = || refused("role", &format!("Must be one of {}, or the id of a role", words()));
    role_named(&text).map(Some).ok_or_else(unknown)
}

/// Whatever keeps somebody out says the same: that there is such an organization is no stranger's affair (B6).
fn refusal(error: TeamError) -> Problem<Sentences> {
    match error {
        TeamError::Setback(setback) => Problem::from(setback),
        TeamError::SessionEnded => Problem::unauthorized(),
        TeamError::NoOrganization
        | TeamError::Unknown
        | TeamError::Forbidden
        | TeamError::LastOwner
        | TeamError::Oneself
        | TeamError::NotRemoved
        | TeamError::AlreadyVerified
        | TeamError::AddressTaken
        | TeamError::AlreadyInvited
        | TeamError::DomainBanned
        | TeamError::TooManyLetters(_) => Problem::new(
            StatusCode::FORBIDDEN,
            "FORBIDDEN",
            "Only administrators may see this, and only of their own organization",
        ),
    }
}
