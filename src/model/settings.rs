//! Settings: a bounded JSON object that clients keep with us and that means nothing to us.

use serde_json::{Map, Value};

/// The longest settings, in bytes of JSON text.
pub const MAX_BYTES: usize = 65_536;
/// How deep objects and arrays may nest, the settings themselves being level one.
pub const MAX_LEVELS: usize = 16;

/// The bound that settings would break.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    #[error("Settings must be at most 64 KiB of JSON")]
    Bytes,
    #[error("Settings must not nest deeper than 16 levels")]
    Levels,
}

/// Keys that are named where a change is told, and characters of each.
const NAMED_KEYS: usize = 10;
const NAMED_CHARS: usize = 40;

/// Somebody's settings.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings(pub Map<String, Value>);

impl Settings {
    /// Takes in others: objects are merged key by key, anything else is replaced.
    pub fn merge(&mut self, others: Map<String, Value>) {
        merge(&mut self.0, others);
    }

    /// Removes what is at a dotted path. Nothing there is no fault: it is gone, which was the wish. A key that holds
    /// dots itself is found where its path leads nowhere.
    pub fn remove(&mut self, path: &str) {
        remove(&mut self.0, path);
    }

    /// Names the keys of the first level under which these differ from others, never what is there: for the audit log.
    /// Long names are cut, many counted, and what is no plain text is escaped, for an operator's terminal shows it.
    /// `None` when the two are the same.
    pub fn difference(&self, others: &Settings) -> Option<String> {
        let gone = others.0.keys().filter(|key| !self.0.contains_key(*key));
        let changed = self.0.iter().filter(|(key, value)| others.0.get(*key) != Some(*value));
        let keys: Vec<&String> = changed.map(|(key, _)| key).chain(gone).collect();
        let mut names: Vec<String> = keys.iter().take(NAMED_KEYS).map(|key| named(key)).collect();
        if keys.len() > NAMED_KEYS {
            names.push(format!("and {} more", keys.len() - NAMED_KEYS));
        }
        (!keys.is_empty()).then(|| names.join(", "))
    }

    /// The JSON text, if it keeps within the bounds.
    ///
    /// # Errors
    /// [`Excess`].
    pub fn to_text(&self) -> Result<String, Excess> {
        if !self.0.values().all(|value| fits(value, MAX_LEVELS - 1)) {
            return Err(Excess::Levels);
        }
        let text = Value::Object(self.0.clone()).to_string();
        if text.len() <= MAX_BYTES { Ok(text) } else { Err(Excess::Bytes) }
    }

    /// Settings from a text that [`Settings::to_text`] has made; `None` for any other.
    pub fn of_text(text: &str) -> Option<Settings> {
        serde_json::from_str(text).ok().map(Settings)
    }
}

// These recurse no deeper than a request body may nest.

fn merge(into: &mut Map<String, Value>, others: Map<String, Value>) {
    for (key, value) in others {
        match (into.get_mut(&key), value) {
            (Some(Value::Object(old)), Value::Object(new)) => merge(old, new),
            (_, value) => {
                into.insert(key, value);
            }
        }
    }
}

fn remove(from: &mut Map<String, Value>, path: &str) -> bool {
    if let Some((head, rest)) = path.split_once('.')
        && let Some(Value::Object(inner)) = from.get_mut(head)
        && remove(inner, rest)
    {
        return true;
    }
    // Not `remove`, which would swap the last key into the gap: what stays keeps its order.
    from.shift_remove(path).is_some()
}

fn named(key: &str) -> String {
    let cut = key.char_indices().nth(NAMED_CHARS).map(|(end, _)| &key[..end]);
    cut.map_or_else(|| key.escape_debug().to_string(), |start| format!("{}…", start.escape_debug()))
}

