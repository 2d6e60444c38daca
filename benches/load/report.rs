//! The table of figures, with the aim beside each.

use std::fmt;

/// What a figure should be.
#[derive(Debug, Clone, Copy)]
pub enum Aim {
    /// The ratio of the row is at least this.
    RatioAtLeast(f64),
    /// The first number is at least the second; the unit is that of both.
    AtLeast(f64, f64, &'static str),
    /// The first number is below the second; the unit is that of both.
    Below(f64, f64, &'static str),
}

/// A line of the table.
#[derive(Debug, Clone)]
pub struct Row {
    what: String,
    measured: String,
    beside: String,
    ratio: Option<f64>,
    aim: Option<Aim>,
}

impl Row {
    /// A figure by itself.
    pub fn new(what: impl Into<String>, measured: impl Into<String>) -> Row {
        Row { what: what.into(), measured: measured.into(), beside: String::new(), ratio: None, aim: None }
    }

    /// Adds what it is to be seen beside, and the ratio of the two.
    pub fn beside(self, beside: String, ratio: f64) -> Row {
        Row { beside, ratio: Some(ratio), ..self }
    }

    /// Adds how it came about.
    pub fn note(self, note: String) -> Row {
        Row { beside: note, ..self }
    }

    /// Adds what it should be.
    pub fn aim(self, aim: Aim) -> Row {
        Row { aim: Some(aim), ..self }
    }

    fn cells(&self) -> [String; 6] {
        let ratio = self.ratio.map(|ratio| format!("{ratio:.2}")).unwrap_or_default();
        let (aim, met) = match self.aim {
            None => (String::new(), None),
            Some(Aim::RatioAtLeast(least)) => {
                (format!("ratio ≥ {least}"), Some(self.ratio.is_some_and(|ratio| ratio >= least)))
            }
            Some(Aim::AtLeast(figure, bound, unit)) => (format!("≥ {bound} {unit}"), Some(figure >= bound)),
            Some(Aim::Below(figure, bound, unit)) => (format!("< {bound} {unit}"), Some(figure < bound)),
        };
        let verdict = match met {
            None => "",
            Some(true) => "met",
            Some(false) => "aim missed",
        };
        [self.what.clone(), self.measured.clone(), self.beside.clone(), ratio, aim, verdict.to_owned()]
    }
}

/// All lines. Shown as a table.
#[derive(Debug, Default)]
pub struct Report(Vec<Row>);

impl Report {
    /// Adds a line.
    pub fn add(&mut self, row: Row) {
        self.0.push(row);
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = ["", "measured", "beside", "ratio", "aim", ""].map(str::to_owned);
        let lines: Vec<[String; 6]> = [head].into_iter().chain(self.0.iter().map(Row::cells)).collect();
        for line in &lines {
            for (column, cell) in line.iter().enumerate() {
                let width = lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
                write!(f, "{cell:width$}  ")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}
