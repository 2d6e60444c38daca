//! Logging out, in its variants.

use crate::model::audit::Deed;
use crate::model::contract::Contract;
use crate::model::id::SessionId;
use crate::store::{Unavailable, audit, sessions};
use crate::tokens::TokenKind;

use super::Service;
use super::authenticate::Caller;
use super::profile::still_in;

/// Which of the caller's sessions are to end.
#[derive(Debug, Clone)]
pub enum Leaving {
    /// The one of the call.
    Caller,
    /// The one of a refresh token of the contract; where that is not good or another's, the one of the call.
    Of(Contract, String),
    /// All of the account's.
    All,
    /// All but the one of the call.
    Others,
}

impl Service {
    /// Ends sessions of the caller's; tells how many were live. `None` when the caller's own has ended meanwhile: who was
    /// thrown out throws out nobody.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn leave(&self, caller: &Caller, leaving: Leaving) -> Result<Option<u64>, Unavailable> {
        match leaving {
            Leaving::Caller => self.leave_one(caller, caller.session).await,
            Leaving::Of(contract, token) => {
                let claims = self.verify_token(&token, TokenKind::Refresh, Some(contract))?;
                let own = claims.filter(|claims| claims.user_id == caller.member.account.id.to_string());
                let named = own.and_then(|claims| claims.token_id.parse().ok());
                self.leave_one(caller, named.unwrap_or(caller.session)).await
            }
            Leaving::All => self.leave_many(caller, None).await,
            Leaving::Others => self.leave_many(caller, Some(caller.session)).await,
        }
    }

    async fn leave_one(&self, caller: &Caller, session: SessionId) -> Result<Option<u64>, Unavailable> {
        self.end_session(caller, session).await.map(|ended| Some(u64::from(ended)))
    }

    async fn leave_many(
        &self,
        caller: &Caller,
        except: Option<SessionId>,
    ) -> Result<Option<u64>, Unavailable> {
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::SessionsEnded);
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let Some(member) = still_in(tx, session, now)? else { return Ok(None) };
                let live = sessions::live(tx, member.account.id, now)?;
                let ended = live.iter().filter(|session| Some(session.id) != except).count();
                if sessions::revoke_all(tx, member.account.id, except, now)? > 0 {
                    audit::note(tx, &entry)?;
                }
                Ok(Some(ended as u64))
            })
            .await
    }
}
