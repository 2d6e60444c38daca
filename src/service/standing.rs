//! Whether a caller may still do what was asked, seen from inside the transaction that does it: between the guard and
//! the write a session can end, a role can change, a member can leave.

use crate::model::account::{Member, Membership};
use crate::model::id::SessionId;
use crate::model::permission::Action;
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, access_tokens};

use super::access_tokens::acting;
use super::authenticate::Caller;
use super::profile::still_in;

/// Why a caller may not act, or not in the name of an organization.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StandingError {
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error("the account has no organization")]
    NoOrganization,
    #[error("the role does not suffice")]
    Forbidden,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// Whoever a live session belongs to.
pub(super) fn member(tx: &Tx<'_>, session: SessionId, now: Millis) -> Result<Member, StandingError> {
    still_in(tx, session, now)?.ok_or(StandingError::SessionEnded)
}

/// The caller as of now, by whatever was shown; `None` when that has ended.
pub(super) fn still_acting(tx: &Tx<'_>, caller: &Caller, now: Millis) -> Result<Option<Member>, Unavailable> {
    let Some(id) = caller.token else { return still_in(tx, caller.session, now) };
    let found = access_tokens::find(tx, id)?;
    Ok(found.and_then(|(token, owner)| acting(&token, owner, now)))
}

/// The place of a caller whose role allows the action.
pub(super) fn place_for(
    tx: &Tx<'_>,
    session: SessionId,
    action: Action,
    now: Millis,
) -> Result<Membership, StandingError> {
    let place = member(tx, session, now)?.organization.ok_or(StandingError::NoOrganization)?;
    if place.role.may(action) { Ok(place) } else { Err(StandingError::Forbidden) }
}
