//! Shapes of JSON that poem-openapi's own types do not publish as they are.

use std::borrow::Cow;

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use serde_json::{Map, Value};

/// An object with whatever keys: the caller's to fill. Anything but an object is refused.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct OpenObject(pub Map<String, Value>);

impl Type for OpenObject {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        Cow::Borrowed("object")
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema {
            additional_properties: Some(Box::new(MetaSchemaRef::Inline(Box::new(MetaSchema::ANY)))),
            example: Some(serde_json::json!({"theme": "dark", "editor": {"tabs": 4}})),
            ..MetaSchema::new("object")
        }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromJSON for OpenObject {
    fn parse_from_json(value: Option<Value>) -> ParseResult<OpenObject> {
        match value {
            Some(Value::Object(object)) => Ok(OpenObject(object)),
            Some(_) => Err(ParseError::custom("not an object")),
            None => Err(ParseError::expected_input()),
        }
    }
}

impl ToJSON for OpenObject {
    fn to_json(&self) -> Option<Value> {
        Some(Value::Object(self.0.clone()))
    }
}

/// An object or null, always there. `nullable` beside a reference says nothing in OpenAPI 3.0, so the object's schema
/// is written out in place.
#[derive(Debug, Clone)]
pub struct OrNull<T>(pub Option<T>);

impl<T: Type> Type for OrNull<T> {
    const IS_REQUIRED: bool = true;

    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        T::name()
    }

    fn schema_ref() -> MetaSchemaRef {
        let mut registry = Registry::new();
        T::register(&mut registry);
        let schema = registry.schemas.remove(&*T::name()).expect("an object registers itself by its name");
        MetaSchemaRef::Inline(Box::new(MetaSchema { nullable: true, ..schema }))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl<T: ToJSON> ToJSON for OrNull<T> {
    fn to_json(&self) -> Option<Value> {
        Some(self.0.as_ref().and_then(ToJSON::to_json).unwrap_or(Value::Null))
    }
}

impl<T: ParseFromJSON> ParseFromJSON for OrNull<T> {
    fn parse_from_json(value: Option<Value>) -> ParseResult<OrNull<T>> {
        let value = value.filter(|value| !value.is_null());
        let parsed = value.map(|value| T::parse_from_json(Some(value))).transpose();
        parsed.map(OrNull).map_err(ParseError::propagate)
    }
}
