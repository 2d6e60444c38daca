//! What commands print: tables for people, JSON for programs.

use std::io::Write;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde_json::{Map, Value};

use super::Refusal;

/// How a command prints.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    pub json: bool,
}

/// A record by its columns, in order.
pub type Record = Vec<(&'static str, Value)>;

impl Output {
    /// Prints a list: a table with a row each, or an array of objects.
    pub fn list(self, records: Vec<Record>) -> Result<(), Refusal> {
        if self.json {
            let objects: Vec<Value> = records.into_iter().map(object).collect();
            return print_json(&Value::Array(objects));
        }
        if records.is_empty() {
            return print("none");
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        table.set_header(records[0].iter().map(|(name, _)| name.to_uppercase()).collect::<Vec<_>>());
        for record in &records {
            table.add_row(record.iter().map(|(_, value)| plain(value)).collect::<Vec<_>>());
        }
        print(&table.to_string())
    }

    /// Prints one record: a line a column, or an object.
    pub fn one(self, record: Record) -> Result<(), Refusal> {
        if self.json {
            return print_json(&object(record));
        }
        let mut table = Table::new();
        table.load_style(NOTHING);
        for (name, value) in &record {
            table.add_row([(*name).to_owned(), plain(value)]);
        }
        print(&table.to_string())
    }

    /// Prints a sentence about what was done, or `{"done":…}`.
    pub fn done(self, sentence: &str) -> Result<(), Refusal> {
        if self.json { print_json(&serde_json::json!({ "done": sentence })) } else { print(sentence) }
    }

    /// Prints text as it is.
    pub fn text(self, text: &str) -> Result<(), Refusal> {
        print(text.trim_end())
    }
}

fn object(record: Record) -> Value {
    Value::Object(record.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}

/// A value as a cell: what came from strangers may not steer the operator's terminal.
fn plain(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect(),
        other => other.to_string(),
    }
}

fn print_json(value: &Value) -> Result<(), Refusal> {
    print(&serde_json::to_string_pretty(value).map_err(Refusal::because)?)
}

fn print(text: &str) -> Result<(), Refusal> {
    match writeln!(std::io::stdout(), "{text}") {
        // Whoever reads has had enough, as `head` does.
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Refusal::because),
    }
}
