//! One attempt at one letter: where it is, and what each server so far has come to.

use super::{Progress, Verdict, verdict};
use std::time::Duration;

/// The course of an attempt. It outlives the conversation that a time limit cuts off.
pub(super) struct Attempt {
    pub progress: Progress,
    place: Place,
    notes: Vec<Verdict>,
}

enum Place {
    Waiting(String),
    LookUp(String),
    Server(String),
}

impl Attempt {
    /// An attempt that waits for its turn; a server may take so long to answer the message.
    pub fn of(domain: &str, last_word: Duration) -> Attempt {
        Attempt {
            progress: Progress::within(last_word),
            place: Place::Waiting(domain.to_owned()),
            notes: Vec::new(),
        }
    }

    /// DNS is asked for a name.
    pub fn looks_up(&mut self, name: &str) {
        self.place = Place::LookUp(name.to_owned());
    }

    /// A conversation with a server begins.
    pub fn begins(&mut self, host: &str) {
        self.progress.begin_anew();
        self.place = Place::Server(host.to_owned());
    }

    /// Keeps what a server has come to while others are left to try.
    pub fn note(&mut self, verdict: Verdict) {
        self.notes.push(verdict);
    }

    /// The server of the last conversation; empty when there was none.
    pub fn server(&self) -> String {
        match &self.place {
            Place::Server(host) => host.clone(),
            Place::Waiting(_) | Place::LookUp(_) => String::new(),
        }
    }

    /// The verdict when no server is left: for good only when none of them may ever take the letter, to be mended only
    /// when none is merely away, and about the letter only when one has said so.
    pub fn sum_up(&self) -> Verdict {
        let words = self.words();
        let all_for_good = self.notes.iter().all(|note| matches!(note, Verdict::Rejected { .. }));
        let any_later = self.notes.iter().any(|note| matches!(note, Verdict::Deferred { .. }));
        let any_away = self.notes.iter().any(|note| matches!(note, Verdict::Unreachable { .. }));
        if all_for_good {
            Verdict::Rejected { reply: words }
        } else if any_later {
            Verdict::Deferred { reason: words }
        } else if any_away {
            Verdict::Unreachable { reason: words }
        } else {
            Verdict::Misconfigured { reason: words }
        }
    }

    /// The verdict when the attempt was cut off.
    pub fn out_of_time(&self, limit: Duration) -> Verdict {
        let place = match &self.place {
            Place::Waiting(domain) => format!("the wait for other letters to {domain}"),
            Place::LookUp(name) => format!("the look-up of {name}"),
            Place::Server(host) => format!("{} of {host}", self.progress.step),
        };
        let earlier = if self.notes.is_empty() { String::new() } else { format!("{}; ", self.words()) };
        let reason = format!("{earlier}no answer within {} ms, at {place}", limit.as_millis());
        match &self.place {
            Place::Server(_) => verdict::silent(self.progress.step, verdict::one_line(&reason)),
            Place::Waiting(_) | Place::LookUp(_) => {
                Verdict::Unreachable { reason: verdict::one_line(&reason) }
            }
        }
    }

    fn words(&self) -> String {
        let words: Vec<&str> = self.notes.iter().map(Verdict::words).collect();
        verdict::one_line(&words.join("; "))
    }
}
