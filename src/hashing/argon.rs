//! Argon2id itself: its cost, and hashes as PHC strings.

use std::fmt;

use argon2::{Algorithm, Argon2, Block, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::{Comparison, HashingError};
use crate::clock::Chance;
use crate::model::password::Password;

/// The memory, passes and lanes of argon2id. The default is OWASP's first choice, `m=19456,t=2,p=1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    pub memory_kib: u32,
    pub passes: u32,
    pub lanes: u32,
}

impl Default for Cost {
    fn default() -> Cost {
        Cost { memory_kib: 19_456, passes: 2, lanes: 1 }
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m={},t={},p={}", self.memory_kib, self.passes, self.lanes)
    }
}

impl std::str::FromStr for Cost {
    type Err = String;
    fn from_str(text: &str) -> Result<Cost, String> {
        let malformed = || format!("write it like {}", Cost::default());
        let mut numbers = [("m=", None), ("t=", None), ("p=", None)];
        for part in text.split(',') {
            let (name, slot) =
                numbers.iter_mut().find(|(name, _)| part.starts_with(name)).ok_or_else(malformed)?;
            *slot = Some(part[name.len()..].parse::<u32>().map_err(|_| malformed())?);
        }
        let [(_, Some(memory_kib)), (_, Some(passes)), (_, Some(lanes))] = numbers else {
            return Err(malformed());
        };
        let cost = Cost { memory_kib, passes, lanes };
        Params::new(memory_kib, passes, lanes, Some(OUTPUT))
            .map_err(|e| format!("argon2 refuses it: {e}"))?;
        if memory_kib > 1 << 20 {
            return Err("m is in KiB and at most 1048576".to_owned());
        }
        Ok(cost)
    }
}

const OUTPUT: usize = 32;
const SALT: usize = 16;

/// The memory of one thread, kept from call to call.
pub(super) type Memory = Vec<Block>;

/// Hashes a password under a fresh salt.
pub(super) fn hash(
    password: &Password,
    cost: Cost,
    chance: &Chance,
    memory: &mut Memory,
) -> Result<String, HashingError> {
    let salt = chance.bytes::<SALT>();
    Ok(phc(cost, &salt, &digest(cost, password, &salt, memory)?))
}

/// A hash that no password has, at the given cost.
pub(super) fn decoy(cost: Cost, chance: &Chance) -> String {
    phc(cost, &chance.bytes::<SALT>(), &chance.bytes::<OUTPUT>())
}

/// Compares a password with a stored hash.
pub(super) fn compare(
    password: &Password,
    stored: &str,
    wanted: Cost,
    memory: &mut Vec<Block>,
) -> Result<Comparison, HashingError> {
    let (cost, salt, expected) = parse_phc(stored).ok_or(HashingError::Failed)?;
    let found = digest(cost, password, &salt, memory)?;
    let matches = aws_lc_rs::constant_time::verify_slices_are_equal(&found, &expected).is_ok();
    Ok(Comparison { matches, outdated: cost != wanted })
}

fn digest(
    cost: Cost,
    password: &Password,
    salt: &[u8],
    memory: &mut Vec<Block>,
) -> Result<[u8; OUTPUT], HashingError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(OUTPUT))
        .map_err(|_| HashingError::Failed)?;
    let blocks = params.block_count();
    if memory.len() < blocks {
        memory.resize(blocks, Block::default());
    }
    let mut out = [0; OUTPUT];
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.bytes(), salt, &mut out, &mut memory[..blocks])
        .map_err(|_| HashingError::Failed)?;
    Ok(out)
}

fn phc(cost: Cost, salt: &[u8], hash: &[u8]) -> String {
    format!("$argon2id$v=19${cost}${}${}", STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(hash))
}

fn parse_phc(text: &str) -> Option<(Cost, Vec<u8>, Vec<u8>)> {
    let mut parts = text.strip_prefix("$argon2id$v=19$")?.split('$');
    let (cost, salt, hash) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Some((cost.parse().ok()?, STANDARD_NO_PAD.decode(salt).ok()?, STANDARD_NO_PAD.decode(hash).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_of_another_cost_still_matches_and_is_outdated() {
        let (old, new) =
            (Cost { memory_kib: 256, passes: 1, lanes: 1 }, Cost { memory_kib: 64, passes: 1, lanes: 1 });
        let password = Password::given("password").expect("a password");
        let mut memory = Memory::new();
        let stored = hash(&password, old, &Chance::seeded(1), &mut memory).expect("hashed");
        let found = compare(&password, &stored, new, &mut memory);
        assert_eq!(found, Ok(Comparison { matches: true, outdated: true }));
        let wrong = Password::given("Password").expect("a password");
        assert_eq!(compare(&wrong, &stored, new, &mut memory).map(|found| found.matches), Ok(false));
    }

    #[test]
    fn costs_are_checked() {
        assert_eq!("m=19456,t=2,p=1".parse(), Ok(Cost::default()));
        for bad in ["", "m=1", "m=a,t=1,p=1", "m=1,t=1,p=1", "m=99999999,t=1,p=1", "m=64,t=0,p=1"] {
            assert!(bad.parse::<Cost>().is_err(), "{bad}");
        }
    }
}
