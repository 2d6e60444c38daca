//! `GET /api/v1/auth/devices`, `DELETE /api/v1/auth/devices/{device_id}`.

use std::sync::Arc;

use poem::http::StatusCode;
use poem::web::Data;
use poem_openapi::param::Path;
use poem_openapi::{Object, OpenApi};

use super::failure::Enveloped;
use super::wire::{Envelope, MessageBody, message};
use super::{Area, Known};
use crate::api::problem::Problem;
use crate::api::reply::{ALWAYS, WITH_PATH, WITH_TOKEN, outcomes};
use crate::model::id::SessionId;
use crate::service::Service;
use crate::service::client_devices::{SignedIn, SignedInDevices};
use crate::service::devices::DeviceError;

/// A device that the caller is signed in on, as its client told of it. No answer holds its `fcm_token`.
#[derive(Object)]
#[oai(rename = "OrbAiDevice")]
pub struct DeviceBody {
    /// The client's own identity for it; one of ours where it gave none.
    device_id: String,
    #[oai(nullable)]
    device_name: Option<String>,
    /// `ios`, `android`, `windows`, `macos`, `linux` or `web`.
    #[oai(nullable)]
    platform: Option<String>,
    #[oai(nullable)]
    app_version: Option<String>,
    login_date: String,
    /// When its tokens were last refreshed; before that, the login.
    last_active: String,
    /// Whether the call comes from it.
    is_current: bool,
}

/// Where the caller is signed in.
#[derive(Object)]
#[oai(rename = "OrbAiDevices")]
pub struct DevicesBody {
    /// The latest used first.
    devices: Vec<DeviceBody>,
    current_devices: u64,
    /// As the plan says; a login past it signs out the device least recently used.
    max_devices: i64,
}

impl DeviceBody {
    fn new(device: SignedIn, current: SessionId) -> DeviceBody {
        DeviceBody {
            is_current: device.session == current,
            device_id: device.device_id,
            device_name: device.name,
            platform: device.platform,
            app_version: device.app_version,
            login_date: device.login_at.rfc3339(),
            last_active: device.last_used_at.rfc3339(),
        }
    }
}

impl DevicesBody {
    fn new(held: SignedInDevices, current: SessionId) -> DevicesBody {
        DevicesBody {
            current_devices: held.devices.len() as u64,
            max_devices: held.limit,
            devices: held.devices.into_iter().map(|device| DeviceBody::new(device, current)).collect(),
        }
    }
}

outcomes!(ListReply = ListOutcomes: Enveloped, 200 "The devices." => Envelope<DevicesBody>, [ALWAYS, WITH_TOKEN]);
outcomes!(RemoveReply = RemoveOutcomes: Enveloped,
    200 "The device is forgotten; the session on it has ended." => Envelope<MessageBody>,
    [ALWAYS, WITH_PATH, WITH_TOKEN, &[(404, "`DEVICE_NOT_FOUND`: the caller is signed in on no such device.")]]);

#[derive(Clone)]
pub struct Devices;

#[OpenApi]
impl Devices {
    /// List devices
    ///
    /// Those that the caller is signed in on through this contract.
    #[oai(path = "/api/v1/auth/devices", method = "get", tag = "Area::User", operation_id = "orbaiDevices")]
    async fn list(&self, service: Data<&Arc<Service>>, Known(caller): Known) -> ListReply {
        let held = service.client_devices(&caller);
        held.map(|held| Envelope(DevicesBody::new(held, caller.session))).map_err(Problem::from).into()
    }

    /// Sign a device out
    ///
    /// Forgets it and ends the session on it, the caller's own included: its tokens are refused from the next request on.
    #[oai(
        path = "/api/v1/auth/devices/:device_id",
        method = "delete",
        tag = "Area::User",
        operation_id = "orbaiRemoveDevice"
    )]
    async fn remove(
        &self,
        service: Data<&Arc<Service>>,
        Known(caller): Known,
        /// `device_id` of `GET /auth/devices`.
        device_id: Path<String>,
    ) -> RemoveReply {
        match service.forget_client_device(&caller, device_id.0).await {
            Ok(()) => RemoveReply::Done(message("Device removed.")),
            Err(error) => RemoveReply::Failed(error.into()),
        }
    }
}

impl From<DeviceError> for Problem<Enveloped> {
    fn from(error: DeviceError) -> Problem<Enveloped> {
        match error {
            DeviceError::Unknown => {
                Problem::new(StatusCode::NOT_FOUND, "DEVICE_NOT_FOUND", "There is no such device.")
            }
            DeviceError::SessionEnded => Problem::unauthorized(),
            DeviceError::Unavailable(cause) => cause.into(),
        }
    }
}
