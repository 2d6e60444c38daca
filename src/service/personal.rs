//! What somebody has told of themselves: reading and changing it.

use crate::model::account::Member;
use crate::model::language::Language;
use crate::model::personal::{PersonalChange, Profile};
use crate::model::time::Millis;
use crate::store::{Unavailable, accounts, profiles};

use super::Service;
use super::authenticate::Caller;
use super::card::Card;
use super::profile::still_in;

/// Somebody as they see themselves.
#[derive(Debug, Clone)]
pub struct SelfPortrait {
    pub member: Member,
    pub card: Card,
    pub profile: Profile,
    /// When account or profile last changed.
    pub updated_at: Millis,
}

impl Service {
    /// All that a member has told, with their name and plan.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn portrait(&self, member: Member) -> Result<SelfPortrait, Unavailable> {
        let card = self.card(&member).await?;
        let told = self.store.read(|tx| profiles::find(tx, member.account.id))?;
        let changed = told.as_ref().map_or(member.account.updated_at, |(_, at)| *at);
        let updated_at = changed.max(member.account.updated_at);
        let profile = told.map(|(profile, _)| profile).unwrap_or_default();
        Ok(SelfPortrait { member, card, profile, updated_at })
    }

    /// Changes what the caller has told; a language in which there are letters is the one of letters from then on.
    /// `None` when the caller's session has ended meanwhile; nothing has changed then.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn describe(
        &self,
        caller: &Caller,
        change: PersonalChange,
    ) -> Result<Option<SelfPortrait>, Unavailable> {
        let (session, now) = (caller.session, self.clock.now());
        let changed = self
            .store
            .write(move |tx| {
                let Some(member) = still_in(tx, session, now)? else { return Ok(None) };
                let id = member.account.id;
                accounts::set_names(tx, id, change.first_name.as_deref(), change.last_name.as_deref(), now)?;
                profiles::update(tx, id, &change.profile, now)?;
                if let Some(language) = change.profile.language.as_deref().and_then(Language::of_tag) {
                    accounts::set_language(tx, id, language)?;
                }
                accounts::member(tx, id)
            })
            .await?;
        match changed {
            Some(member) => self.portrait(member).await.map(Some),
            None => Ok(None),
        }
    }
}
