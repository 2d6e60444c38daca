//! Wire objects of the caller's own data.

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::body::{Text, TextValue};
use crate::api::orbai::register::line;
use crate::api::orbai::values::Line;
use crate::api::shapes::OrNull;
use crate::model::fault::Rule;
use crate::model::personal::{BirthDate, PersonalChange, Profile};
use crate::model::time::{DAY, Millis};
use crate::service::card::{Card, Held};
use crate::service::personal::SelfPortrait;

/// What the caller tells of themselves.
#[derive(Object, Default)]
#[oai(rename = "OrbAiProfileFields", skip_serializing_if_is_none)]
pub struct ProfileFields {
    first_name: Option<Text<Line<100>>>,
    last_name: Option<Text<Line<100>>>,
    phone: Option<Text<Line<40>>>,
    address: Option<Text<Line<200>>>,
    city: Option<Text<Line<100>>>,
    state: Option<Text<Line<100>>>,
    /// Of residence.
    country: Option<Text<Line<100>>>,
    postal_code: Option<Text<Line<20>>>,
    /// A tag such as `de-AT`.
    locale: Option<Text<Line<35>>>,
    /// A code such as `en`, `fa`, `de`.
    language: Option<Text<Line<10>>>,
    /// As in `1990-01-31`.
    birth_date: Option<Text<BirthDate>>,
}

/// A change of the caller's profile: its fields, or the same inside `profile`, beside which they do not count. Keys that
/// are not listed are ignored.
#[derive(Object)]
#[oai(rename = "OrbAiUpdateMeRequest", example, skip_serializing_if_is_none)]
pub struct UpdateRequest {
    #[oai(flatten)]
    fields: ProfileFields,
    profile: Option<ProfileFields>,
}

impl Example for UpdateRequest {
    fn example() -> UpdateRequest {
        let fields = ProfileFields {
            city: Some(line("Berlin")),
            country: Some(line("Germany")),
            birth_date: Some(line("1990-01-31")),
            ..ProfileFields::default()
        };
        UpdateRequest { fields, profile: None }
    }
}

impl TextValue for BirthDate {
    const NAME: &'static str = "BirthDate";
    const FORMAT: &'static str = "date";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = None;

    fn parse(text: &str) -> Result<BirthDate, Rule> {
        BirthDate::parse(text)
    }

    fn as_str(&self) -> &str {
        self.as_str()
    }
}

impl UpdateRequest {
    /// What is to change.
    pub fn change(self) -> PersonalChange {
        let told = self.profile.unwrap_or(self.fields);
        PersonalChange {
            first_name: text(told.first_name),
            last_name: text(told.last_name),
            profile: Profile {
                phone: text(told.phone),
                address: text(told.address),
                city: text(told.city),
                state: text(told.state),
                country: text(told.country),
                postal_code: text(told.postal_code),
                locale: text(told.locale),
                language: text(told.language),
                birth_date: text(told.birth_date),
            },
        }
    }
}

fn text<V: TextValue>(field: Option<Text<V>>) -> Option<String> {
    field.map(|field| field.as_ref().to_owned())
}

/// The caller.
#[derive(Object)]
#[oai(rename = "OrbAiMe")]
pub struct MeBody {
    user: OwnUserBody,
    profile: ProfileBody,
    /// Null for somebody without an organization.
    subscription: OrNull<OwnSubscriptionBody>,
}

/// The caller's account.
#[derive(Object)]
#[oai(rename = "OrbAiOwnUser")]
pub struct OwnUserBody {
    /// Running number of the account.
    id: i64,
    /// `usr_` and 24 hexadecimal digits.
    uuid: String,
    /// Made from the name or the address, and unique.
    username: String,
    email: String,
    /// Always `USER`.
    role: String,
    /// Whether the account may enter: neither deactivated nor banned, nor its organization.
    active: bool,
    /// False for a banned account.
    enabled: bool,
    /// Whether a period of the subscription that ends is followed by another.
    auto_renew: bool,
    #[oai(nullable)]
    country: Option<String>,
    created_at: String,
    updated_at: String,
}

