//! The organization itself (contracts/flashback.md section 3).

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::failure::{FamilyB, SENTENCE_ONLY};
use super::wire::WebsiteLine;
use super::{Area, Known, Proven};
use crate::api::body::{Body, Text};
use crate::api::problem::{Family, Problem};
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::id::OrganizationId;
use crate::model::name::{CompanyName, ContactLine};
use crate::model::organization::{Contact, Organization};
use crate::service::Service;
use crate::service::team::{OrganizationChange, TeamError};

/// An organization. Absent fields are unknown.
#[derive(Object)]
#[oai(rename = "FlashbackOrganization", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct OrganizationBody {
    id: String,
    name: String,
    /// The registrable domain it says it has.
    domain: Option<String>,
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    zipcode: Option<String>,
    phone: Option<String>,
    state: Option<String>,
    country: Option<String>,
    /// When it was deleted; never so far.
    deleted_at: Option<String>,
    /// Always false: there are no repositories.
    repos_disabled: bool,
    website: Option<String>,
    #[oai(rename = "is_business")]
    is_business: bool,
    /// Whether its members must log in with a second factor.
    mfa_enforced: bool,
}

impl From<Organization> for OrganizationBody {
    fn from(organization: Organization) -> OrganizationBody {
        let Contact { phone, address1, address2, city, state, zipcode, country } = organization.contact;
        OrganizationBody {
            id: organization.id.to_string(),
            name: organization.name,
            domain: organization.domain,
            address1,
            address2,
            city,
            zipcode,
            phone,
            state,
            country,
            deleted_at: None,
            repos_disabled: false,
            website: organization.website,
            is_business: organization.is_business,
            mfa_enforced: organization.mfa_enforced,
        }
    }
}

/// The caller's organization.
#[derive(Object)]
#[oai(rename = "FlashbackOrganizationAnswer")]
pub struct OrganizationAnswer {
    /// Always true.
    success: bool,
    data: OrganizationBody,
}

/// The changed organization.
#[derive(Object)]
#[oai(rename = "FlashbackOrganizationChanged")]
pub struct OrganizationChanged {
    /// Always true.
    success: bool,
    data: OrganizationBody,
    message: String,
}

/// What is to change; absent fields stay, an empty text clears a field of the contact.
#[derive(Object)]
#[oai(rename = "FlashbackOrganizationChange", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ChangeRequest {
    name: Option<Text<CompanyName>>,
    website: Option<Text<WebsiteLine>>,
    #[oai(rename = "is_business")]
    is_business: Option<bool>,
    mfa_enforced: Option<bool>,
    phone: Option<Text<ContactLine>>,
    address1: Option<Text<ContactLine>>,
    address2: Option<Text<ContactLine>>,
    city: Option<Text<ContactLine>>,
    state: Option<Text<ContactLine>>,
    zipcode: Option<Text<ContactLine>>,
    country: Option<Text<ContactLine>>,
}

impl ChangeRequest {
    fn into_change(self) -> Option<OrganizationChange> {
        let line = |line: Option<Text<ContactLine>>| line.map(|line| line.0.as_str().to_owned());
        let contact = Contact {
            phone: line(self.phone),
            address1: line(self.address1),
            address2: line(self.address2),
            city: line(self.city),
            state: line(self.state),
            zipcode: line(self.zipcode),
            country: line(self.country),
        };
        let names_nothing = contact == Contact::default()
            && self.name.is_none()
            && self.website.is_none()
            && self.is_business.is_none()
            && self.mfa_enforced.is_none();
        let change = OrganizationChange {
            name: self.name.map(|name| name.0.as_str().to_owned()),
            website: self.website.map(|site| site.as_ref().to_owned()),
            is_business: self.is_business,
            mfa_enforced: self.mfa_enforced,
            contact,
        };
        (!names_nothing).then_some(change)
    }
}

/// The family of reading an organization: `data` is null beside the sentence.
pub enum FamilyNull {}

/// What went wrong; `data` is always null.
#[derive(Object)]
#[oai(rename = "FlashbackOrganizationRefusal")]
pub struct FailureNull {
    /// Always false.
    success: bool,
    /// Always null.
    #[oai(nullable)]
    data: Option<String>,
    /// A sentence for people.
    message: String,
    /// A fixed word for programs, where Latchkey itself refuses.
    #[oai(skip_serializing_if_is_none)]
    error_code: Option<String>,
}

impl Family for FamilyNull {
    type Body = FailureNull;

    fn body(problem: &Problem<FamilyNull>) -> FailureNull {
        FailureNull {
            success: false,
            data: None,
            message: problem.message.clone(),
            error_code: (problem.code != SENTENCE_ONLY).then(|| problem.code.to_owned()),
        }
    }
}

const NOT_YOURS: &str = "Access denied: you can only view your own organization";

outcomes!(ReadReply = ReadOutcomes: FamilyNull, 200 "The caller's organization." => OrganizationAnswer,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[(403, "Any other organization, known or not.")]]);
outcomes!(WriteReply = WriteOutcomes: FamilyB, 200 "Changed." => OrganizationChanged,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "`No valid fields to update`, or the input is faulty."),
    (403, "`EMAIL_NOT_VERIFIED`; another organization; or the role does not suffice."),
]]);

#[derive(Clone)]
pub struct Organizations;

#[OpenApi]
impl Organizations {
    /// Read the organization
    ///
    /// One's own, open to every member.
    #[oai(
        path = "/organization/:orgId",
        method = "get",
        tag = "Area::Organization",
        operation_id = "flashbackOrganization"
    )]
    async fn read(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `user.orgId` of the answer to `/user/register`.
        #[oai(name = "orgId")]
        org_id: Path<String>,
    ) -> ReadReply {
        let found = service.organization(&caller, OrganizationId::named(&org_id.0));
        let refused = |error: TeamError| match error {
            TeamError::Setback(setback) => Problem::from(setback),
            _ => Problem::new(StatusCode::FORBIDDEN, SENTENCE_ONLY, NOT_YOURS),
        };
        let answer = |found: Organization| OrganizationAnswer { success: true, data: found.into() };
        found.map(answer).map_err(refused).into()
    }

    /// Change the organization
    ///
    /// Takes the role ADMINISTRATORS.
    #[oai(
        path = "/organization/:orgId",
        method = "put",
        tag = "Area::Organization",
        operation_id = "flashbackChangeOrganization"
    )]
    async fn write(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `user.orgId` of the answer to `/user/register`.
        #[oai(name = "orgId")]
        org_id: Path<String>,
        body: Body<ChangeRequest>,
    ) -> WriteReply {
        let Some(change) = body.0.into_change() else {
            let sentence = "No valid fields to update";
            return WriteReply::Failed(Problem::new(StatusCode::BAD_REQUEST, SENTENCE_ONLY, sentence));
        };
        let changed = service.change_organization(&caller, OrganizationId::named(&org_id.0), change).await;
        let refused = |error: TeamError| match error {
            TeamError::Setback(setback) => Problem::from(setback),
            TeamError::SessionEnded => Problem::unauthorized(),
            _ => Problem::new(
                StatusCode::FORBIDDEN,
                SENTENCE_ONLY,
                "Insufficient permissions: only OWNER and ADMINISTRATOR roles can modify organization",
            ),
        };
        let message = "Organization updated successfully".to_owned();
        let answer = |found: Organization| OrganizationChanged { success: true, data: found.into(), message };
        changed.map(answer).map_err(refused).into()
    }
}
