//! The documents: the whole server, and each contract by itself with its vendor's own paths.

use std::collections::{BTreeMap, BTreeSet};

use latchkey::api::contracts::BUILT;
use reqwest::Method;
use serde_json::Value;

use crate::app::App;

/// The operations of a document: method and path, each with its id.
fn operations(document: &Value, before: &str) -> BTreeMap<String, String> {
    let paths = document["paths"].as_object().expect("paths");
    let all = paths.iter().flat_map(|(path, item)| {
        item.as_object().expect("operations").iter().map(move |(method, operation)| {
            let id = operation["operationId"].as_str().expect("an id").to_owned();
            (format!("{method} {before}{path}"), id)
        })
    });
    all.collect()
}

/// Every schema that a document refers to and does not hold.
fn dangling(document: &Value) -> BTreeSet<String> {
    let text = document.to_string();
    let named = text.split("#/components/schemas/").skip(1).filter_map(|rest| rest.split('"').next());
    named.filter(|name| document["components"]["schemas"][*name].is_null()).map(str::to_owned).collect()
}

async fn document(app: &App, path: &str) -> Value {
    let answer = app.get(path).await;
    assert_eq!((answer.status, answer.header("content-type")), (200, "application/json"), "{path}");
    answer.json()
}

#[tokio::test]
async fn the_whole_is_the_sum_of_the_contracts_and_latchkeys_own_routes() {
    let app = App::start().await;
    let mut whole = operations(&document(&app, "/openapi.json").await, "");
    for built in BUILT {
        let own = document(&app, &format!("/openapi/{}.json", built.contract)).await;
        assert_eq!(own["info"]["title"], built.title);
        assert_eq!(dangling(&own), BTreeSet::new(), "{}", built.contract);
        let server = own["servers"][0]["url"].as_str().expect("a server");
        assert!(server.starts_with('/'), "relative to whatever host serves it");
        for (operation, id) in operations(&own, server.trim_end_matches('/')) {
            assert_eq!(whole.remove(&operation), Some(id), "{operation} is in the whole document, once");
        }
    }
    for (operation, id) in whole {
        let of_contract = BUILT.iter().any(|built| id.starts_with(built.contract.as_str()));
        assert!(!of_contract, "{operation} ({id}) is in no document of a contract");
    }
    app.finish().await;
}

#[tokio::test]
async fn finradars_document_has_the_paths_that_were_published() {
    let app = App::start().await;
    let own = document(&app, "/openapi/finradar.json").await;
    assert_eq!(own["servers"][0]["url"], "/finradar");
    let operations = operations(&own, "");
    for published in ["post /api/v1/auth/login", "get /api/v1/user/"] {
        assert!(operations.contains_key(published), "{published}: {operations:?}");
    }
    assert!(operations.keys().all(|operation| operation.contains(" /api/v1/")), "{operations:?}");
    app.finish().await;
}

#[tokio::test]
async fn at_a_contracts_name_the_documents_are_its_own() {
    let app = App::start().await;
    for built in BUILT {
        for (asked, path) in [
            ("/openapi.json", format!("/openapi/{}.json", built.contract)),
            ("/openapi.yaml", format!("/openapi/{}.yaml", built.contract)),
            ("/docs", format!("/docs/{}", built.contract)),
        ] {
            let host = format!("{}.localhost", built.contract);
            let there = app.send(app.request(Method::GET, asked).header("host", host)).await;
            let here = app.get(&path).await;
            assert_eq!((there.status, &there.text), (200, &here.text), "{asked} of {}", built.contract);
            assert_ne!(here.text, app.get(asked).await.text, "{path} is not the whole");
        }
    }
    app.finish().await;
}

#[tokio::test]
async fn the_docs_lead_from_the_whole_to_each_contract() {
    let app = App::start().await;
    let whole = app.get("/docs").await.text;
    for built in BUILT {
        let path = format!("/docs/{}", built.contract);
        assert!(whole.contains(&format!("({path})")), "/docs links to {path}");
        let page = app.get(&path).await;
        assert!(page.header("content-security-policy").contains("default-src 'none'"), "{path}");
        let yaml = app.get(&format!("/openapi/{}.yaml", built.contract)).await;
        assert_eq!((yaml.status, yaml.header("content-type")), (200, "application/yaml"));
        assert!(yaml.text.starts_with("openapi: 3.0"), "{path}");
    }
    app.finish().await;
}

#[tokio::test]
async fn what_is_not_served_is_not_announced() {
    for (served, left_out, word) in
        [("flashback", "finradar", "/finradar/"), ("finradar", "flashback", "/user/register")]
    {
        let app = App::start_with(|settings| settings.contracts = Some(served.to_owned())).await;
        for path in ["/openapi.json", "/openapi.yaml", "/docs"] {
            let answer = app.get(path).await;
            assert_eq!(answer.status, 200, "{path}");
            assert!(!answer.text.contains(word), "{path} of a server without {left_out}");
        }
        for path in ["/docs/", "/openapi/"] {
            let ends: &[&str] = if path == "/docs/" { &[""] } else { &[".json", ".yaml"] };
            for end in ends {
                let (there, gone) = (format!("{path}{served}{end}"), format!("{path}{left_out}{end}"));
                assert_eq!(app.get(&there).await.status, 200, "{there}");
                assert_eq!(app.get(&gone).await.status, 404, "{gone}");
            }
        }
        app.finish().await;
    }
}

#[tokio::test]
async fn without_docs_there_are_documents_and_no_pages() {
    let app = App::start_with(|settings| settings.docs = Some("off".to_owned())).await;
    for (path, status) in [("/docs", 404), ("/docs/finradar", 404), ("/openapi/finradar.json", 200)] {
        assert_eq!(app.get(path).await.status, status, "{path}");
    }
    app.finish().await;
}

// DESIGN promise 6: what every operation behind a token may answer
#[test]
fn every_call_behind_a_token_announces_that_it_may_be_refused() {
    let document: Value = serde_json::from_str(&latchkey::api::document_json()).expect("JSON");
    let mut behind = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let security = operation["security"].as_array().into_iter().flatten();
            let mut schemes = security.flat_map(|scheme| scheme.as_object().into_iter().flatten());
            // A log-out takes a token where there is one; passing a second factor takes a token of its own.
            if !schemes.any(|(name, _)| name.ends_with("Bearer") && name != "FlashbackMfaBearer")
                || path == "/user/logout"
            {
                continue;
            }
            behind += 1;
            for status in ["401", "403", "429", "503"] {
                assert!(operation["responses"][status].is_object(), "{method} {path} announces {status}");
            }
        }
    }
    assert!(behind > 50, "{behind}");
}
