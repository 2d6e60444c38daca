//! API keys, managed by whom they act for.

mod wire;

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use super::{Area, Proven};
use crate::api::body::Body;
use crate::api::flashback::failure::FamilyA;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::api_key::{ApiKey, KeyText};
use crate::model::fault::{Fault, Rule};
use crate::model::id::ApiKeyId;
use crate::service::Service;
use crate::service::api_keys::{KeyError, KeyScope};
use crate::service::authenticate::Caller;
use crate::service::standing::StandingError;
use wire::{EndedBody, KeyBody, KeysBody, MadeBody, NewKeyRequest};

const UNPROVEN: Status = (403, "`EMAIL_NOT_VERIFIED`.");
const NOT_ALLOWED: Status = (
    403,
    "`EMAIL_NOT_VERIFIED`, or `FORBIDDEN`: only owners and administrators manage the organization's keys.",
);
const FAULTY: Status = (400, "`INVALID_INPUT`; `message` names every faulty field.");
const TOO_MANY: Status =
    (409, "`API_KEY_LIMIT`: the plan allows no more keys to the organization and its members.");
const UNKNOWN: Status = (404, "`API_KEY_NOT_FOUND`: there is no such live key.");

outcomes!(ListReply = ListOutcomes: FamilyA, 200 "The keys." => KeysBody, [ALWAYS, WITH_TOKEN, &[UNPROVEN]]);
outcomes!(MakeReply = MakeOutcomes: FamilyA, 201 "The key is good from now on." => MadeBody,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[FAULTY, UNPROVEN, TOO_MANY]]);
outcomes!(EndReply = EndOutcomes: FamilyA, 200 "The key is refused from the next call on." => EndedBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNPROVEN, UNKNOWN]]);
outcomes!(ListOfAllReply = ListOfAllOutcomes: FamilyA, 200 "The keys." => KeysBody,
    [ALWAYS, WITH_TOKEN, &[NOT_ALLOWED]]);
outcomes!(MakeForAllReply = MakeForAllOutcomes: FamilyA, 201 "The key is good from now on." => MadeBody,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[FAULTY, NOT_ALLOWED, TOO_MANY]]);
outcomes!(EndForAllReply = EndForAllOutcomes: FamilyA, 200 "The key is refused from the next call on." => EndedBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[NOT_ALLOWED, UNKNOWN]]);

#[derive(Clone)]
pub struct Keys;

#[OpenApi]
impl Keys {
    /// List my API keys
    ///
    /// Any contract's access token is good here.
    #[oai(path = "/user/api-keys", method = "get", tag = "Area::Keys", operation_id = "listApiKeys")]
    async fn list(&self, service: Data<&Arc<Service>>, Proven(caller): Proven) -> ListReply {
        list(&service, &caller, KeyScope::Own).into()
    }

    /// Make an API key
    ///
    /// It acts for the caller, spends the tokens of the caller's organization, and ends with the account.
    #[oai(path = "/user/api-keys", method = "post", tag = "Area::Keys", operation_id = "createApiKey")]
    async fn make(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<NewKeyRequest>,
    ) -> MakeReply {
        make(&service, &caller, KeyScope::Own, body.0).await.into()
    }

    /// End an API key
    ///
    /// One of the caller's own.
    #[oai(path = "/user/api-keys/:id", method = "delete", tag = "Area::Keys", operation_id = "revokeApiKey")]
    async fn end(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `GET /user/api-keys`.
        id: Path<String>,
    ) -> EndReply {
        end(&service, &caller, KeyScope::Own, &id.0).await.into()
    }

    /// List the organization's API keys
    ///
    /// For its owners and administrators.
    #[oai(
        path = "/organization/api-keys",
        method = "get",
        tag = "Area::Keys",
        operation_id = "listOrganizationApiKeys"
    )]
    async fn list_of_all(&self, service: Data<&Arc<Service>>, Proven(caller): Proven) -> ListOfAllReply {
        list(&service, &caller, KeyScope::Organization).into()
    }

    /// Make an API key of the organization
    ///
    /// It acts for the organization, whoever of its members comes or goes.
    #[oai(
        path = "/organization/api-keys",
        method = "post",
        tag = "Area::Keys",
        operation_id = "createOrganizationApiKey"
    )]
    async fn make_for_all(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<NewKeyRequest>,
    ) -> MakeForAllReply {
        make(&service, &caller, KeyScope::Organization, body.0).await.into()
    }

    /// End an API key of the organization
    ///
    /// For its owners and administrators.
    #[oai(
        path = "/organization/api-keys/:id",
        method = "delete",
        tag = "Area::Keys",
        operation_id = "revokeOrganizationApiKey"
    )]
    async fn end_for_all(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `id` of `GET /organization/api-keys`.
        id: Path<String>,
    ) -> EndForAllReply {
        end(&service, &caller, KeyScope::Organization, &id.0).await.into()
    }
}

fn list(service: &Service, caller: &Caller, scope: KeyScope) -> Result<KeysBody, Problem<FamilyA>> {
    let keys = service.keys(caller, scope).map_err(standing_problem)?;
    Ok(KeysBody { success: true, api_keys: keys.into_iter().map(KeyBody::from).collect() })
}

async fn make(
    service: &Service,
    caller: &Caller,
    scope: KeyScope,
    request: NewKeyRequest,
) -> Result<MadeBody, Problem<FamilyA>> {
    let made = service.create_key(caller, scope, request.into()).await;
    let (key, text): (ApiKey, KeyText) = made.map_err(|error| match error {
        KeyError::Past => Problem::invalid_input(&[Fault::new("expiresAt", Rule::Future)]),
        KeyError::TooMany { allowed } => Problem::new(
            StatusCode::CONFLICT,
            "API_KEY_LIMIT",
            format!(
                "Your plan allows {allowed} API keys to the organization and its members. End one first."
            ),
        ),
        KeyError::Standing(error) => standing_problem(error),
    })?;
    Ok(MadeBody { success: true, key: text.as_str().to_owned(), api_key: key.into() })
}

async fn end(
    service: &Service,
    caller: &Caller,
    scope: KeyScope,
    id: &str,
) -> Result<EndedBody, Problem<FamilyA>> {
    let ended = service.revoke_key(caller, scope, ApiKeyId::named(id)).await.map_err(standing_problem)?;
    if !ended {
        let message = "There is no such API key.";
        return Err(Problem::new(StatusCode::NOT_FOUND, "API_KEY_NOT_FOUND", message));
    }
    Ok(EndedBody { success: true, message: "The API key has ended.".to_owned() })
}

fn standing_problem(error: StandingError) -> Problem<FamilyA> {
    match error {
        StandingError::SessionEnded => Problem::unauthorized(),
        StandingError::NoOrganization | StandingError::Forbidden => Problem::new(
            StatusCode::FORBIDDEN,
            "FORBIDDEN",
            "Only owners and administrators manage the API keys of an organization.",
        ),
        StandingError::Unavailable(cause) => cause.into(),
    }
}
