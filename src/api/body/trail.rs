//! Where in a document one is, and what was found wrong so far.

use std::borrow::Cow;
use std::fmt::Write;

use crate::model::fault::{Fault, Rule};

/// More faults than any form has fields; past it a report helps nobody and only grows the answer.
pub(super) const MAX_FAULTS: usize = 50;

/// The longest submitted key that a report repeats, in bytes.
const MAX_KEY: usize = 64;

/// One step from a container into what it contains.
#[derive(Debug)]
pub(super) enum Step {
    Key(Cow<'static, str>),
    Index(usize),
}

/// A path through a document, and the faults reported along it.
#[derive(Debug, Default)]
pub(super) struct Trail {
    steps: Vec<Step>,
    faults: Vec<Fault>,
}

impl Trail {
    pub(super) fn enter(&mut self, step: Step) {
        self.steps.push(step);
    }

    pub(super) fn leave(&mut self) {
        self.steps.pop();
    }

    /// How many containers enclose the present place.
    pub(super) fn depth(&self) -> usize {
        self.steps.len()
    }

    /// Notes a fault at the present place; beyond [`MAX_FAULTS`] it is dropped.
    pub(super) fn report(&mut self, rule: Rule) {
        if self.faults.len() < MAX_FAULTS {
            let fault = Fault::new(self.place(), rule);
            self.faults.push(fault);
        }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    fn place(&self) -> Cow<'static, str> {
        if self.steps.is_empty() {
            return Cow::Borrowed("body");
        }
        let mut place = String::new();
        for step in &self.steps {
            match step {
                Step::Key(key) => {
                    if !place.is_empty() {
                        place.push('.');
                    }
                    place.push_str(repeatable(key));
                }
                Step::Index(index) => write!(place, "[{index}]").expect("writing to a String cannot fail"),
            }
        }
        Cow::Owned(place)
    }
}

/// A submitted key may hold anything, and reports end in answers and logs: what is no name becomes `*`.
fn repeatable(key: &str) -> &str {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    if !key.is_empty() && key.len() <= MAX_KEY && key.bytes().all(is_name) { key } else { "*" }
}
