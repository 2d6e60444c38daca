//! What an account wants to be told, and where.

use crate::model::id::AccountId;
use crate::model::notification::{NotificationSettings, WebhookUrl};
use crate::store::{Unavailable, notifications};

use super::Service;
use super::authenticate::Caller;
use super::standing::{self, StandingError};

/// What is to be changed; the rest stays.
#[derive(Debug, Clone, Default)]
pub struct NotificationChange {
    pub webhook_url: Option<WebhookUrl>,
    pub email: Option<bool>,
    pub browser: Option<bool>,
}

impl Service {
    /// What an account has chosen, or the defaults.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn notifications(&self, account: AccountId) -> Result<NotificationSettings, Unavailable> {
        self.store.read(|tx| notifications::get(tx, account))
    }

    /// Changes what the caller has chosen.
    ///
    /// # Errors
    /// [`StandingError`]; nothing has changed then.
    pub async fn change_notifications(
        &self,
        caller: &Caller,
        change: NotificationChange,
    ) -> Result<(), StandingError> {
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let account = standing::member(tx, session, now)?.account.id;
                let before = notifications::get(tx, account)?;
                let chosen = NotificationSettings {
                    webhook_url: change
                        .webhook_url
                        .as_ref()
                        .map_or(before.webhook_url, |url| url.as_str().to_owned()),
                    email: change.email.unwrap_or(before.email),
                    browser: change.browser.unwrap_or(before.browser),
                };
                Ok(notifications::put(tx, account, &chosen)?)
            })
            .await
    }
}
