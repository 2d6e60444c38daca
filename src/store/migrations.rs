//! The schema's history: numbered, append-only, each applied once. `schema.sql` shows what they add up to.

use super::{Tx, Unavailable, params};

/// Migration `n` stands at index `n - 1`. Never change one that was released; add another.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_foundation.sql"),
    include_str!("migrations/0002_subscriptions.sql"),
    include_str!("migrations/0003_teams.sql"),
    include_str!("migrations/0004_audit.sql"),
    include_str!("migrations/0005_change_of_address.sql"),
    include_str!("migrations/0006_metering.sql"),
    include_str!("migrations/0007_new_device.sql"),
    include_str!("migrations/0008_members_in_order.sql"),
    include_str!("migrations/0009_orbai.sql"),
    include_str!("migrations/0010_two_factor.sql"),
    include_str!("migrations/0011_idempotency_by_key.sql"),
    include_str!("migrations/0012_referral_rewards.sql"),
    include_str!("migrations/0013_invitations.sql"),
    include_str!("migrations/0014_access_tokens.sql"),
    include_str!("migrations/0015_letter_attempts.sql"),
];

const BOOKKEEPING: &str = "create table if not exists schema_versions (
    version bigint not null primary key
)";

/// The version that this build brings a file to.
pub fn newest() -> i64 {
    MIGRATIONS.len() as i64
}

/// The version of a file, 0 for an empty one.
///
/// # Errors
/// [`Unavailable`] also when there is no bookkeeping and the file is read-only.
pub fn version(tx: &Tx<'_>) -> Result<i64, Unavailable> {
    // Asking the catalog would be the dialect's; a failing select tells the same on a file that may not be written.
    let found = tx.value::<Option<i64>>("select max(version) from schema_versions", params![]);
    match found {
        Ok(found) => Ok(found.flatten().unwrap_or(0)),
        Err(_) => tx.batch(BOOKKEEPING).map(|()| 0),
    }
}

/// Applies every migration after `found`.
///
/// # Errors
/// The number of the migration that failed, and why.
pub fn apply(tx: &Tx<'_>, found: i64) -> Result<(), (i64, Unavailable)> {
    for (version, sql) in (1..).zip(MIGRATIONS).skip(usize::try_from(found).unwrap_or(0)) {
        let note = "insert into schema_versions (version) values (?1)";
        tx.batch(sql).and_then(|()| tx.execute(note, params![version])).map_err(|error| (version, error))?;
    }
    Ok(())
}
