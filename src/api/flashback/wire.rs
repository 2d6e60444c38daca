//! Wire objects and values that several areas share.

use poem_openapi::Object;

use super::mfa::MfaType;
use crate::api::body::TextValue;
use crate::model::account::Member;
use crate::model::domain::Website;
use crate::model::fault::Rule;
use crate::service::Entered;
use crate::service::two_factor::Challenge;

/// A website where one may be left out: forms send an empty text for a field that nobody filled in.
pub struct WebsiteLine(pub Option<Website>);

impl TextValue for WebsiteLine {
    const NAME: &'static str = "website";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = Some(255);
    fn parse(text: &str) -> Result<WebsiteLine, Rule> {
        let text = text.trim();
        if text.is_empty() { Ok(WebsiteLine(None)) } else { Website::parse(text).map(Some).map(WebsiteLine) }
    }
    fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", Website::as_str)
    }
}

/// Somebody who has just come in: tokens, and who they are.
#[derive(Object)]
#[oai(rename = "FlashbackEntered", rename_all = "camelCase", skip_serializing_if_is_none)]
pub struct EnteredBody {
    /// Always true.
    success: bool,
    /// JWT for `Authorization: Bearer`, good for an hour.
    access_token: String,
    /// JWT for `/user/refresh`, good for 30 days and for one use.
    refresh_token: String,
    /// Names the session.
    token_id: String,
    /// When the access token ends, in seconds since the epoch.
    expires_at: i64,
    /// While the address is unverified: for `/user/resend-verification/{verificationTokenId}` and, with the mailed
    /// code, `/user/verify-email`.
    verification_token_id: Option<String>,
    /// True when the account has a second factor: `accessToken` is then good for `/mfa/verify-login` alone, there is no
    /// session yet, `refreshToken` and `tokenId` are empty, and `mfaType` is the way that the account prefers.
    mfa_required: Option<bool>,
    // No description: beside a reference to an enum, generators of clients stumble over it.
    mfa_type: Option<MfaType>,
    /// Beside `mfaRequired`: whether a code was mailed.
    mfa_code_mailed: Option<bool>,
    user: UserBody,
}

/// The person signed in.
#[derive(Object)]
#[oai(rename = "FlashbackUser", rename_all = "camelCase")]
pub struct UserBody {
    /// 24 hexadecimal digits.
    id: String,
    email: String,
    /// First and last name.
    name: String,
    /// The organization; empty for somebody without one.
    org_id: String,
    /// 0 USER, 1 BILLING, 2 WORKSPACES, 254 ADMINISTRATORS, 255 OWNER.
    org_role: i64,
    /// Empty: no images are kept.
    #[oai(rename = "image_url")]
    image_url: String,
}

impl From<Entered> for EnteredBody {
    fn from(entered: Entered) -> EnteredBody {
        let Entered { member, tokens, pending_proof } = entered;
        EnteredBody {
            success: true,
            access_token: tokens.access,
            refresh_token: tokens.refresh,
            token_id: tokens.session.to_string(),
            expires_at: tokens.access_expires_at.seconds(),
            verification_token_id: pending_proof.map(|id| id.to_string()),
            mfa_required: None,
            mfa_type: None,
            mfa_code_mailed: None,
            user: UserBody::from(&member),
        }
    }
}

impl From<Challenge> for EnteredBody {
    fn from(challenge: Challenge) -> EnteredBody {
        EnteredBody {
            success: true,
            access_token: challenge.token,
            refresh_token: String::new(),
            token_id: String::new(),
            expires_at: challenge.expires_at.seconds(),
            verification_token_id: None,
            mfa_required: Some(true),
            mfa_type: challenge.factors.primary.map(MfaType::from),
            mfa_code_mailed: Some(challenge.mailed),
            user: UserBody::from(&challenge.member),
        }
    }
}

impl From<&Member> for UserBody {
    fn from(member: &Member) -> UserBody {
        let place = member.organization.as_ref();
        UserBody {
            id: member.account.id.to_string(),
            email: member.account.email.as_str().to_owned(),
            name: member.account.full_name(),
            org_id: place.map(|place| place.organization.to_string()).unwrap_or_default(),
            org_role: place.map_or(0, |place| place.role.number()),
            image_url: String::new(),
        }
    }
}

/// Done, with nothing more to say.
#[derive(Object)]
#[oai(rename = "FlashbackDone")]
pub struct DoneBody {
    /// Always true.
    success: bool,
}

/// Done, with a sentence for people.
#[derive(Object)]
#[oai(rename = "FlashbackMessage")]
pub struct MessageBody {
    /// Always true.
    success: bool,
    /// A sentence for people.
    message: String,
}

/// Done.
pub fn done() -> DoneBody {
    DoneBody { success: true }
}

/// Done, with a sentence.
pub fn message(text: impl Into<String>) -> MessageBody {
    MessageBody { success: true, message: text.into() }
}
