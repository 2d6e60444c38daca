//! The challenge by which a browser or a program proves work before it makes an account.

use std::sync::Arc;

use poem::web::Data;
use poem_openapi::{Object, OpenApi};

use super::Area;
use crate::api::flashback::failure::FamilyA;
use crate::api::reply::{ALWAYS, outcomes};
use crate::captcha::Challenge;
use crate::service::Service;

/// What is to be solved. The answer is the standard base64 of a JSON object with `algorithm`, `challenge`, `number`,
/// `salt` and `signature`: the number found, and the others as they stand here.
#[derive(Object)]
#[oai(rename = "CaptchaChallenge")]
pub struct ChallengeBody {
    /// Always `SHA-256`.
    algorithm: String,
    /// SHA-256 of `salt` followed by the number in decimal digits, as 64 hexadecimal digits.
    #[oai(validator(min_length = 64, max_length = 64))]
    challenge: String,
    /// The number is from 0 to this.
    maxnumber: u32,
    /// Its `expires` is the end of the challenge, in seconds since 1970.
    salt: String,
    /// By which the server knows its own challenge.
    #[oai(validator(min_length = 64, max_length = 64))]
    signature: String,
}

impl From<Challenge> for ChallengeBody {
    fn from(challenge: Challenge) -> ChallengeBody {
        ChallengeBody {
            algorithm: challenge.algorithm.to_owned(),
            challenge: challenge.challenge,
            maxnumber: challenge.maxnumber,
            salt: challenge.salt,
            signature: challenge.signature,
        }
    }
}

outcomes!(ChallengeReply = ChallengeOutcomes: FamilyA, 200 "A fresh challenge, good for 20 minutes and for one answer." => ChallengeBody,
    [ALWAYS]);

#[derive(Clone)]
pub struct Challenges;

#[OpenApi]
impl Challenges {
    /// Get a captcha's challenge
    ///
    /// For sign-ups that ask for a captcha, where `LATCHKEY_CAPTCHA=pow`. ALTCHA's widget (versions 0 to 2) solves it as it
    /// stands; a program tries numbers until SHA-256 of `salt` and the number is `challenge`.
    #[oai(
        path = "/captcha/challenge",
        method = "get",
        tag = "Area::Latchkey",
        operation_id = "captchaChallenge"
    )]
    async fn challenge(&self, service: Data<&Arc<Service>>) -> ChallengeReply {
        ChallengeReply::Done(service.captcha.challenge().into())
    }
}
