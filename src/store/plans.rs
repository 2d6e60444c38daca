//! Plans with their periods and capabilities, as rows.

use super::{Row, Tx, Unavailable, params};
use crate::model::id::PeriodId;
use crate::model::plan::{Capability, Period, Plan};

/// All plans, in the order of lists.
pub fn list(tx: &Tx<'_>) -> Result<Vec<Plan>, Unavailable> {
    let keys: Vec<String> = tx.rows("select id from plans order by position", params![], Row::take)?;
    keys.iter().filter_map(|key| find(tx, key).transpose()).collect()
}

/// The plan of a key.
pub fn find(tx: &Tx<'_>, key: &str) -> Result<Option<Plan>, Unavailable> {
    let sql = "select id, name, description from plans where id = ?1";
    let plan = tx.row(sql, params![key], |row| {
        let (id, name, description) = (row.take()?, row.take()?, row.take()?);
        Ok(Plan { id, name, description, periods: Vec::new(), capabilities: Vec::new() })
    })?;
    let Some(plan) = plan else { return Ok(None) };
    Ok(Some(Plan { periods: periods(tx, key)?, capabilities: capabilities(tx, key)?, ..plan }))
}

const PERIOD: &str = "select id, plan_id, period_type, price_cents, credits_granted from plan_periods";

fn read_period(row: &mut Row) -> Result<Period, Unavailable> {
    Ok(Period {
        id: row.take()?,
        plan: row.take()?,
        kind: row.take()?,
        price_cents: row.take()?,
        credits_granted: row.take()?,
    })
}

/// On how many devices a plan lets one be signed in. `None` for no such plan.
pub fn device_limit(tx: &Tx<'_>, key: &str) -> Result<Option<i64>, Unavailable> {
    tx.value("select device_limit from plans where id = ?1", params![key])
}

/// The period of an id.
pub fn period(tx: &Tx<'_>, id: PeriodId) -> Result<Option<Period>, Unavailable> {
    tx.row(&format!("{PERIOD} where id = ?1"), params![id], read_period)
}

/// The periods of a plan; the first is the one taken when only the plan is named.
pub fn periods(tx: &Tx<'_>, plan: &str) -> Result<Vec<Period>, Unavailable> {
    tx.rows(&format!("{PERIOD} where plan_id = ?1 order by position"), params![plan], read_period)
}

fn capabilities(tx: &Tx<'_>, plan: &str) -> Result<Vec<Capability>, Unavailable> {
    let sql = "select id, code, description, type, price_cents, period_type, value from plan_capabilities
        where plan_id = ?1 order by position";
    tx.rows(sql, params![plan], |row| {
        Ok(Capability {
            id: row.take()?,
            code: row.take()?,
            description: row.take()?,
            kind: row.take()?,
            price_cents: row.take()?,
            period: row.take()?,
            value: row.take()?,
        })
    })
}
