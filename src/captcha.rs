//! Captchas: whoever makes accounts shows that a person is there, or works for it first. The only door to the HTTP
//! client.

mod siteverify;
mod work;

use std::net::IpAddr;
use std::sync::Arc;

use rustls::ClientConfig;

use crate::clock::{Chance, Clock};
use crate::metrics::{CaptchaLabels, Metrics};

pub use siteverify::{ServiceSecret, SiteVerify, TIME_LIMIT};
pub use work::{Challenge, Difficulty, LIFE};

/// The answer is missing, wrong, used up or expired, or nobody could be asked about it: the caller has to answer anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the captcha was not passed")]
pub struct Refused;

/// Why an answer does not pass, for the numbers at `/metrics`. Callers are told [`Refused`] alone: what fails in which
/// way is of use to nobody but who tries to get around it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// None, malformed, not solved, or no answer to a challenge of this process.
    Wrong,
    Expired,
    /// It was good before.
    Used,
    /// Given on a page that is not ours.
    Elsewhere,
    /// The service gives no verdict.
    Unavailable,
    /// So many were used that no more can be remembered.
    Full,
}

impl Fault {
    fn as_str(self) -> &'static str {
        match self {
            Fault::Wrong => "wrong",
            Fault::Expired => "expired",
            Fault::Used => "used",
            Fault::Elsewhere => "elsewhere",
            Fault::Unavailable => "unavailable",
            Fault::Full => "full",
        }
    }
}

/// What the operator chose.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    pub mode: Mode,
    /// Of the proof of work.
    pub difficulty: Difficulty,
}

/// What contract requests have to bring.
#[derive(Debug, Clone, Default)]
pub enum Mode {
    /// Anything that is not empty.
    #[default]
    Off,
    /// A proof of work.
    Work,
    /// An answer that a service vouches for.
    Service(SiteVerify),
}

enum Judge {
    Off,
    Work,
    Service(Box<siteverify::Asking>),
}

/// Judges the answers to captchas. One per process.
pub struct Captcha {
    judge: Judge,
    work: work::Work,
    metrics: Metrics,
}

impl Captcha {
    /// Judges as the operator chose. `tls` tells whom to believe, and is called for a service alone.
    ///
    /// # Errors
    /// A sentence, when there is no way to ask the service.
    pub fn new(
        setup: &Setup,
        (clock, chance): (Clock, Chance),
        metrics: Metrics,
        tls: impl FnOnce() -> Result<Arc<ClientConfig>, rustls::Error>,
    ) -> Result<Captcha, String> {
        let judge = match &setup.mode {
            Mode::Off => Judge::Off,
            Mode::Work => Judge::Work,
            Mode::Service(service) => {
                let tls = tls().map_err(|error| format!("the captcha service cannot be asked: {error}"))?;
                Judge::Service(Box::new(siteverify::Asking::new(service.clone(), &tls)?))
            }
        };
        Ok(Captcha { judge, work: work::Work::new(setup.difficulty, clock, chance), metrics })
    }

    /// Judges the answer that a client sent in a contract's request from an address. It may ask a service, which takes
    /// up to 5 seconds and never holds up other requests; an answer is good once. Ask after every cheap check and
    /// before hashing.
    ///
    /// # Errors
    /// [`Refused`]; what is the service's fault, or the operator's, is in the log.
    pub async fn judge(&self, answer: &str, address: IpAddr) -> Result<(), Refused> {
        let verdict = match &self.judge {
            _ if answer.trim().is_empty() => Err(Fault::Wrong),
            Judge::Off => Ok(()),
            Judge::Work => self.work.judge(answer),
            Judge::Service(service) => service.judge(answer, address).await,
        };
        self.told(verdict)
    }

    /// Judges the field `captcha` of a form on a page of our own, which never asks a third party: a proof of work,
    /// whatever contract requests have to bring. Where captchas are off, the form has no such field and everything
    /// passes.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn judge_page(&self, answer: &str) -> Result<(), Refused> {
        let verdict = if self.asks_on_pages() { self.work.judge(answer) } else { Ok(()) };
        self.told(verdict)
    }

    /// Whether forms on our own pages need the field `captcha`.
    pub fn asks_on_pages(&self) -> bool {
        !matches!(self.judge, Judge::Off)
    }

    /// A fresh challenge to prove work by.
    pub fn challenge(&self) -> Challenge {
        self.work.challenge()
    }

    fn told(&self, verdict: Result<(), Fault>) -> Result<(), Refused> {
        let outcome = verdict.map_or_else(Fault::as_str, |()| "passed");
        self.metrics.captchas.get_or_create(&CaptchaLabels { outcome }).inc();
        if verdict == Err(Fault::Full) {
            tracing::error!(
                "too many captchas were passed within their life to remember them all; more are refused"
            );
        }
        verdict.map_err(|_| Refused)
    }
}
