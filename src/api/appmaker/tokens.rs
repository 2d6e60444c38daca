//! `GET` and `POST /me/tokens`, `DELETE /me/tokens/{tokenId}`: personal access tokens.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::types::Example;
use poem_openapi::{Enum, Object, OpenApi};

use super::access::Proven;
use super::failure::{Sentences, refused};
use super::wire::DateTime;
use super::{Area, Known};
use crate::api::body::{Body, Text};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Nothing, Status, WITH_BODY, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::access_token::{self, AccessToken, MOST_TOKENS, Privileges, TokenName};
use crate::model::id::AccessTokenId;
use crate::service::Service;
use crate::service::access_tokens::{AccessTokenError, NewToken};

/// How long a token is good for: 1, 7, 30 or 365 days.
#[derive(Enum, Clone, Copy)]
#[oai(rename = "AppMakerLifetime")]
pub enum Lifetime {
    #[oai(rename = "one-day")]
    Day,
    #[oai(rename = "one-week")]
    Week,
    #[oai(rename = "one-month")]
    Month,
    #[oai(rename = "one-year")]
    Year,
}

impl From<Lifetime> for access_token::Lifetime {
    fn from(lifetime: Lifetime) -> access_token::Lifetime {
        match lifetime {
            Lifetime::Day => access_token::Lifetime::Day,
            Lifetime::Week => access_token::Lifetime::Week,
            Lifetime::Month => access_token::Lifetime::Month,
            Lifetime::Year => access_token::Lifetime::Year,
        }
    }
}

/// What a token may do beside reading `/me`: list the users and roles of its owner's organization, or see, make and revoke
/// invitations into it. Either takes the role ADMINISTRATORS.
#[derive(Enum, Clone, Copy)]
#[oai(rename = "AppMakerPrivilege", rename_all = "kebab-case")]
pub enum Privilege {
    ListUsers,
    ManageInvitations,
}

impl From<Privilege> for access_token::Privilege {
    fn from(privilege: Privilege) -> access_token::Privilege {
        match privilege {
            Privilege::ListUsers => access_token::Privilege::ListUsers,
            Privilege::ManageInvitations => access_token::Privilege::ManageInvitations,
        }
    }
}

impl From<access_token::Privilege> for Privilege {
    fn from(privilege: access_token::Privilege) -> Privilege {
        match privilege {
            access_token::Privilege::ListUsers => Privilege::ListUsers,
            access_token::Privilege::ManageInvitations => Privilege::ManageInvitations,
        }
    }
}

/// A token to be made.
#[derive(Object)]
#[oai(rename = "AppMakerNewAccessToken", example)]
pub struct NewTokenRequest {
    name: Text<TokenName>,
    lifetime: Lifetime,
    /// At most what the caller may; with none the token reads `/me`.
    #[oai(validator(max_items = 20))]
    privileges: Vec<Privilege>,
}

impl Example for NewTokenRequest {
    fn example() -> NewTokenRequest {
        NewTokenRequest {
            name: Text(TokenName::parse("Build server").expect("the example obeys its own rules")),
            lifetime: Lifetime::Week,
            privileges: vec![Privilege::ListUsers],
        }
    }
}

/// A personal access token.
#[derive(Object)]
#[oai(rename = "AppMakerAccessToken", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct TokenBody {
    #[oai(rename = "_id")]
    id: String,
    name: String,
    /// Whole in the answer that made it; from then on its first and last characters, as in `lkp_1a2b…9f`.
    token: String,
    /// What it was made for. What of that holds is what its owner may at the moment.
    privileges: Vec<Privilege>,
    user_id: String,
    /// Where it was made, and acts; absent where its owner had no organization.
    organization_id: Option<String>,
    expires_on: DateTime,
    created_at: DateTime,
    /// That of the creation: a token does not change.
    updated_at: DateTime,
}

impl TokenBody {
    fn new(token: AccessToken, text: String) -> TokenBody {
        TokenBody {
            id: token.id.to_string(),
            name: token.name,
            token: text,
            privileges: token.privileges.iter().map(Privilege::from).collect(),
            user_id: token.account.to_string(),
            organization_id: token.organization.map(|id| id.to_string()),
            expires_on: DateTime(token.expires_at),
            created_at: DateTime(token.created_at),
            updated_at: DateTime(token.created_at),
        }
    }
}

