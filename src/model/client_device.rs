//! Devices that clients name themselves, by an identity of their own (contracts/orbai.md sections 1 and 4).

use std::fmt;

/// What a client runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    Ios,
    Android,
    Windows,
    Macos,
    Linux,
    Web,
}

impl Platform {
    /// The name in the database and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Platform::Ios => "ios",
            Platform::Android => "android",
            Platform::Windows => "windows",
            Platform::Macos => "macos",
            Platform::Linux => "linux",
            Platform::Web => "web",
        }
    }
}

/// By what Firebase Cloud Messaging reaches an app on a device. Whoever has it and the sender's key can write to the
/// device, so `Debug` prints no part of it, and it is kept sealed.
#[derive(Clone, PartialEq, Eq)]
pub struct PushToken(pub String);

impl fmt::Debug for PushToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PushToken(…)")
    }
}

/// What a client tells of its device when somebody comes in on it.
#[derive(Debug, Clone, Default)]
pub struct DeviceReport {
    /// The client's own identity for it. None: it is a new one each time.
    pub device_id: Option<String>,
    pub name: Option<String>,
    pub platform: Option<Platform>,
    pub app_version: Option<String>,
    pub push_token: Option<PushToken>,
}
