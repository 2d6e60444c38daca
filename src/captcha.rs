//! Captchas: whoever makes accounts shows that a person is there, or works for it first. The only door to the HTTP
//! client.

use std::net::IpAddr;

use crate::metrics::{CaptchaLabels, Metrics};

/// The answer is missing, wrong, used up or expired, or nobody could be asked about it: the caller has to answer anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the captcha was not passed")]
pub struct Refused;

/// Judges the answers to captchas. One per process.
pub struct Captcha {
    metrics: Metrics,
}

impl Captcha {
    /// Takes any answer that is not empty.
    pub fn off(metrics: Metrics) -> Captcha {
        Captcha { metrics }
    }

    /// Judges the answer that a client sent in a contract's request from an address. It may ask a service, which takes
    /// up to 5 seconds and never holds up other requests; an answer is good once. Ask after every cheap check and
    /// before hashing.
    ///
    /// # Errors
    /// [`Refused`]; what is the service's fault, or the operator's, is in the log.
    pub async fn judge(&self, answer: &str, _address: IpAddr) -> Result<(), Refused> {
        let verdict = if answer.trim().is_empty() { Err(Refused) } else { Ok(()) };
        self.count(verdict)
    }

    /// Judges the field `captcha` of a form on a page of our own, which never asks a third party: a proof of work. Where
    /// captchas are off, the form has no such field and everything passes.
    ///
    /// # Errors
    /// [`Refused`].
    pub fn judge_page(&self, _answer: &str) -> Result<(), Refused> {
        Ok(())
    }

    /// Whether forms on our own pages need the field `captcha`.
    pub fn asks_on_pages(&self) -> bool {
        false
    }

    fn count(&self, verdict: Result<(), Refused>) -> Result<(), Refused> {
        let outcome = if verdict.is_ok() { "passed" } else { "refused" };
        self.metrics.captchas.get_or_create(&CaptchaLabels { outcome }).inc();
        verdict
    }
}
