//! The list of routes: what limits, metrics and `Allow` go by. A path is named by its pattern, so that the names are
//! few whatever is asked for.

use std::sync::Arc;

use serde_json::Value;

/// A route: a pattern such as `/user/{userId}`, and the methods it takes.
#[derive(Debug, Clone)]
pub struct RoutePattern {
    pub pattern: Arc<String>,
    pub methods: Vec<String>,
}

/// All routes.
#[derive(Debug, Clone, Default)]
pub struct Inventory(Vec<RoutePattern>);

impl Inventory {
    /// The routes of an OpenAPI document and those beside it, given as (pattern, methods).
    pub fn new(document: &str, others: &[(&str, &[&str])]) -> Inventory {
        let document: Value = serde_json::from_str(document).unwrap_or_default();
        let paths = document["paths"].as_object().cloned().unwrap_or_default();
        let mut routes: Vec<RoutePattern> = paths
            .into_iter()
            .map(|(pattern, item)| RoutePattern {
                pattern: Arc::new(pattern),
                methods: item
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.to_uppercase())
                    .collect(),
            })
            .collect();
        for (pattern, methods) in others {
            let methods: Vec<String> = methods.iter().map(|&method| method.to_owned()).collect();
            // A page and an operation may share a path.
            match routes.iter_mut().find(|route| *route.pattern == **pattern) {
                Some(route) => route.methods.extend(methods),
                None => routes.push(RoutePattern { pattern: Arc::new((*pattern).to_owned()), methods }),
            }
        }
        Inventory(routes)
    }

    /// The routes.
    pub fn routes(&self) -> &[RoutePattern] {
        &self.0
    }

    /// The route of a path; a pattern without parameters goes before one with.
    pub fn find(&self, path: &str) -> Option<&RoutePattern> {
        let exact = self.0.iter().find(|route| *route.pattern == path);
        exact.or_else(|| self.0.iter().find(|route| matches(&route.pattern, path)))
    }
}

fn matches(pattern: &str, path: &str) -> bool {
    // What was published with a slash at the end is served without it too, within the same limits (H1).
    let pattern = if path.ends_with('/') { pattern } else { pattern.strip_suffix('/').unwrap_or(pattern) };
    let (mut wanted, mut given) = (pattern.split('/'), path.split('/'));
    loop {
        match (wanted.next(), given.next()) {
            (None, None) => return true,
            (Some(wanted), Some(given)) if is_parameter(wanted) && !given.is_empty() => {}
            (Some(wanted), Some(given)) if wanted == given => {}
            _ => return false,
        }
    }
}

fn is_parameter(segment: &str) -> bool {
    segment.starts_with('{') && segment.ends_with('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_named_by_its_pattern() {
        let document =
            r#"{"paths":{"/user/{userId}":{"put":{}},"/user/profile":{"get":{}},"/me/":{"get":{}}}}"#;
        let inventory = Inventory::new(document, &[("/", &["GET"]), ("/user/profile", &["POST"])]);
        let rows = [
            ("/", Some("/")),
            ("/user/profile", Some("/user/profile")),
            ("/user/42", Some("/user/{userId}")),
            ("/user/", None),
            ("/user/42/x", None),
            ("/USER/profile", None),
            ("//user/profile", None),
            ("/me/", Some("/me/")),
            ("/me", Some("/me/")),
            ("/me//", None),
        ];
        for (path, pattern) in rows {
            assert_eq!(inventory.find(path).map(|route| route.pattern.as_str()), pattern, "{path}");
        }
        let both = inventory.find("/user/profile").map(|route| route.methods.clone());
        assert_eq!(both.unwrap_or_default(), ["GET", "POST"]);
    }
}
