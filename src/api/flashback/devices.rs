//! What somebody signs in on: family C.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::failure::{FamilyC, SENTENCE_ONLY};
use super::wire::{MessageBody, message};
use super::{Area, Known, Proven};
use crate::api::body::Body;
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, Status, WITH_BODY, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::device::Device;
use crate::service::Service;
use crate::service::authenticate::Caller;
use crate::service::devices::{DeviceAction, DeviceError};

/// The caller's devices.
#[derive(Object)]
#[oai(rename = "FlashbackDevices")]
pub struct DevicesBody {
    /// Always true.
    success: bool,
    data: Vec<DeviceBody>,
}

/// One device of the caller's.
#[derive(Object)]
#[oai(rename = "FlashbackDeviceAnswer")]
pub struct DeviceAnswer {
    /// Always true.
    success: bool,
    data: DeviceBody,
}

/// A device, as `deviceInfo` of a login told of it; what was left out is empty. Moments are RFC 3339 in UTC.
#[derive(Object)]
#[oai(rename = "FlashbackDevice", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct DeviceBody {
    id: String,
    device_name: String,
    device_type: String,
    os: String,
    browser: String,
    is_trusted: bool,
    trusted_at: Option<String>,
    first_seen_at: String,
    /// The latest login on it.
    last_seen_at: String,
    /// The network address of that login.
    last_ip_address: String,
}

impl From<Device> for DeviceBody {
    fn from(device: Device) -> DeviceBody {
        DeviceBody {
            id: device.id.to_string(),
            device_name: device.description.name,
            device_type: device.description.kind,
            os: device.description.os,
            browser: device.description.browser,
            is_trusted: device.trusted_at.is_some(),
            trusted_at: device.trusted_at.map(crate::model::time::Millis::rfc3339),
            first_seen_at: device.first_seen_at.rfc3339(),
            last_seen_at: device.last_seen_at.rfc3339(),
            last_ip_address: device.last_address,
        }
    }
}

/// Which device to trust.
#[derive(Object)]
#[oai(rename = "FlashbackTrustRequest", rename_all = "camelCase")]
pub struct TrustRequest {
    /// `id` of `GET /devices`.
    device_id: String,
}

const UNKNOWN: Status = (404, "`Device not found`: the caller has no such device.");
const UNPROVEN: Status = (403, "The address is not proved yet.");

outcomes!(ListReply = ListOutcomes: FamilyC, 200 "The caller's devices, the latest seen first." => DevicesBody,
    [ALWAYS, WITH_TOKEN]);
outcomes!(ReadReply = ReadOutcomes: FamilyC, 200 "The device." => DeviceAnswer,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNKNOWN]]);
outcomes!(RemoveReply = RemoveOutcomes: FamilyC, 200 "The device is forgotten; its sessions have ended." => MessageBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNKNOWN]]);
outcomes!(TrustReply = TrustOutcomes: FamilyC, 200 "The device is trusted." => MessageBody,
    [ALWAYS, WITH_BODY, WITH_TOKEN, &[(400, "The input is faulty; `error` names every faulty field."), UNPROVEN, UNKNOWN]]);
outcomes!(UntrustReply = UntrustOutcomes: FamilyC, 200 "The device is no longer trusted." => MessageBody,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[UNKNOWN]]);

#[derive(Clone)]
pub struct Devices;

#[OpenApi]
impl Devices {
    /// List devices
    ///
    /// A login that sends `deviceInfo` leaves a device; the same again is the same device.
    #[oai(path = "/devices", method = "get", tag = "Area::Devices", operation_id = "flashbackDevices")]
    async fn list(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ListReply {
        let devices = service.own_devices(&caller);
        let body = |devices: Vec<Device>| devices.into_iter().map(DeviceBody::from).collect();
        devices
            .map(|devices| DevicesBody { success: true, data: body(devices) })
            .map_err(Problem::from)
            .into()
    }

    /// Read a device
    ///
    /// One of the caller's own.
    #[oai(path = "/devices/:id", method = "get", tag = "Area::Devices", operation_id = "flashbackDevice")]
    async fn read(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `id` of `GET /devices`.
        id: Path<String>,
    ) -> ReadReply {
        let found = match id.0.parse() {
            Ok(id) => service.own_device(&caller, id),
            Err(_) => Ok(None),
        };
        match found {
            Ok(Some(device)) => ReadReply::Done(DeviceAnswer { success: true, data: device.into() }),
            Ok(None) => ReadReply::Failed(device_problem(DeviceError::Unknown)),
            Err(cause) => ReadReply::Failed(cause.into()),
        }
    }

    /// Forget a device
    ///
    /// Ends the sessions on it too, the caller's own included.
    #[oai(
        path = "/devices/:id",
        method = "delete",
        tag = "Area::Devices",
        operation_id = "flashbackRemoveDevice"
    )]
    async fn remove(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `id` of `GET /devices`.
        id: Path<String>,
    ) -> RemoveReply {
        act(&service, &caller, &id.0, DeviceAction::Remove).await.into()
    }

    /// Trust a device
    ///
    /// Blocked until the address is proved.
    #[oai(
        path = "/devices/trust",
        method = "post",
        tag = "Area::Devices",
        operation_id = "flashbackTrustDevice"
    )]
    async fn trust(
        &self,
        service: Data<&Arc<Service>>,
        Proven(caller): Proven,
        body: Body<TrustRequest>,
    ) -> TrustReply {
        act(&service, &caller, &body.0.device_id, DeviceAction::Trust).await.into()
    }

    /// Trust a device no longer
    ///
    /// Its sessions go on.
    #[oai(
        path = "/devices/:id/untrust",
        method = "post",
        tag = "Area::Devices",
        operation_id = "flashbackUntrustDevice"
    )]
    async fn untrust(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `id` of `GET /devices`.
        id: Path<String>,
    ) -> UntrustReply {
        act(&service, &caller, &id.0, DeviceAction::Untrust).await.into()
    }
}

async fn act(
    service: &Service,
    caller: &Caller,
    id: &str,
    action: DeviceAction,
) -> Result<MessageBody, Problem<FamilyC>> {
    let done = match id.parse() {
        Ok(id) => service.act_on_device(caller, id, action).await,
        Err(_) => Err(DeviceError::Unknown),
    };
    let sentence = match action {
        DeviceAction::Trust => "Device trusted successfully",
        DeviceAction::Untrust => "Device untrusted successfully",
        DeviceAction::Remove => "Device removed successfully",
    };
    done.map(|()| message(sentence)).map_err(device_problem)
}

fn device_problem(error: DeviceError) -> Problem<FamilyC> {
    problem(error, "Device not found")
}

/// The problem of an error, with the sentence for what is not there.
pub fn problem(error: DeviceError, unknown: &str) -> Problem<FamilyC> {
    match error {
        DeviceError::Unknown => Problem::new(StatusCode::NOT_FOUND, SENTENCE_ONLY, unknown),
        DeviceError::SessionEnded => Problem::unauthorized(),
        DeviceError::Unavailable(cause) => cause.into(),
    }
}
