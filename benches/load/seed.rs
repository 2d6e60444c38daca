//! A database with many people in it, made by SQL instead of sign-ups: a million of those would hash for hours.

use std::io;
use std::path::Path;
use std::sync::Arc;

use latchkey::app::{self, Ambience};
use latchkey::config::{Arguments, Settings};
use latchkey::model::api_key::KeyText;
use latchkey::model::contract::Contract;
use latchkey::model::ledger::MOST_CREDIT;
use latchkey::model::time::Millis;
use latchkey::secrets::sha256;
use latchkey::service::Service;
use latchkey::store::{Tx, Unavailable, Value};
use latchkey::tokens::{Claims, TokenKind};

use crate::client::{Wire, get};

/// As long as one of a real password.
const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$\
    MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE";

/// Who belongs where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
    /// Everybody has an organization of their own.
    Apart,
    /// All are in that of the first, who is its owner.
    Together,
}

/// Fills the database in `folder`, which must be new, and tells the reads of `path` by `callers` of the people, who are
/// spread over all of them. Each has a proved address and a session.
///
/// # Errors
/// When the database cannot be written.
pub async fn people(
    folder: &Path,
    (count, places): (usize, Places),
    (callers, path): (usize, &str),
) -> io::Result<Vec<Wire>> {
    let service = open(folder).await?;
    let now = service.clock.now().0;
    let filled: Result<(), Unavailable> =
        service.store.write(move |tx| fill(tx, now, count as i64, places)).await;
    filled.map_err(io::Error::other)?;
    let step = (count / callers).max(1) as i64;
    let tokens = service.store.read(|tx| tokens(tx, &service, step)).map_err(io::Error::other)?;
    Ok(tokens.iter().take(callers).map(|token| get(path, Some(token))).collect())
}

/// Fills the database in `folder`, which must be new, with people who have organizations of their own, the paid plan, and
/// more credits than can be spent; tells an API key of each.
///
/// # Errors
/// When the database cannot be written.
pub async fn keys(folder: &Path, count: usize) -> io::Result<Vec<String>> {
    let service = open(folder).await?;
    let now = service.clock.now();
    let keys: Vec<KeyText> = (0..count).map(|_| KeyText::of_bytes(service.chance.bytes())).collect();
    let texts = keys.iter().map(|key| key.as_str().to_owned()).collect();
    let filled: Result<(), Unavailable> = service
        .store
        .write(move |tx| {
            fill(tx, now.0, count as i64, Places::Apart)?;
            fill_ledgers(tx, now)?;
            (1..).zip(&keys).try_for_each(|(number, key)| fill_key(tx, now, number, key))
        })
        .await;
    filled.map_err(io::Error::other)?;
    Ok(texts)
}

pub async fn open(folder: &Path) -> io::Result<Arc<Service>> {
    let arguments = Arguments {
        database: Some(folder.join("latchkey.db").display().to_string()),
        ..Arguments::default()
    };
    let settings = Settings::from_arguments(&arguments, std::iter::empty())
        .map_err(|faults| io::Error::other(faults.join("; ")))?;
    let service = app::open(&settings, &Ambience::system(), app::Process::Command).await;
    service.map_err(io::Error::other)
}

