//! The users of the organization (contracts/flashback.md section 3, its oddities included).

mod listing;
mod wire;

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::failure::FamilyB;
use super::register::choose_password;
use super::role::{no_such_role, team_problem};
use super::wire::{MessageBody, message};
use super::{Area, Known, Proven};
use crate::api::body::Body;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_PATH, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::id::AccountId;
use crate::model::organization::Role;
use crate::service::Service;
use crate::service::invite::NewMember;
use crate::service::team::{MemberChange, TeamError};
use wire::{ChangeUserRequest, InviteRequest, UserAnswer, UserBody, UsersBody};

pub use wire::{FamilyEmpty, FamilyList};

const MISSING: (u16, &str) = (404, "`User not found`: unknown, or of another organization.");

outcomes!(streamed ListReply = ListOutcomes: FamilyList, 200 "All users, those taken out too." => UsersBody,
    [ALWAYS, WITH_TOKEN, &[(403, "The role does not suffice.")]]);
outcomes!(InviteReply = InviteOutcomes: FamilyB, 201 "The account is made; the invitation is on its way." => UserAnswer,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "The address is in use, the password weak, the role none, or the input faulty; `message` says what."),
    (403, "`EMAIL_NOT_VERIFIED`, or the role does not suffice: nobody grants more than their own."),
]]);
outcomes!(ReadReply = ReadOutcomes: FamilyB, 200 "The user, bare." => UserBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[(403, "The role does not suffice."), MISSING]]);
outcomes!(WriteReply = WriteOutcomes: FamilyEmpty, 200 "Changed." => UserAnswer,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "`Invalid role combination`; the last owner keeps the role; or the input is faulty."),
    (403, "`EMAIL_NOT_VERIFIED`, or the role does not suffice."),
    MISSING,
]]);
outcomes!(ActReply = ActOutcomes: FamilyB, 200 "Done." => MessageBody,
[ALWAYS, WITH_TOKEN, &[
    (400, "`Cannot delete yourself`, `User is not deleted`, `User is already verified`, or the last owner."),
    (403, "`EMAIL_NOT_VERIFIED`, or the role does not suffice."),
    MISSING,
]]);

#[derive(Clone)]
pub struct Users;

#[OpenApi]
impl Users {
    /// List users
    ///
    /// Takes the role WORKSPACES.
    #[oai(
        path = "/organization/users",
        method = "get",
        tag = "Area::Organization",
        operation_id = "flashbackUsers"
    )]
    async fn list(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ListReply {
        let answer = match service.roster(&caller) {
            Ok(roster) => listing::answer(roster).await.map_err(TeamError::from),
            Err(error) => Err(error),
        };
        answer.map_err(|error| team_problem(error, "Insufficient permissions to view users")).into()
    }

    /// Invite a user
    ///
    /// Takes the role WORKSPACES. Makes an account in the organization and mails an invitation, whose link proves the
    /// address and, where no password is given here, asks for one. Good for 7 days.
    #[oai(
        path = "/organization/users",
        method = "post",
        tag = "Area::Organization",
        operation_id = "flashbackInvite"
    )]
    async fn invite(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<InviteRequest>,
        client: Client,
    ) -> InviteReply {
        let request = body.0;
        let Some(role) = Role::of_number(request.org_role.unwrap_or(0)) else {
            return InviteReply::Failed(no_such_role());
        };
        let password = match request.password.as_deref().map(|text| choose_password("password", text)) {
            Some(Ok(password)) => Some(password),
            Some(Err(problem)) => return InviteReply::Failed(problem),
            None => None,
        };
        let invitation = NewMember {
            email: request.email.0,
            first_name: request.first_name.0,
            last_name: request.last_name.0,
            password,
            role,
            send: request.send_invite.unwrap_or(true),
            language: client.language,
        };
        let made = service.invite(&caller, invitation).await;
        made.map(|member| UserAnswer::new(member, "User created successfully"))
            .map_err(|error| team_problem(error, "Insufficient permissions to create users"))
            .into()
    }

    /// Read a user
    ///
    /// Takes the role WORKSPACES.
    #[oai(
        path = "/organization/users/:id",
        method = "get",
        tag = "Area::Organization",
        operation_id = "flashbackUser"
    )]
    async fn read(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `id` of `/organization/users`.
        id: Path<String>,
    ) -> ReadReply {
        let found = service.find_user(&caller, AccountId::named(&id.0), true);
        found
            .map(|member| UserBody::from(&member))
            .map_err(|error| team_problem(error, "Insufficient permissions to view users"))
            .into()
    }

    /// Change a user
    ///
    /// Names and role. Takes the role WORKSPACES; nobody changes or grants what is above their own.
    #[oai(
        path = "/organization/users/:id",
        method = "put",
        tag = "Area::Organization",
        operation_id = "flashbackChangeUser"
    )]
    async fn write(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `/organization/users`.
        id: Path<String>,
        body: Body<ChangeUserRequest>,
    ) -> WriteReply {
        let request = body.0;
        let role = match request.org_role.map(Role::of_number) {
            Some(None) => return WriteReply::Failed(no_such_role()),
            Some(Some(role)) => Some(role),
            None => None,
        };
        let change = MemberChange {
            first_name: request.name.map(|name| name.0),
            last_name: request.last_name.map(|name| name.0),
            role,
        };
        let changed = service.change_user(&caller, AccountId::named(&id.0), change).await;
        changed
            .map(|(_, member)| UserAnswer::new(member, "User updated successfully"))
            .map_err(|error| team_problem(error, "Insufficient permissions to update users"))
            .into()
    }

    /// Take a user out
    ///
    /// Every session ends at once and none can be opened; the account can be taken back in. Takes the role WORKSPACES.
    #[oai(
        path = "/organization/users/:id",
        method = "delete",
        tag = "Area::Organization",
        operation_id = "flashbackRemoveUser"
    )]
    async fn remove(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `/organization/users`.
        id: Path<String>,
    ) -> ActReply {
        let done = service.remove_user(&caller, AccountId::named(&id.0)).await;
        acted(done, "User deleted successfully", "Insufficient permissions to delete users")
    }

    /// Take a user back in
    ///
    /// Takes the role WORKSPACES.
    #[oai(
        path = "/organization/users/:id/activate",
        method = "post",
        tag = "Area::Organization",
        operation_id = "flashbackRestoreUser"
    )]
    async fn restore(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `/organization/users`.
        id: Path<String>,
    ) -> ActReply {
        let done = service.restore_user(&caller, AccountId::named(&id.0)).await;
        acted(done, "User activated successfully", "Insufficient permissions to activate users")
    }

    /// Mail an invitation again
    ///
    /// To somebody who has not proved the address yet. Takes the role WORKSPACES.
    #[oai(
        path = "/organization/users/:id/resend-invitation",
        method = "post",
        tag = "Area::Organization",
        operation_id = "flashbackResendInvitation"
    )]
    async fn resend(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `/organization/users`.
        id: Path<String>,
    ) -> ActReply {
        let done = service.resend_invitation(&caller, AccountId::named(&id.0)).await;
        acted(done, "Invitation sent successfully", "Insufficient permissions to invite users")
    }
}

fn acted<T>(done: Result<T, TeamError>, sentence: &str, forbidden: &str) -> ActReply {
    done.map(|_| message(sentence)).map_err(|error| team_problem::<FamilyB>(error, forbidden)).into()
}
