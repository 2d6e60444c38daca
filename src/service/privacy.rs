//! What a privacy law asks of who runs this server: telling somebody all that is kept of them, and erasing it.

use crate::model::access_token::AccessToken;
use crate::model::account::{Account, AccountState, Member};
use crate::model::api_key::ApiKey;
use crate::model::audit::{Actor, Deed, Entry, Recorded};
use crate::model::device::Device;
use crate::model::id::AccountId;
use crate::model::invitation::Invitation;
use crate::model::notification::NotificationSettings;
use crate::model::organization::Role;
use crate::model::personal::Profile;
use crate::model::proof::Proof;
use crate::model::settings::Settings;
use crate::model::time::Millis;
use crate::store::{
    Tx, Unavailable, access_tokens, accounts, addresses, api_keys, audit, devices, invitations, members,
    notifications, organizations, privacy, profiles, settings, usernames,
};

use super::Service;
use super::audit::as_shown_to;
use super::authenticate::Caller;
use super::profile::still_in;

pub use crate::store::devices::OwnSession;
pub use crate::store::privacy::{HeldFactor, HeldPlan, HeldReferral, NamedDevice, Place, UsedInvite};

/// Entries of the audit log that an export holds.
const EXPORTED_ENTRIES: i64 = 10_000;

/// All that is kept of one person.
#[derive(Debug, Clone)]
pub struct Export {
    pub account: Account,
    /// Open proofs by which the account would get another address, or a former one back; the latest first.
    pub addresses: Vec<Proof>,
    pub place: Option<Place>,
    pub plans: Vec<HeldPlan>,
    pub sessions: Vec<OwnSession>,
    pub devices: Vec<Device>,
    pub credentials: Credentials,
    pub person: Personal,
    pub settings: Settings,
    pub audit: Vec<Recorded>,
}

/// By what somebody comes in beside the password; none of it can be used.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub keys: Vec<ApiKey>,
    pub tokens: Vec<AccessToken>,
    pub factors: Vec<HeldFactor>,
}

/// What somebody has told of themselves, chosen, and come by.
#[derive(Debug, Clone)]
pub struct Personal {
    pub username: Option<String>,
    /// With when it last changed.
    pub profile: Option<(Profile, Millis)>,
    pub notifications: NotificationSettings,
    /// Devices that clients have named themselves.
    pub named_devices: Vec<NamedDevice>,
    pub invites: Vec<UsedInvite>,
    /// The one that the account came of, or that it waits by.
    pub invitation: Option<Invitation>,
    pub referral: Option<HeldReferral>,
}

impl Personal {
    fn of(tx: &Tx<'_>, id: AccountId) -> Result<Personal, Unavailable> {
        Ok(Personal {
            username: usernames::find(tx, id)?,
            profile: profiles::find(tx, id)?,
            notifications: notifications::get(tx, id)?,
            named_devices: privacy::named_devices(tx, id)?,
            invites: privacy::invites(tx, id)?,
            invitation: invitations::of_account(tx, id)?,
            referral: privacy::referral(tx, id)?,
        })
    }
}

/// Why an account is not erased. Nothing has changed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum EraseError {
    #[error("there is no such account")]
    Unknown,
    #[error("the account is active: deactivate or ban it first")]
    Active,
    #[error(
        "the account is the last owner of an organization with other members: make one of them an owner first"
    )]
    LastOwner,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

impl Service {
    /// All that is kept of the caller; `None` when the account has gone meanwhile.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn export(&self, caller: &Caller) -> Result<Option<Export>, Unavailable> {
        let (id, now) = (caller.member.account.id, self.clock.now());
        self.store
            .scan(move |tx| {
                let Some(member) = accounts::member(tx, id)? else { return Ok(None) };
                let place = privacy::place(tx, id)?;
                let plans =
                    place.as_ref().map(|place| privacy::plans(tx, place.organization.id)).transpose()?;
                let entries = audit::of_account(tx, id, EXPORTED_ENTRIES)?;
                Ok(Some(Export {
                    account: member.account,
                    addresses: addresses::open_proofs(tx, id, now)?,
                    place,
                    plans: plans.unwrap_or_default(),
                    sessions: devices::sessions(tx, id)?,
                    devices: devices::all(tx, id)?,
                    credentials: Credentials {
                        keys: api_keys::of_account(tx, id)?,
                        tokens: access_tokens::of_account(tx, id)?,
                        factors: privacy::factors(tx, id)?,
                    },
                    person: Personal::of(tx, id)?,
                    settings: settings::get(tx, settings::Owner::User(id))?,
                    audit: entries.into_iter().map(|entry| as_shown_to(id, entry)).collect(),
                }))
            })
            .await
    }

    /// Erases an account that nobody uses, with its letters, sessions, devices and proofs, and its organization if
    /// nobody else is in it. What stays names nobody: the audit log, without addresses of either kind, and the digests by which a
    /// second trial is noticed.
    ///
    /// # Errors
    /// [`EraseError`]; nothing has changed then.
    pub async fn erase(&self, id: AccountId) -> Result<(), EraseError> {
        let entry = self.entry(Actor::Operator, Deed::AccountErased);
        self.store
            .write(move |tx| {
                let member = accounts::member(tx, id)?.ok_or(EraseError::Unknown)?;
                match member.account.state() {
                    AccountState::Active => return Err(EraseError::Active),
                    AccountState::Unverified
                    | AccountState::Deactivated
                    | AccountState::Removed
                    | AccountState::Banned => {}
                }
                forget(tx, &member, &entry.about(&member))
            })
            .await
    }

    /// Erases the caller's own account, in use as it is, in the same way.
    ///
    /// # Errors
    /// [`EraseError::Unknown`] when the caller's session has ended meanwhile, [`EraseError::LastOwner`] or
    /// [`EraseError::Unavailable`]; nothing has changed then.
    pub async fn erase_own(&self, caller: &Caller) -> Result<(), EraseError> {
        let entry = self.entry(caller.actor(), Deed::AccountErased);
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let member = still_in(tx, session, now)?.ok_or(EraseError::Unknown)?;
                forget(tx, &member, &entry.about(&member))
            })
            .await
    }
}

fn forget(tx: &Tx<'_>, member: &Member, entry: &Entry) -> Result<(), EraseError> {
    let id = member.account.id;
    if let Some(place) = &member.organization {
        if place.role == Role::Owner
            && organizations::member_count(tx, place.organization)? > 1
            && !members::has_other_owner(tx, place.organization, id)?
        {
            return Err(EraseError::LastOwner);
        }
        privacy::unname(tx, place.organization, &member.account.email)?;
    }
    invitations::forget_inviter(tx, id)?;
    accounts::delete(tx, id)?;
    invitations::forget_address(tx, &member.account.email.key())?;
    // Noted first: the address that the person called from is forgotten with all others.
    audit::note(tx, entry)?;
    Ok(audit::forget_person(tx, id)?)
}
