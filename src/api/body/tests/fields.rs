//! What a document may say.

use serde_json::json;

use super::*;

#[tokio::test]
async fn all_faults_come_at_once_and_echo_nothing() {
    let order = json!({"email": "SECRET-mail", "password": "SECRET", "isBusiness": "SECRET-true",
        "deviceInfo": {"name": "SECRET-name", "build": "SECRET-build"}});
    let (status, text) = call(request("/register", order.to_string())).await;
    assert_eq!(status, 400);
    assert_eq!(
        text,
        "BodyError 400: email must be a valid email address; password must be at least 8 characters; \
         firstName is required; isBusiness must be a boolean; deviceInfo.name must be at most 5 characters; \
         deviceInfo.build must be an integer"
    );
}

#[tokio::test]
async fn a_field_is_refused_by_its_own_rule() {
    let rows = [
        ("number for a string", json!({"firstName": 7}), "firstName must be a string"),
        ("boolean for a string", json!({"firstName": true}), "firstName must be a string"),
        ("array for an address", json!({"email": ["a@b", "c@d"]}), "email must be a string"),
        ("null for a required field", json!({"email": null}), "email is required"),
        ("string for an object", json!({"deviceInfo": "x"}), "deviceInfo must be an object"),
        ("a required field of an object", json!({"deviceInfo": {}}), "deviceInfo.name is required"),
        ("length before format", json!({"email": "x"}), "email must be at least 3 characters"),
        ("too long", json!({"email": "x".repeat(21)}), "email must be at most 20 characters"),
        ("same format, another rule", json!({"billing": "a@b.example"}), "billing is malformed"),
        ("an item of an array", json!({"keys": ["a", 1]}), "keys[1] must be a string"),
        ("a null item", json!({"keys": [null]}), "keys[0] must be a string"),
        ("too many items", json!({"keys": ["a", "b", "c"]}), "keys is malformed"),
        ("string for an integer", json!({"level": "3"}), "level must be an integer"),
        ("fraction for an integer", json!({"level": 3.5}), "level must be an integer"),
        ("below the minimum", json!({"level": 0}), "level must be at least 1"),
        ("above the maximum", json!({"level": u64::MAX}), "level must be at most 9"),
        ("below the format", json!({"role": -1}), "role must be at least 0"),
        ("above the format", json!({"role": 256}), "role must be at most 255"),
        ("outside the enumeration", json!({"method": "SMS"}), "method must be one of TOTP, LINK"),
        ("number for an enumeration", json!({"method": 1}), "method must be a string"),
        ("a value of a map", json!({"limits": {"a": "b"}}), "limits.a must be an integer"),
        ("a map key that is no name", json!({"limits": {"<a\nb>": "b"}}), "limits.* must be an integer"),
        ("inside a nullable object", json!({"backup": {"name": 1}}), "backup.name must be a string"),
    ];
    for (description, changes, expected) in rows {
        let (status, text) = call(request("/register", with(changes))).await;
        assert_eq!((status, text), (400, format!("BodyError 400: {expected}")), "{description}");
    }
}

#[tokio::test]
async fn what_is_well_formed_passes() {
    let rows = [
        ("nothing optional", json!({}), "device_info: None"),
        ("null counts as absent", json!({"deviceInfo": null, "level": null}), "device_info: None"),
        ("null where nullable", json!({"phone": null, "backup": null}), "phone: Null, backup: Null"),
        ("absent where nullable", json!({}), "phone: Undefined, backup: Undefined"),
        ("characters, not bytes", json!({"password": "ÄÄÄÄÄÄÄÄÄÄ"}), "ÄÄÄÄÄÄÄÄÄÄ"),
        ("unknown keys", json!({"orgRole": 255}), "is_business: true"),
        ("read-only fields have no effect", json!({"plan": "paid"}), "plan: None"),
        ("any value", json!({"extra": [1, {"a": null}]}), "extra: Some(Array [Number(1)"),
        ("the bounds", json!({"level": 9, "role": 255}), "role: Some(255), level: Some(9)"),
    ];
    for (description, changes, expected) in rows {
        let (status, text) = call(request("/register", with(changes))).await;
        assert_eq!(status, 201, "{description}: {text}");
        assert!(text.contains(expected), "{description}: {text}");
    }
}

#[tokio::test]
async fn what_is_not_strict_json_is_refused() {
    let deepest = format!("{}{}", "[".repeat(31), "]".repeat(31));
    let too_deep = format!("{{\"x\":[{deepest}]}}");
    let bottomless = "[".repeat(60_000);
    let valid = with(json!({}));
    let spliced = |more: &str| format!("{},{more}}}", &valid[..valid.len() - 1]);
    let many = format!("{{{}\"x\":0}}", "\"x\":0,".repeat(9_000));
    let rows: Vec<(&str, Vec<u8>, &str)> = vec![
        ("not JSON", b"email=a".to_vec(), "body must be a JSON object"),
        ("an array", b"[]".to_vec(), "body must be a JSON object"),
        ("a string", b"\"SECRET\"".to_vec(), "body must be a JSON object"),
        ("cut short", b"{\"email\":\"SECRET".to_vec(), "body must be a JSON object"),
        ("more than one value", b"{} {}".to_vec(), "body must be a JSON object"),
        ("half a surrogate pair", b"{\"a\":\"\\ud800\"}".to_vec(), "body must be a JSON object"),
        ("white space only", b"  ".to_vec(), "body must be a JSON object"),
        ("not UTF-8", b"{\"email\":\"\xff\"}".to_vec(), "body must be valid UTF-8"),
        ("33 levels", too_deep.into(), "body must not nest deeper than 32 levels"),
        ("60000 levels", bottomless.into(), "body must not nest deeper than 32 levels"),
        ("empty", vec![], "body is required"),
        ("a known key twice", spliced("\"email\":\"c@d\"").into(), "email must appear only once"),
        ("an unknown key twice", spliced("\"u\":1,\"u\":2").into(), "u must appear only once"),
        ("an escaped key twice", spliced("\"\\u0065mail\":\"c@d\"").into(), "email must appear only once"),
        (
            "nested",
            spliced("\"extra\":[0,{\"a\":{\"b\":1,\"b\":2}}]").into(),
            "extra[1].a.b must appear only once",
        ),
        (
            "with a fault of another field",
            spliced("\"u\":1,\"u\":2,\"level\":0").into(),
            "u must appear only once; level must be at least 1",
        ),
    ];
    for (description, body, expected) in rows {
        let (status, text) = call(request("/register", body)).await;
        assert_eq!((status, text), (400, format!("BodyError 400: {expected}")), "{description}");
    }
    let (_, text) = call(request("/register", many)).await;
    assert_eq!(text.split("; ").count(), 50, "a report is bounded");
    let deep_enough = spliced(&format!("\"extra\":{deepest}"));
    assert_eq!(call(request("/register", deep_enough)).await.0, 201, "32 levels pass");
}
