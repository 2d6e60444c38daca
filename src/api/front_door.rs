//! The front door: three contracts claim the same bare paths, so the name a server is called by decides which of them
//! is meant (DESIGN 2). A path that its vendor published is rewritten to the contract's place in this server before
//! anything else looks at it, so that limits, gates, routes and the log know one spelling (THREATS H1). Links in letters
//! never come from here (C1).

use std::collections::HashMap;

use poem::Request;
use poem::http::uri::PathAndQuery;
use poem::http::{Uri, header};

use super::mounted::place_of;
use crate::model::contract::Contract;

/// Below this path the vendors published their operations.
const VENDORS_ROOT: &str = "/api/v1";

/// The names of this server, and which contract each stands for.
#[derive(Debug, Clone, Default)]
pub struct FrontDoor(HashMap<String, Contract>);

impl FrontDoor {
    /// A door for the contracts that are served: by `<contract>.localhost`, which resolves to this machine (RFC 6761
    /// section 6.3), and by the operator's names, in lower case, which go first.
    pub fn new(served: &[Contract], hosts: &[(String, Contract)]) -> FrontDoor {
        let local = served.iter().map(|contract| (format!("{contract}.localhost"), *contract));
        FrontDoor(local.chain(hosts.iter().cloned()).collect())
    }

    /// Rewrites a path that means a contract's at the name the request was made to. Any other request stays as it is.
    pub fn enter(&self, request: &mut Request) {
        let Some(contract) = host(request).and_then(|host| self.0.get(&host).copied()) else { return };
        if let Some(inner) = inner_path(contract, request.uri())
            && let Ok(inner) = inner.parse::<PathAndQuery>()
        {
            let mut parts = request.uri().clone().into_parts();
            parts.path_and_query = Some(inner);
            if let Ok(uri) = Uri::from_parts(parts) {
                *request.uri_mut() = uri;
            }
        }
    }
}

/// Where a path leads at a name of the contract's, with its query; none when it leads where it does everywhere.
fn inner_path(contract: Contract, uri: &Uri) -> Option<String> {
    let given = uri.path_and_query()?.as_str();
    match uri.path() {
        "/docs" => Some(format!("/docs/{contract}")),
        "/openapi.json" => Some(format!("/openapi/{contract}.json")),
        "/openapi.yaml" => Some(format!("/openapi/{contract}.yaml")),
        path => {
            let place = place_of(contract);
            let below = path.strip_prefix(VENDORS_ROOT)?;
            let published = !place.is_empty() && (below.is_empty() || below.starts_with('/'));
            let place = place.strip_suffix(VENDORS_ROOT).unwrap_or(place);
            published.then(|| format!("{place}{given}"))
        }
    }
}

/// The name that a request was made to, in lower case and without its port. None when it names none or several, or
/// what it says is no name.
fn host(request: &Request) -> Option<String> {
    let mut lines = request.headers().get_all(header::HOST).iter();
    let (line, another) = (lines.next(), lines.next());
    if another.is_some() {
        return None;
    }
    let line = match line {
        Some(line) => Some(name(line.to_str().ok()?)?),
        None => None,
    };
    // HTTP/2 and the absolute form of HTTP/1 name the authority in the target.
    let target = match request.uri().authority() {
        Some(authority) => Some(name(authority.as_str())?),
        None => None,
    };
    match (line, target) {
        (Some(line), Some(target)) if line != target => None,
        (line, target) => target.or(line),
    }
}

