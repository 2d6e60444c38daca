//! Two servers that are read in turn, so that a machine that slows down slows both sides of the ratio.

use std::io;
use std::time::Duration;

use crate::client::{Wire, repeat};
use crate::process::Process;

/// Rounds of each side, in turn.
const ROUNDS: usize = 4;
const ROUND: Duration = Duration::from_millis(1500);

/// One side of the comparison, and what its rounds gave.
pub struct Side {
    process: Process,
    requests: Vec<Vec<Wire>>,
    rates: Vec<f64>,
    processor_micros: Vec<f64>,
}

impl Side {
    /// A server and what each connection asks of it, over and over.
    pub fn new(process: Process, requests: Vec<Vec<Wire>>) -> Side {
        Side { process, requests, rates: Vec::new(), processor_micros: Vec::new() }
    }

    /// Answers a second, the mean of all rounds.
    pub fn rate(&self) -> f64 {
        mean(&self.rates)
    }

    /// Processor time of one answer, in microseconds, the mean of all rounds.
    pub fn processor_micros(&self) -> f64 {
        mean(&self.processor_micros)
    }

    async fn round(&mut self) -> io::Result<()> {
        let before = self.process.processor_time()?;
        let rate = repeat(self.process.address, &self.requests, ROUND).await?;
        let spent = self.process.processor_time()?.saturating_sub(before);
        self.rates.push(rate);
        self.processor_micros.push(spent.as_secs_f64() * 1e6 / (rate * ROUND.as_secs_f64()));
        Ok(())
    }
}

/// Reads from one server and the other.
///
/// # Errors
/// When a request is refused.
pub async fn in_turn(one: &mut Side, other: &mut Side) -> io::Result<()> {
    for _ in 0..ROUNDS {
        other.round().await?;
        one.round().await?;
    }
    Ok(())
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}
