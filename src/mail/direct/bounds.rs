//! How long direct delivery waits, and for what.

use crate::mail::conversation::LAST_WORD;
use std::time::Duration;

/// How long a connection waits for another letter to the same domain.
const IDLE: Duration = Duration::from_secs(5);

/// How long an attempt and its parts may take.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// The whole attempt, whatever it tries, until the message is written.
    pub whole: Duration,
    /// One question to DNS.
    pub look_up: Duration,
    /// One address, until it is connected, and then the TLS handshake.
    pub connect: Duration,
    /// One address, from connecting to the end of EHLO, while another is left to try: the last may take what is left,
    /// since some servers keep a stranger waiting for their greeting.
    pub open: Duration,
    /// One reply, up to DATA: a server that says nothing leaves time for the next.
    pub reply: Duration,
    /// The answer to the message, which the whole does not count.
    pub last_word: Duration,
    /// How long a connection is kept for the next letter of the domain.
    pub idle: Duration,
}

impl Bounds {
    /// Parts that leave time for another server within the whole.
    pub fn within(whole: Duration) -> Bounds {
        Bounds {
            whole,
            look_up: whole / 4,
            connect: whole / 6,
            open: whole / 5,
            reply: whole / 2,
            last_word: LAST_WORD,
            idle: IDLE,
        }
    }
}
