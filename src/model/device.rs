//! Devices: what clients tell of the machines that people sign in on.

use std::time::Duration;

use super::id::{AccountId, DeviceId};
use super::time::{DAY, HOUR, Millis};

/// How long a device that nobody signs in on any more is remembered.
pub const DEVICE_LIFE: Duration = Duration::from_secs(400 * DAY.as_secs());

/// Letters about new devices that an account gets within [`NOTICE_WINDOW`]: a login loop under ever new names says no
/// more after that (H5).
pub const NOTICES: i64 = 3;
/// The span in which [`NOTICES`] are counted.
pub const NOTICE_WINDOW: Duration = HOUR;

/// What a client tells of its machine; what it leaves out is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    pub name: String,
    pub kind: String,
    pub os: String,
    pub browser: String,
}

impl Description {
    /// What a client tells, without control characters; `None` when that is nothing.
    pub fn told(name: &str, kind: &str, os: &str, browser: &str) -> Option<Description> {
        let plain = |text: &str| {
            let text: String = text.chars().filter(|c| !c.is_control()).collect();
            text.trim().to_owned()
        };
        let told =
            Description { name: plain(name), kind: plain(kind), os: plain(os), browser: plain(browser) };
        let blank = told.identity().trim().is_empty();
        (!blank).then_some(told)
    }

    /// By what the same device is known again. No part can hold the separator.
    pub fn identity(&self) -> String {
        [&*self.name, &*self.kind, &*self.os, &*self.browser].join("\n")
    }
}

/// A device, as the database holds it.
#[derive(Debug, Clone)]
pub struct Device {
    pub id: DeviceId,
    pub account: AccountId,
    pub description: Description,
    pub trusted_at: Option<Millis>,
    pub first_seen_at: Millis,
    pub last_seen_at: Millis,
    pub last_address: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_differently_is_another_device() {
        let told = Description::told;
        assert_eq!(told("", " \n", "", "\t"), None, "nothing was told");
        let phone = told("Pixel\n8 ", "mobile", "Android", "").expect("a device");
        assert_eq!(phone.name, "Pixel8");
        let moved = told("Pixel8", "", "mobile", "Android").expect("a device");
        assert_ne!(phone.identity(), moved.identity());
    }
}
