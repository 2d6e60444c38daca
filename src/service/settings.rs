//! Settings of users and organizations: clients fill them, we bound them.

use serde_json::{Map, Value};

use crate::model::audit::{Deed, Entry};
use crate::model::permission::Action;
use crate::model::settings::{Excess, Settings};
use crate::store::settings::{self, Owner};
use crate::store::{Tx, Unavailable, audit};

use super::Service;
use super::authenticate::Caller;
use super::standing::{StandingError, member, place_for};

/// Which settings of a caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The caller's own.
    User,
    /// Of the caller's organization: any member reads, an administrator writes.
    Organization,
}

impl Scope {
    fn deed(self) -> Deed {
        match self {
            Scope::User => Deed::SettingsChanged,
            Scope::Organization => Deed::OrganizationSettingsChanged,
        }
    }
}

/// What is to become of settings.
#[derive(Debug, Clone)]
pub enum SettingsChange {
    Replace(Map<String, Value>),
    Merge(Map<String, Value>),
    /// Dotted paths.
    Remove(Vec<String>),
}

/// Why settings were not changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SettingsError {
    #[error(transparent)]
    Excess(#[from] Excess),
    #[error(transparent)]
    Standing(#[from] StandingError),
}

impl From<Unavailable> for SettingsError {
    fn from(error: Unavailable) -> SettingsError {
        SettingsError::Standing(error.into())
    }
}

impl SettingsChange {
    fn apply(self, settings: &mut Settings) {
        match self {
            SettingsChange::Replace(others) => *settings = Settings(others),
            SettingsChange::Merge(others) => settings.merge(others),
            SettingsChange::Remove(paths) => paths.iter().for_each(|path| settings.remove(path)),
        }
    }
}

impl Service {
    /// A caller's settings.
    ///
    /// # Errors
    /// [`StandingError::NoOrganization`] or [`Unavailable`].
    pub fn settings(&self, caller: &Caller, scope: Scope) -> Result<Settings, StandingError> {
        let owner = match scope {
            Scope::User => Owner::User(caller.member.account.id),
            Scope::Organization => {
                let place = caller.member.organization.as_ref().ok_or(StandingError::NoOrganization)?;
                Owner::Organization(place.organization)
            }
        };
        self.store.read(|tx| Ok(settings::get(tx, owner)?))
    }

    /// Changes a caller's settings. They are read and written in one transaction, so that of two changes at once
    /// neither is lost.
    ///
    /// # Errors
    /// [`SettingsError`]; nothing has changed then.
    pub async fn change_settings(
        &self,
        caller: &Caller,
        scope: Scope,
        change: SettingsChange,
    ) -> Result<(), SettingsError> {
        let entry = self.entry_about(&caller.member, caller.actor(), scope.deed());
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx: &Tx<'_>| {
                let (owner, entry) = match scope {
                    Scope::User => {
                        let member = member(tx, session, now)?;
                        (Owner::User(member.account.id), entry.about(&member))
                    }
                    Scope::Organization => {
                        let place = place_for(tx, session, Action::ChangeOrganization, now)?;
                        let organization = place.organization;
                        let entry = Entry { organization: Some(organization), ..entry };
                        (Owner::Organization(organization), entry)
                    }
                };
                let before = settings::get(tx, owner)?;
                let mut settings = before.clone();
                change.apply(&mut settings);
                settings::put(tx, owner, &settings.to_text()?, now)?;
                // A change, not a call: a client that saves what it has read leaves no entry.
                if let Some(keys) = settings.difference(&before) {
                    audit::note(tx, &entry.detailed(keys))?;
                }
                Ok(())
            })
            .await
    }
}
