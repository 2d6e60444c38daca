//! Who calls: somebody by a session, or by a personal access token in its place.

use poem::Request;
use poem_openapi::SecurityScheme;
use poem_openapi::auth::{ApiKey, Bearer};

use super::known;
use crate::api::guard::{self, GuardError};
use crate::model::access_token::Privilege;
use crate::service::access_tokens::Delegate;
use crate::service::authenticate::Caller;

const HEADER: &str = "x-access-token";

/// An access token of a live session of somebody who has proved the address.
#[derive(SecurityScheme)]
#[oai(rename = "AppMakerBearer", ty = "bearer", bearer_format = "JWT", checker = "proven")]
pub struct Proven(pub Caller);

async fn proven(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    Ok(guard::verified(known(request, bearer).await?)?)
}

/// A session's access token where no personal one is shown beside it: of two callers the one with less counts.
#[derive(SecurityScheme)]
#[oai(rename = "AppMakerBearer", ty = "bearer", bearer_format = "JWT", checker = "known_alone")]
pub struct KnownAlone(Caller);

async fn known_alone(request: &Request, bearer: Bearer) -> poem::Result<Caller> {
    if request.headers().contains_key(HEADER) {
        return Err(GuardError::Unauthorized.into());
    }
    known(request, bearer).await
}

/// A personal access token, for a part of what its owner may.
#[derive(SecurityScheme)]
#[oai(
    rename = "AppMakerAccessToken",
    ty = "api_key",
    key_name = "x-access-token",
    key_in = "header",
    checker = "judged"
)]
pub struct Lent(Result<Delegate, GuardError>);

/// A token that is refused ends the search: whoever shows one is not asked for anything else.
async fn judged(request: &Request, token: ApiKey) -> poem::Result<Result<Delegate, GuardError>> {
    Ok(guard::delegate(request, &token.key))
}

/// Either. What it may do has to be asked for to learn who it is.
#[derive(SecurityScheme)]
pub enum Shown {
    Lent(Lent),
    Session(KnownAlone),
}

impl Shown {
    /// Whoever it is, for what a token needs no privilege for.
    ///
    /// # Errors
    /// [`GuardError`] of a token that is not good.
    pub fn anybody(self) -> Result<Caller, GuardError> {
        match self {
            Shown::Lent(Lent(judged)) => judged.map(Delegate::into_owner),
            Shown::Session(KnownAlone(caller)) => Ok(caller),
        }
    }

    /// Whoever it is, for reading what a token needs this privilege for.
    ///
    /// # Errors
    /// [`GuardError::Lacking`] where the token lacks it; [`GuardError`] of a token that is not good.
    pub fn with(self, privilege: Privilege) -> Result<Caller, GuardError> {
        match self {
            Shown::Lent(Lent(judged)) => judged?.into_caller_with(privilege).ok_or(GuardError::Lacking),
            Shown::Session(KnownAlone(caller)) => Ok(caller),
        }
    }

    /// The same for what changes something: takes a proved address.
    ///
    /// # Errors
    /// [`GuardError::Unverified`]; as for [`Shown::with`].
    pub fn proven_with(self, privilege: Privilege) -> Result<Caller, GuardError> {
        guard::verified(self.with(privilege)?)
    }
}