fn fits(value: &Value, levels: usize) -> bool {
    let Some(below) = levels.checked_sub(1) else { return !(value.is_object() || value.is_array()) };
    match value {
        Value::Object(inner) => inner.values().all(|value| fits(value, below)),
        Value::Array(items) => items.iter().all(|value| fits(value, below)),
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn settings(value: Value) -> Settings {
        Settings(value.as_object().cloned().expect("an object"))
    }

    #[test]
    fn objects_are_merged_and_all_else_replaced() {
        let rows = [
            (json!({"a": 1}), json!({"b": 2}), json!({"a": 1, "b": 2})),
            (json!({"a": {"x": 1, "y": 2}}), json!({"a": {"y": 3}}), json!({"a": {"x": 1, "y": 3}})),
            (json!({"a": {"x": 1}}), json!({"a": 7}), json!({"a": 7})),
            (json!({"a": 7}), json!({"a": {"x": 1}}), json!({"a": {"x": 1}})),
            (json!({"a": [1, 2]}), json!({"a": [3]}), json!({"a": [3]})),
            (json!({"a": 1}), json!({"a": null}), json!({"a": null})),
            (json!({"a": 1}), json!({}), json!({"a": 1})),
        ];
        for (before, others, after) in rows {
            let mut merged = settings(before.clone());
            merged.merge(settings(others.clone()).0);
            assert_eq!(merged, settings(after), "{before} and {others}");
        }
    }

    #[test]
    fn a_dotted_path_removes_what_is_there() {
        let before = json!({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f.g": 4, "b.x": 5});
        let rows = [
            ("a", json!({"b": {"c": 2, "d": {"e": 3}}, "f.g": 4, "b.x": 5})),
            ("b.c", json!({"a": 1, "b": {"d": {"e": 3}}, "f.g": 4, "b.x": 5})),
            ("b.d.e", json!({"a": 1, "b": {"c": 2, "d": {}}, "f.g": 4, "b.x": 5})),
            ("f.g", json!({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "b.x": 5})),
            ("b.x", json!({"a": 1, "b": {"c": 2, "d": {"e": 3}}, "f.g": 4})),
            ("a.c", before.clone()),
            ("z", before.clone()),
            ("", before.clone()),
            ("b..e", before.clone()),
        ];
        for (path, after) in rows {
            let mut left = settings(before.clone());
            left.remove(path);
            assert_eq!(left, settings(after), "{path}");
        }
    }

    #[test]
    fn a_difference_names_keys_and_never_values() {
        let many: Map<String, Value> = (0..12).map(|n| (format!("k{n}"), json!(n))).collect();
        let long = "ä".repeat(41);
        let rows = [
            (json!({"a": 1}), json!({"a": 1}), None),
            (json!({"a": 1, "b": 2}), json!({"b": 2, "a": 1}), None),
            (json!({}), json!({"a": "canary"}), Some("a".to_owned())),
            (json!({"a": {"b": 1}, "c": 1}), json!({"a": {"b": 2}, "c": 1}), Some("a".to_owned())),
            (json!({"a": null}), json!({}), Some("a".to_owned())),
            (json!({"old": 1}), json!({"new": 1}), Some("new, old".to_owned())),
            (json!({}), json!({"\u{1b}[2J\n\u{202e}": 1}), Some(r"\u{1b}[2J\n\u{202e}".to_owned())),
            (json!({}), json!({"": 1}), Some(String::new())),
            (json!({}), json!({long: 1}), Some(format!("{}…", "ä".repeat(40)))),
            (
                json!({}),
                Value::Object(many),
                Some("k0, k1, k2, k3, k4, k5, k6, k7, k8, k9, and 2 more".to_owned()),
            ),
        ];
        for (before, after, expected) in rows {
            assert_eq!(
                settings(after.clone()).difference(&settings(before.clone())),
                expected,
                "{before} {after}"
            );
        }
    }

    #[test]
    fn the_bounds_are_exact() {
        let nested = |levels: usize| (1..levels).fold(json!({}), |inner, _| json!({"a": inner}));
        assert!(settings(nested(MAX_LEVELS)).to_text().is_ok());
        assert_eq!(settings(nested(MAX_LEVELS + 1)).to_text(), Err(Excess::Levels));
        assert_eq!(settings(json!({"a": nested(MAX_LEVELS - 1)})).to_text().map(drop), Ok(()));
        let long = |bytes: usize| settings(json!({"a": "x".repeat(bytes - r#"{"a":""}"#.len())}));
        assert_eq!(long(MAX_BYTES).to_text().map(|text| text.len()), Ok(MAX_BYTES));
        assert_eq!(long(MAX_BYTES + 1).to_text(), Err(Excess::Bytes));
    }
}
