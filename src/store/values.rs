//! How the model's values are kept in columns.

use std::net::IpAddr;

use super::{FromValue, ToValue, Unavailable, Value};
use crate::model::access_token::Privileges;
use crate::model::api_key::Endpoint;
use crate::model::attempt::AttemptOutcome;
use crate::model::contract::Contract;
use crate::model::email::EmailAddress;
use crate::model::id::{
    AccessTokenId, AccountId, ApiKeyId, AuditId, CapabilityId, DeviceId, InvitationId, InviteCodeId,
    LetterId, OrganizationId, PeriodId, ProofId, SessionId, SubscriptionId,
};
use crate::model::language::Language;
use crate::model::ledger::EntryKind;
use crate::model::letter::LetterState;
use crate::model::organization::Role;
use crate::model::plan::{CapabilityCode, PeriodType};
use crate::model::proof::Purpose;
use crate::model::time::Millis;
use crate::model::two_factor::Method;

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl ToValue for i64 {
    fn to_value(&self) -> Value {
        Value::Int(*self)
    }
}

impl ToValue for bool {
    fn to_value(&self) -> Value {
        Value::Int(i64::from(*self))
    }
}

impl ToValue for &str {
    fn to_value(&self) -> Value {
        Value::Text((*self).to_owned())
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, ToValue::to_value)
    }
}

impl ToValue for Millis {
    fn to_value(&self) -> Value {
        Value::Int(self.0)
    }
}

impl ToValue for Role {
    fn to_value(&self) -> Value {
        Value::Int(self.number())
    }
}

impl ToValue for Purpose {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl ToValue for Method {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl ToValue for LetterState {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl ToValue for AttemptOutcome {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl ToValue for EmailAddress {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl ToValue for Language {
    fn to_value(&self) -> Value {
        Value::Text(self.code().to_owned())
    }
}

impl ToValue for Privileges {
    fn to_value(&self) -> Value {
        Value::Text(self.words().join(" "))
    }
}

impl ToValue for Contract {
    fn to_value(&self) -> Value {
        Value::Text(self.as_str().to_owned())
    }
}

impl ToValue for IpAddr {
    fn to_value(&self) -> Value {
        Value::Text(self.to_string())
    }
}

macro_rules! ids_as_text {
    ($($name:ident)*) => {$(
        impl ToValue for $name {
            fn to_value(&self) -> Value {
                Value::Text(self.to_string())
            }
        }

        impl FromValue for $name {
            fn from_value(value: Value) -> Result<$name, Unavailable> {
                String::from_value(value)?.parse().map_err(Unavailable::because)
            }
        }
    )*};
}

ids_as_text! {
    AccessTokenId AccountId ApiKeyId AuditId CapabilityId DeviceId InvitationId InviteCodeId LetterId OrganizationId PeriodId ProofId SessionId
    SubscriptionId
}

fn unexpected(what: &str) -> Unavailable {
    Unavailable::because(format_args!("a column does not hold {what}"))
}

impl FromValue for i64 {
    fn from_value(value: Value) -> Result<i64, Unavailable> {
        match value {
            Value::Int(number) => Ok(number),
            Value::Null | Value::Text(_) => Err(unexpected("a number")),
        }
    }
}

impl FromValue for bool {
    fn from_value(value: Value) -> Result<bool, Unavailable> {
        i64::from_value(value).map(|number| number != 0)
    }
}

impl FromValue for String {
    fn from_value(value: Value) -> Result<String, Unavailable> {
        match value {
            Value::Text(text) => Ok(text),
            Value::Null | Value::Int(_) => Err(unexpected("a text")),
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Value) -> Result<Option<T>, Unavailable> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for Millis {
    fn from_value(value: Value) -> Result<Millis, Unavailable> {
        i64::from_value(value).map(Millis)
    }
}

impl FromValue for Role {
    fn from_value(value: Value) -> Result<Role, Unavailable> {
        Role::of_number(i64::from_value(value)?).ok_or_else(|| unexpected("a role"))
    }
}

impl FromValue for Purpose {
    fn from_value(value: Value) -> Result<Purpose, Unavailable> {
        Purpose::of_name(&String::from_value(value)?).ok_or_else(|| unexpected("a purpose"))
    }
}

impl FromValue for LetterState {
    fn from_value(value: Value) -> Result<LetterState, Unavailable> {
        LetterState::of_name(&String::from_value(value)?).ok_or_else(|| unexpected("a letter's state"))
    }
}

impl FromValue for AttemptOutcome {
    fn from_value(value: Value) -> Result<AttemptOutcome, Unavailable> {
        AttemptOutcome::of_name(&String::from_value(value)?).ok_or_else(|| unexpected("an attempt's outcome"))
    }
}

impl FromValue for PeriodType {
    fn from_value(value: Value) -> Result<PeriodType, Unavailable> {
        PeriodType::of_name(&String::from_value(value)?).ok_or_else(|| unexpected("a type of period"))
    }
}

impl FromValue for CapabilityCode {
    fn from_value(value: Value) -> Result<CapabilityCode, Unavailable> {
        CapabilityCode::of_name(&String::from_value(value)?).ok_or_else(|| unexpected("a capability"))
    }
}

impl FromValue for EntryKind {
    fn from_value(value: Value) -> Result<EntryKind, Unavailable> {
        EntryKind::of_word(&String::from_value(value)?).ok_or_else(|| unexpected("a kind of entry"))
    }
}

impl FromValue for Method {
    fn from_value(value: Value) -> Result<Method, Unavailable> {
        Method::of_word(&String::from_value(value)?).ok_or_else(|| unexpected("a second factor"))
    }
}

impl FromValue for Endpoint {
    fn from_value(value: Value) -> Result<Endpoint, Unavailable> {
        Endpoint::parse(&String::from_value(value)?).map_err(|_| unexpected("an endpoint"))
    }
}

impl FromValue for EmailAddress {
    fn from_value(value: Value) -> Result<EmailAddress, Unavailable> {
        EmailAddress::stored(String::from_value(value)?).ok_or_else(|| unexpected("an e-mail address"))
    }
}

impl FromValue for Language {
    fn from_value(value: Value) -> Result<Language, Unavailable> {
        Ok(Language::of_tag(&String::from_value(value)?).unwrap_or_default())
    }
}

impl FromValue for Contract {
    fn from_value(value: Value) -> Result<Contract, Unavailable> {
        String::from_value(value)?.parse().map_err(Unavailable::because)
    }
}

impl FromValue for Privileges {
    /// A word that this version does not know is an error: what a token may do is never guessed.
    fn from_value(value: Value) -> Result<Privileges, Unavailable> {
        Privileges::of_words(&String::from_value(value)?).ok_or_else(|| unexpected("privileges"))
    }
}
