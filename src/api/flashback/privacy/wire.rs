//! The wire objects of the audit log and the export. Moments are RFC 3339 in UTC; what there is none of is left out.

use poem_openapi::Object;

use super::credentials::{ExportedAccessToken, ExportedFactor, ExportedKey};
use super::person::{
    ExportedInvitation, ExportedInvite, ExportedNamedDevice, ExportedNotifications, ExportedProfile,
    ExportedReferral,
};
use crate::api::shapes::OpenObject;
use crate::model::account::Account;
use crate::model::audit::Recorded;
use crate::model::device::Device;
use crate::model::id::AccountId;
use crate::model::proof::{Proof, Purpose};
use crate::model::time::Millis;
use crate::service::privacy::{Credentials, Export, HeldPlan, OwnSession, Personal, Place};

/// Something that was done.
#[derive(Object)]
#[oai(rename = "FlashbackAuditEntry", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct AuditEntryBody {
    id: String,
    at: String,
    /// As in `password.changed`.
    action: String,
    /// `self`, `person` for somebody else, `operator`, or `system` for the server by itself.
    by: String,
    /// Whose account it was done to, where that is another's.
    account_id: Option<String>,
    org_id: Option<String>,
    /// The network address that the caller called from.
    ip_address: Option<String>,
    detail: Option<String>,
}

impl AuditEntryBody {
    /// The entry as `own` sees it.
    pub fn new(entry: Recorded, own: AccountId) -> AuditEntryBody {
        let filled = |text: String| (!text.is_empty()).then_some(text);
        AuditEntryBody {
            id: entry.id.to_string(),
            at: entry.at.rfc3339(),
            action: entry.action,
            by: if entry.actor == Some(own) { "self".to_owned() } else { entry.actor_kind },
            account_id: entry.account.filter(|id| *id != own).map(|id| id.to_string()),
            org_id: entry.organization.map(|id| id.to_string()),
            ip_address: filled(entry.address),
            detail: filled(entry.detail),
        }
    }
}

/// All that is kept of one person.
#[derive(Object)]
#[oai(rename = "FlashbackExport", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportBody {
    exported_at: String,
    account: ExportedAccount,
    username: Option<String>,
    profile: Option<ExportedProfile>,
    /// The address that was asked for and is not yet confirmed.
    pending_email: Option<ExportedAddress>,
    /// Former addresses that the account can get back, the latest first.
    former_emails: Vec<ExportedAddress>,
    organization: Option<ExportedPlace>,
    subscriptions: Vec<ExportedPlan>,
    sessions: Vec<ExportedSession>,
    devices: Vec<ExportedDevice>,
    named_devices: Vec<ExportedNamedDevice>,
    api_keys: Vec<ExportedKey>,
    access_tokens: Vec<ExportedAccessToken>,
    second_factors: Vec<ExportedFactor>,
    notifications: ExportedNotifications,
    invites: Vec<ExportedInvite>,
    invitation: Option<ExportedInvitation>,
    referral: Option<ExportedReferral>,
    /// What clients keep for the caller.
    settings: OpenObject,
    audit: Vec<AuditEntryBody>,
}

impl ExportBody {
    /// The export as it stands at `now`.
    pub fn new(export: Export, now: Millis) -> ExportBody {
        let own = export.account.id;
        let addresses = |purpose| {
            let of_purpose = export.addresses.iter().filter(move |proof| proof.purpose == purpose);
            of_purpose.filter_map(ExportedAddress::of)
        };
        let Credentials { keys, tokens, factors } = export.credentials;
        let Personal { username, profile, notifications, named_devices, invites, invitation, referral } =
            export.person;
        ExportBody {
            username,
            profile: profile.map(ExportedProfile::from),
            named_devices: named_devices.into_iter().map(ExportedNamedDevice::from).collect(),
            api_keys: keys.into_iter().map(ExportedKey::from).collect(),
            access_tokens: tokens.into_iter().map(ExportedAccessToken::from).collect(),
            second_factors: factors.into_iter().map(ExportedFactor::from).collect(),
            notifications: notifications.into(),
            invites: invites.into_iter().map(ExportedInvite::from).collect(),
            invitation: invitation.map(ExportedInvitation::from),
            referral: referral.map(ExportedReferral::from),
            exported_at: now.rfc3339(),
            pending_email: addresses(Purpose::ChangeAddress).next(),
            former_emails: addresses(Purpose::UndoChange).collect(),
            account: export.account.into(),
            organization: export.place.map(ExportedPlace::from),
            subscriptions: export.plans.into_iter().map(ExportedPlan::from).collect(),
            sessions: export.sessions.into_iter().map(ExportedSession::from).collect(),
            devices: export.devices.into_iter().map(ExportedDevice::from).collect(),
            settings: OpenObject(export.settings.0),
            audit: export.audit.into_iter().map(|entry| AuditEntryBody::new(entry, own)).collect(),
        }
    }
}

