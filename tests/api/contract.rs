//! Holds every answer against the document: its status must be announced there, its body must fit the schema, and no
//! field may be unannounced.

use std::collections::HashMap;
use std::sync::OnceLock;

use jsonschema::Validator;
use latchkey::api::inventory::Inventory;
use serde_json::{Map, Value, json};

struct Contract {
    document: Value,
    inventory: Inventory,
    validators: HashMap<String, Validator>,
}

fn contract() -> &'static Contract {
    static CONTRACT: OnceLock<Contract> = OnceLock::new();
    CONTRACT.get_or_init(|| {
        let text = latchkey::api::document_json();
        let mut document: Value = serde_json::from_str(&text).expect("the document is JSON");
        close_objects(&mut document["components"]["schemas"]);
        let validators = document["components"]["schemas"].as_object().expect("schemas").keys();
        let validators = validators.map(|name| (name.clone(), validator(&document, name))).collect();
        Contract { inventory: Inventory::new(&text, &[]), document, validators }
    })
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

/// Checks one answer. Paths and methods that the document does not know are not its business.
pub fn check(method: &str, path: &str, status: u16, content_type: &str, body: &str) {
    let contract = contract();
    let path = path.split('?').next().unwrap_or_default();
    let Some(route) = contract.inventory.find(path) else { return };
    if !route.methods.iter().any(|known| known == method) {
        return;
    }
    let operation = &contract.document["paths"][route.pattern.as_str()][method.to_lowercase()];
    let responses = operation["responses"].as_object().cloned().unwrap_or_else(Map::new);
    let announced = responses.get(&status.to_string());
    let Some(announced) = announced else {
        panic!("{method} {} answers {status}, which the document does not announce", route.pattern);
    };
    let Some(content) = announced["content"].as_object() else { return };
    let kind = content.keys().next().map_or("", String::as_str);
    assert_eq!(content_type, kind, "{method} {} {status}: content type", route.pattern);
    if kind != "application/json" {
        return;
    }
    let body: Value = serde_json::from_str(body).expect("an answer announced as JSON is JSON");
    let schema = &content[kind]["schema"];
    let items =
        if schema["type"] == "array" { body.as_array().cloned().unwrap_or_default() } else { vec![body] };
    let schema = if schema["type"] == "array" { &schema["items"] } else { schema };
    let Some(name) = schema["$ref"].as_str().and_then(|reference| reference.rsplit('/').next()) else {
        return;
    };
    for item in items {
        let faults: Vec<String> =
            contract.validators[name].iter_errors(&item).map(|e| e.to_string()).collect();
        assert!(faults.is_empty(), "{method} {} {status} does not fit {name}: {faults:?}", route.pattern);
    }
}
