//! The devices that clients name themselves, as their owner sees them.

use crate::model::audit::Deed;
use crate::store::{Unavailable, audit, client_devices};

use super::Service;
use super::authenticate::Caller;
use super::devices::DeviceError;
use super::opening::devices_of_plan;
use super::profile::still_in;

pub use crate::store::client_devices::SignedIn;

/// Where somebody is signed in.
#[derive(Debug, Clone)]
pub struct SignedInDevices {
    /// The latest used first.
    pub devices: Vec<SignedIn>,
    /// On how many the plan in force lets them be.
    pub limit: i64,
}

impl Service {
    /// The devices that the caller is signed in on.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn client_devices(&self, caller: &Caller) -> Result<SignedInDevices, Unavailable> {
        let (member, now) = (&caller.member, self.clock.now());
        self.store.read(|tx| {
            Ok(SignedInDevices {
                devices: client_devices::live(tx, member.account.id, now)?,
                limit: devices_of_plan(tx, member, now)?,
            })
        })
    }

    /// Forgets a device of the caller's by the client's identity for it, and ends the session on it.
    ///
    /// # Errors
    /// [`DeviceError`]; nothing has changed then.
    pub async fn forget_client_device(&self, caller: &Caller, device_id: String) -> Result<(), DeviceError> {
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::DeviceRemoved);
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let owner = still_in(tx, session, now)?.ok_or(DeviceError::SessionEnded)?;
                let found = client_devices::find_live(tx, owner.account.id, &device_id, now)?;
                let device = found.ok_or(DeviceError::Unknown)?;
                client_devices::remove(tx, &device, now)?;
                Ok(audit::note(tx, &entry.detailed(format_args!("device {}", device.id)))?)
            })
            .await
    }
}
