//! Referrals: the code by which somebody brings others in.

/// What every code begins with (contracts/orbai.md section 4).
const PREFIX: &str = "REF_";
/// Characters after it, of 5 bits each: two accounts never come by the same, and nobody guesses one.
const CHARS: u32 = 10;
/// Digits and letters without those that are read as others (I, L, O, U).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The code of an account, or what somebody typed for one, in upper case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferralCode(String);

impl ReferralCode {
    /// The code of 50 random bits, the low ones of `bits`.
    pub fn of_bits(bits: u64) -> ReferralCode {
        let digit = |place: u32| char::from(ALPHABET[(bits >> (5 * place) & 31) as usize]);
        ReferralCode(PREFIX.chars().chain((0..CHARS).map(digit)).collect())
    }

    /// What somebody typed; case and spaces around it do not count. `None` when that is nothing.
    pub fn typed(text: &str) -> Option<ReferralCode> {
        let text = text.trim();
        (!text.is_empty()).then(|| ReferralCode(text.to_ascii_uppercase()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What came of somebody's code. Accounts that were erased since count on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tally {
    pub code: String,
    /// Accounts made by the code.
    pub brought_in: i64,
    /// How many of them earned a reward.
    pub rewarded: i64,
    /// Ledger tokens earned by them.
    pub tokens: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_short_and_of_plain_characters() {
        assert_eq!(ReferralCode::of_bits(0).as_str(), "REF_0000000000");
        assert_eq!(ReferralCode::of_bits(u64::MAX).as_str(), "REF_ZZZZZZZZZZ");
        assert_ne!(ReferralCode::of_bits(1), ReferralCode::of_bits(1 << 45));
    }

    #[test]
    fn a_typed_code_is_known_in_any_case() {
        assert_eq!(ReferralCode::typed(" ref_zzzzzzzzzz "), Some(ReferralCode::of_bits(u64::MAX)));
        assert_eq!(ReferralCode::typed(" "), None);
    }
}
