//! Names of people and companies, as typed.

use super::fault::Rule;

/// A name of 1 to `MAX` characters that cannot forge mail headers, lines or reading direction (THREATS C5, I1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Name<const MAX: usize>(String);

/// A first or last name.
pub type PersonName = Name<100>;
/// A first or last name where a contract takes longer ones (contracts/appmaker.md section 1).
pub type LongName = Name<255>;
/// A company's name.
pub type CompanyName = Name<200>;

impl<const MAX: usize> Name<MAX> {
    /// Parses a name; surrounding white space is dropped.
    ///
    /// # Errors
    /// [`Rule::MinChars`] when nothing is left, [`Rule::MaxChars`], [`Rule::ControlCharacters`].
    pub fn parse(text: &str) -> Result<Name<MAX>, Rule> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Rule::MinChars(1));
        }
        if text.chars().count() > MAX {
            return Err(Rule::MaxChars(MAX));
        }
        if text.chars().any(is_forbidden) {
            return Err(Rule::ControlCharacters);
        }
        Ok(Name(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A line of an organization's contact, such as a phone number or a street: at most 200 characters, may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ContactLine(String);

impl ContactLine {
    /// Parses a line; surrounding white space is dropped.
    ///
    /// # Errors
    /// [`Rule::MaxChars`], [`Rule::ControlCharacters`].
    pub fn parse(text: &str) -> Result<ContactLine, Rule> {
        match Name::<200>::parse(text) {
            Ok(Name(text)) => Ok(ContactLine(text)),
            Err(Rule::MinChars(_)) => Ok(ContactLine::default()),
            Err(rule) => Err(rule),
        }
    }

    /// The line.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The line, if it says anything.
    pub fn into_filled(self) -> Option<String> {
        Some(self.0).filter(|text| !text.is_empty())
    }
}

/// Control characters, line and paragraph separators, and the bidirectional overrides that reorder what follows.
pub fn is_forbidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_trimmed_and_bounded() {
        let longest = "ü".repeat(100);
        let too_long = "ü".repeat(101);
        let rows = [
            ("plain", "Ann", Ok("Ann")),
            ("spaces", "  Ann Lee ", Ok("Ann Lee")),
            ("one character", "王", Ok("王")),
            ("longest", longest.as_str(), Ok(longest.as_str())),
            ("too long", too_long.as_str(), Err(Rule::MaxChars(100))),
            ("empty", "", Err(Rule::MinChars(1))),
            ("blank", " \u{3000} ", Err(Rule::MinChars(1))),
            ("line feed", "A\nB", Err(Rule::ControlCharacters)),
            ("carriage return", "A\rB", Err(Rule::ControlCharacters)),
            ("NUL", "A\0B", Err(Rule::ControlCharacters)),
            ("line separator", "A\u{2028}B", Err(Rule::ControlCharacters)),
            ("right-to-left override", "A\u{202e}B", Err(Rule::ControlCharacters)),
        ];
        for (what, typed, expected) in rows {
            let name = PersonName::parse(typed);
            assert_eq!(name.as_ref().map(Name::as_str).map_err(Clone::clone), expected, "{what}");
        }
    }
}
