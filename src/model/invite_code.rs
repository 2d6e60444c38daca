//! Invite codes: who has one may sign up where a contract asks for it. They belong to the installation, not to an
//! organization, and are good for a number of uses.

use std::fmt;

use super::id::InviteCodeId;
use super::time::Millis;

/// Letters and digits that nobody mistakes for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Characters of a code without its dashes: 80 random bits, far past guessing at the rate that is allowed.
const LENGTH: usize = 16;
/// Between dashes.
const GROUP: usize = 4;

/// Uses that one code may be made for.
pub const MOST_USES: i64 = 1_000_000;

/// A code as somebody types it, in its one spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct InviteCode(String);

impl InviteCode {
    /// A code of these random bytes.
    pub fn of_bytes(bytes: [u8; LENGTH]) -> InviteCode {
        InviteCode(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect())
    }

    /// Reads a code: dashes and spaces do not count, nor does the case, and I, L and O are taken for the digits they
    /// look like. `None` for what cannot be a code.
    pub fn parse(text: &str) -> Option<InviteCode> {
        let mut code = String::with_capacity(LENGTH);
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ')) {
            let c = match c.to_ascii_uppercase() {
                'I' | 'L' => '1',
                'O' => '0',
                c => c,
            };
            if code.len() == LENGTH || !u8::try_from(c).is_ok_and(|byte| ALPHABET.contains(&byte)) {
                return None;
            }
            code.push(c);
        }
        (code.len() == LENGTH).then_some(InviteCode(code))
    }

    /// The code without dashes: what its digest is made of.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The part that is shown once the code is no longer known.
    pub fn hint(&self) -> &str {
        &self.0[..GROUP]
    }
}

impl fmt::Display for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups: Vec<&str> = (0..LENGTH / GROUP).map(|n| &self.0[n * GROUP..(n + 1) * GROUP]).collect();
        f.write_str(&groups.join("-"))
    }
}

impl fmt::Debug for InviteCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InviteCode(…)")
    }
}

/// An invite code as the database holds it: without the code.
#[derive(Debug, Clone)]
pub struct Invite {
    pub id: InviteCodeId,
    /// Its first characters, for the operator's list.
    pub hint: String,
    /// What the operator wants to remember of it.
    pub note: String,
    pub uses_allowed: i64,
    pub uses: i64,
    pub created_at: Millis,
    /// None is good until it is used up or revoked.
    pub expires_at: Option<Millis>,
    pub revoked_at: Option<Millis>,
}

/// Whether a code lets somebody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InviteState {
    Redeemable,
    Used,
    Expired,
    Revoked,
}

impl InviteState {
    /// The word for operators and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            InviteState::Redeemable => "redeemable",
            InviteState::Used => "used",
            InviteState::Expired => "expired",
            InviteState::Revoked => "revoked",
        }
    }
}

impl Invite {
    /// The state at `now`. A revocation outweighs the rest; a code that is used up stays so after its end.
    pub fn state(&self, now: Millis) -> InviteState {
        if self.revoked_at.is_some() {
            InviteState::Revoked
        } else if self.uses >= self.uses_allowed {
            InviteState::Used
        } else if self.expires_at.is_some_and(|end| now >= end) {
            InviteState::Expired
        } else {
            InviteState::Redeemable
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = InviteCode::of_bytes(std::array::from_fn(|n| n as u8 + 16));
        assert_eq!(code.to_string(), "GHJK-MNPQ-RSTV-WXYZ");
        for typed in ["GHJK-MNPQ-RSTV-WXYZ", "ghjkmnpqrstvwxyz", " ghjk mnpq rstv-wxyz "] {
            assert_eq!(InviteCode::parse(typed).as_ref(), Some(&code), "{typed}");
        }
        let digits = InviteCode::parse("0O1I-L000-0000-0000").expect("look-alikes are read as digits");
        assert_eq!(digits.as_str(), "0011100000000000");
        for wrong in [
            "",
            "GHJK",
            "GHJK-MNPQ-RSTV-WXYZ0",
            "GHJK-MNPQ-RSTV-WXY!",
            "GHJK-MNPQ-RSTV-WXYü",
            "UUUUUUUUUUUUUUUU",
        ] {
            assert_eq!(InviteCode::parse(wrong), None, "{wrong}");
        }
    }
}
