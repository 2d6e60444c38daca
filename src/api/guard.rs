//! Who is calling: the bearer token of a request, and what its account may do.

use std::sync::Arc;

use poem::Request;
use poem::error::ResponseError;
use poem::http::StatusCode;

use crate::client::Sender;
use crate::model::contract::Contract;
use crate::service::Service;
use crate::service::Unavailable;
use crate::service::authenticate::Caller;

/// Why a caller is not let in.
#[derive(Debug, Clone, thiserror::Error)]
pub enum GuardError {
    #[error("no good access token")]
    Unauthorized,
    /// The token is good, but the address is not proved, and the operation writes.
    #[error("the address is not verified")]
    Unverified,
    /// The token is good, but the organization asks for a second factor that the account does not have.
    #[error("a second factor has to be set up")]
    MustEnrol,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ResponseError for GuardError {
    fn status(&self) -> StatusCode {
        match self {
            GuardError::Unauthorized => StatusCode::UNAUTHORIZED,
            GuardError::Unverified | GuardError::MustEnrol => StatusCode::FORBIDDEN,
            GuardError::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }
}

/// The caller behind a token that was given out through `contract`, or through any.
///
/// # Errors
/// [`GuardError::Unauthorized`] for anything but a live session; [`GuardError::MustEnrol`].
pub fn admit(request: &Request, token: &str, contract: Option<Contract>) -> Result<Caller, GuardError> {
    let caller = admit_to_enrol(request, token, contract)?;
    if caller.member.must_enrol() { Err(GuardError::MustEnrol) } else { Ok(caller) }
}

/// The same, also for who has yet to set up the second factor that the organization asks for.
///
/// # Errors
/// [`GuardError::Unauthorized`] for anything but a live session.
pub fn admit_to_enrol(
    request: &Request,
    token: &str,
    contract: Option<Contract>,
) -> Result<Caller, GuardError> {
    let service = request
        .data::<Arc<Service>>()
        .ok_or_else(|| Unavailable::because("the request reached no service"))?;
    service.authenticate(token, contract, Sender::of(request))?.ok_or(GuardError::Unauthorized)
}

/// Lets pass who has proved the address.
///
/// # Errors
/// [`GuardError::Unverified`].
pub fn verified(caller: Caller) -> Result<Caller, GuardError> {
    match caller.member.account.verified_at {
        Some(_) => Ok(caller),
        None => Err(GuardError::Unverified),
    }
}
