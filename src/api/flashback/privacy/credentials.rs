//! The wire objects of what somebody comes in by: told of, never told.

use poem_openapi::Object;

use crate::model::access_token::AccessToken;
use crate::model::api_key::ApiKey;
use crate::model::time::Millis;
use crate::service::privacy::HeldFactor;

/// An API key of the caller's own that is on record, live or ended.
#[derive(Object)]
#[oai(rename = "FlashbackExportedKey", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedKey {
    id: String,
    name: String,
    /// Its first and last characters, as in `lk_1a2b…9f`.
    key: String,
    /// What it may be used for; anything when empty.
    endpoints: Vec<String>,
    created_at: String,
    expires_at: Option<String>,
    last_used_at: Option<String>,
    ended_at: Option<String>,
}

impl From<ApiKey> for ExportedKey {
    fn from(key: ApiKey) -> ExportedKey {
        ExportedKey {
            id: key.id.to_string(),
            key: key.masked(),
            name: key.name,
            endpoints: key.endpoints.iter().map(|endpoint| endpoint.as_str().to_owned()).collect(),
            created_at: key.created_at.rfc3339(),
            expires_at: key.expires_at.map(Millis::rfc3339),
            last_used_at: key.last_used_at.map(Millis::rfc3339),
            ended_at: key.revoked_at.map(Millis::rfc3339),
        }
    }
}

/// A personal access token of the caller's that is on record, live or ended.
#[derive(Object)]
#[oai(rename = "FlashbackExportedAccessToken", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct ExportedAccessToken {
    id: String,
    name: String,
    /// Its first and last characters, as in `lkp_1a2b…9f`.
    token: String,
    /// What it was made for.
    privileges: Vec<String>,
    /// Where it was made, and acts.
    organization_id: Option<String>,
    created_at: String,
    expires_at: String,
    last_used_at: Option<String>,
    ended_at: Option<String>,
}

impl From<AccessToken> for ExportedAccessToken {
    fn from(token: AccessToken) -> ExportedAccessToken {
        ExportedAccessToken {
            id: token.id.to_string(),
            token: token.masked(),
            name: token.name,
            privileges: token.privileges.words().into_iter().map(str::to_owned).collect(),
            organization_id: token.organization.map(|id| id.to_string()),
            created_at: token.created_at.rfc3339(),
            expires_at: token.expires_at.rfc3339(),
            last_used_at: token.last_used_at.map(Millis::rfc3339),
            ended_at: token.revoked_at.map(Millis::rfc3339),
        }
    }
}

/// A second factor that is on.
#[derive(Object)]
#[oai(rename = "FlashbackExportedFactor", rename_all = "camelCase")]
pub struct ExportedFactor {
    /// `totp` for an authenticator app, `mail` for mailed codes.
    method: String,
    enabled_at: String,
    /// Whether a login asks for it first.
    is_primary: bool,
}

impl From<HeldFactor> for ExportedFactor {
    fn from(factor: HeldFactor) -> ExportedFactor {
        ExportedFactor {
            method: factor.method.as_str().to_owned(),
            enabled_at: factor.enabled_at.rfc3339(),
            is_primary: factor.primary,
        }
    }
}
