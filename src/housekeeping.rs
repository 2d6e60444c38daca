//! The worker that removes what time has ended. Nothing needs it to be true: it only keeps the file small, and frees
//! addresses that nobody proved.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::model::account::UNVERIFIED_LIFE;
use crate::model::audit::{AUDIT_LIFE, Actor, Deed, Entry};
use crate::model::contract::Contract;
use crate::model::device::DEVICE_LIFE;
use crate::model::time::{DAY, MINUTE};
use crate::service::Service;
use crate::service::audit::entry;
use crate::service::keys::RETIRED_LIFE;
use crate::service::metering::IDEMPOTENCY_LIFE;
use crate::service::throttle::FAILURE_LIFE;
use crate::store::{
    Unavailable, access_tokens, accounts, api_keys, audit, devices, invitations, ledgers, letters, proofs,
    sessions, signing_keys, throttles,
};

/// How often it looks.
const PAUSE: Duration = MINUTE;
/// Rows that one transaction removes, so that sign-ups never wait behind it.
const BATCH: i64 = 200;
/// How long an ended session or proof stays, for the operator's questions.
const ENDED_LIFE: Duration = DAY;
/// How long an ended API key or access token stays, for the lines of the ledger that name the key and for exports.
const KEY_LIFE: Duration = Duration::from_secs(90 * DAY.as_secs());
/// How long an invitation that ended without having been accepted stays in the lists.
const INVITATION_LIFE: Duration = Duration::from_secs(90 * DAY.as_secs());
/// How long a letter that is done stays in the list.
const LETTER_LIFE: Duration = Duration::from_secs(30 * DAY.as_secs());

/// Removes what is over, every minute, until `stop` turns true.
pub async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    loop {
        match sweep(&service).await {
            Ok(removed) => service.note_sweep(removed),
            Err(error) => tracing::warn!("housekeeping will try again: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// One round; tells how many rows went. Also reads the signing keys again, should a command have rotated them.
///
/// # Errors
/// [`Unavailable`].
pub async fn sweep(service: &Service) -> Result<u64, Unavailable> {
    let now = service.clock.now();
    service.reload_keys()?;
    service.note_key_use().await?;
    let mut removed = 0;
    for contract in Contract::ALL.into_iter().filter(|contract| contract.gates_on_verification()) {
        removed += sweep_unverified(service, contract).await?;
    }
    loop {
        let count = service
            .store
            .write(move |tx| {
                Ok::<u64, Unavailable>(
                    sessions::delete_ended(tx, now - ENDED_LIFE, BATCH)?
                        + proofs::delete_ended(tx, now - ENDED_LIFE, BATCH)?
                        + invitations::delete_ended(tx, now - INVITATION_LIFE, BATCH)?
                        + letters::delete_done(tx, now - LETTER_LIFE, BATCH)?
                        + access_tokens::delete_ended(tx, now - KEY_LIFE, BATCH)?
                        + api_keys::delete_revoked(tx, now - KEY_LIFE, BATCH)?
                        + ledgers::forget(tx, now - IDEMPOTENCY_LIFE, BATCH)?
                        + audit::delete_before(tx, now - AUDIT_LIFE, BATCH)?
                        + devices::delete_unseen(tx, now - DEVICE_LIFE, BATCH)?
                        + throttles::delete_stale(tx, now - FAILURE_LIFE, now, BATCH)?
                        + signing_keys::delete_retired(tx, now - RETIRED_LIFE)?,
                )
            })
            .await?;
        removed += count;
        if count < BATCH as u64 {
            return Ok(removed);
        }
    }
}

async fn sweep_unverified(service: &Service, contract: Contract) -> Result<u64, Unavailable> {
    let now = service.clock.now();
    let before = now - UNVERIFIED_LIFE;
    let mut removed = 0;
    loop {
        // Most rounds find nothing: a look costs no commit.
        let due = service.store.read(|tx| accounts::never_verified(tx, contract, before, now, BATCH))?;
        if due.is_empty() {
            return Ok(removed);
        }
        let chance = service.chance.clone();
        removed += service
            .store
            .write(move |tx| {
                // Asked again inside: one of them may just have proved the address.
                let due = accounts::never_verified(tx, contract, before, now, BATCH)?;
                due.into_iter().try_fold(0, |sum, id| {
                    let entry = entry(&chance, now, Actor::System, Deed::AccountExpired);
                    audit::note(tx, &Entry { account: Some(id), ..entry })?;
                    audit::forget_person(tx, id)?;
                    Ok::<u64, Unavailable>(sum + u64::from(accounts::delete(tx, id)?))
                })
            })
            .await?;
    }
}
