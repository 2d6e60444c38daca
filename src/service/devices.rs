//! The devices that somebody signs in on, and the sessions on them.

use crate::model::account::Member;
use crate::model::audit::{Deed, Entry};
use crate::model::device::Device;
use crate::model::id::{DeviceId, SessionId};
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, audit, devices, sessions};

use super::Service;
use super::authenticate::Caller;
use super::profile::still_in;

pub use crate::store::devices::OwnSession;

/// Why nothing was done about a device or session.
#[derive(Debug, Clone, thiserror::Error)]
pub enum DeviceError {
    /// Unknown, ended, or another's, which is the same to the caller (B6).
    #[error("there is no such device or session")]
    Unknown,
    /// The caller's session ended while the call waited.
    #[error("the session has ended")]
    SessionEnded,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What somebody does to a device of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceAction {
    Trust,
    Untrust,
    /// Forgets it and ends the sessions on it.
    Remove,
}

impl DeviceAction {
    fn deed(self) -> Deed {
        match self {
            DeviceAction::Trust => Deed::DeviceTrusted,
            DeviceAction::Untrust => Deed::DeviceUntrusted,
            DeviceAction::Remove => Deed::DeviceRemoved,
        }
    }

    /// False when nothing changed.
    fn carry_out(self, tx: &Tx<'_>, id: DeviceId, now: Millis) -> Result<bool, Unavailable> {
        match self {
            DeviceAction::Trust => devices::set_trusted(tx, id, Some(now)),
            DeviceAction::Untrust => devices::set_trusted(tx, id, None),
            DeviceAction::Remove => devices::remove(tx, id, now).map(|()| true),
        }
    }
}

impl Service {
    /// The caller's live sessions with their devices, the latest used first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn own_sessions(&self, caller: &Caller) -> Result<Vec<OwnSession>, Unavailable> {
        let now = self.clock.now();
        let all = self.store.read(|tx| devices::sessions(tx, caller.member.account.id))?;
        Ok(all.into_iter().filter(|session| session.is_live(now)).collect())
    }

    /// The caller's devices, the latest seen first.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn own_devices(&self, caller: &Caller) -> Result<Vec<Device>, Unavailable> {
        self.store.read(|tx| devices::all(tx, caller.member.account.id))
    }

    /// A device of the caller's.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn own_device(&self, caller: &Caller, id: DeviceId) -> Result<Option<Device>, Unavailable> {
        self.store.read(|tx| devices::find(tx, caller.member.account.id, id))
    }

    /// Does something to a device of the caller's.
    ///
    /// # Errors
    /// [`DeviceError`]; nothing has changed then.
    pub async fn act_on_device(
        &self,
        caller: &Caller,
        id: DeviceId,
        action: DeviceAction,
    ) -> Result<(), DeviceError> {
        let entry = self.entry_about(&caller.member, caller.actor(), action.deed());
        let entry = entry.detailed(format_args!("device {id}"));
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let owner = present(tx, session, now)?;
                devices::find(tx, owner.account.id, id)?.ok_or(DeviceError::Unknown)?;
                let changed = action.carry_out(tx, id, now)?;
                Ok(note_if(tx, changed, &entry)?)
            })
            .await
    }

    /// Ends all sessions of the caller's but the one of the call.
    ///
    /// # Errors
    /// [`DeviceError`]; nothing has changed then.
    pub async fn end_other_sessions(&self, caller: &Caller) -> Result<(), DeviceError> {
        let entry = self.entry_about(&caller.member, caller.actor(), Deed::SessionsEnded);
        let (session, now) = (caller.session, self.clock.now());
        self.store
            .write(move |tx| {
                let owner = present(tx, session, now)?;
                let ended = sessions::revoke_all(tx, owner.account.id, Some(session), now)?;
                Ok(note_if(tx, ended > 0, &entry)?)
            })
            .await
    }

    /// Notes that a session of the caller's is in use.
    ///
    /// # Errors
    /// [`DeviceError`]; nothing has changed then.
    pub async fn keep_alive(&self, caller: &Caller, id: SessionId) -> Result<(), DeviceError> {
        let (account, now) = (caller.member.account.id, self.clock.now());
        self.store
            .write(move |tx| {
                let own = sessions::find(tx, id)?.filter(|s| s.account == account && s.is_live(now));
                own.ok_or(DeviceError::Unknown)?;
                Ok(sessions::touch(tx, id, now)?)
            })
            .await
    }
}

fn present(tx: &Tx<'_>, session: SessionId, now: Millis) -> Result<Member, DeviceError> {
    still_in(tx, session, now)?.ok_or(DeviceError::SessionEnded)
}

fn note_if(tx: &Tx<'_>, changed: bool, entry: &Entry) -> Result<(), Unavailable> {
    if changed { audit::note(tx, entry) } else { Ok(()) }
}
