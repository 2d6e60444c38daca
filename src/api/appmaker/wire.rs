//! Wire objects that several areas share.

use std::borrow::Cow;

use poem_openapi::Object;
use poem_openapi::registry::{MetaSchema, MetaSchemaRef};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

use crate::api::shapes::OpenObject;
use crate::model::account::{AccountState, Member};
use crate::model::organization::Role;
use crate::model::time::Millis;

/// A user; bare, as the contract sends everything.
#[derive(Object)]
#[oai(rename = "AppMakerUser", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct UserBody {
    #[oai(rename = "_id")]
    id: String,
    /// The user's email address.
    username: String,
    first_name: String,
    last_name: String,
    /// 1 active, 0 not.
    #[oai(validator(minimum(value = "0"), maximum(value = "1")))]
    status: i32,
    /// That of the creation until the first login.
    last_login_at: DateTime,
    created_at: DateTime,
    updated_at: DateTime,
    /// ISO 639-1.
    language: Option<String>,
    /// ISO 3166-1 alpha-2; absent while unknown.
    region: Option<String>,
    attributes: Option<OpenObject>,
    avatar_url: Option<String>,
    settings: Option<SettingsBody>,
}

/// Which letters a user wants.
#[derive(Object)]
#[oai(rename = "AppMakerUserSettings", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct SettingsBody {
    mail_on_build_completed: Option<bool>,
    mail_on_code_push_completed: Option<bool>,
}

impl From<&Member> for UserBody {
    fn from(member: &Member) -> UserBody {
        let account = &member.account;
        UserBody {
            id: account.id.to_string(),
            username: account.email.as_str().to_owned(),
            first_name: account.first_name.clone(),
            last_name: account.last_name.clone(),
            status: i32::from(account.state() == AccountState::Active),
            last_login_at: DateTime(account.last_login_at.unwrap_or(account.created_at)),
            created_at: DateTime(account.created_at),
            updated_at: DateTime(account.updated_at),
            language: Some(account.language.code().to_owned()),
            region: None,
            attributes: None,
            avatar_url: None,
            settings: None,
        }
    }
}

/// A moment, as RFC 3339 writes it.
pub struct DateTime(pub Millis);

impl Type for DateTime {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Borrowed("string_date-time")
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "date-time")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for DateTime {
    fn parse_from_json(value: Option<Value>) -> ParseResult<DateTime> {
        let moment = value.as_ref().and_then(Value::as_str).and_then(Millis::parse_date);
        moment.map(DateTime).ok_or_else(|| ParseError::custom("not a moment"))
    }
}

impl ToJSON for DateTime {
    fn to_json(&self) -> Option<Value> {
        Some(Value::from(self.0.rfc3339()))
    }
}

/// Roles are no rows, so their ids are made of their numbers; in front stands `role` in ASCII.
pub fn role_id(role: Role) -> String {
    format!("726f6c65{:016x}", role.number())
}

/// The role of an id or a name, in whatever case.
pub fn role_named(text: &str) -> Option<Role> {
    Role::ALL
        .into_iter()
        .find(|role| role.name().eq_ignore_ascii_case(text) || role_id(*role).eq_ignore_ascii_case(text))
}