/// Ids are as the server makes them, seconds first, so that rows stand in the order in which they came.
fn fill(tx: &Tx<'_>, now: i64, count: i64, places: Places) -> Result<(), Unavailable> {
    let moment = [Value::Int(now), Value::Int(count), Value::Text(PASSWORD_HASH.to_owned())];
    let accounts = "with recursive people (n) as (select 1 union all select n + 1 from people where n < ?2)
        insert into accounts (id, number, email, email_key, email_identity, password_hash, first_name, last_name,
            language, contract, created_at, updated_at, last_login_at, verified_at)
        select printf('%08x', ?1 / 1000 - ?2 + n) || lower(hex(randomblob(8))), n, 'john.doe@company' || n || '.com',
            'john.doe@company' || n || '.com', lower(hex(randomblob(32))), ?3, 'John', 'Doe', 'en', 'flashback',
            ?1, ?1, ?1, ?1
        from people";
    tx.execute(accounts, &moment)?;
    tx.execute("update counters set value = ?1 where name = 'account'", &moment[1..2])?;
    let founders = match places {
        Places::Apart => "accounts",
        Places::Together => "accounts where number = 1",
    };
    let organizations = format!(
        "insert into organizations (id, name, domain, is_business, created_at, updated_at)
        select id, 'Acme Corp', 'company' || number || '.com', 1, ?1, ?1 from {founders}"
    );
    tx.execute(&organizations, &moment[..1])?;
    let own = match places {
        Places::Apart => "id, 255",
        Places::Together => {
            "(select id from accounts where number = 1), case number when 1 then 255 else 0 end"
        }
    };
    let memberships = format!(
        "insert into memberships (account_id, organization_id, role, created_at) select id, {own}, ?1 from accounts"
    );
    tx.execute(&memberships, &moment[..1])?;
    let life = Contract::Flashback.token_lives().refresh.as_millis() as i64;
    let sessions = "insert into sessions (id, account_id, contract, device, address, created_at, last_used_at,
            expires_at, generation, rotated_at)
        select id, id, 'flashback', 'Mozilla/5.0 (X11; Linux x86_64)', '127.0.0.1', ?1, ?1, ?2, 0, ?1 from accounts";
    tx.execute(sessions, &[Value::Int(now), Value::Int(now + life)])?;
    Ok(())
}

/// The month's grant has been written, as it has after the first call of a month: what is measured is every other.
fn fill_ledgers(tx: &Tx<'_>, now: Millis) -> Result<(), Unavailable> {
    let subscriptions = "insert into subscriptions (id, organization_id, plan_id, period_id, starts_at)
        select id, id, 'paid', (select id from plan_periods where plan_id = 'paid' and period_type = 'MONTHLY'), ?1
        from organizations";
    tx.execute(subscriptions, &[Value::Int(now.0)])?;
    let month_ends = now.plus_months(1).ok_or_else(|| Unavailable::because("no month follows this one"))?;
    let ledgers = "insert into ledgers (organization_id, monthly, credits, granted, entries, subscription_id, refill_at)
        select s.organization_id, p.tokens_a_month, ?1, p.tokens_a_month, 2, s.id, ?2
        from subscriptions s join plans p on p.id = s.plan_id";
    tx.execute(ledgers, &[Value::Int(MOST_CREDIT), Value::Int(month_ends.0)])?;
    let entries = "insert into ledger_entries (organization_id, number, at, kind, delta, balance, detail)
        select organization_id, 1, ?1, 'grant', monthly, monthly, '' from ledgers
        union all select organization_id, 2, ?1, 'credit', credits, monthly + credits, 'seed' from ledgers";
    tx.execute(entries, &[Value::Int(now.0)])?;
    Ok(())
}

/// The key of the account of this number. A key here has the id of its account.
fn fill_key(tx: &Tx<'_>, now: Millis, number: i64, key: &KeyText) -> Result<(), Unavailable> {
    let (head, tail) = key.ends();
    let text = |text: &str| Value::Text(text.to_owned());
    let sql =
        "insert into api_keys (id, key_hash, account_id, is_default, name, head, tail, endpoints, created_at)
        select id, ?2, id, 1, 'Default', ?3, ?4, '', ?5 from accounts where number = ?1";
    let hash = Value::Text(sha256(key.as_str()));
    tx.execute(sql, &[Value::Int(number), hash, text(head), text(tail), Value::Int(now.0)])?;
    Ok(())
}

/// Access tokens of every so many people.
fn tokens(tx: &Tx<'_>, service: &Arc<Service>, step: i64) -> Result<Vec<String>, Unavailable> {
    let now = service.clock.now();
    let sql = "select a.id, m.organization_id from accounts a join memberships m on m.account_id = a.id
        where a.number % ?1 = 1 % ?1 order by a.number";
    let people =
        tx.rows(sql, &[Value::Int(step)], |row| Ok((row.take::<String>()?, row.take::<String>()?)))?;
    let sign = |(account, organization): (String, String)| {
        service.ring.sign(&Claims {
            iss: service.issuer.clone(),
            aud: Contract::Flashback.as_str().to_owned(),
            kind: TokenKind::Access,
            // A session here has the id of its account.
            token_id: account.clone(),
            user_id: account,
            email: None,
            org_id: Some(organization),
            generation: None,
            iat: now.seconds(),
            exp: (now + Contract::Flashback.token_lives().access).seconds(),
        })
    };
    Ok(people.into_iter().map(sign).collect())
}
