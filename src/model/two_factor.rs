//! The second factor: one-time passwords by time (TOTP, RFC 6238), mailed codes, and the recovery codes for when both are
//! out of reach.

use std::fmt;
use std::time::Duration;

use totp_rs::{Builder, Secret, Totp};

use super::time::{MINUTE, Millis};

/// Wrong answers per account within [`ANSWER_WINDOW`], on every path together (E2).
pub const WRONG_ANSWERS: i64 = 10;
/// The span in which wrong answers are counted.
pub const ANSWER_WINDOW: Duration = Duration::from_secs(15 * MINUTE.as_secs());
/// For how long a session that has passed the second factor may change it without passing it again (E5).
pub const FRESH: Duration = Duration::from_secs(15 * MINUTE.as_secs());
/// Recovery codes in a set.
pub const RECOVERY_CODES: usize = 8;

/// A way to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// An app that shows a code of six digits every 30 seconds.
    Totp,
    /// A code of eight digits, mailed at the login.
    Mail,
}

impl Method {
    /// All of them.
    pub const ALL: [Method; 2] = [Method::Totp, Method::Mail];

    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Method::Totp => "totp",
            Method::Mail => "mail",
        }
    }

    /// The method of a word.
    pub fn of_word(word: &str) -> Option<Method> {
        Method::ALL.into_iter().find(|method| method.as_str() == word)
    }
}

/// What an account has turned on.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Factors {
    pub enabled: Vec<Method>,
    /// The one that a login asks for first; one of those enabled.
    pub primary: Option<Method>,
}

/// The secret that an authenticator app shares: 160 bits (RFC 4226 section 4).
pub struct TotpSecret([u8; 20]);

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

impl TotpSecret {
    /// A secret of these random bytes.
    pub fn of_bytes(bytes: [u8; 20]) -> TotpSecret {
        TotpSecret(bytes)
    }

    /// The bytes, to be sealed before they are stored.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Reads what [`TotpSecret::bytes`] gave.
    pub fn of_stored(bytes: &[u8]) -> Option<TotpSecret> {
        bytes.try_into().ok().map(TotpSecret)
    }

    /// As somebody types it into an app.
    pub fn base32(&self) -> String {
        Secret::from(self.0).to_base32()
    }

    /// What an app reads from the picture: `otpauth://totp/<app>:<address>?…`.
    pub fn uri(&self, app: &str, address: &str) -> String {
        // A colon divides the two, and has no place in either.
        let (app, address) = (app.replace(':', " "), address.replace(':', " "));
        let totp = self.builder().with_issuer(Some(app)).with_account_name(address).build();
        totp.ok().and_then(|totp| totp.to_url().ok()).expect("160 bits, a name and an issuer without colons")
    }

    /// The step that a code of six digits belongs to, if it is of this moment, the step before or the step after.
    pub fn step_of(&self, code: &str, now: Millis) -> Option<i64> {
        let seconds = u64::try_from(now.seconds()).ok()?;
        let step = self.totp().check(code, seconds)?;
        i64::try_from(step).ok()
    }

    fn totp(&self) -> Totp {
        self.builder().build().expect("160 bits are enough")
    }

    /// SHA-1, six digits, 30 seconds, one step either way: what every app knows.
    fn builder(&self) -> Builder {
        Builder::new().with_secret(self.0).with_digits(6).with_step_duration(30).with_skew(1)
    }
}

/// What somebody answers when the second factor is asked for. Its shape tells what it is.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// Six digits.
    Totp(String),
    /// Eight digits.
    Mailed(String),
    /// Ten letters and digits, in their one spelling.
    Recovery(String),
    /// Nothing that could be right. It counts as wrong all the same.
    Nonsense,
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer(…)")
    }
}

impl Answer {
    /// Reads an answer; spaces and dashes do not count.
    pub fn of(text: &str) -> Answer {
        let plain: String = text.chars().filter(|c| !matches!(c, ' ' | '-')).take(64).collect();
        let digits = plain.bytes().all(|byte| byte.is_ascii_digit());
        match plain.len() {
            6 if digits => Answer::Totp(plain),
            8 if digits => Answer::Mailed(plain),
            RECOVERY_LENGTH => Answer::Recovery(plain.to_ascii_uppercase()),
            _ => Answer::Nonsense,
        }
    }
}

const RECOVERY_LENGTH: usize = 10;
/// Letters and digits that nobody mistakes for one another.
const RECOVERY_ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A recovery code of these random bytes: 50 bits, good once.
pub fn recovery_code(bytes: [u8; RECOVERY_LENGTH]) -> String {
    bytes.iter().map(|byte| char::from(RECOVERY_ALPHABET[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 6238 appendix B, cut to six digits
    #[test]
    fn codes_are_those_of_the_standard() {
        let secret = TotpSecret::of_bytes(*b"12345678901234567890");
        for (second, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            let at = |seconds: i64| Millis(seconds * 1000);
            assert_eq!(secret.step_of(code, at(second)), Some(second / 30), "{second}");
            assert_eq!(secret.step_of(code, at(second + 30)), Some(second / 30), "a step later");
            assert_eq!(secret.step_of(code, at(second - 30)), Some(second / 30), "a step earlier");
            assert_eq!(secret.step_of(code, at(second + 60)), None, "two steps later");
            assert_eq!(secret.step_of(code, at(second - 60)), None, "two steps earlier");
        }
        assert_eq!(secret.base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn an_app_is_told_app_and_address() {
        let secret = TotpSecret::of_bytes(*b"12345678901234567890");
        let uri = secret.uri("Acme: Shop & Co", "ann+x@acme.example");
        assert!(uri.starts_with("otpauth://totp/Acme%20%20Shop%20%26%20Co:ann%2Bx%40acme.example?"), "{uri}");
        assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"), "{uri}");
        assert!(uri.contains("issuer=Acme%20%20Shop%20%26%20Co"), "{uri}");
    }

    #[test]
    fn an_answer_is_told_by_its_shape() {
        assert_eq!(Answer::of(" 123 456"), Answer::Totp("123456".into()));
        assert_eq!(Answer::of("1234-5678"), Answer::Mailed("12345678".into()));
        assert_eq!(Answer::of("abcde-fgh23"), Answer::Recovery("ABCDEFGH23".into()));
        for text in ["", "12345", "1234567", "１２３４５６", "12345a"] {
            assert_eq!(Answer::of(text), Answer::Nonsense, "{text}");
        }
    }
}
