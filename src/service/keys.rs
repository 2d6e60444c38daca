//! The signing keys: read at start-up, rotated by command, read again when another process has rotated them.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Service;
use crate::clock::Stopwatch;
use crate::model::audit::{Actor, Deed};
use crate::model::time::{DAY, Millis};
use crate::secrets::{Secrets, Use};
use crate::store::signing_keys::{self, StoredKey};
use crate::store::{Store, Unavailable, audit};
use crate::tokens::{Ring, SigningKey};

/// A retired key verifies this long: the longest life of a token, and a day for clocks and late readers.
pub const RETIRED_LIFE: Duration = Duration::from_secs(31 * DAY.as_secs());

/// Lets the keys be read again once a second, so that forged key ids cannot make work.
#[derive(Default)]
pub struct ReloadGate(Mutex<Option<Stopwatch>>);

impl ReloadGate {
    fn pass(&self) -> bool {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let open = last.is_none_or(|last| last.elapsed() >= Duration::from_secs(1));
        if open {
            *last = Some(Stopwatch::start());
        }
        open
    }
}

/// Reads the keys, making the first one if there is none.
///
/// # Errors
/// [`Unavailable`], also when the secret key does not open them.
pub async fn load(store: &Store, secrets: &Secrets, now: Millis) -> Result<Ring, Unavailable> {
    let mut stored = store.read(signing_keys::all)?;
    if stored.is_empty() {
        let key = SigningKey::generate();
        let (id, sealed) = (key.id().to_owned(), secrets.seal(Use::SigningKey, key.pkcs8()));
        stored = store
            .write(move |tx| {
                // Another process may have been first.
                if signing_keys::all(tx)?.is_empty() {
                    signing_keys::insert(tx, &id, &sealed, now)?;
                }
                signing_keys::all(tx)
            })
            .await?;
    }
    let (signing, older) = unseal(&stored, secrets)?;
    Ok(Ring::new(signing, older))
}

fn unseal(stored: &[StoredKey], secrets: &Secrets) -> Result<(SigningKey, Vec<SigningKey>), Unavailable> {
    let open = |key: &StoredKey| {
        let pkcs8 = secrets.open(Use::SigningKey, &key.sealed).map_err(Unavailable::because)?;
        SigningKey::from_pkcs8(&pkcs8).map_err(Unavailable::because)
    };
    let mut keys = stored.iter().map(open).collect::<Result<Vec<_>, _>>()?;
    if keys.is_empty() {
        return Err(Unavailable::because("there is no signing key"));
    }
    let signing = keys.remove(0);
    Ok((signing, keys))
}

impl Service {
    /// Makes a new key that signs from now on; the old one goes on verifying until its tokens are gone. Tells its id.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn rotate_keys(&self) -> Result<String, Unavailable> {
        let key = SigningKey::generate();
        let (id, sealed) = (key.id().to_owned(), self.secrets.seal(Use::SigningKey, key.pkcs8()));
        let (new, now) = (id.clone(), self.clock.now());
        let entry = self.entry(Actor::Operator, Deed::KeysRotated).detailed(format_args!("key {id}"));
        self.store
            .write(move |tx| {
                signing_keys::insert(tx, &new, &sealed, now)?;
                audit::note(tx, &entry)
            })
            .await?;
        self.reload_keys()?;
        Ok(id)
    }

    /// Reads the keys again.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn reload_keys(&self) -> Result<(), Unavailable> {
        let stored = self.store.read(signing_keys::all)?;
        let ids: Vec<&str> = stored.iter().map(|key| key.id.as_str()).collect();
        if !self.ring.holds(&ids) {
            let (signing, older) = unseal(&stored, &self.secrets)?;
            self.ring.replace(signing, older);
        }
        Ok(())
    }

    pub(super) fn reload_keys_at_most_once_a_second(&self) -> Result<bool, Unavailable> {
        let pass = self.key_reload.pass();
        if pass {
            self.reload_keys()?;
        }
        Ok(pass)
    }
}
