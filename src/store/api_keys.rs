//! API keys, as rows.

use std::sync::LazyLock;

use super::ledgers::{BOOKS_COLUMNS, BOOKS_FROM, BOOKS_LATEST, Books, read_books};
use super::{Row, Tx, Unavailable, params};
use crate::model::account::Milestones;
use crate::model::api_key::{ApiKey, Endpoint, KeyOwner, ShownKey};
use crate::model::id::{AccountId, ApiKeyId, OrganizationId};
use crate::model::time::Millis;

const COLUMNS: &str =
    "k.id, k.account_id, k.organization_id, k.name, k.head, k.tail, k.endpoints, k.created_at,
    k.expires_at, k.revoked_at, k.last_used_at";

fn read(row: &mut Row) -> Result<ApiKey, Unavailable> {
    let id = row.take()?;
    let owner = match (row.take::<Option<AccountId>>()?, row.take::<Option<OrganizationId>>()?) {
        (Some(account), None) => KeyOwner::Account(account),
        (None, Some(organization)) => KeyOwner::Organization(organization),
        _ => return Err(Unavailable::because("an API key has not exactly one owner")),
    };
    let (name, head, tail) = (row.take()?, row.take()?, row.take()?);
    Ok(ApiKey {
        id,
        owner,
        name,
        head,
        tail,
        endpoints: read_endpoints(row)?,
        created_at: row.take()?,
        expires_at: row.take()?,
        revoked_at: row.take()?,
        last_used_at: row.take()?,
    })
}

fn read_endpoints(row: &mut Row) -> Result<Vec<Endpoint>, Unavailable> {
    let endpoints: String = row.take()?;
    let endpoints = endpoints.split_whitespace().map(Endpoint::parse).collect::<Result<_, _>>();
    endpoints.map_err(Unavailable::because)
}

/// Makes a key good. `hash` is what it is found by; `default` makes it the one of the contract that knows one key.
pub fn insert(tx: &Tx<'_>, key: &ApiKey, hash: &str, default: bool) -> Result<(), Unavailable> {
    let (account, organization) = match key.owner {
        KeyOwner::Account(id) => (Some(id), None),
        KeyOwner::Organization(id) => (None, Some(id)),
    };
    let endpoints: Vec<&str> = key.endpoints.iter().map(Endpoint::as_str).collect();
    let sql = "insert into api_keys (id, key_hash, account_id, organization_id, is_default, name, head, tail,
            endpoints, created_at, expires_at)
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";
    tx.execute(
        sql,
        params![
            key.id,
            hash,
            account,
            organization,
            default,
            key.name,
            key.head,
            key.tail,
            endpoints.join(" "),
            key.created_at,
            key.expires_at
        ],
    )?;
    Ok(())
}

/// The live keys of an owner, the oldest first.
pub fn live(tx: &Tx<'_>, owner: KeyOwner, now: Millis) -> Result<Vec<ApiKey>, Unavailable> {
    let (column, id) = match owner {
        KeyOwner::Account(id) => ("account_id", id.to_string()),
        KeyOwner::Organization(id) => ("organization_id", id.to_string()),
    };
    let sql = format!(
        "select {COLUMNS} from api_keys k
        where k.{column} = ?1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > ?2)
        order by k.created_at, k.id"
    );
    tx.rows(&sql, params![id, now], read)
}

/// All keys of an account that are on record, ended ones too, the oldest first.
pub fn of_account(tx: &Tx<'_>, account: AccountId) -> Result<Vec<ApiKey>, Unavailable> {
    let sql = format!("select {COLUMNS} from api_keys k where k.account_id = ?1 order by k.created_at, k.id");
    tx.rows(&sql, params![account], read)
}

/// The one key that a contract shows which knows no more than one.
pub fn default_of(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<Option<ApiKey>, Unavailable> {
    let sql = format!(
        "select {COLUMNS} from api_keys k where k.account_id = ?1 and k.is_default = 1 and k.revoked_at is null
        and (k.expires_at is null or k.expires_at > ?2) order by k.created_at desc, k.id desc limit 1"
    );
    tx.row(&sql, params![account, now], read)
}

/// How many live keys spend an organization's tokens: its own, and those of its members.
pub fn count(tx: &Tx<'_>, organization: OrganizationId, now: Millis) -> Result<i64, Unavailable> {
    let sql = "select (select count(*) from api_keys
            where organization_id = ?1 and revoked_at is null and (expires_at is null or expires_at > ?2))
        + (select count(*) from api_keys k join memberships m on m.account_id = k.account_id
            where m.organization_id = ?1 and k.revoked_at is null and (k.expires_at is null or k.expires_at > ?2))";
    Ok(tx.value(sql, params![organization, now])?.unwrap_or(0))
}

