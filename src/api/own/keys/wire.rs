//! What travels when API keys are managed.

use poem_openapi::Object;
use poem_openapi::types::Example;

use crate::api::body::{Text, TextValue};
use crate::api::values::Moment;
use crate::model::api_key::{ApiKey, Endpoint, KeyName, MOST_ENDPOINTS};
use crate::model::fault::Rule;
use crate::model::time::Millis;
use crate::service::api_keys::NewKey;

impl TextValue for KeyName {
    const NAME: &'static str = "KeyName";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = Some(1);
    const MAX: Option<usize> = Some(60);

    fn parse(text: &str) -> Result<KeyName, Rule> {
        KeyName::parse(text)
    }

    fn as_str(&self) -> &str {
        self.as_str()
    }
}

impl TextValue for Endpoint {
    const NAME: &'static str = "Endpoint";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = Some(1);
    const MAX: Option<usize> = Some(100);

    fn parse(text: &str) -> Result<Endpoint, Rule> {
        Endpoint::parse(text)
    }

    fn as_str(&self) -> &str {
        self.as_str()
    }
}

/// A key to be made. The owner comes from the session.
#[derive(Object)]
#[oai(rename = "NewApiKey", rename_all = "camelCase", example, skip_serializing_if_is_none)]
pub struct NewKeyRequest {
    /// What you call it.
    name: Text<KeyName>,
    /// When it ends: a moment in RFC 3339 or a date, on whose first moment (UTC) it is over. Never when absent.
    expires_at: Option<Text<Moment>>,
    /// What it may be used for, as your gateway names it: letters, digits and `. _ - / :`. Anything when absent or empty.
    #[oai(validator(max_items = 50))]
    endpoints: Option<Vec<Text<Endpoint>>>,
}

impl Example for NewKeyRequest {
    fn example() -> NewKeyRequest {
        let name = KeyName::parse("Build server").expect("the example obeys its own rules");
        NewKeyRequest { name: Text(name), expires_at: None, endpoints: None }
    }
}

/// A key, without its text. Moments are RFC 3339 in UTC.
#[derive(Object)]
#[oai(rename = "ApiKey", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct KeyBody {
    id: String,
    name: String,
    /// Its first and last characters, as in `lk_1a2b…9f`.
    key: String,
    /// What it may be used for; anything when empty.
    endpoints: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    /// Within a minute or so.
    last_used_at: Option<String>,
}

impl From<ApiKey> for KeyBody {
    fn from(key: ApiKey) -> KeyBody {
        KeyBody {
            id: key.id.to_string(),
            key: key.masked(),
            name: key.name,
            endpoints: key.endpoints.iter().map(|endpoint| endpoint.as_str().to_owned()).collect(),
            created_at: key.created_at.rfc3339(),
            expires_at: key.expires_at.map(Millis::rfc3339),
            last_used_at: key.last_used_at.map(Millis::rfc3339),
        }
    }
}

/// Live keys, the oldest first.
#[derive(Object)]
#[oai(rename = "ApiKeys", rename_all = "camelCase")]
pub struct KeysBody {
    /// Always true.
    pub success: bool,
    pub api_keys: Vec<KeyBody>,
}

/// A key that was just made.
#[derive(Object)]
#[oai(rename = "ApiKeyMade", rename_all = "camelCase")]
pub struct MadeBody {
    /// Always true.
    pub success: bool,
    /// The whole key: told here and never again.
    pub key: String,
    pub api_key: KeyBody,
}

/// A key that was ended.
#[derive(Object)]
#[oai(rename = "ApiKeyEnded")]
pub struct EndedBody {
    /// Always true.
    pub success: bool,
    pub message: String,
}

impl From<NewKeyRequest> for NewKey {
    fn from(request: NewKeyRequest) -> NewKey {
        NewKey {
            name: request.name.0,
            expires_at: request.expires_at.map(|moment| moment.0.1),
            endpoints: request.endpoints.into_iter().flatten().map(|endpoint| endpoint.0).collect(),
        }
    }
}

const _: () = assert!(MOST_ENDPOINTS == 50, "the document says so");
