//! Domain values as fields of a body: a string in the document, a parsed value in the handler.

use std::any::type_name;
use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{LazyLock, PoisonError, RwLock};

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::Value;

use crate::model::fault::Rule;

/// A domain value that travels as a string.
pub trait TextValue: Sized + Send + Sync + 'static {
    /// The name of the type, as poem-openapi wants one; it is not shown in the document.
    const NAME: &'static str;
    /// The `format` of the schema, such as `email`; empty leaves it out. Several types may share a format.
    const FORMAT: &'static str;
    /// The least length, in characters, if the document shall promise one.
    const MIN: Option<usize>;
    /// The greatest length, in characters, if the document shall promise one.
    const MAX: Option<usize>;

    /// Parses the submitted text; asked only when `MIN` and `MAX` hold. Errors: the rule that is broken.
    fn parse(text: &str) -> Result<Self, Rule>;

    /// The value as it is sent in an answer.
    fn as_str(&self) -> &str;
}

/// A field that holds a [`TextValue`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text<V>(pub V);

/// Tells whether a text breaks the rule of one type.
pub(super) type Check = fn(&str) -> Result<(), Rule>;

/// The checks of all types that were ever registered, by Rust type name.
///
/// Keyed by type and not by `format`, because two contracts may publish one format with different rules. The
/// key reaches the schema walk in `MetaSchema::rust_typename`, which is never serialized.
static CHECKS: LazyLock<RwLock<HashMap<&'static str, Check>>> = LazyLock::new(RwLock::default);

/// The checks registered so far. Whoever has registered a type finds those of all its fields here.
pub(super) fn checks() -> HashMap<&'static str, Check> {
    CHECKS.read().unwrap_or_else(PoisonError::into_inner).clone()
}

fn check<V: TextValue>(text: &str) -> Result<(), Rule> {
    V::parse(text).map(drop)
}

impl<V: TextValue> AsRef<str> for Text<V> {
    fn as_ref(&self) -> &str {
        self.0.as_str()
    }
}

impl<V: TextValue> Type for Text<V> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Borrowed(V::NAME)
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            rust_typename: Some(type_name::<V>()),
            format: Some(V::FORMAT).filter(|format| !format.is_empty()),
            min_length: V::MIN,
            max_length: V::MAX,
            ..MetaSchema::new("string")
        }))
    }

    fn register(_: &mut Registry) {
        CHECKS.write().unwrap_or_else(PoisonError::into_inner).insert(type_name::<V>(), check::<V>);
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<V: TextValue> ParseFromJSON for Text<V> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<Self> {
        match value {
            Some(Value::String(text)) => V::parse(&text).map(Text).map_err(ParseError::custom),
            Some(_) => Err(ParseError::custom("not a string")),
            None => Err(ParseError::expected_input()),
        }
    }
}

impl<V: TextValue> ToJSON for Text<V> {
    fn to_json(&self) -> Option<Value> {
        Some(Value::from(self.0.as_str()))
    }
}
