//! Strict JSON: one object, nesting bounded, equal keys noticed at every level.
//!
//! `serde_json::Value` silently keeps the last of two equal keys, which lets one address be checked and
//! another be used (threat row A4).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::trail::{Step, Trail};
use crate::model::fault::{Fault, Rule};

/// How deep objects and arrays may nest, the document itself being level one (threat row J2: deep JSON).
pub(super) const MAX_LEVELS: usize = 32;

/// A document that is well-formed, but for the keys that it repeats.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) object: Map<String, Value>,
    pub(super) duplicates: Vec<Fault>,
}

/// Parses one JSON object.
///
/// Errors: the rule that the document as a whole breaks, `NotJson` or `TooDeep`.
pub(super) fn parse(text: &str) -> Result<Document, Rule> {
    let mut reader = Reader::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let value = Node(&mut reader).deserialize(&mut deserializer);
    let value = value.and_then(|value| deserializer.end().map(|()| value));
    match value {
        Ok(Value::Object(object)) => Ok(Document { object, duplicates: reader.trail.into_faults() }),
        Err(_) if reader.too_deep => Err(Rule::TooDeep { levels: MAX_LEVELS }),
        Ok(_) | Err(_) => Err(Rule::NotJson),
    }
}

#[derive(Default)]
struct Reader {
    trail: Trail,
    too_deep: bool,
}

impl Reader {
    /// Called on entry to a container, before anything in it is read, so that the recursion ends here.
    fn descend<E: Error>(&mut self) -> Result<(), E> {
        self.too_deep = self.trail.depth() >= MAX_LEVELS;
        if self.too_deep { Err(E::custom("nested too deep")) } else { Ok(()) }
    }
}

/// The value at the reader's present place.
struct Node<'r>(&'r mut Reader);

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        self.0.descend()?;
        let mut array = Vec::new();
        loop {
            self.0.trail.enter(Step::Index(array.len()));
            let item = items.next_element_seed(Node(self.0))?;
            self.0.trail.leave();
            match item {
                Some(item) => array.push(item),
                None => return Ok(Value::Array(array)),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        self.0.descend()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            self.0.trail.enter(Step::Key(key.clone().into()));
            if object.contains_key(&key) {
                self.0.trail.report(Rule::DuplicateKey);
            }
            let value = entries.next_value_seed(Node(self.0))?;
            self.0.trail.leave();
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}
