//! Values of the contract as fields of bodies.

use poem_openapi::Enum;

use crate::api::body::TextValue;
use crate::model::client_device::{self, DeviceReport, PushToken};
use crate::model::email::EmailAddress;
use crate::model::fault::Rule;
use crate::model::name::Name;

use super::wire::DeviceFields;

/// An address, whose length the contract judges first: one of more than 255 characters is too long, one of 255 is none.
pub struct Address(pub EmailAddress);

impl TextValue for Address {
    const NAME: &'static str = "orbaiEmail";
    const FORMAT: &'static str = "email";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = Some(255);
    fn parse(text: &str) -> Result<Address, Rule> {
        EmailAddress::parse(text).map(Address)
    }
    fn as_str(&self) -> &str {
        self.0.as_str()
    }
}

/// A line of at most so many characters. Forms send an empty text for a field that nobody filled in: it says nothing.
pub struct Line<const MAX: usize>(pub Option<Name<MAX>>);

impl<const MAX: usize> Line<MAX> {
    /// What it says.
    pub fn filled(self) -> Option<String> {
        self.0.map(|line| line.as_str().to_owned())
    }
}

impl<const MAX: usize> TextValue for Line<MAX> {
    const NAME: &'static str = "line";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = Some(MAX);
    fn parse(text: &str) -> Result<Line<MAX>, Rule> {
        match Name::parse(text) {
            Ok(line) => Ok(Line(Some(line))),
            Err(Rule::MinChars(_)) => Ok(Line(None)),
            Err(rule) => Err(rule),
        }
    }
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", Name::as_str)
    }
}

/// What a client runs on.
#[derive(Enum, Clone, Copy)]
#[oai(rename = "OrbAiPlatform", rename_all = "lowercase")]
pub enum Platform {
    Ios,
    Android,
    Windows,
    Macos,
    Linux,
    Web,
}

impl From<Platform> for client_device::Platform {
    fn from(platform: Platform) -> client_device::Platform {
        match platform {
            Platform::Ios => client_device::Platform::Ios,
            Platform::Android => client_device::Platform::Android,
            Platform::Windows => client_device::Platform::Windows,
            Platform::Macos => client_device::Platform::Macos,
            Platform::Linux => client_device::Platform::Linux,
            Platform::Web => client_device::Platform::Web,
        }
    }
}

impl From<DeviceFields> for DeviceReport {
    fn from(fields: DeviceFields) -> DeviceReport {
        DeviceReport {
            device_id: fields.device_id.and_then(|line| line.0.filled()),
            name: fields.device_name.and_then(|line| line.0.filled()),
            platform: fields.platform.map(client_device::Platform::from),
            app_version: fields.app_version.and_then(|line| line.0.filled()),
            push_token: fields.fcm_token.and_then(|line| line.0.filled()).map(PushToken),
        }
    }
}
