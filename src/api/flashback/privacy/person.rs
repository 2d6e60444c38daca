//! The wire objects of what somebody has told of themselves, chosen, and come by.

use poem_openapi::Object;

use crate::model::invitation::Invitation;
use crate::model::notification::NotificationSettings;
use crate::model::personal::Profile;
use crate::model::time::Millis;
use crate::service::privacy::{HeldReferral, NamedDevice, UsedInvite};

/// What the caller has told of themselves.
#[derive(Object)]
#[oai(rename = "FlashbackExportedProfile", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedProfile {
    phone: Option<String>,
    address: Option<String>,
    city: Option<String>,
    state: Option<String>,
    country: Option<String>,
    postal_code: Option<String>,
    locale: Option<String>,
    /// As it was told, also where no letters are written in it.
    language: Option<String>,
    birth_date: Option<String>,
    updated_at: String,
}

impl From<(Profile, Millis)> for ExportedProfile {
    fn from((profile, updated_at): (Profile, Millis)) -> ExportedProfile {
        ExportedProfile {
            phone: profile.phone,
            address: profile.address,
            city: profile.city,
            state: profile.state,
            country: profile.country,
            postal_code: profile.postal_code,
            locale: profile.locale,
            language: profile.language,
            birth_date: profile.birth_date,
            updated_at: updated_at.rfc3339(),
        }
    }
}

/// What the caller wants to be told, and where.
#[derive(Object)]
#[oai(rename = "FlashbackExportedNotifications", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedNotifications {
    webhook_url: Option<String>,
    email: bool,
    browser: bool,
}

impl From<NotificationSettings> for ExportedNotifications {
    fn from(chosen: NotificationSettings) -> ExportedNotifications {
        ExportedNotifications {
            webhook_url: Some(chosen.webhook_url).filter(|url| !url.is_empty()),
            email: chosen.email,
            browser: chosen.browser,
        }
    }
}

/// A device that a client has named itself.
#[derive(Object)]
#[oai(rename = "FlashbackExportedNamedDevice", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedNamedDevice {
    /// The client's identity for it.
    device_id: String,
    name: Option<String>,
    platform: Option<String>,
    app_version: Option<String>,
    /// Whether a token for writing to the app on it is kept.
    has_push_token: bool,
    last_login_at: String,
}

impl From<NamedDevice> for ExportedNamedDevice {
    fn from(device: NamedDevice) -> ExportedNamedDevice {
        ExportedNamedDevice {
            device_id: device.device_id,
            name: device.name,
            platform: device.platform,
            app_version: device.app_version,
            has_push_token: device.has_push_token,
            last_login_at: device.login_at.rfc3339(),
        }
    }
}

/// An invite code that the caller has used.
#[derive(Object)]
#[oai(rename = "FlashbackExportedInvite", rename_all = "camelCase")]
pub struct ExportedInvite {
    /// The part of the code that the operator is shown.
    hint: String,
    used_at: String,
}

impl From<UsedInvite> for ExportedInvite {
    fn from(invite: UsedInvite) -> ExportedInvite {
        ExportedInvite { hint: invite.hint, used_at: invite.used_at.rfc3339() }
    }
}

/// The invitation into an organization that the caller was asked by.
#[derive(Object)]
#[oai(rename = "FlashbackExportedInvitation", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedInvitation {
    id: String,
    org_id: String,
    /// The address that was invited.
    email: String,
    /// The name of the role that was given.
    org_role: String,
    created_at: String,
    expires_at: String,
    /// When the caller accepted.
    registered_at: Option<String>,
}

impl From<Invitation> for ExportedInvitation {
    fn from(invitation: Invitation) -> ExportedInvitation {
        ExportedInvitation {
            id: invitation.id.to_string(),
            org_id: invitation.organization.to_string(),
            email: invitation.email.as_str().to_owned(),
            org_role: invitation.role.name().to_owned(),
            created_at: invitation.created_at.rfc3339(),
            expires_at: invitation.expires_at.rfc3339(),
            registered_at: invitation.registered_at.map(Millis::rfc3339),
        }
    }
}

/// The caller's part in referrals.
#[derive(Object)]
#[oai(rename = "FlashbackExportedReferral", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedReferral {
    /// The caller's own.
    code: String,
    /// Whether the caller came by another's.
    came_by_code: bool,
    /// When the caller's coming was rewarded.
    rewarded_at: Option<String>,
}

impl From<HeldReferral> for ExportedReferral {
    fn from(referral: HeldReferral) -> ExportedReferral {
        ExportedReferral {
            code: referral.code,
            came_by_code: referral.came_by_code,
            rewarded_at: referral.rewarded_at.map(Millis::rfc3339),
        }
    }
}
