//! Settings of users and organizations.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::failure::{FamilyB, SENTENCE_ONLY};
use super::wire::{MessageBody, message};
use super::{Area, Known, Proven};
use crate::api::body::{Body, OptionalBody};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_BODY, WITH_TOKEN, outcomes};
use crate::api::shapes::OpenObject;
use crate::service::Service;
use crate::service::authenticate::Caller;
use crate::service::settings::{Scope, SettingsChange, SettingsError};
use crate::service::standing::StandingError;

/// Settings.
#[derive(Object)]
#[oai(rename = "FlashbackSettingsAnswer")]
pub struct SettingsAnswer {
    /// Always true.
    success: bool,
    /// Empty where none were ever written.
    settings: OpenObject,
}

/// The settings that replace all there were.
#[derive(Object)]
#[oai(rename = "FlashbackSettingsReplacement")]
pub struct ReplaceRequest {
    settings: OpenObject,
}

/// The settings to remove.
#[derive(Object)]
#[oai(rename = "FlashbackSettingsRemoval", skip_serializing_if_is_none)]
pub struct RemoveRequest {
    /// Dotted paths, as in `editor.tabs`; at least one. What is not there is no fault.
    keys: Option<Vec<String>>,
}

outcomes!(ReadReply = ReadOutcomes: FamilyB, 200 "The settings." => SettingsAnswer, [ALWAYS, WITH_TOKEN]);
outcomes!(ReadOfAllReply = ReadOfAllOutcomes: FamilyB, 200 "The settings." => SettingsAnswer,
    [ALWAYS, WITH_TOKEN, &[(403, "`User not associated with any organization`.")]]);
outcomes!(WriteReply = WriteOutcomes: FamilyB, 200 "Changed." => MessageBody, [ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "The input is faulty, or the settings would break their bounds; `message` says what."),
    (403, "`EMAIL_NOT_VERIFIED` until the address is proved; for an organization's, the role has to be ADMINISTRATORS or OWNER."),
]]);

/// The sentences of changes.
const UPDATED: (&str, &str) =
    ("User settings updated successfully", "Organization settings updated successfully");
const REMOVED: (&str, &str) =
    ("User settings keys deleted successfully", "Organization settings keys deleted successfully");

#[derive(Clone)]
pub struct SettingsArea;

