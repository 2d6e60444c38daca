//! API keys: what a program shows in place of a person's session.

use std::fmt;

use super::fault::Rule;
use super::id::{AccountId, ApiKeyId, OrganizationId};
use super::name::Name;
use super::time::Millis;

const PREFIX: &str = "lk_";
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Random digits of a key: 202 bits.
pub(super) const RANDOM: usize = 34;
/// Digits that check the others, so that a scanner of leaked secrets and a typo are told apart without asking.
const CHECK: usize = 6;
/// Endpoints that one key may be limited to.
pub const MOST_ENDPOINTS: usize = 50;

/// What a key is called.
pub type KeyName = Name<60>;

/// The text of a key: `lk_` and 40 digits of base 62, the last six of which are the CRC-32 of those before.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyText(String);

impl KeyText {
    /// A key of these random bytes.
    pub fn of_bytes(bytes: [u8; RANDOM]) -> KeyText {
        KeyText(format!("{PREFIX}{}", checked(bytes)))
    }

    /// Reads a key. `None` for what cannot be one: another length, another alphabet, or a wrong check.
    pub fn parse(text: &str) -> Option<KeyText> {
        holds(text.strip_prefix(PREFIX)?).then(|| KeyText(text.to_owned()))
    }

    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The parts that are shown once the key is no longer known: `lk_1a2b` and `9f`.
    pub fn ends(&self) -> (&str, &str) {
        (&self.0[..PREFIX.len() + 4], &self.0[self.0.len() - 2..])
    }
}

impl fmt::Debug for KeyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyText(…)")
    }
}

/// Random digits, and those that check them.
pub(super) fn checked(bytes: [u8; RANDOM]) -> String {
    // 62 into 256 leaves a bias of less than a bit over the whole key.
    let random: String = bytes.iter().map(|byte| digit(u32::from(*byte))).collect();
    let check = check(&random);
    format!("{random}{check}")
}

/// Whether these are such digits: of the length and alphabet, and with the right check.
pub(super) fn holds(digits: &str) -> bool {
    if digits.len() != RANDOM + CHECK || !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return false;
    }
    let (random, given) = digits.split_at(RANDOM);
    check(random) == given
}

fn digit(number: u32) -> char {
    char::from(DIGITS[(number % 62) as usize])
}

fn check(random: &str) -> String {
    let mut sum = crc32fast::hash(random.as_bytes());
    let mut digits: Vec<char> = (0..CHECK)
        .map(|_| {
            let last = digit(sum);
            sum /= 62;
            last
        })
        .collect();
    digits.reverse();
    digits.into_iter().collect()
}

/// Whom a key acts for. Both spend the tokens of an organization: its own, or that of the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyOwner {
    Account(AccountId),
    Organization(OrganizationId),
}

/// A key as the database holds it: without its text.
#[derive(Debug, Clone)]
pub struct ApiKey {
    pub id: ApiKeyId,
    pub owner: KeyOwner,
    pub name: String,
    /// The first characters, for lists.
    pub head: String,
    /// The last characters, for lists.
    pub tail: String,
    /// What it may be used for; anything when empty.
    pub endpoints: Vec<Endpoint>,
    pub created_at: Millis,
    /// None never expires.
    pub expires_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
    /// Within a minute or so.
    pub last_used_at: Option<Millis>,
}

impl ApiKey {
    /// How it is shown: `lk_1a2b…9f`.
    pub fn masked(&self) -> String {
        format!("{}…{}", self.head, self.tail)
    }
}

/// What a call has to know of the key that it shows.
#[derive(Debug, Clone)]
pub struct ShownKey {
    pub id: ApiKeyId,
    /// What it may be used for; anything when empty.
    pub endpoints: Vec<Endpoint>,
    /// None never expires.
    pub expires_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
}

impl ShownKey {
    /// Whether it opens anything at `now`.
    pub fn is_live(&self, now: Millis) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|end| now < end)
    }

    /// Whether it is good for certain endpoints alone.
    pub fn is_limited(&self) -> bool {
        !self.endpoints.is_empty()
    }

    /// Whether it may be used for this. A key with a limit is good for nothing that is not named.
    pub fn allows(&self, endpoint: Option<&Endpoint>) -> bool {
        !self.is_limited() || endpoint.is_some_and(|endpoint| self.endpoints.contains(endpoint))
    }
}

/// What a metered call was for, as the gateway names it: 1 to 100 letters, digits and `. _ - / :`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(String);

impl Endpoint {
    /// Parses a name.
    ///
    /// # Errors
    /// [`Rule::MinChars`], [`Rule::MaxChars`], [`Rule::Malformed`].
    pub fn parse(text: &str) -> Result<Endpoint, Rule> {
        if text.is_empty() {
            return Err(Rule::MinChars(1));
        }
        if text.chars().count() > 100 {
            return Err(Rule::MaxChars(100));
        }
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"._-/:".contains(&byte);
        if text.bytes().all(fits) { Ok(Endpoint(text.to_owned())) } else { Err(Rule::Malformed) }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_told_from_a_typo_without_asking() {
        let key = KeyText::of_bytes(std::array::from_fn(|n| n as u8 * 7));
        assert_eq!(key.as_str().len(), 43);
        assert_eq!(KeyText::parse(key.as_str()).as_ref(), Some(&key));
        assert_eq!(key.ends(), ("lk_07EL", &key.as_str()[41..]));
        for place in 3..43 {
            let mut typo = key.as_str().to_owned().into_bytes();
            typo[place] = if typo[place] == b'x' { b'y' } else { b'x' };
            let typo = String::from_utf8(typo).expect("ASCII");
            assert_eq!(KeyText::parse(&typo), None, "{typo}");
        }
        for wrong in
            ["", "lk_", "LK_", &key.as_str()[..42], &format!("{}0", key.as_str()), &key.as_str()[3..]]
        {
            assert_eq!(KeyText::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_endpoint_is_a_short_plain_name() {
        for good in ["search", "v1/search:fast", "a", "x".repeat(100).as_str()] {
            assert!(Endpoint::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "two words", "a\nb", "ü", "a,b", "x".repeat(101).as_str()] {
            assert!(Endpoint::parse(bad).is_err(), "{bad}");
        }
    }
}
