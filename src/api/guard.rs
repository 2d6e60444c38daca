//! Who is calling: the bearer token of a request, and what its account may do.

use std::sync::Arc;
use std::time::Duration;

use poem::Request;
use poem::error::ResponseError;
use poem::http::StatusCode;

use super::limits::Limits;
use super::limits::published::{Published, Tally};
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
    /// The account has called more often than its contract lets it.
    #[error("too many calls")]
    TooManyCalls(Duration),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl ResponseError for GuardError {
    fn status(&self) -> StatusCode {
        match self {
            GuardError::Unauthorized => StatusCode::UNAUTHORIZED,
            GuardError::Unverified | GuardError::MustEnrol => StatusCode::FORBIDDEN,
            GuardError::TooManyCalls(_) => StatusCode::TOO_MANY_REQUESTS,
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

/// Lets pass who calls no more often than the contract publishes.
///
/// # Errors
/// [`GuardError::TooManyCalls`].
pub fn within(request: &Request, caller: Caller, published: &Published) -> Result<Caller, GuardError> {
    let limits = request.data::<Arc<Limits>>().ok_or_else(|| Unavailable::because("no limits are set"))?;
    let tally = request.data::<Tally>().cloned().unwrap_or_default();
    let counted = limits.published.count_account(published, caller.member.account.id, &tally);
    counted.map(|()| caller).map_err(GuardError::TooManyCalls)
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