#[OpenApi]
impl SettingsArea {
    /// Read one's settings
    #[oai(
        path = "/settings/user",
        method = "get",
        tag = "Area::Settings",
        operation_id = "flashbackSettings"
    )]
    async fn read(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ReadReply {
        answer(&service, &caller, Scope::User).into()
    }

    /// Replace one's settings
    ///
    /// What was there is gone. At most 64 KiB of JSON, 16 levels deep. Blocked until the address is proved.
    #[oai(
        path = "/settings/user",
        method = "post",
        tag = "Area::Settings",
        operation_id = "flashbackReplaceSettings"
    )]
    async fn replace(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<ReplaceRequest>,
    ) -> WriteReply {
        change(&service, &caller, Scope::User, SettingsChange::Replace(body.0.settings.0)).await
    }

    /// Change some of one's settings
    ///
    /// Takes the bare settings. Objects are merged key by key, anything else is replaced; null is a value like others.
    /// Changes at the same time lose nothing. Blocked until the address is proved.
    #[oai(
        path = "/settings/user",
        method = "put",
        tag = "Area::Settings",
        operation_id = "flashbackMergeSettings"
    )]
    async fn merge(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<OpenObject>,
    ) -> WriteReply {
        change(&service, &caller, Scope::User, SettingsChange::Merge(body.0.0)).await
    }

    /// Remove some of one's settings
    ///
    /// A DELETE with a body. Blocked until the address is proved.
    #[oai(
        path = "/settings/user",
        method = "delete",
        tag = "Area::Settings",
        operation_id = "flashbackRemoveSettings"
    )]
    async fn remove(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: OptionalBody<RemoveRequest>,
    ) -> WriteReply {
        remove(&service, &caller, Scope::User, body).await
    }

    /// Read the organization's settings
    ///
    /// Open to every member.
    #[oai(
        path = "/settings/organization",
        method = "get",
        tag = "Area::Settings",
        operation_id = "flashbackOrganizationSettings"
    )]
    async fn read_of_all(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ReadOfAllReply {
        answer(&service, &caller, Scope::Organization).into()
    }

    /// Replace the organization's settings
    ///
    /// Takes the role ADMINISTRATORS. At most 64 KiB of JSON, 16 levels deep. Blocked until the address is proved.
    #[oai(
        path = "/settings/organization",
        method = "post",
        tag = "Area::Settings",
        operation_id = "flashbackReplaceOrganizationSettings"
    )]
    async fn replace_of_all(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<ReplaceRequest>,
    ) -> WriteReply {
        change(&service, &caller, Scope::Organization, SettingsChange::Replace(body.0.settings.0)).await
    }

    /// Change some of the organization's settings
    ///
    /// Takes the role ADMINISTRATORS and the bare settings. Objects are merged key by key, anything else is replaced.
    /// Changes at the same time lose nothing. Blocked until the address is proved.
    #[oai(
        path = "/settings/organization",
        method = "put",
        tag = "Area::Settings",
        operation_id = "flashbackMergeOrganizationSettings"
    )]
    async fn merge_of_all(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<OpenObject>,
    ) -> WriteReply {
        change(&service, &caller, Scope::Organization, SettingsChange::Merge(body.0.0)).await
    }

    /// Remove some of the organization's settings
    ///
    /// A DELETE with a body. Takes the role ADMINISTRATORS. Blocked until the address is proved.
    #[oai(
        path = "/settings/organization",
        method = "delete",
        tag = "Area::Settings",
        operation_id = "flashbackRemoveOrganizationSettings"
    )]
    async fn remove_of_all(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: OptionalBody<RemoveRequest>,
    ) -> WriteReply {
        remove(&service, &caller, Scope::Organization, body).await
    }
}

fn answer(service: &Service, caller: &Caller, scope: Scope) -> Result<SettingsAnswer, Problem<FamilyB>> {
    let settings = service.settings(caller, scope).map_err(SettingsError::from)?;
    Ok(SettingsAnswer { success: true, settings: OpenObject(settings.0) })
}

async fn change(service: &Service, caller: &Caller, scope: Scope, change: SettingsChange) -> WriteReply {
    let sentences = if matches!(change, SettingsChange::Remove(_)) { REMOVED } else { UPDATED };
    let sentence = if scope == Scope::User { sentences.0 } else { sentences.1 };
    let changed = service.change_settings(caller, scope, change).await;
    changed.map(|()| message(sentence)).map_err(Problem::from).into()
}

async fn remove(
    service: &Service,
    caller: &Caller,
    scope: Scope,
    OptionalBody(body): OptionalBody<RemoveRequest>,
) -> WriteReply {
    let keys = body.and_then(|body| body.keys).unwrap_or_default();
    if keys.is_empty() {
        let sentence = "Keys array is required and must not be empty";
        return WriteReply::Failed(Problem::new(StatusCode::BAD_REQUEST, SENTENCE_ONLY, sentence));
    }
    change(service, caller, scope, SettingsChange::Remove(keys)).await
}

impl From<SettingsError> for Problem<FamilyB> {
    fn from(error: SettingsError) -> Problem<FamilyB> {
        let forbidden = |sentence: &str| Problem::new(StatusCode::FORBIDDEN, SENTENCE_ONLY, sentence);
        match error {
            SettingsError::Excess(excess) => {
                Problem::new(StatusCode::BAD_REQUEST, SENTENCE_ONLY, excess.to_string())
            }
            SettingsError::Standing(StandingError::SessionEnded) => Problem::unauthorized(),
            SettingsError::Standing(StandingError::NoOrganization) => {
                forbidden("User not associated with any organization")
            }
            SettingsError::Standing(StandingError::Forbidden) => forbidden(
                "Insufficient permissions: only OWNER and ADMINISTRATOR roles can modify organization settings",
            ),
            SettingsError::Standing(StandingError::Unavailable(cause)) => Problem::unavailable(&cause),
        }
    }
}
