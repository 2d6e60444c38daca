//! Change of address (THREATS A5): asked for with the password, made with a secret mailed to the new address, undone for
//! a week with one mailed to the former.

mod confirm;
mod request;
mod undo;

pub use request::{AddressError, AddressOrder};

use crate::mail::Recipient;
use crate::model::account::Account;
use crate::model::email::EmailAddress;
use crate::model::id::AccountId;
use crate::model::letter::LetterKind;
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::store::{Tx, Unavailable, letters, proofs};

/// Somebody's letter at an address that the account does not have, or not any more.
fn recipient<'a>(account: &'a Account, address: &'a EmailAddress) -> Recipient<'a> {
    Recipient { address, first_name: &account.first_name, language: account.language }
}

/// What the audit log says of a change.
fn from_to(old: &EmailAddress, new: &EmailAddress) -> String {
    format!("{} to {}", old.as_str(), new.as_str())
}

/// Takes back a change that was asked for and not made.
fn withdraw(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<(), Unavailable> {
    proofs::void(tx, account, Purpose::ChangeAddress, now)?;
    letters::drop_waiting(tx, account, LetterKind::ChangeAddress.as_str(), now)?;
    Ok(())
}