/// What the caller has told; null is not told.
#[derive(Object)]
#[oai(rename = "OrbAiProfile")]
pub struct ProfileBody {
    #[oai(nullable)]
    first_name: Option<String>,
    #[oai(nullable)]
    last_name: Option<String>,
    #[oai(nullable)]
    phone: Option<String>,
    #[oai(nullable)]
    address: Option<String>,
    #[oai(nullable)]
    city: Option<String>,
    #[oai(nullable)]
    state: Option<String>,
    /// Of residence.
    #[oai(nullable)]
    country: Option<String>,
    #[oai(nullable)]
    postal_code: Option<String>,
    /// A tag such as `de-AT`.
    #[oai(nullable)]
    locale: Option<String>,
    /// A code such as `en`, `fa`, `de`.
    #[oai(nullable)]
    language: Option<String>,
    /// As in `1990-01-31`.
    #[oai(nullable)]
    birth_date: Option<String>,
}

/// What the caller has subscribed to.
#[derive(Object)]
#[oai(rename = "OrbAiOwnSubscription")]
pub struct OwnSubscriptionBody {
    plan_name: String,
    /// `active`, `trialing`, `canceled` (runs to its end) or `expired`.
    status: String,
    /// When the period ends; null where it has no end.
    #[oai(nullable)]
    expires_at: Option<String>,
    max_devices: i64,
    /// Until the period ends, rounded up; null where it has no end.
    #[oai(nullable)]
    days_remaining: Option<u64>,
}

/// The caller's subscription.
#[derive(Object)]
#[oai(rename = "OrbAiHeld")]
pub struct HeldBody {
    /// Whether one is in force, the free plan's too.
    pub has_subscription: bool,
    /// Null for somebody without an organization.
    pub subscription: OrNull<OwnSubscriptionBody>,
}

/// The account is gone.
#[derive(Object)]
#[oai(rename = "OrbAiErased")]
pub struct ErasedBody {
    /// Always true.
    success: bool,
    message: String,
}

impl ErasedBody {
    /// The contract's sentence.
    pub fn done() -> ErasedBody {
        let message = "Your account has been permanently deleted. All associated data has been removed.";
        ErasedBody { success: true, message: message.to_owned() }
    }
}

impl OwnSubscriptionBody {
    /// The subscription at a moment.
    pub fn new(held: &Held, now: Millis) -> OwnSubscriptionBody {
        let end = held.subscription.period_end(now);
        OwnSubscriptionBody {
            plan_name: held.plan_name.clone(),
            status: held.subscription.state(now).as_str().to_ascii_lowercase(),
            expires_at: end.map(Millis::rfc3339),
            max_devices: held.device_limit,
            days_remaining: end.map(|end| end.since(now).as_secs().div_ceil(DAY.as_secs())),
        }
    }
}

impl MeBody {
    /// Somebody at a moment.
    pub fn new(portrait: SelfPortrait, now: Millis) -> MeBody {
        let SelfPortrait { member, card: Card { username, held }, profile, updated_at } = portrait;
        let account = member.account;
        MeBody {
            user: OwnUserBody {
                id: account.number,
                uuid: format!("usr_{}", account.id),
                username,
                email: account.email.as_str().to_owned(),
                role: "USER".to_owned(),
                active: account.state().may_enter(),
                enabled: account.banned_at.is_none(),
                auto_renew: held.as_ref().is_some_and(|held| held.subscription.auto_renew),
                country: profile.country.clone(),
                created_at: account.created_at.rfc3339(),
                updated_at: updated_at.rfc3339(),
            },
            profile: ProfileBody::new(profile, account.first_name, account.last_name),
            subscription: OrNull(held.map(|held| OwnSubscriptionBody::new(&held, now))),
        }
    }
}

impl ProfileBody {
    fn new(profile: Profile, first_name: String, last_name: String) -> ProfileBody {
        let told = |name: String| Some(name).filter(|name| !name.is_empty());
        ProfileBody {
            first_name: told(first_name),
            last_name: told(last_name),
            phone: profile.phone,
            address: profile.address,
            city: profile.city,
            state: profile.state,
            country: profile.country,
            postal_code: profile.postal_code,
            locale: profile.locale,
            language: profile.language,
            birth_date: profile.birth_date,
        }
    }
}