/// The account.
#[derive(Object)]
#[oai(rename = "FlashbackExportedAccount", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedAccount {
    id: String,
    number: i64,
    email: String,
    first_name: String,
    last_name: String,
    language: String,
    contract: String,
    has_password: bool,
    created_at: String,
    updated_at: String,
    last_login_at: Option<String>,
    verified_at: Option<String>,
}

impl From<Account> for ExportedAccount {
    fn from(account: Account) -> ExportedAccount {
        ExportedAccount {
            id: account.id.to_string(),
            number: account.number,
            email: account.email.as_str().to_owned(),
            first_name: account.first_name,
            last_name: account.last_name,
            language: account.language.code().to_owned(),
            contract: account.contract.as_str().to_owned(),
            has_password: account.password_hash.is_some(),
            created_at: account.created_at.rfc3339(),
            updated_at: account.updated_at.rfc3339(),
            last_login_at: account.last_login_at.map(Millis::rfc3339),
            verified_at: account.verified_at.map(Millis::rfc3339),
        }
    }
}

/// An address that the account may get.
#[derive(Object)]
#[oai(rename = "FlashbackExportedAddress", rename_all = "camelCase")]
pub struct ExportedAddress {
    email: String,
    /// When it was asked for, or given up.
    since: String,
    /// When that ends.
    until: String,
}

impl ExportedAddress {
    fn of(proof: &Proof) -> Option<ExportedAddress> {
        let email = proof.address.as_ref()?.as_str().to_owned();
        Some(ExportedAddress { email, since: proof.created_at.rfc3339(), until: proof.expires_at.rfc3339() })
    }
}

/// The organization, and the place in it.
#[derive(Object)]
#[oai(rename = "FlashbackExportedPlace", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedPlace {
    id: String,
    name: String,
    website: Option<String>,
    domain: Option<String>,
    #[oai(rename = "is_business")]
    is_business: bool,
    phone: Option<String>,
    address1: Option<String>,
    address2: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zipcode: Option<String>,
    country: Option<String>,
    /// The name of the role.
    role: String,
    member_since: String,
}

impl From<Place> for ExportedPlace {
    fn from(Place { organization, role, since }: Place) -> ExportedPlace {
        ExportedPlace {
            id: organization.id.to_string(),
            name: organization.name,
            website: organization.website,
            domain: organization.domain,
            is_business: organization.is_business,
            phone: organization.contact.phone,
            address1: organization.contact.address1,
            address2: organization.contact.address2,
            city: organization.contact.city,
            state: organization.contact.state,
            zipcode: organization.contact.zipcode,
            country: organization.contact.country,
            role: role.name().to_owned(),
            member_since: since.rfc3339(),
        }
    }
}

/// A plan that the organization has or had.
#[derive(Object)]
#[oai(rename = "FlashbackExportedPlan", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedPlan {
    id: String,
    plan: String,
    date_from: String,
    date_to: Option<String>,
    canceled_at: Option<String>,
}

impl From<HeldPlan> for ExportedPlan {
    fn from(held: HeldPlan) -> ExportedPlan {
        ExportedPlan {
            id: held.subscription.to_string(),
            plan: held.plan,
            date_from: held.starts_at.rfc3339(),
            date_to: held.ends_at.map(Millis::rfc3339),
            canceled_at: held.canceled_at.map(Millis::rfc3339),
        }
    }
}

/// A session that is on record, live or ended.
#[derive(Object)]
#[oai(rename = "FlashbackExportedSession", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedSession {
    id: String,
    contract: String,
    device: String,
    device_id: Option<String>,
    ip_address: String,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    ended_at: Option<String>,
}

impl From<OwnSession> for ExportedSession {
    fn from(session: OwnSession) -> ExportedSession {
        ExportedSession {
            id: session.id.to_string(),
            contract: session.contract.as_str().to_owned(),
            device: session.name,
            device_id: session.device.map(|id| id.to_string()),
            ip_address: session.address,
            created_at: session.created_at.rfc3339(),
            last_used_at: session.last_used_at.rfc3339(),
            expires_at: session.expires_at.rfc3339(),
            ended_at: session.revoked_at.map(Millis::rfc3339),
        }
    }
}

/// A device.
#[derive(Object)]
#[oai(rename = "FlashbackExportedDevice", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedDevice {
    id: String,
    name: String,
    kind: String,
    os: String,
    browser: String,
    trusted_at: Option<String>,
    first_seen_at: String,
    last_seen_at: String,
    last_ip_address: String,
}

impl From<Device> for ExportedDevice {
    fn from(device: Device) -> ExportedDevice {
        ExportedDevice {
            id: device.id.to_string(),
            name: device.description.name,
            kind: device.description.kind,
            os: device.description.os,
            browser: device.description.browser,
            trusted_at: device.trusted_at.map(Millis::rfc3339),
            first_seen_at: device.first_seen_at.rfc3339(),
            last_seen_at: device.last_seen_at.rfc3339(),
            last_ip_address: device.last_address,
        }
    }
}
