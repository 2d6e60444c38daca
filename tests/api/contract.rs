//! Holds every answer against the document: its status must be announced there, its body must fit the schema, and no
//! field may be unannounced. What was called through the front door is held against the contract's own document.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use latchkey::api::contracts::BUILT;
use latchkey::api::inventory::Inventory;
use latchkey::model::contract::Contract;
use serde_json::{Map, Value, json};

struct Document {
    document: Value,
    inventory: Inventory,
    validators: HashMap<String, Validator>,
}

impl Document {
    fn new(text: &str) -> Document {
        let mut document: Value = serde_json::from_str(text).expect("the document is JSON");
        close_objects(&mut document["components"]["schemas"]);
        let validators = document["components"]["schemas"].as_object().expect("schemas").keys();
        let validators = validators.map(|name| (name.clone(), validator(&document, name))).collect();
        Document { inventory: Inventory::new(text, &[]), document, validators }
    }

    /// The pattern of a path, where the document knows the method there.
    fn pattern(&self, method: &str, path: &str) -> Option<&str> {
        let route = self.inventory.find(path)?;
        route.methods.iter().any(|known| known == method).then_some(route.pattern.as_str())
    }
}

/// The document of the whole server.
fn whole() -> &'static Document {
    static WHOLE: OnceLock<Document> = OnceLock::new();
    WHOLE.get_or_init(|| Document::new(&latchkey::api::document_json()))
}

/// A contract's own.
fn of_contract(contract: Contract) -> Option<&'static Document> {
    static OWN: OnceLock<Vec<(Contract, Document)>> = OnceLock::new();
    let all = OWN.get_or_init(|| {
        BUILT.iter().map(|built| (built.contract, Document::new(&(built.document)().json))).collect()
    });
    all.iter().find(|(of, _)| *of == contract).map(|(_, document)| document)
}

/// The contract that a name stands for; in these tests, every such name has the contract's in it.
fn contract_of(host: &str) -> Option<Contract> {
    host.to_lowercase().split(['.', ':']).find_map(|label| label.parse().ok())
}

fn validator(document: &Value, name: &str) -> Validator {
    let schema = json!({
        "$ref": format!("#/components/schemas/{name}"),
        "components": document["components"],
    });
    jsonschema::draft4::new(&schema).expect("the schema is sound")
}

/// Unannounced fields are faults, and `nullable` of OpenAPI 3.0 is spelled as JSON Schema knows it.
fn close_objects(schema: &mut Value) {
    if let Some(object) = schema.as_object_mut() {
        if object.contains_key("properties") && !object.contains_key("additionalProperties") {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        if object.get("nullable") == Some(&Value::Bool(true))
            && let Some(kind) = object.get("type").cloned()
        {
            object.insert("type".to_owned(), json!([kind, "null"]));
        }
        object.values_mut().for_each(close_objects);
    } else if let Some(list) = schema.as_array_mut() {
        list.iter_mut().for_each(close_objects);
    }
}

/// What was called.
pub struct Call<'a> {
    pub method: &'a str,
    pub path: &'a str,
    /// The host that the request named, if it named another than the server's address.
    pub host: &'a str,
}

/// Checks one answer. Paths and methods that no document knows are not its business.
pub fn check(call: &Call<'_>, status: u16, content_type: &str, body: &str) {
    let method = call.method;
    let path = call.path.split('?').next().unwrap_or_default();
    let door = contract_of(call.host);
    let own = door.and_then(of_contract).filter(|document| document.pattern(method, path).is_some());
    let document = own.unwrap_or_else(whole);
    let Some(pattern) = document.pattern(method, path) else { return };
    let operation = &document.document["paths"][pattern][method.to_lowercase()];
    let responses = operation["responses"].as_object().cloned().unwrap_or_else(Map::new);
    let announced = responses.get(&status.to_string());
    let Some(announced) = announced else {
        panic!("{method} {pattern} answers {status}, which the document does not announce");
    };
    let Some(content) = announced["content"].as_object() else { return };
    let kinds: Vec<&str> = content.keys().map(String::as_str).collect();
    assert!(
        kinds.contains(&content_type),
        "{method} {pattern} {status}: {content_type} is none of {kinds:?}"
    );
    if content_type != "application/json" {
        return;
    }
    let body: Value = serde_json::from_str(body).expect("an answer announced as JSON is JSON");
    let schema = &content[content_type]["schema"];
    let items =
        if schema["type"] == "array" { body.as_array().cloned().unwrap_or_default() } else { vec![body] };
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) else {
        return;
    };
    for item in items {
        let faults: Vec<String> =
            document.validators[name].iter_errors(&item).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{method} {pattern} {status} does not fit {name}: {faults:?}");
    }
}