const UNPROVEN: Status = (
    403,
    "The address is not proved, or the organization asks for a second factor that the account has yet to set up.",
);

outcomes!(ListReply = ListOutcomes: Sentences, 200 "The live tokens, the oldest first, masked." => Vec<TokenBody>,
    [ALWAYS, WITH_TOKEN]);
outcomes!(MakeReply = MakeOutcomes: Sentences, 201 "The token is good from now on, and told here alone." => TokenBody,
[ALWAYS, WITH_BODY, WITH_TOKEN, &[
    (400, "Which fields are wrong; `privileges` also where they exceed the caller's."),
    (403, "The address is not proved; the account has 20 live tokens already; or the organization asks for a second \
        factor that the account has yet to set up."),
]]);
outcomes!(empty EndReply = EndOutcomes: Sentences, 204 "The token is refused from the next call on.",
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNPROVEN, (404, "The caller has no such live token.")]]);

#[derive(Clone)]
pub struct Tokens;

#[OpenApi]
impl Tokens {
    /// List one's access tokens
    ///
    /// For sessions alone.
    #[oai(path = "/me/tokens", method = "get", tag = "Area::Me", operation_id = "appmakerTokens")]
    async fn list(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ListReply {
        let tokens = service.access_tokens(&caller);
        let masked = |token: AccessToken| {
            let text = token.masked();
            TokenBody::new(token, text)
        };
        tokens.map(|tokens| tokens.into_iter().map(masked).collect()).map_err(Problem::from).into()
    }

    /// Make an access token
    ///
    /// For programs, which show it as `x-access-token`. It acts for the caller, in the organization that the caller is in
    /// now, within its privileges and never above the caller's role of the moment. It ends with its lifetime, and
    /// with a ban, deactivation or removal of the account; a ban of the organization suspends it. For sessions alone: a token makes no other.
    #[oai(path = "/me/tokens", method = "post", tag = "Area::Me", operation_id = "appmakerCreateToken")]
    async fn make(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<NewTokenRequest>,
    ) -> MakeReply {
        let NewTokenRequest { name, lifetime, privileges } = body.0;
        let privileges = Privileges::new(privileges.into_iter().map(access_token::Privilege::from));
        let new = NewToken { name: name.0, lifetime: lifetime.into(), privileges };
        let made = service.create_access_token(&caller, new).await;
        made.map(|(token, text)| TokenBody::new(token, text.as_str().to_owned()))
            .map_err(Problem::from)
            .into()
    }

    /// End an access token
    ///
    /// One of the caller's own. For sessions alone.
    #[oai(
        path = "/me/tokens/:tokenId",
        method = "delete",
        tag = "Area::Me",
        operation_id = "appmakerRevokeToken"
    )]
    async fn end(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        /// `_id` of `GET /me/tokens`.
        #[oai(name = "tokenId")]
        token_id: Path<String>,
    ) -> EndReply {
        match service.revoke_access_token(&caller, AccessTokenId::named(&token_id.0)).await {
            Ok(true) => EndReply::Done(Nothing),
            Ok(false) => {
                let sentence = "There is no such access token";
                EndReply::Failed(Problem::new(StatusCode::NOT_FOUND, "NOT_FOUND", sentence))
            }
            Err(error) => EndReply::Failed(error.into()),
        }
    }
}

impl From<AccessTokenError> for Problem<Sentences> {
    fn from(error: AccessTokenError) -> Problem<Sentences> {
        match error {
            AccessTokenError::Exceeding { beyond } => {
                let sentence =
                    format!("Must not exceed your own: your role lacks {}", beyond.words().join(", "));
                refused("privileges", &sentence)
            }
            AccessTokenError::TooMany => Problem::new(
                StatusCode::FORBIDDEN,
                "ACCESS_TOKEN_LIMIT",
                format!("You have {MOST_TOKENS} access tokens, the most there may be: end one first"),
            ),
            AccessTokenError::SessionEnded => Problem::unauthorized(),
            AccessTokenError::Unavailable(cause) => cause.into(),
        }
    }
}
