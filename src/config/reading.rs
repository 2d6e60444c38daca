//! Reads settings one after another and keeps every fault, so that the operator sees all of them at once.

/// The faults met so far, each with the variable it belongs to.
#[derive(Default)]
pub(super) struct Reading {
    faults: Vec<(&'static str, String)>,
}

impl Reading {
    /// The meaning of one setting: none when it is unset, empty, or faulty. `parse` says what is wrong as the rest of a
    /// sentence whose subject is the setting (`must be …`).
    pub(super) fn value<T>(
        &mut self,
        variable: &'static str,
        raw: &Option<String>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        let text = raw.as_deref().map(str::trim).filter(|text| !text.is_empty())?;
        match parse(text) {
            Ok(value) => Some(value),
            Err(wrong) => {
                self.faults.push((variable, format!("{} {wrong}", named(variable))));
                None
            }
        }
    }

    /// Adds a fault of several settings together, unless one of them is at fault by itself: then what they mean
    /// together is not known.
    pub(super) fn check(&mut self, variables: &[&'static str], fault: Option<String>) {
        if let Some(fault) = fault
            && !self.faults.iter().any(|(faulty, _)| variables.contains(faulty))
        {
            self.faults.push(("", fault));
        }
    }

    /// The sentences in the order of reading.
    pub(super) fn into_faults(self) -> Vec<String> {
        self.faults.into_iter().map(|(_, sentence)| sentence).collect()
    }
}

/// A setting as sentences name it: `LATCHKEY_LISTEN (--listen)`.
pub(super) fn named(variable: &str) -> String {
    format!("{variable} ({})", flag(variable))
}

/// The flag that mirrors a variable: `--public-url` for `LATCHKEY_PUBLIC_URL`.
pub(super) fn flag(variable: &str) -> String {
    let name = variable.strip_prefix("LATCHKEY_").unwrap_or(variable);
    format!("--{}", name.to_ascii_lowercase().replace('_', "-"))
}

/// A piece of a setting that holds no secret, in quotation marks, escaped and cut to what fits a sentence.
pub(super) fn quoted(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{:?}", format!("{}…", &text[..end])),
        None => format!("{text:?}"),
    }
}

/// The items of a comma-separated list, without the empty ones.
pub(super) fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}
