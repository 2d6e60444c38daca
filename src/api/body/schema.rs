//! The rules of a type, taken from the very schema that the OpenAPI document publishes for it.
//!
//! What is checked: required, type, null, lengths, bounds (those of the integer formats included),
//! enumerations, nested objects, arrays and maps, and the parsers of [`Text`](super::Text) fields. Patterns,
//! exclusive bounds, `uniqueItems` and unions are left to the type's own parser: `Malformed`.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use poem_openapi::registry::{MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::Type;
use serde_json::{Map, Number, Value};

use super::text::{self, Check};
use super::trail::{Step, Trail};
use crate::model::fault::{Fault, Kind, Rule};

/// The schema of one type with all that it refers to.
pub(super) struct Schema {
    root: MetaSchemaRef,
    named: BTreeMap<String, MetaSchema>,
    checks: HashMap<&'static str, Check>,
}

/// Building a schema costs hundreds of allocations and a type's schema never changes, so each is built once.
static SCHEMAS: LazyLock<RwLock<HashMap<TypeId, Arc<Schema>>>> = LazyLock::new(RwLock::default);

/// The schema of `T`, built at the first call.
pub(super) fn of<T: Type + 'static>() -> Arc<Schema> {
    let key = TypeId::of::<T>();
    if let Some(schema) = SCHEMAS.read().unwrap_or_else(PoisonError::into_inner).get(&key) {
        return Arc::clone(schema);
    }
    let mut registry = Registry::new();
    T::register(&mut registry);
    let schema = Schema { root: T::schema_ref(), named: registry.schemas, checks: text::checks() };
    let mut schemas = SCHEMAS.write().unwrap_or_else(PoisonError::into_inner);
    Arc::clone(schemas.entry(key).or_insert_with(|| Arc::new(schema)))
}

impl Schema {
    /// All that is wrong with `value`, in the order of the schema's fields.
    ///
    /// Removes what does not count: a null where the field is not nullable, and read-only fields, which are
    /// there when a client sends back what it was given (threat row G1: they have no effect).
    pub(super) fn faults_of(&self, value: &mut Value) -> Vec<Fault> {
        let mut walk = Walk { schema: self, trail: Trail::default() };
        walk.value(&self.root, value);
        walk.trail.into_faults()
    }

    fn resolve<'s>(&'s self, reference: &'s MetaSchemaRef) -> &'s MetaSchema {
        match reference {
            MetaSchemaRef::Inline(schema) => schema,
            MetaSchemaRef::Reference(name) => {
                self.named.get(name).expect("a type registers every type that its schema refers to")
            }
        }
    }
}

struct Walk<'s> {
    schema: &'s Schema,
    trail: Trail,
}

impl<'s> Walk<'s> {
    fn value(&mut self, reference: &'s MetaSchemaRef, value: &mut Value) {
        let schema = self.schema.resolve(reference);
        if value.is_null() && schema.nullable {
            return;
        }
        // poem-openapi writes a field of a named type with a description as `allOf` of both.
        for part in &schema.all_of {
            self.value(part, value);
        }
        if !schema.all_of.is_empty() {
            return;
        }
        if let Some(kind) = kind_of(schema).filter(|kind| !is_a(*kind, value)) {
            return self.trail.report(Rule::Type(kind));
        }
        if !schema.enum_items.is_empty() && !schema.enum_items.contains(value) {
            return self.trail.report(Rule::OneOf(schema.enum_items.iter().map(plain).collect()));
        }
        match value {
            Value::String(text) => self.text(schema, text),
            Value::Number(number) => self.number(schema, number),
            Value::Array(items) => self.array(schema, items),
            Value::Object(object) => self.object(schema, object),
            Value::Null | Value::Bool(_) => {}
        }
    }

    /// One fault a text: a parser's verdict on a text of a wrong length would say the same twice.
    fn text(&mut self, schema: &MetaSchema, text: &str) {
        let length = text.chars().count();
        let check = schema.rust_typename.and_then(|name| self.schema.checks.get(name));
        let verdict = match (schema.min_length, schema.max_length) {
            (Some(least), _) if length < least => Err(Rule::MinChars(least)),
            (_, Some(most)) if length > most => Err(Rule::MaxChars(most)),
            _ => check.map_or(Ok(()), |check| check(text)),
        };
        if let Err(rule) = verdict {
            self.trail.report(rule);
        }
    }

