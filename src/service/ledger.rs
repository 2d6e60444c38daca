//! What organizations have to spend: the month's grant when it is due, credits, and what it was spent on.

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed};
use crate::model::id::OrganizationId;
use crate::model::ledger::{EntryKind, Ledger, LedgerEntry, MOST_CREDIT, Terms};
use crate::model::time::{DAY, Millis, span_ms};
use crate::store::ledgers::{self, Books, Spent};
use crate::store::{Tx, Unavailable, audit};

use super::Service;

/// Endpoints that a summary of use names.
const TOP_ENDPOINTS: i64 = 10;

/// What an organization has to spend at a moment, and by which plan.
#[derive(Debug, Clone)]
pub struct Account {
    /// As it is, also where the grant of the month has yet to be written.
    pub ledger: Ledger,
    /// None while no plan is in force.
    pub terms: Option<Terms>,
}

impl Account {
    /// What the books say at a moment, without writing what is due.
    pub(super) fn of(books: Books, organization: OrganizationId, now: Millis) -> Account {
        let Books { ledger, terms } = books;
        let ledger = ledger.unwrap_or_else(|| Ledger::new(organization));
        let ledger = ledger.due(terms.as_ref(), now).map_or(ledger, |due| due.ledger);
        Account { ledger, terms: terms.filter(|terms| terms.in_force(now)) }
    }
}

/// What calls cost in a window of days.
#[derive(Debug, Clone)]
pub struct Use {
    /// By day (UTC, counted from the epoch), the oldest first; days without calls are left out.
    pub daily: Vec<Spent<i64>>,
    /// The endpoints that cost most, at most ten.
    pub top: Vec<Spent<String>>,
}

/// Why nothing was credited. Sentences for the operator.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CreditError {
    #[error("the account has no organization to credit")]
    NoOrganization,
    #[error("that would be more than the {MOST_CREDIT} tokens that an organization may hold")]
    TooMuch,
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
}

/// What an organization has to spend, without writing what is due.
pub(super) fn account(
    tx: &Tx<'_>,
    organization: OrganizationId,
    now: Millis,
) -> Result<Account, Unavailable> {
    Ok(Account::of(ledgers::books(tx, organization)?, organization, now))
}

/// Brings a ledger up to date: the lines for a month that has ended and one that has begun.
pub(super) fn settle(tx: &Tx<'_>, organization: OrganizationId, now: Millis) -> Result<Account, Unavailable> {
    let Books { ledger, terms } = ledgers::books(tx, organization)?;
    let mut ledger = ledger.unwrap_or_else(|| Ledger::new(organization));
    if let Some(due) = ledger.due(terms.as_ref(), now) {
        let mut line = Line { organization, number: ledger.entries, balance: ledger.balance(), now };
        line.write(tx, EntryKind::Expiry, -due.void, "")?;
        line.write(tx, EntryKind::Grant, due.grant, "")?;
        ledger = Ledger { entries: line.number, ..due.ledger };
        ledgers::put(tx, &ledger)?;
    }
    Ok(Account { ledger, terms: terms.filter(|terms| terms.in_force(now)) })
}

/// Adds tokens that stay. `None` when the organization would hold too many; nothing has changed then.
pub(super) fn credit(
    tx: &Tx<'_>,
    organization: OrganizationId,
    tokens: i64,
    reason: &str,
    now: Millis,
) -> Result<Option<Ledger>, Unavailable> {
    let Account { ledger, .. } = settle(tx, organization, now)?;
    if tokens > MOST_CREDIT - ledger.credits {
        return Ok(None);
    }
    let mut line = Line { organization, number: ledger.entries, balance: ledger.balance(), now };
    line.write(tx, EntryKind::Credit, tokens, reason)?;
    let ledger = Ledger { credits: ledger.credits + tokens, entries: line.number, ..ledger };
    ledgers::put(tx, &ledger)?;
    Ok(Some(ledger))
}

/// The next line of a ledger.
struct Line {
    organization: OrganizationId,
    number: i64,
    balance: i64,
    now: Millis,
}

impl Line {
    /// Writes a line, unless it changes nothing.
    fn write(&mut self, tx: &Tx<'_>, kind: EntryKind, delta: i64, detail: &str) -> Result<(), Unavailable> {
        if delta == 0 {
            return Ok(());
        }
        self.number += 1;
        self.balance += delta;
        let entry = LedgerEntry {
            organization: self.organization,
            number: self.number,
            at: self.now,
            kind,
            delta,
            balance: self.balance,
            endpoint: None,
            key: None,
            detail: detail.to_owned(),
        };
        ledgers::note(tx, &entry)
    }
}

impl Service {
    /// What an organization has to spend.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub fn ledger(&self, organization: OrganizationId) -> Result<Account, Unavailable> {
        let now = self.clock.now();
        self.store.read(|tx| account(tx, organization, now))
    }

    /// The latest lines of an organization's ledger, newest first, with the grant of this month.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn transactions(
        &self,
        organization: OrganizationId,
        limit: i64,
    ) -> Result<Vec<LedgerEntry>, Unavailable> {
        let now = self.clock.now();
        let is_due = self.store.read(|tx| {
            let Books { ledger, terms } = ledgers::books(tx, organization)?;
            let ledger = ledger.unwrap_or_else(|| Ledger::new(organization));
            Ok::<_, Unavailable>(ledger.due(terms.as_ref(), now).is_some())
        })?;
        if is_due {
            self.store.write(move |tx| settle(tx, organization, now).map(drop)).await?;
        }
        self.store.read(|tx| ledgers::latest(tx, organization, limit))
    }

    /// What calls cost an organization within so many days (UTC), today included.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn usage(&self, organization: OrganizationId, days: i64) -> Result<Use, Unavailable> {
        let day = span_ms(DAY);
        let today = self.clock.now().0.div_euclid(day);
        let since = Millis((today - days + 1).saturating_mul(day));
        self.store
            .scan(move |tx| {
                Ok(Use {
                    daily: ledgers::by_day(tx, organization, since)?,
                    top: ledgers::by_endpoint(tx, organization, since, TOP_ENDPOINTS)?,
                })
            })
            .await
    }

    /// Credits a member's organization by the operator's command. `tokens` is from 1 to [`MOST_CREDIT`].
    ///
    /// # Errors
    /// [`CreditError`]; nothing has changed then.
    pub async fn credit(&self, member: &Member, tokens: i64, reason: &str) -> Result<Ledger, CreditError> {
        let place = member.organization.as_ref().ok_or(CreditError::NoOrganization)?;
        let (organization, now, reason) = (place.organization, self.clock.now(), reason.to_owned());
        let entry = self.entry_about(member, Actor::Operator, Deed::TokensCredited);
        let entry = entry.detailed(format_args!("{tokens} tokens"));
        self.store
            .write(move |tx| {
                let ledger = credit(tx, organization, tokens, &reason, now)?.ok_or(CreditError::TooMuch)?;
                audit::note(tx, &entry)?;
                Ok(ledger)
            })
            .await
    }
}
