//! How the second factor is refused.

use poem::http::StatusCode;

use crate::api::flashback::failure::{FamilyC, SENTENCE_ONLY};
use crate::api::guard::GuardError;
use crate::api::problem::Problem;
use crate::service::login::LoginError;
use crate::service::standing::StandingError;
use crate::service::two_factor::PassError;
use crate::service::two_factor::change::FactorError;

pub fn refused(sentence: &str) -> Problem<FamilyC> {
    Problem::new(StatusCode::BAD_REQUEST, SENTENCE_ONLY, sentence)
}

pub fn not_to_be_had() -> Problem<FamilyC> {
    refused("PASSKEY is not available on this server. Use GOOGLE_AUTH or MAGIC_LINK.")
}

pub fn standing_problem(error: StandingError) -> Problem<FamilyC> {
    match error {
        StandingError::SessionEnded => Problem::unauthorized(),
        StandingError::NoOrganization | StandingError::Forbidden => {
            Problem::new(StatusCode::FORBIDDEN, SENTENCE_ONLY, "Only owners and administrators may do this")
        }
        StandingError::Unavailable(cause) => cause.into(),
    }
}

impl From<FactorError> for Problem<FamilyC> {
    fn from(error: FactorError) -> Problem<FamilyC> {
        match error {
            FactorError::AlreadyOn => {
                Problem::new(StatusCode::CONFLICT, SENTENCE_ONLY, "This MFA method is on already")
            }
            FactorError::NotOn => refused("This MFA method is not on"),
            FactorError::WrongCode | FactorError::Pass(PassError::Wrong) => refused("Invalid MFA code"),
            FactorError::Unverified => Problem::of_guard(&GuardError::Unverified),
            FactorError::NotPassed => Problem::new(
                StatusCode::FORBIDDEN,
                SENTENCE_ONLY,
                "Pass the second factor first: send a code",
            ),
            FactorError::Pass(PassError::Locked(wait)) | FactorError::TooManyLetters(wait) => {
                Problem::rate_limited(wait)
            }
            FactorError::Pass(PassError::Unavailable(cause)) => cause.into(),
            FactorError::Standing(error) => standing_problem(error),
        }
    }
}

pub fn login_problem(error: LoginError) -> Problem<FamilyC> {
    match error {
        LoginError::SecondFactorLocked(wait) | LoginError::Locked(wait) => Problem::rate_limited(wait),
        LoginError::Setback(setback) => setback.into(),
        LoginError::SecondFactorWrong
        | LoginError::SecondFactorNeeded(_)
        | LoginError::UnknownAddress
        | LoginError::WrongPassword
        | LoginError::NoPassword
        | LoginError::Inactive
        | LoginError::Unverified
        | LoginError::TicketEnded => {
            Problem::new(StatusCode::UNAUTHORIZED, SENTENCE_ONLY, "Invalid MFA code")
        }
    }
}
