//! Refreshing a session: rotation by generation, a short grace for the one before, and the end of a session whose
//! older tokens turn up (F2).

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::contract::Contract;
use crate::model::id::SessionId;
use crate::model::session::{REFRESH_GRACE, Session};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, audit, sessions};
use crate::tokens::TokenKind;

use super::sessions::Tokens;
use super::{Entered, Service};

impl Service {
    /// Exchanges a refresh token for its successor. `None` when it is not good; where an old one was used again, the
    /// whole session has ended.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn refresh(&self, token: &str, contract: Contract) -> Result<Option<Entered>, Unavailable> {
        let Some(claims) = self.verify_token(token, TokenKind::Refresh, Some(contract))? else {
            return Ok(None);
        };
        let (Ok(id), Some(generation)) = (claims.token_id.parse::<SessionId>(), claims.generation) else {
            return Ok(None);
        };
        let now = self.clock.now();
        let expires = now + contract.token_lives().refresh;
        let reused = self.entry(Actor::System, Deed::SessionReused).of_session(id);
        let turn = Turn { id, generation, now, expires, reused };
        let Some((session, member)) = self.store.write(move |tx| turn.take(tx)).await? else {
            return Ok(None);
        };
        let tokens: Tokens = self.tokens(&session, &member);
        Ok(Some(Entered { member, tokens, pending_proof: None }))
    }
}

struct Turn {
    id: SessionId,
    generation: i64,
    now: Millis,
    expires: Millis,
    /// What is noted should the token be an old one.
    reused: Entry,
}

impl Turn {
    fn take(&self, tx: &Tx<'_>) -> Result<Option<(Session, Member)>, Unavailable> {
        let found = sessions::with_member(tx, self.id)?;
        let Some((session, member)) = found.filter(|(s, m)| s.is_live(self.now) && m.may_enter()) else {
            return Ok(None);
        };
        if sessions::rotate(tx, self.id, self.generation, self.now, self.expires)? {
            return sessions::with_member(tx, self.id);
        }
        let just_before = self.generation == session.generation - 1;
        if just_before && self.now.since(session.rotated_at) <= REFRESH_GRACE {
            return Ok(Some((session, member)));
        }
        tracing::warn!(session = %self.id, "an old refresh token was used again: the session ends");
        sessions::revoke(tx, self.id, self.now)?;
        audit::note(tx, &self.reused.clone().about(&member))?;
        Ok(None)
    }
}
