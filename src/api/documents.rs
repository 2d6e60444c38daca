//! The documents: the whole server with each path once, and each contract by itself with its vendor's own paths. All
//! come from the one set of annotations.

use poem::IntoEndpoint;
use poem::endpoint::BoxEndpoint;
use poem_openapi::{OpenApi, OpenApiService};

use super::appmaker::AppMaker;
use super::contracts::Built;
use super::finradar::FinRadar;
use super::flashback::Flashback;
use super::mounted::{Mount, Mounted, Published, server_of};
use super::orbai::OrbAi;
use super::own;
use crate::model::contract::Contract;

/// A document, in both notations and as the page of Swagger UI.
pub struct Document {
    pub json: String,
    pub yaml: String,
    pub page: String,
}

/// The operations of a server and their document.
pub struct Whole {
    pub document: Document,
    pub routes: BoxEndpoint<'static>,
}

/// What a server does that serves these contracts.
pub fn whole(served: &[Contract]) -> Whole {
    with_flashback((), served)
}

// The document is made from a type, and which contracts are served is known at start-up: each step adds a contract's
// type or leaves it out.

fn with_flashback<A: OpenApi>(before: A, served: &[Contract]) -> Whole {
    match served.contains(&Contract::Flashback) {
        true => with_finradar((before, Mounted(Flashback)), served),
        false => with_finradar(before, served),
    }
}

fn with_finradar<A: OpenApi>(before: A, served: &[Contract]) -> Whole {
    match served.contains(&Contract::FinRadar) {
        true => with_orbai((before, Mounted(FinRadar)), served),
        false => with_orbai(before, served),
    }
}

fn with_orbai<A: OpenApi>(before: A, served: &[Contract]) -> Whole {
    match served.contains(&Contract::OrbAi) {
        true => with_appmaker((before, Mounted(OrbAi)), served),
        false => with_appmaker(before, served),
    }
}

fn with_appmaker<A: OpenApi>(before: A, served: &[Contract]) -> Whole {
    match served.contains(&Contract::AppMaker) {
        true => finish((before, Mounted(AppMaker)), served),
        false => finish(before, served),
    }
}

fn finish<A: OpenApi>(contracts: A, served: &[Contract]) -> Whole {
    let introductions = Built::of(served).map(|built| {
        let name = built.contract.as_str();
        format!(
            "\n**[{}](/docs/{name})** ([document](/openapi/{name}.yaml)): {}",
            built.title, built.introduction
        )
    });
    let description: String =
        [include_str!("description.md").to_owned()].into_iter().chain(introductions).collect();
    let service = OpenApiService::new((contracts, own::operations()), "Latchkey", env!("CARGO_PKG_VERSION"))
        .server("/")
        .description(description);
    Whole { document: Document::of(&service), routes: service.into_endpoint() }
}

/// The document of one contract: its vendor's paths, relative to where it stands here.
pub fn of_contract<M: Mount>(mount: M) -> Document {
    let service = OpenApiService::new(Published(mount), M::TITLE, env!("CARGO_PKG_VERSION"))
        .server(server_of(M::CONTRACT))
        .description(M::INTRODUCTION);
    Document::of(&service)
}

impl Document {
    fn of<A: OpenApi>(service: &OpenApiService<A, ()>) -> Document {
        let page = service.swagger_ui_html().replacen("<head>", FOR_PHONES, 1);
        Document { json: service.spec(), yaml: service.spec_yaml(), page }
    }
}

/// The page of Swagger UI knows no phones: without a viewport it is a shrunken desktop, and with one alone the
/// descriptions of tags collapse to a letter a line.
const FOR_PHONES: &str = concat!(
    r#"<head><meta name="viewport" content="width=device-width, initial-scale=1">"#,
    "<style>@media (max-width:640px){.opblock-tag small{display:none}}</style>"
);
