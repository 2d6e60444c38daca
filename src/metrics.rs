//! What is counted, in one table. Shown at `/metrics` in the OpenMetrics text format.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

/// Names a request by the pattern of its route, never by its path, so that their number is bounded.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RequestLabels {
    pub method: &'static str,
    pub route: Arc<String>,
    pub status: u16,
}

/// Names a route.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    pub method: &'static str,
    pub route: Arc<String>,
}

/// Names a state of letters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct LetterLabels {
    pub state: &'static str,
}

/// Names what came of attempts to hand letters over. Never a domain or a server, whose number nothing bounds.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AttemptLabels {
    pub outcome: &'static str,
    pub transport: &'static str,
}

/// Names letters that have waited for up to so long, and longer than the next shorter span.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct AgeLabels {
    pub up_to: &'static str,
}

/// Names what became of a captcha's answer.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CaptchaLabels {
    pub outcome: &'static str,
}

/// Every number that is counted. Clones count together.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    pub requests: Family<RequestLabels, Counter>,
    pub request_seconds: Family<RouteLabels, Histogram>,
    pub hashing_waiting: Gauge,
    pub hashing_refused: Counter,
    pub hashing_seconds: Histogram,
    pub letters: Family<LetterLabels, Gauge>,
    pub letter_attempts: Family<AttemptLabels, Counter>,
    pub letters_waiting: Family<AgeLabels, Gauge>,
    pub letters_oldest_waiting: Gauge,
    pub captchas: Family<CaptchaLabels, Counter>,
    pub commits: Counter,
    pub commit_size: Histogram,
}

fn seconds_histogram() -> Histogram {
    Histogram::new(exponential_buckets(0.000_25, 2.0, 16))
}

impl Metrics {
    /// A fresh table with all numbers at zero.
    pub fn new() -> Metrics {
        let mut metrics = Metrics {
            registry: Arc::default(),
            requests: Family::default(),
            request_seconds: Family::new_with_constructor(seconds_histogram),
            hashing_waiting: Gauge::default(),
            hashing_refused: Counter::default(),
            hashing_seconds: seconds_histogram(),
            letters: Family::default(),
            letter_attempts: Family::default(),
            letters_waiting: Family::default(),
            letters_oldest_waiting: Gauge::default(),
            captchas: Family::default(),
            commits: Counter::default(),
            commit_size: Histogram::new(exponential_buckets(1.0, 2.0, 11)),
        };
        metrics.registry = Arc::new(metrics.register());
        metrics
    }

    #[rustfmt::skip] // a table reads better with a row a line
    fn register(&self) -> Registry {
        let mut r = Registry::with_prefix("latchkey");
        r.register("http_requests", "Answers by method, route and status", self.requests.clone());
        r.register_with_unit("http_request", "Time to answer by method and route", Unit::Seconds, self.request_seconds.clone());
        r.register("hashing_waiting", "Passwords waiting for a hashing thread", self.hashing_waiting.clone());
        r.register("hashing_refused", "Calls refused because the hashing queue was full", self.hashing_refused.clone());
        r.register_with_unit("hashing", "Time of one argon2id call", Unit::Seconds, self.hashing_seconds.clone());
        r.register("letters", "Letters by state", self.letters.clone());
        r.register("letter_attempts", "Attempts to hand a letter over, by outcome and transport", self.letter_attempts.clone());
        r.register("letters_waiting", "Letters that wait, by how long they have", self.letters_waiting.clone());
        r.register_with_unit("letters_oldest_waiting", "How long the oldest waiting letter has waited", Unit::Seconds, self.letters_oldest_waiting.clone());
        r.register("captchas", "Answers to captchas judged, by outcome", self.captchas.clone());
        r.register("store_commits", "Transactions committed", self.commits.clone());
        r.register("store_commit_size", "Writes that shared one commit", self.commit_size.clone());
        r
    }

    /// The table as OpenMetrics text.
    pub fn encode(&self) -> String {
        let mut out = String::new();
        text::encode(&mut out, &self.registry).expect("writing to a string does not fail");
        out
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}
