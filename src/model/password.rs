//! Passwords and the rules that contracts put on them.

use std::fmt;
use unicode_normalization::UnicodeNormalization;

use super::fault::Rule;

/// The longest password taken, in characters, unless a contract's rule says less (J2).
pub const MAX_PASSWORD_CHARS: usize = 256;

/// A password in NFC, so that the same keys typed on another device give the same bytes (RFC 8265 section 4.2.2).
/// Its text is shown to the hashing pool alone: `Debug` prints no part of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes a password that somebody logs in with. No rule but the upper bound applies: it either matches or not.
    pub fn given(text: &str) -> Option<Password> {
        (text.chars().count() <= MAX_PASSWORD_CHARS).then(|| Password(text.nfc().collect()))
    }

    /// Stands in for a text too long to be anybody's password, so that comparing it costs what it always costs.
    pub fn stand_in() -> Password {
        Password(String::new())
    }

    /// Takes a password that somebody chooses.
    ///
    /// # Errors
    /// Every rule that it breaks.
    pub fn chosen(text: &str, rule: &PasswordRule) -> Result<Password, Vec<Rule>> {
        let broken = rule.broken_by(text);
        if broken.is_empty() { Ok(Password(text.nfc().collect())) } else { Err(broken) }
    }

    /// The bytes to hash.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What a contract demands of a chosen password.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRule {
    /// Fewest characters.
    pub min: usize,
    /// Most characters.
    pub max: usize,
    /// At least one upper-case letter, one lower-case letter and one digit.
    pub mixed: bool,
}

impl PasswordRule {
    /// The rules that `text` breaks, in a fixed order.
    pub fn broken_by(&self, text: &str) -> Vec<Rule> {
        let chars = text.chars().count();
        let mut broken = Vec::new();
        if chars < self.min {
            broken.push(Rule::MinChars(self.min));
        }
        if chars > self.max {
            broken.push(Rule::MaxChars(self.max));
        }
        if self.mixed {
            let needs = [
                (text.chars().any(char::is_uppercase), Rule::NeedsUpperCase),
                (text.chars().any(char::is_lowercase), Rule::NeedsLowerCase),
                (text.contains(|c: char| c.is_ascii_digit()), Rule::NeedsDigit),
            ];
            broken.extend(needs.into_iter().filter(|(has, _)| !has).map(|(_, rule)| rule));
        }
        broken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIXED: PasswordRule = PasswordRule { min: 8, max: MAX_PASSWORD_CHARS, mixed: true };

    #[test]
    fn each_broken_rule_is_named() {
        use Rule::{MaxChars, MinChars, NeedsDigit, NeedsLowerCase, NeedsUpperCase};
        let huge = format!("aA1{}", "x".repeat(1_000_000));
        let rows = [
            ("good", "SecurePass123", vec![]),
            ("eight exactly", "Abcdefg1", vec![]),
            ("seven", "Abcdef1", vec![MinChars(8)]),
            ("no upper case", "securepass123", vec![NeedsUpperCase]),
            ("no lower case", "SECUREPASS123", vec![NeedsLowerCase]),
            ("no digit", "SecurePassword", vec![NeedsDigit]),
            ("empty", "", vec![MinChars(8), NeedsUpperCase, NeedsLowerCase, NeedsDigit]),
            ("eight characters in sixteen bytes", "Äößüäöü1", vec![]),
            ("a megabyte", &huge, vec![MaxChars(256)]),
        ];
        for (what, text, broken) in rows {
            assert_eq!(MIXED.broken_by(text), broken, "{what}");
        }
    }

    #[test]
    fn composed_and_decomposed_spellings_are_one_password() {
        assert_eq!(Password::given("Caf\u{e9}-1234"), Password::given("Cafe\u{301}-1234"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Password::given("hunter2")), "Some(Password(…))");
    }
}