/// The name in `name[:port]` (RFC 9110 section 7.2). User information, a second port and the like make it none.
fn name(authority: &str) -> Option<String> {
    let (name, port) = authority.split_once(':').unwrap_or((authority, ""));
    if !port.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_name = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_'));
    is_name.then(|| name.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn door() -> FrontDoor {
        let hosts = [("api.finradar.ai".to_owned(), Contract::FinRadar)];
        FrontDoor::new(&[Contract::Flashback, Contract::FinRadar], &hosts)
    }

    fn entered(hosts: &[&str], uri: &'static str) -> String {
        let request = Request::builder().uri(Uri::from_static(uri));
        let request = hosts.iter().fold(request, |request, host| request.header("host", *host));
        let mut request = request.finish();
        door().enter(&mut request);
        request.uri().path_and_query().map_or_else(String::new, ToString::to_string)
    }

    #[test]
    fn a_name_is_known_in_every_spelling_and_no_other_is() {
        let inside = "/finradar/api/v1/user/";
        for name in [
            "finradar.localhost",
            "finradar.localhost:8080",
            "finradar.localhost:",
            "FinRadar.LocalHost.",
            "finradar.localhost.:1",
            "api.finradar.ai",
        ] {
            assert_eq!(entered(&[name], "/api/v1/user/"), inside, "{name}");
        }
        for name in [
            "",
            "localhost",
            "127.0.0.1:8080",
            "[::1]:8080",
            "orbai.localhost",
            "flashback.localhost",
            "finradar.localhost..",
            ".finradar.localhost",
            "finradar.localhost:80:80",
            "finradar.localhost:x",
            "ann@finradar.localhost",
            "finradar.localhost/",
            "finradar.localhost,localhost",
            "finradar.localhost.evil.example",
        ] {
            assert_eq!(entered(&[name], "/api/v1/user/"), "/api/v1/user/", "{name:?}");
        }
    }

    #[test]
    fn two_names_are_none() {
        let path = "/api/v1/user/";
        assert_eq!(entered(&["finradar.localhost", "finradar.localhost"], path), path);
        assert_eq!(entered(&["finradar.localhost", "localhost"], path), path);
        assert_eq!(entered(&[], path), path);
        let rows = [
            ("http://finradar.localhost/api/v1/a?b=/c", &[][..], "/finradar/api/v1/a?b=/c"),
            ("http://finradar.localhost:80/api/v1/a", &["FINRADAR.localhost"][..], "/finradar/api/v1/a"),
            ("http://localhost/api/v1/a", &["finradar.localhost"][..], "/api/v1/a"),
            ("http://finradar.localhost/api/v1/a", &["localhost"][..], "/api/v1/a"),
            ("http://x@finradar.localhost/api/v1/a", &["finradar.localhost"][..], "/api/v1/a"),
        ];
        for (uri, hosts, inside) in rows {
            assert_eq!(entered(hosts, uri), inside, "{uri} {hosts:?}");
        }
    }

    #[test]
    fn only_what_the_vendor_published_is_rewritten() {
        let rows = [
            ("/api/v1/auth/login?a=1&b=%2F", "/finradar/api/v1/auth/login?a=1&b=%2F"),
            ("/api/v1/a%2Fb//c/", "/finradar/api/v1/a%2Fb//c/"),
            ("/api/v1", "/finradar/api/v1"),
            ("/api/v1?a", "/finradar/api/v1?a"),
            ("/docs", "/docs/finradar"),
            ("/openapi.json?x", "/openapi/finradar.json"),
            ("/openapi.yaml", "/openapi/finradar.yaml"),
            ("//api/v1/auth/login", "//api/v1/auth/login"),
            ("/API/v1/auth/login", "/API/v1/auth/login"),
            ("/api%2fv1/auth/login", "/api%2fv1/auth/login"),
            ("/api/v10/x", "/api/v10/x"),
            ("/docs/", "/docs/"),
            ("/health", "/health"),
            ("/finradar/api/v1/auth/login", "/finradar/api/v1/auth/login"),
            ("*", "*"),
        ];
        for (given, inside) in rows {
            assert_eq!(entered(&["finradar.localhost"], given), inside, "{given}");
        }
        assert_eq!(entered(&["flashback.localhost"], "/docs"), "/docs/flashback");
        assert_eq!(entered(&["flashback.localhost"], "/api/v1/auth/login"), "/api/v1/auth/login");
        assert_eq!(
            inner_path(Contract::AppMaker, &Uri::from_static("/api/v1/auth/me?x")).as_deref(),
            Some("/appmaker/api/v1/auth/me?x")
        );
    }
}
