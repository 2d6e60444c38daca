//! Variables that look like settings and are none: a misspelled setting must not be passed over in silence.

use clap::Args;

use super::arguments::Arguments;

/// The variables that this version reads, as the command line announces them.
pub(super) fn known() -> Vec<String> {
    let command = Arguments::augment_args(clap::Command::new("latchkey"));
    command.get_arguments().filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned())).collect()
}

/// A sentence for each `LATCHKEY_…` variable that has no effect. Never shows a value.
pub(super) fn warnings(environment: impl Iterator<Item = (String, String)>) -> Vec<String> {
    let known = known();
    let mut warnings: Vec<String> = environment
        .filter(|(name, value)| {
            name.to_ascii_uppercase().starts_with("LATCHKEY_")
                && !value.trim().is_empty()
                && !known.contains(name)
                && !is_service_link(name, value)
        })
        .map(|(name, _)| warning(&name, &known))
        .collect();
    warnings.sort();
    warnings
}

fn warning(name: &str, known: &[String]) -> String {
    let shown = name.escape_debug();
    let upper = name.to_ascii_uppercase();
    match known.iter().map(|known| (distance(&upper, known), known)).min() {
        Some((0..=3, near)) => format!("{shown} is no setting and has no effect; did you mean {near}?"),
        _ => format!("{shown} is no setting and has no effect"),
    }
}

/// Kubernetes and Docker links describe a service named `latchkey` to its neighbors, and to itself, by such variables.
fn is_service_link(name: &str, value: &str) -> bool {
    name.starts_with("LATCHKEY_SERVICE_")
        || name.starts_with("LATCHKEY_PORT_")
        || (name == "LATCHKEY_PORT" && value.contains("://"))
}

/// How many characters to insert, remove or replace to get from one name to the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in to.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}
