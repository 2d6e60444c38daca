//! Where a contract stands in this server. Its operations are annotated with the vendor's own paths; from that one set
//! of annotations come the routes and the whole document, with the contract's place before each path, and the
//! contract's own document with the paths as they were published.

use std::collections::HashMap;

use poem::endpoint::BoxEndpoint;
use poem::http::Method;
use poem_openapi::OpenApi;
use poem_openapi::registry::{MetaApi, Registry};

use crate::model::contract::Contract;

/// A contract's operations, and how they are mounted and introduced.
pub trait Mount {
    const CONTRACT: Contract;
    /// The title of its own document.
    const TITLE: &'static str;
    /// What its own document says of it first, in Markdown.
    const INTRODUCTION: &'static str;
    /// Paths that were published with a slash at the end, written here without it, for poem-openapi drops it. Both
    /// spellings are served, the published one is announced.
    const SLASHED: &'static [&'static str];

    /// The operations of all its areas.
    fn operations() -> impl OpenApi;
}

/// The path below which a contract's published paths stand here; empty for Flashback, which is at the root.
pub fn place_of(contract: Contract) -> &'static str {
    match contract {
        Contract::Flashback => "",
        Contract::FinRadar => "/finradar",
        Contract::OrbAi => "/orbai",
        // Its vendor publishes paths relative to `/api/v1`.
        Contract::AppMaker => "/appmaker/api/v1",
    }
}

/// Where a contract stands: the `servers[0].url` of its own document, relative to whatever host serves it.
pub fn server_of(contract: Contract) -> &'static str {
    match place_of(contract) {
        "" => "/",
        place => place,
    }
}

/// The operations of a contract in their place: for the routes and the whole document.
pub struct Mounted<M>(pub M);

/// The operations of a contract as they were published: for its own document.
pub struct Published<M>(pub M);

type Methods = HashMap<Method, BoxEndpoint<'static>>;

fn published<M: Mount>(path: &str) -> String {
    if M::SLASHED.contains(&path) { format!("{path}/") } else { path.to_owned() }
}

fn meta<M: Mount>(place: &str) -> Vec<MetaApi> {
    fn of<A: OpenApi>(_operations: A) -> Vec<MetaApi> {
        A::meta()
    }
    let mut apis = of(M::operations());
    for path in apis.iter_mut().flat_map(|api| &mut api.paths) {
        path.path = format!("{place}{}", published::<M>(&path.path));
    }
    apis
}

fn register<M: Mount>(registry: &mut Registry) {
    fn of<A: OpenApi>(_operations: A, registry: &mut Registry) {
        A::register(registry);
    }
    of(M::operations(), registry);
}

impl<M: Mount> OpenApi for Mounted<M> {
    fn meta() -> Vec<MetaApi> {
        meta::<M>(place_of(M::CONTRACT))
    }

    fn register(registry: &mut Registry) {
        register::<M>(registry);
    }

    fn add_routes(self, table: &mut HashMap<String, Methods>) {
        let place = place_of(M::CONTRACT);
        let mut add = |spelling: fn(&str) -> Option<String>| {
            let mut own = HashMap::new();
            M::operations().add_routes(&mut own);
            for (path, methods) in own {
                if let Some(path) = spelling(&path) {
                    table.entry(format!("{place}{path}")).or_default().extend(methods);
                }
            }
        };
        add(|path| Some(path.to_owned()));
        if !M::SLASHED.is_empty() {
            add(|path| M::SLASHED.contains(&path).then(|| published::<M>(path)));
        }
    }
}

impl<M: Mount> OpenApi for Published<M> {
    fn meta() -> Vec<MetaApi> {
        meta::<M>("")
    }

    fn register(registry: &mut Registry) {
        register::<M>(registry);
    }

    /// Adds nothing: what is routed is [`Mounted`].
    fn add_routes(self, _table: &mut HashMap<String, Methods>) {}
}
