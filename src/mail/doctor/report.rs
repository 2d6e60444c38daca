//! What was looked at, what came of it, and what to do.

use crate::mail::conversation::verdict::one_line;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Ok,
    /// Letters arrive, but not everywhere or not for ever.
    Warning,
    /// Letters do not arrive, or are taken for a forger's.
    Fault,
    /// Not looked at, because it does not matter here or cannot be told.
    Skipped,
}

impl Outcome {
    /// The word for people and programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Ok => "ok",
            Outcome::Warning => "warning",
            Outcome::Fault => "fault",
            Outcome::Skipped => "skipped",
        }
    }
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub name: &'static str,
    pub outcome: Outcome,
    /// What was found: one line of at most 300 characters, never a secret.
    pub words: String,
    /// What to do about it.
    pub advice: Option<String>,
}

/// Steps in the order in which they were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report(Vec<Step>);

impl Report {
    /// The steps.
    pub fn steps(&self) -> &[Step] {
        &self.0
    }

    /// The steps that need mending.
    pub fn faults(&self) -> impl Iterator<Item = &Step> {
        self.0.iter().filter(|step| step.outcome == Outcome::Fault)
    }

    /// Notes that all is well.
    pub fn ok(&mut self, name: &'static str, words: impl Into<String>) {
        self.note(name, Outcome::Ok, words.into(), None);
    }

    /// Notes that something was not looked at.
    pub fn skipped(&mut self, name: &'static str, words: impl Into<String>) {
        self.note(name, Outcome::Skipped, words.into(), None);
    }

    /// Notes what could be better.
    pub fn warning(&mut self, name: &'static str, words: impl Into<String>, advice: impl Into<String>) {
        self.note(name, Outcome::Warning, words.into(), Some(advice.into()));
    }

    /// Notes what has to be mended.
    pub fn fault(&mut self, name: &'static str, words: impl Into<String>, advice: impl Into<String>) {
        self.note(name, Outcome::Fault, words.into(), Some(advice.into()));
    }

    /// Adds what another has found.
    pub fn append(&mut self, other: Report) {
        self.0.extend(other.0);
    }

    fn note(&mut self, name: &'static str, outcome: Outcome, words: String, advice: Option<String>) {
        // Servers and DNS have their say in it.
        self.0.push(Step { name, outcome, words: one_line(&words), advice });
    }
}
