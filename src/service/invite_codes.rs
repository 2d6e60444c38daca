//! Invite codes: made, listed and revoked by the operator; exchanged for a short-lived token by whoever has one.

use std::time::Duration;

use crate::model::audit::{Actor, Deed};
use crate::model::contract::Contract;
use crate::model::id::InviteCodeId;
use crate::model::invite_code::{Invite, InviteCode, InviteState};
use crate::model::time::MINUTE;
use crate::secrets::Use;
use crate::store::invite_codes::InviteUse;
use crate::store::{Unavailable, audit, invite_codes};
use crate::tokens::{Claims, TokenKind};

use super::Service;

/// How long an invite token is good (contracts/finradar.md section 1).
pub const INVITE_TOKEN_LIFE: Duration = Duration::from_secs(15 * MINUTE.as_secs());

/// Why a code is not exchanged.
#[derive(Debug, Clone, thiserror::Error)]
pub enum RedeemError {
    #[error("there is no such invite code")]
    Unknown,
    #[error("the invite code is not good any more")]
    Over(InviteState),
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Service {
    /// Makes an invite code. The code is told here and never again.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn create_invite(
        &self,
        uses: i64,
        life: Option<Duration>,
        note: &str,
    ) -> Result<(Invite, InviteCode), Unavailable> {
        let now = self.clock.now();
        let code = InviteCode::of_bytes(self.chance.bytes());
        let invite = Invite {
            id: self.chance.id(now),
            hint: code.hint().to_owned(),
            note: note.to_owned(),
            uses_allowed: uses,
            uses: 0,
            created_at: now,
            expires_at: life.map(|life| now + life),
            revoked_at: None,
        };
        let entry = self.entry(Actor::Operator, Deed::InviteCodeCreated).detailed(invite.id);
        let (row, digest) = (invite.clone(), self.invite_digest(&code));
        self.store
            .write(move |tx| {
                invite_codes::insert(tx, &row, &digest)?;
                audit::note(tx, &entry)
            })
            .await?;
        Ok((invite, code))
    }

    /// The latest invite codes, newest first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn list_invites(&self, limit: i64) -> Result<Vec<Invite>, Unavailable> {
        self.store.read(|tx| invite_codes::list(tx, limit))
    }

    /// An invite code, with who used it.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn find_invite(&self, id: InviteCodeId) -> Result<Option<(Invite, Vec<InviteUse>)>, Unavailable> {
        self.store.read(|tx| {
            let found = invite_codes::find(tx, id)?;
            found.map(|invite| Ok((invite, invite_codes::uses(tx, id)?))).transpose()
        })
    }

    /// The invite of a code.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn invite_of_code(&self, code: &InviteCode) -> Result<Option<Invite>, Unavailable> {
        let digest = self.invite_digest(code);
        self.store.read(|tx| invite_codes::by_digest(tx, &digest))
    }

    /// Ends an invite code: also tokens that it was exchanged for let nobody in any more. False when it had been ended.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn revoke_invite(&self, id: InviteCodeId) -> Result<bool, Unavailable> {
        let now = self.clock.now();
        let entry = self.entry(Actor::Operator, Deed::InviteCodeRevoked).detailed(id);
        self.store
            .write(move |tx| {
                let ended = invite_codes::revoke(tx, id, now)?;
                if ended {
                    audit::note(tx, &entry)?;
                }
                Ok(ended)
            })
            .await
    }

    /// Exchanges a code for a token and the span for which it is good. Uses up nothing.
    ///
    /// # Errors
    /// [`RedeemError`].
    pub fn redeem_invite(
        &self,
        contract: Contract,
        code: Option<&InviteCode>,
    ) -> Result<(String, Duration), RedeemError> {
        let now = self.clock.now();
        let code = code.ok_or(RedeemError::Unknown)?;
        let invite = self.invite_of_code(code)?.ok_or(RedeemError::Unknown)?;
        match invite.state(now) {
            InviteState::Redeemable => {}
            over => return Err(RedeemError::Over(over)),
        }
        let token = self.ring.sign(&Claims {
            iss: self.issuer.clone(),
            aud: contract.as_str().to_owned(),
            kind: TokenKind::Invite,
            token_id: invite.id.to_string(),
            user_id: String::new(),
            email: None,
            org_id: None,
            generation: None,
            iat: now.seconds(),
            exp: (now + INVITE_TOKEN_LIFE).seconds(),
        });
        Ok((token, INVITE_TOKEN_LIFE))
    }

    /// The invite code that a good token speaks of. Whether the code itself is still good is asked where it is used: the
    /// token alone is never trusted (seed).
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn invite_of_token(
        &self,
        contract: Contract,
        token: &str,
    ) -> Result<Option<InviteCodeId>, Unavailable> {
        let claims = self.verify_token(token, TokenKind::Invite, Some(contract))?;
        Ok(claims.and_then(|claims| claims.token_id.parse().ok()))
    }

    fn invite_digest(&self, code: &InviteCode) -> String {
        self.secrets.digest(Use::InviteCode, code.as_str())
    }
}
