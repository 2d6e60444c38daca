//! Opening a session: room for it within the contract's limit, its row, and the device it is opened on.

use std::net::IpAddr;

use crate::model::account::Member;
use crate::model::audit::{Actor, Deed, Entry};
use crate::model::client_device::{DeviceReport, PushToken};
use crate::model::id::{AccountId, DeviceId};
use crate::model::session::{Origin, Session};
use crate::model::subscription::SeededPlan;
use crate::model::time::Millis;
use crate::secrets::Use;
use crate::store::client_devices::{self, Arriving};
use crate::store::sessions::{self, Keep};
use crate::store::{Tx, Unavailable, audit, plans, subscriptions};

use super::Service;
use super::policy::{DeviceLimit, Policy};

/// A session about to be opened, made before the transaction so that the transaction is short.
pub(super) struct Opening {
    pub session: Session,
    address: IpAddr,
    /// The device, where the client names it itself.
    device: Option<Arriving>,
    limit: DeviceLimit,
    /// What is noted should older sessions have to make room.
    evicted: Entry,
}

impl Service {
    /// A session of an account's through a contract.
    pub(super) fn opening(&self, policy: &Policy, account: AccountId, origin: &Origin) -> Opening {
        let session = self.new_session(account, policy.contract, origin);
        Opening {
            device: origin.report.as_ref().map(|report| self.arriving(&session, report)),
            address: origin.address,
            limit: policy.device_limit,
            evicted: self.entry(Actor::Person(account, origin.address), Deed::SessionEvicted),
            session,
        }
    }

    fn arriving(&self, session: &Session, report: &DeviceReport) -> Arriving {
        let id: DeviceId = self.chance.id(session.created_at);
        let seal = |PushToken(token): &PushToken| self.secrets.seal(Use::PushToken, token.as_bytes());
        Arriving {
            id,
            account: session.account,
            session: session.id,
            device_id: report.device_id.clone().unwrap_or_else(|| id.to_string()),
            name: report.name.clone(),
            platform: report.platform,
            app_version: report.app_version.clone(),
            push_token_sealed: report.push_token.as_ref().map(seal),
            now: session.created_at,
        }
    }
}

impl Opening {
    /// The client's identity for the device; one of ours where it gave none.
    pub fn device_id(&self) -> Option<&str> {
        self.device.as_ref().map(|device| device.device_id.as_str())
    }

    /// Opens it for a member who may enter. On one device there is one session: that of before ends. `passed` tells
    /// whether the second factor was passed on the way.
    pub fn commit(&self, tx: &Tx<'_>, member: &Member, passed: bool) -> Result<Session, Unavailable> {
        let second_factor_at = passed.then_some(self.session.created_at);
        let session = Session { second_factor_at, ..self.session.clone() };
        if let Some(device) = &self.device {
            client_devices::supersede(tx, device)?;
        }
        self.make_room(tx, member)?;
        sessions::insert(tx, &session, &self.address.to_string())?;
        if let Some(device) = &self.device {
            client_devices::note(tx, device)?;
        }
        Ok(session)
    }

    /// Ends sessions of the contract until there is room for one more.
    fn make_room(&self, tx: &Tx<'_>, member: &Member) -> Result<(), Unavailable> {
        let now = self.session.created_at;
        let keep = match self.limit {
            DeviceLimit::None => return Ok(()),
            DeviceLimit::Fixed(limit) => Keep::Youngest(limit - 1),
            DeviceLimit::OfPlan => Keep::LatestUsed(devices_of_plan(tx, member, now)? - 1),
        };
        match sessions::evict(tx, &self.session, keep, now)? {
            0 => Ok(()),
            _ => audit::note(tx, &self.evicted.clone().about(member)),
        }
    }
}

/// On how many devices the plan in force lets a member be signed in; the free plan's where none is.
pub(super) fn devices_of_plan(tx: &Tx<'_>, member: &Member, now: Millis) -> Result<i64, Unavailable> {
    let place = member.organization.as_ref();
    let latest = place.map_or(Ok(None), |place| subscriptions::latest(tx, place.organization))?;
    let in_force = latest.filter(|held| held.state(now).is_in_force());
    let plan = in_force.map_or_else(|| SeededPlan::Free.as_str().to_owned(), |held| held.plan);
    let missing = || Unavailable::because("the plan of a subscription is not there");
    plans::device_limit(tx, &plan)?.map(|limit| limit.max(1)).ok_or_else(missing)
}