/// Ends a key of this owner. False when the owner has no such live key.
pub fn revoke(tx: &Tx<'_>, owner: KeyOwner, id: ApiKeyId, now: Millis) -> Result<bool, Unavailable> {
    let (account, organization) = match owner {
        KeyOwner::Account(id) => (Some(id), None),
        KeyOwner::Organization(id) => (None, Some(id)),
    };
    let sql = "update api_keys set revoked_at = ?4 where id = ?1 and revoked_at is null
        and coalesce(account_id, '') = coalesce(?2, '') and coalesce(organization_id, '') = coalesce(?3, '')";
    Ok(tx.execute(sql, params![id, account, organization, now])? == 1)
}

/// Ends the keys of an account that were made at `since` or later.
pub fn revoke_since(tx: &Tx<'_>, account: AccountId, since: Millis, now: Millis) -> Result<u64, Unavailable> {
    let sql = "update api_keys set revoked_at = ?3
        where account_id = ?1 and created_at >= ?2 and revoked_at is null";
    tx.execute(sql, params![account, since, now])
}

/// Ends every key of an account.
pub fn revoke_all(tx: &Tx<'_>, account: AccountId, now: Millis) -> Result<u64, Unavailable> {
    let sql = "update api_keys set revoked_at = ?2 where account_id = ?1 and revoked_at is null";
    tx.execute(sql, params![account, now])
}

/// Notes when a key was used.
pub fn touch(tx: &Tx<'_>, id: ApiKeyId, at: Millis) -> Result<(), Unavailable> {
    let sql = "update api_keys set last_used_at = ?2 where id = ?1 and coalesce(last_used_at, 0) < ?2";
    tx.execute(sql, params![id, at])?;
    Ok(())
}

/// Removes keys that were ended before `before`, at most `limit`.
pub fn delete_revoked(tx: &Tx<'_>, before: Millis, limit: i64) -> Result<u64, Unavailable> {
    let sql = "delete from api_keys where id in (
        select id from api_keys where revoked_at is not null and revoked_at < ?1 limit ?2)";
    tx.execute(sql, params![before, limit])
}

/// A key, whom it acts for, and what there is to spend.
#[derive(Debug, Clone)]
pub struct Found {
    pub key: ShownKey,
    /// The account that owns it; none for a key of an organization.
    pub account: Option<(AccountId, Milestones)>,
    /// The organization whose tokens it spends, unless that is banned.
    pub organization: Option<OrganizationId>,
    pub books: Books,
}

/// Put together once, and one statement for all of it: it is asked at every call.
static BY_HASH: LazyLock<String> = LazyLock::new(|| {
    format!(
        "select k.id, k.endpoints, k.expires_at, k.revoked_at,
            k.account_id, a.verified_at, a.deactivated_at, a.banned_at, a.removed_at,
            case when o.banned_at is null then o.id end, {BOOKS_COLUMNS}
        from api_keys k
        left join accounts a on a.id = k.account_id
        left join memberships m on m.account_id = k.account_id
        left join organizations o on o.id = coalesce(k.organization_id, m.organization_id)
        {BOOKS_FROM} where k.key_hash = ?1 {BOOKS_LATEST}"
    )
});

/// The key of a hash, live or not.
pub fn by_hash(tx: &Tx<'_>, hash: &str) -> Result<Option<Found>, Unavailable> {
    tx.row(&BY_HASH, params![hash], |row| {
        let id = row.take()?;
        let key = ShownKey {
            id,
            endpoints: read_endpoints(row)?,
            expires_at: row.take()?,
            revoked_at: row.take()?,
        };
        let account: Option<AccountId> = row.take()?;
        let milestones = Milestones {
            verified_at: row.take()?,
            deactivated_at: row.take()?,
            banned_at: row.take()?,
            removed_at: row.take()?,
        };
        let organization = row.take()?;
        let account = account.map(|account| (account, milestones));
        Ok(Found { key, account, organization, books: read_books(row)? })
    })
}
