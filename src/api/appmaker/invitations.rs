//! `GET` and `POST /organizations/{id}/invitations`, `DELETE /organizations/{id}/invitations/{invitationId}`.

mod wire;

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};

use super::Area;
use super::access::Shown;
use super::failure::{Sentences, refused};
use super::page::{Page, order_of, paging};
use crate::api::body::Body;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Nothing, Status, WITH_BODY, WITH_TOKEN, outcomes};
use crate::client::Client;
use crate::model::access_token::Privilege;
use crate::model::id::{InvitationId, OrganizationId};
use crate::model::invitation::{InvitationField, InvitationOrder};
use crate::service::Service;
use crate::service::invitation::{InvitationError, InvitationRefusal};
use wire::{InvitationBody, InvitationRequest};

const FORBIDDEN: Status = (
    403,
    "Another organization, known or not; a role below ADMINISTRATORS, or below the invitation's; an access token \
    without the privilege `manage-invitations`; an address not proved; or the organization asks for a second factor that the \
    caller has yet to set up.",
);

outcomes!(ListReply = ListOutcomes: Sentences, 200 "The page." => Page<InvitationBody>,
    [ALWAYS, WITH_TOKEN, &[(400, "Which parameters are wrong."), FORBIDDEN]]);
outcomes!(InviteReply = InviteOutcomes: Sentences, 201 "Invited; the letter is on its way." => InvitationBody,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "Which fields are wrong; `email` also when it has an account or an open invitation into the organization."),
    FORBIDDEN,
    (429, "Too many requests, or too many letters to the address: wait as long as `Retry-After` says."),
]]);
outcomes!(empty RevokeReply = RevokeOutcomes: Sentences, 204 "Revoked: its link is good for nothing.",
[ALWAYS, WITH_TOKEN, &[
    (400, "A parameter in the path is malformed."),
    FORBIDDEN,
    (404, "Unknown, of another organization, or accepted or revoked before."),
]]);

#[derive(Clone)]
pub struct Invitations;

#[OpenApi]
impl Invitations {
    /// List invitations
    ///
    /// Into the caller's organization, by whatever contract they were made, those since accepted, revoked or expired too.
    /// Takes the role ADMINISTRATORS; of an access token the privilege `manage-invitations`.
    #[oai(
        path = "/organizations/:id/invitations",
        method = "get",
        tag = "Area::Organization",
        operation_id = "appmakerInvitations"
    )]
    async fn list(
        &self,
        service: Data<&Arc<Service>>,
        shown: Shown,
        /// `organization` of `GET /me`.
        id: Path<String>,
        /// `_id`, `email`, `validatedAt`, `createdAt` or `updatedAt`, with `-` before it for the greatest first; `_id` when
        /// absent.
        sort: Query<Option<String>>,
        /// Items a page; 10 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<i64>>,
        /// From 1 on; 1 when absent.
        #[oai(validator(minimum(value = "1"), maximum(value = "1000000")))]
        page: Query<Option<i64>>,
    ) -> ListReply {
        let caller = match shown.with(Privilege::ManageInvitations) {
            Ok(caller) => caller,
            Err(error) => return ListReply::Failed(Problem::of_guard(&error)),
        };
        let order = match order_of(sort.0.as_deref(), FIELDS) {
            Ok((by, descending)) => InvitationOrder { by, descending },
            Err(problem) => return ListReply::Failed(problem),
        };
        let organization = OrganizationId::named(&id.0);
        let found = service.search_invitations(&caller, organization, order, paging(limit.0, page.0)).await;
        let now = service.clock.now();
        found
            .map(|page| Page::of(page, |invitation| InvitationBody::of(&invitation, now)))
            .map_err(Problem::from)
            .into()
    }

    /// Invite somebody
    ///
    /// Mails a link that lets the reader of the mailbox register in the caller's organization. Takes the role
    /// ADMINISTRATORS, and nobody grants more than their own; of an access token the privilege `manage-invitations`.
    #[oai(
        path = "/organizations/:id/invitations",
        method = "post",
        tag = "Area::Organization",
        operation_id = "appmakerInvite"
    )]
    async fn invite(
        &self,
        service: Data<&Arc<Service>>,
        shown: Shown,
        /// `organization` of `GET /me`.
        id: Path<String>,
        body: Body<InvitationRequest>,
        client: Client,
    ) -> InviteReply {
        let caller = match shown.proven_with(Privilege::ManageInvitations) {
            Ok(caller) => caller,
            Err(error) => return InviteReply::Failed(Problem::of_guard(&error)),
        };
        let now = service.clock.now();
        let wish = match body.0.wish(client.language, now) {
            Ok(wish) => wish,
            Err(problem) => return InviteReply::Failed(problem),
        };
        let made = service.create_invitation(&caller, OrganizationId::named(&id.0), wish).await;
        made.map(|invitation| InvitationBody::of(&invitation, now)).map_err(Problem::from).into()
    }

    /// Revoke an invitation
    ///
    /// Its link is good for nothing any more. Where an account waits for its address to be proved, it is taken out of the
    /// organization. Takes the role ADMINISTRATORS, and none below the invitation's; of an access token the privilege
    /// `manage-invitations`.
    #[oai(
        path = "/organizations/:id/invitations/:invitationId",
        method = "delete",
        tag = "Area::Organization",
        operation_id = "appmakerRevokeInvitation"
    )]
    async fn revoke(
        &self,
        service: Data<&Arc<Service>>,
        shown: Shown,
        /// `organization` of `GET /me`.
        id: Path<String>,
        /// `_id` of the invitation.
        #[oai(name = "invitationId")]
        invitation: Path<String>,
    ) -> RevokeReply {
        let caller = match shown.proven_with(Privilege::ManageInvitations) {
            Ok(caller) => caller,
            Err(error) => return RevokeReply::Failed(Problem::of_guard(&error)),
        };
        let (organization, id) = (OrganizationId::named(&id.0), InvitationId::named(&invitation.0));
        let done = service.revoke_invitation(&caller, organization, id).await;
        done.map(|()| Nothing).map_err(Problem::from).into()
    }
}

/// What `sort` takes.
const FIELDS: &[(&str, InvitationField)] = &[
    ("_id", InvitationField::Id),
    ("email", InvitationField::Email),
    ("validatedAt", InvitationField::ExpiresAt),
    ("createdAt", InvitationField::CreatedAt),
    ("updatedAt", InvitationField::UpdatedAt),
];

impl From<InvitationError> for Problem<Sentences> {
    fn from(error: InvitationError) -> Problem<Sentences> {
        match error {
            InvitationError::Forbidden => Problem::new(
                StatusCode::FORBIDDEN,
                "FORBIDDEN",
                "Only administrators may do this, only in their own organization, and never above their own role",
            ),
            InvitationError::Unknown => {
                Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", "Invitation not found")
            }
            InvitationError::Over => Problem::new(
                StatusCode::NOT_FOUND,
                "NOT_FOUND",
                "The invitation was accepted or revoked before",
            ),
            InvitationError::Refused(InvitationRefusal::AddressTaken) => {
                refused("email", "Already registered")
            }
            InvitationError::Refused(InvitationRefusal::AlreadyInvited) => {
                refused("email", "Already invited")
            }
            InvitationError::Refused(InvitationRefusal::DomainBanned) => {
                refused("email", "The domain of this address is banned")
            }
            InvitationError::TooManyLetters(wait) => Problem::rate_limited(wait),
            InvitationError::SessionEnded => Problem::unauthorized(),
            InvitationError::Setback(setback) => setback.into(),
        }
    }
}
