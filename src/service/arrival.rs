//! A login on a device: which one it is, and word to the owner of the account when it was not seen before.

use crate::mail::{Contents, Recipient};
use crate::model::account::Member;
use crate::model::device::{NOTICE_WINDOW, NOTICES};
use crate::model::id::SessionId;
use crate::model::letter::{Letter, LetterKind};
use crate::model::session::Origin;
use crate::secrets::Use;
use crate::store::devices::{self, Sighting};
use crate::store::{Tx, Unavailable, letters};

use super::Service;

/// A device about to be noted with the session on it.
pub(super) struct Arrival {
    sighting: Sighting,
    /// For a device that was not known when this was made.
    notice: Option<Letter>,
}

impl Service {
    /// The device of somebody who may log in; none where the client tells of none.
    pub(super) fn arrival(&self, member: &Member, origin: &Origin) -> Result<Option<Arrival>, Unavailable> {
        let Some(told) = &origin.told else { return Ok(None) };
        let (account, now) = (&member.account, self.clock.now());
        let fingerprint = self.secrets.digest(Use::Device, &told.identity());
        let known = self.store.read(|tx| devices::is_known(tx, account.id, &fingerprint))?;
        let to = Recipient {
            address: &account.email,
            first_name: &account.first_name,
            language: account.language,
        };
        let contents = Contents::NewDevice { device: told, at: now, from: origin.address };
        Ok(Some(Arrival {
            notice: (!known).then(|| self.mailroom.compose(to, contents)),
            sighting: Sighting {
                id: self.chance.id(now),
                account: account.id,
                description: told.clone(),
                fingerprint,
                address: origin.address.to_string(),
                now,
            },
        }))
    }
}

impl Arrival {
    /// Whether noting it may put a letter into the outbox.
    pub fn may_write(&self) -> bool {
        self.notice.is_some()
    }

    /// Notes the device with its session. A new one is told to the owner, unless it is the first that the account was
    /// ever seen on, or the owner has been told of several just now.
    pub fn note(&self, tx: &Tx<'_>, session: SessionId) -> Result<(), Unavailable> {
        let Sighting { account, now, .. } = self.sighting;
        let new = devices::see(tx, &self.sighting, session)?;
        let first = devices::mark_first(tx, account, now)?;
        let Some(notice) = self.notice.as_ref().filter(|_| new && !first) else { return Ok(()) };
        let told = letters::count_since(tx, account, LetterKind::NewDevice.as_str(), now - NOTICE_WINDOW)?;
        if told < NOTICES { letters::insert(tx, notice, Some(account)) } else { Ok(()) }
    }
}
