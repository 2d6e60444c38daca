//! Proof of work: a challenge that takes a browser a moment to solve, and an answer that is good once. The protocol is
//! that of ALTCHA's widgets 0 to 2, which they call proof of work version 1.
//!
//! The server picks a number, and tells SHA-256 of a salt followed by it, signed. Who finds the number has worked for
//! it. Nothing is stored for a challenge: its end stands in the salt, and the key of the signature lives for as long as
//! the process does. So the answers that were used are kept in memory alone.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::Fault;
use crate::clock::{Chance, Clock};

/// The one algorithm. A challenge of ours names no other, so an answer cannot either.
const ALGORITHM: &str = "SHA-256";
/// Seconds for which a challenge is good: long enough to fill in a form.
pub const LIFE: i64 = 20 * 60;
/// Bytes of chance in a salt. With the end and a number, the text then fits one block of SHA-256.
const SALT: usize = 12;
/// More characters than any answer has.
const LONGEST: usize = 2 * 1024;
/// Answers that are remembered as used: 200 a second over the life of a challenge, at about 40 bytes each. Past that,
/// none is taken until the oldest have ended, so that a replay never passes.
const MOST_USED: usize = 240_000;

/// How hard challenges are: the highest number that may have to be tried. The work is half of it on average.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Difficulty(u32);

impl Difficulty {
    /// Below it, the work costs a program nothing worth naming.
    pub const LEAST: u32 = 1_000;
    /// Above it, an old phone works for minutes.
    pub const MOST: u32 = 10_000_000;

    /// A difficulty from [`Difficulty::LEAST`] to [`Difficulty::MOST`].
    pub fn new(number: u32) -> Option<Difficulty> {
        (Self::LEAST..=Self::MOST).contains(&number).then_some(Difficulty(number))
    }
}

impl Default for Difficulty {
    /// About a second of a phone, a fraction of that of a desk.
    fn default() -> Difficulty {
        Difficulty(250_000)
    }
}

impl fmt::Display for Difficulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is to be solved: the number, from 0 to `maxnumber`, for which `challenge` is SHA-256 of `salt` and the number in
/// decimal digits.
#[derive(Debug, Clone)]
pub struct Challenge {
    pub algorithm: &'static str,
    /// 64 hexadecimal digits.
    pub challenge: String,
    pub maxnumber: u32,
    /// Chance, and the end in seconds since the epoch: `<24 hexadecimal digits>?expires=<seconds>&`.
    pub salt: String,
    /// HMAC-SHA-256 of `challenge`, 64 hexadecimal digits.
    pub signature: String,
}

/// An answer as a client sends it, in JSON in base64. More keys, such as the widget's `took`, mean nothing.
#[derive(Deserialize)]
struct Answer {
    algorithm: String,
    challenge: String,
    number: u32,
    salt: String,
    signature: String,
}

/// Gives out challenges and judges answers to them.
pub struct Work {
    key: hmac::Key,
    difficulty: Difficulty,
    clock: Clock,
    chance: Chance,
    used: Mutex<Used>,
}

/// The answers that were used and have not ended, and the moment up to which such are forgotten.
#[derive(Default)]
struct Used {
    /// By their end, and half of their challenge.
    answers: BTreeSet<(i64, u128)>,
    forgotten: i64,
}

impl Work {
    /// Challenges of a difficulty, signed by a key that was never there before.
    pub fn new(difficulty: Difficulty, clock: Clock, chance: Chance) -> Work {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &chance.bytes::<32>());
        Work { key, difficulty, clock, chance, used: Mutex::default() }
    }

    /// A fresh challenge.
    pub fn challenge(&self) -> Challenge {
        let expires = self.clock.now().seconds() + LIFE;
        // The & ends the moment: without it, digits of the number could be moved into it, which would put off the end
        // and make of one answer many (altcha.org/security-advisory, December 2025).
        let salt = format!("{}?expires={expires}&", hex(&self.chance.bytes::<SALT>()));
        let number = self.chance.below(u64::from(self.difficulty.0) + 1);
        let challenge = sha256(&format!("{salt}{number}"));
        let signature = hex(hmac::sign(&self.key, challenge.as_bytes()).as_ref());
        Challenge { algorithm: ALGORITHM, challenge, maxnumber: self.difficulty.0, salt, signature }
    }

    /// Judges an answer, and uses it up when it is good.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn judge(&self, answer: &str) -> Result<(), Fault> {
        let answer = read(answer).ok_or(Fault::Wrong)?;
        let expires = end_of(&answer.salt).ok_or(Fault::Wrong)?;
        let challenge = sha256(&format!("{}{}", answer.salt, answer.number));
        let is_ours = answer.algorithm == ALGORITHM
            && answer.number <= self.difficulty.0
            && answer.challenge == challenge
            && self.signed(&challenge, &answer.signature);
        if !is_ours {
            return Err(Fault::Wrong);
        }
        self.used().take(expires, half(&challenge), self.clock.now().seconds())
    }

    /// Compares in constant time: how much of a signature is right must not show.
    fn signed(&self, challenge: &str, signature: &str) -> bool {
        base16ct::lower::decode_vec(signature)
            .is_ok_and(|signature| hmac::verify(&self.key, challenge.as_bytes(), &signature).is_ok())
    }

    fn used(&self) -> MutexGuard<'_, Used> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Used {
    /// One of equal answers is taken, however many come at once.
    fn take(&mut self, expires: i64, challenge: u128, now: i64) -> Result<(), Fault> {
        // A clock that is set back must not bring back what was forgotten.
        self.forgotten = self.forgotten.max(now);
        if expires <= self.forgotten {
            return Err(Fault::Expired);
        }
        while self.answers.first().is_some_and(|(end, _)| *end <= self.forgotten) {
            self.answers.pop_first();
        }
        if self.answers.contains(&(expires, challenge)) {
            return Err(Fault::Used);
        }
        if self.answers.len() >= MOST_USED {
            return Err(Fault::Full);
        }
        self.answers.insert((expires, challenge));
        Ok(())
    }
}

fn read(answer: &str) -> Option<Answer> {
    let answer = answer.trim();
    if answer.len() > LONGEST {
        return None;
    }
    serde_json::from_slice(&STANDARD.decode(answer).ok()?).ok()
}

/// The end that a salt of ours tells.
fn end_of(salt: &str) -> Option<i64> {
    let (chance, rest) = salt.split_once("?expires=")?;
    let seconds = rest.strip_suffix('&')?;
    let plain = chance.len() == 2 * SALT && seconds.bytes().all(|byte| byte.is_ascii_digit());
    seconds.parse().ok().filter(|_| plain)
}

/// Half of a challenge: enough to tell one from all others.
fn half(challenge: &str) -> u128 {
    u128::from_str_radix(&challenge[..32], 16).expect("64 hexadecimal digits")
}

fn sha256(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

#[cfg(test)]
mod tests;
