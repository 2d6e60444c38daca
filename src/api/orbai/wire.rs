//! Wire objects that several areas share. Moments are ISO 8601 in UTC, in whole seconds.

use std::borrow::Cow;

use poem_openapi::Object;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ToJSON, Type};
use serde_json::{Value, json};

use super::values::{Line, Platform};
use crate::api::body::Text;
use crate::api::shapes::OrNull;
use crate::client::Client;
use crate::model::account::Member;
use crate::model::session::Origin;
use crate::model::time::Millis;
use crate::service::card::{Card, Held};
use crate::service::sessions::Tokens;
use crate::service::{Service, Unavailable};

/// Success with what came of it.
pub struct Envelope<T>(pub T);

impl<T: Type> Type for Envelope<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Owned(format!("{}Answer", T::name()))
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Reference(Self::name().into_owned())
    }

    fn register(registry: &mut Registry) {
        registry.create_schema::<Self, _>(Self::name().into_owned(), |registry| {
            T::register(registry);
            MetaSchema {
                required: vec!["success", "data"],
                properties: vec![("success", bool::schema_ref()), ("data", T::schema_ref())],
                ..MetaSchema::new("object")
            }
        });
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: ToJSON> ToJSON for Envelope<T> {
    fn to_json(&self) -> Option<Value> {
        Some(json!({"success": true, "data": self.0.to_json()}))
    }
}

/// Done, with a sentence for people.
#[derive(Object)]
#[oai(rename = "OrbAiMessage")]
pub struct MessageBody {
    message: String,
}

/// Done.
pub fn message(text: &str) -> Envelope<MessageBody> {
    Envelope(MessageBody { message: text.to_owned() })
}

/// The device that somebody comes in on.
#[derive(Object)]
#[oai(rename = "OrbAiDeviceFields", skip_serializing_if_is_none)]
pub struct DeviceFields {
    /// The client's own identity for the device, best a UUID: coming in again under the same goes on in its place.
    pub device_id: Option<Text<Line<100>>>,
    // No description: beside a reference to an enum, generators of clients stumble over it.
    pub platform: Option<Platform>,
    /// What the client calls the device, as in "Pixel 8 Pro" or "Firefox on Windows".
    pub device_name: Option<Text<Line<100>>>,
    pub app_version: Option<Text<Line<100>>>,
    /// Token of Firebase Cloud Messaging, kept encrypted until the session ends, and never shown.
    pub fcm_token: Option<Text<Line<4096>>>,
}

impl DeviceFields {
    /// Where somebody comes in from.
    pub fn origin(self, client: &Client) -> Origin {
        let name = self.device_name.as_ref().map(AsRef::as_ref);
        let origin = client.origin(name);
        Origin { report: Some(self.into()), ..origin }
    }
}

/// Somebody who has just come in.
#[derive(Object)]
#[oai(rename = "OrbAiEntered")]
pub struct EnteredBody {
    user: UserBody,
    /// Absent while a second factor is asked for.
    #[oai(skip_serializing_if_is_none)]
    tokens: Option<TokensBody>,
    /// Null for somebody without an organization.
    subscription: OrNull<SubscriptionBody>,
    /// Whether the code of a second factor has to be sent with the same call.
    requires_2fa: bool,
}

/// The person signed in.
#[derive(Object)]
#[oai(rename = "OrbAiUser")]
pub struct UserBody {
    /// Running number of the account.
    id: i64,
    /// `usr_` and 24 hexadecimal digits.
    uuid: String,
    /// Made from the name or the address, and unique.
    username: String,
    email: String,
    /// Always `USER`.
    role: String,
    active: bool,
}

/// The two tokens of a session.
#[derive(Object)]
#[oai(rename = "OrbAiTokens")]
pub struct TokensBody {
    /// JWT for `Authorization: Bearer`, good for 24 hours.
    access_token: String,
    /// JWT for `/auth/refresh`, good for 28 days and for one use.
    refresh_token: String,
    access_token_expires_at: String,
    refresh_token_expires_at: String,
    /// Always `Bearer`.
    token_type: String,
}

impl From<Tokens> for TokensBody {
    fn from(tokens: Tokens) -> TokensBody {
        TokensBody {
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            access_token_expires_at: tokens.access_expires_at.rfc3339(),
            refresh_token_expires_at: tokens.refresh_expires_at.rfc3339(),
            token_type: "Bearer".to_owned(),
        }
    }
}

/// What somebody has subscribed to.
#[derive(Object)]
#[oai(rename = "OrbAiSubscription")]
pub struct SubscriptionBody {
    plan_name: String,
    /// `active`, `trialing`, `canceled` (runs to its end) or `expired`.
    status: String,
    /// When the period ends; null where it has no end.
    #[oai(nullable)]
    expires_at: Option<String>,
}

impl SubscriptionBody {
    fn new(held: &Held, now: Millis) -> SubscriptionBody {
        SubscriptionBody {
            plan_name: held.plan_name.clone(),
            status: held.subscription.state(now).as_str().to_ascii_lowercase(),
            expires_at: held.subscription.period_end(now).map(Millis::rfc3339),
        }
    }
}

impl EnteredBody {
    /// Who came in, and with which tokens; without any, who still has to pass the second factor.
    ///
    /// # Errors
    /// [`Unavailable`].
    pub async fn of(
        service: &Service,
        member: &Member,
        tokens: Option<Tokens>,
    ) -> Result<EnteredBody, Unavailable> {
        let Card { username, held } = service.card(member).await?;
        let (account, now) = (&member.account, service.clock.now());
        Ok(EnteredBody {
            user: UserBody {
                id: account.number,
                uuid: format!("usr_{}", account.id),
                username,
                email: account.email.as_str().to_owned(),
                role: "USER".to_owned(),
                active: account.state().may_enter(),
            },
            subscription: OrNull(held.map(|held| SubscriptionBody::new(&held, now))),
            requires_2fa: tokens.is_none(),
            tokens: tokens.map(TokensBody::from),
        })
    }
}
