//! Who is calling: the bearer token of a request, and what its account may do.

use std::sync::Arc;
use std::time::Duration;

use poem::Request;
use poem::error::ResponseError;
use poem::http::StatusCode;

use super::limits::published::{Published, Tally};
use super::limits::{Class, Limits};
use crate::client::Sender;
use crate::model::contract::Contract;
use crate::model::network::Network;
use crate::service::Service;
use crate::service::Unavailable;
use crate::service::access_tokens::Delegate;
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
    /// The access token was not made for this, or its owner may not do it any more.
    #[error("the access token lacks the privilege")]
    Lacking,
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
            GuardError::Unverified | GuardError::MustEnrol | GuardError::Lacking => StatusCode::FORBIDDEN,
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
    service_of(request)?.authenticate(token, contract, Sender::of(request))?.ok_or(GuardError::Unauthorized)
}

/// Whoever acts by a personal access token. Who shows wrong ones is slowed down by network, as with API keys.
///
/// # Errors
/// [`GuardError::Unauthorized`] for anything but a live token; [`GuardError::TooManyCalls`] after many of those;
/// [`GuardError::MustEnrol`].
pub fn delegate(request: &Request, token: &str) -> Result<Delegate, GuardError> {
    let sender = Sender::of(request);
    match service_of(request)?.delegate(token, sender)? {
        Some(delegate) if delegate.must_enrol() => Err(GuardError::MustEnrol),
        Some(delegate) => Ok(delegate),
        None => Err(match limits_of(request)?.count(Class::WrongKey, Network::from(sender)) {
            Ok(()) => GuardError::Unauthorized,
            Err(wait) => GuardError::TooManyCalls(wait),
        }),
    }
}

fn service_of(request: &Request) -> Result<&Arc<Service>, Unavailable> {
    request.data::<Arc<Service>>().ok_or_else(|| Unavailable::because("the request reached no service"))
}

fn limits_of(request: &Request) -> Result<&Arc<Limits>, Unavailable> {
    request.data::<Arc<Limits>>().ok_or_else(|| Unavailable::because("no limits are set"))
}

/// Lets pass who calls no more often than the contract publishes.
///
/// # Errors
/// [`GuardError::TooManyCalls`].
pub fn within(request: &Request, caller: Caller, published: &Published) -> Result<Caller, GuardError> {
    let limits = limits_of(request)?;
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