    fn number(&mut self, schema: &MetaSchema, number: &Number) {
        let (least, most) = bounds_of(schema.format);
        let least = schema.minimum.map_or(least, |minimum| least.max(minimum.ceil() as i128));
        let most = schema.maximum.map_or(most, |maximum| most.min(maximum.floor() as i128));
        let (too_small, too_large) = match (number.as_i128(), number.as_f64()) {
            (Some(integer), _) => (integer < least, integer > most),
            (None, Some(value)) => {
                (schema.minimum.is_some_and(|m| value < m), schema.maximum.is_some_and(|m| value > m))
            }
            (None, None) => return,
        };
        if too_small {
            self.trail.report(Rule::Minimum(least as i64));
        } else if too_large {
            self.trail.report(Rule::Maximum(most as i64));
        }
    }

    fn array(&mut self, schema: &'s MetaSchema, items: &mut [Value]) {
        if schema.min_items.is_some_and(|least| items.len() < least)
            || schema.max_items.is_some_and(|most| items.len() > most)
        {
            self.trail.report(Rule::Malformed);
        }
        let Some(item_schema) = &schema.items else { return };
        for (index, item) in items.iter_mut().enumerate() {
            self.trail.enter(Step::Index(index));
            self.value(item_schema, item);
            self.trail.leave();
        }
    }

    fn object(&mut self, schema: &'s MetaSchema, object: &mut Map<String, Value>) {
        for (name, reference) in &schema.properties {
            self.trail.enter(Step::Key((*name).into()));
            self.property(schema.required.contains(name), (name, reference), object);
            self.trail.leave();
        }
        let Some(rest) = &schema.additional_properties else { return };
        for (key, value) in object.iter_mut() {
            if schema.properties.iter().all(|(name, _)| name != key) {
                self.trail.enter(Step::Key(key.clone().into()));
                self.value(rest, value);
                self.trail.leave();
            }
        }
    }

    fn property(
        &mut self,
        required: bool,
        (name, reference): (&str, &'s MetaSchemaRef),
        object: &mut Map<String, Value>,
    ) {
        let schema = self.schema.resolve(reference);
        if schema.read_only {
            object.remove(name);
            return;
        }
        match object.get_mut(name) {
            Some(Value::Null) if !schema.nullable => {
                object.remove(name);
                if required {
                    self.trail.report(Rule::Required);
                }
            }
            None if required => self.trail.report(Rule::Required),
            None => {}
            Some(value) => self.value(reference, value),
        }
    }
}

fn kind_of(schema: &MetaSchema) -> Option<Kind> {
    match schema.ty {
        "string" => Some(Kind::String),
        "boolean" => Some(Kind::Boolean),
        "integer" => Some(Kind::Integer),
        "number" => Some(Kind::Number),
        "array" => Some(Kind::Array),
        "object" => Some(Kind::Object),
        _ => None,
    }
}

fn is_a(kind: Kind, value: &Value) -> bool {
    match kind {
        Kind::String => value.is_string(),
        Kind::Boolean => value.is_boolean(),
        Kind::Integer => value.is_i64() || value.is_u64(),
        Kind::Number => value.is_number(),
        Kind::Array => value.is_array(),
        Kind::Object => value.is_object(),
    }
}

/// What the `format` of a poem-openapi integer can hold; anything else is bounded by the schema alone.
fn bounds_of(format: Option<&str>) -> (i128, i128) {
    match format {
        Some("int8") => (i8::MIN.into(), i8::MAX.into()),
        Some("int16") => (i16::MIN.into(), i16::MAX.into()),
        Some("int32") => (i32::MIN.into(), i32::MAX.into()),
        Some("int64") => (i64::MIN.into(), i64::MAX.into()),
        Some("uint8") => (u8::MIN.into(), u8::MAX.into()),
        Some("uint16") => (u16::MIN.into(), u16::MAX.into()),
        Some("uint32") => (u32::MIN.into(), u32::MAX.into()),
        Some("uint64") => (u64::MIN.into(), u64::MAX.into()),
        _ => (i128::MIN, i128::MAX),
    }
}

/// A value of an enumeration as the answer names it: without quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
