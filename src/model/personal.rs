//! What somebody tells of themselves beside their address.

use super::fault::Rule;
use super::referral::ReferralCode;
use super::time::Millis;

/// What a sign-up tells; what was not told is none.
#[derive(Debug, Clone, Default)]
pub struct PersonalDetails {
    /// The country of residence, as typed.
    pub country: Option<String>,
    /// The tag of the preferred language as given, also where no letters are written in it.
    pub language: Option<String>,
    /// By whose code they came; one that nobody has counts as none.
    pub referral: Option<ReferralCode>,
}

/// What somebody has told of themselves beside their name, each as typed; what was not told is none.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Profile {
    pub phone: Option<String>,
    pub address: Option<String>,
    pub city: Option<String>,
    pub state: Option<String>,
    /// Of residence.
    pub country: Option<String>,
    pub postal_code: Option<String>,
    pub locale: Option<String>,
    /// The tag of the preferred language, also where no letters are written in it.
    pub language: Option<String>,
    pub birth_date: Option<String>,
}

/// A change of what somebody has told: none stays, an empty text takes it back.
#[derive(Debug, Clone, Default)]
pub struct PersonalChange {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub profile: Profile,
}

/// A date of birth in ISO 8601, a day that there is. An empty text says nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BirthDate(String);

impl BirthDate {
    /// Parses a date.
    ///
    /// # Errors
    /// [`Rule::Date`].
    pub fn parse(text: &str) -> Result<BirthDate, Rule> {
        let is_day = text.len() == 10 && Millis::parse_date(text).is_some();
        if text.is_empty() || is_day { Ok(BirthDate(text.to_owned())) } else { Err(Rule::Date) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_birth_date_is_a_day_of_the_calendar() {
        for day in ["1990-01-31", "2000-02-29", ""] {
            assert_eq!(BirthDate::parse(day).map(|date| date.0), Ok(day.to_owned()));
        }
        for none in ["1990-02-30", "1990-1-31", "31.01.1990", "19900131", "1990-01-31T00:00:00Z", " ", "x"] {
            assert_eq!(BirthDate::parse(none), Err(Rule::Date), "{none}");
        }
    }
}
