//! The house keeps its own rules: imports point downward, every crate behind its door, the document fresh.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors, from the top. A module may use those on lower floors, and itself; where two share a floor they keep
/// apart, unless the pair is listed in [`NEIGHBORS`].
const FLOORS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app"],
    &["api", "pages", "housekeeping"],
    &["service"],
    &["config"],
    &["client"],
    &["mail"],
    &["captcha", "hashing", "tokens", "secrets", "store"],
    &["metrics", "clock"],
    &["model"],
];

/// Uses on one floor: a token is remembered under a digest.
const NEIGHBORS: &[(&str, &str)] = &[("tokens", "secrets")];

/// Uses that no floor forbids and the design does: HTTP never touches SQL, and the use cases never hear of settings.
const FORBIDDEN: &[(&str, &str)] = &[
    ("api", "store"),
    ("pages", "store"),
    ("cli", "store"),
    ("pages", "config"),
    ("service", "config"),
    ("service", "client"),
];

/// Crates with one door each.
const DOORS: &[(&str, &[&str])] = &[
    ("rusqlite", &["src/store/sqlite.rs", "src/store/sqlite/"]),
    ("r2d2", &["src/store/sqlite.rs"]),
    ("r2d2_sqlite", &["src/store/sqlite.rs"]),
    ("argon2", &["src/hashing/argon.rs"]),
    ("jsonwebtoken", &["src/tokens.rs"]),
    ("mail_send", &["src/mail/"]),
    ("hickory_resolver", &["src/mail/direct.rs", "src/mail/direct/"]),
    ("rand", &["src/clock.rs"]),
    ("reqwest", &["src/captcha/siteverify.rs"]),
    ("poem", &["src/api.rs", "src/api/", "src/pages.rs", "src/pages/", "src/client.rs", "src/app.rs"]),
    ("poem_openapi", &["src/api.rs", "src/api/"]),
    ("governor", &["src/api/limits.rs", "src/api/limits/"]),
    ("futures_util", &["src/api/flashback/users/listing.rs"]),
    ("clap", &["src/cli.rs", "src/cli/", "src/config/arguments.rs", "src/config/variables.rs"]),
];

fn sources() -> BTreeMap<String, String> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    walk(&root.join("src"), &mut found);
    found
        .into_iter()
        .map(|path| {
            let name = path.strip_prefix(root).expect("below the root").display().to_string();
            (name, fs::read_to_string(path).expect("a source file"))
        })
        .collect()
}

/// The code of a file without its unit tests, which may look around.
fn code(text: &str) -> &str {
    text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text)
}

fn is_test(name: &str) -> bool {
    name.contains("/tests/") || name.ends_with("/tests.rs")
}

fn module_of(name: &str) -> &str {
    let name = name.trim_start_matches("src/");
    name.split('/').next().unwrap_or(name).trim_end_matches(".rs")
}

fn floor_of(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

/// The modules named after `crate::` in a line of code.
fn uses(line: &str) -> Vec<&str> {
    let line = line.split("//").next().unwrap_or_default();
    line.split("crate::")
        .skip(1)
        .flat_map(|rest| match rest.strip_prefix('{') {
            Some(list) => list.split(',').map(str::trim).collect(),
            None => vec![rest],
        })
        .map(|rest| rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default())
        .filter(|module| floor_of(module).is_some())
        .collect()
}

#[test]
fn imports_point_downward() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if name == "src/lib.rs" || is_test(&name) {
            continue;
        }
        let own = module_of(&name);
        let floor = floor_of(own).unwrap_or_else(|| panic!("{name} stands on no floor: give {own} one"));
        for used in code(&text).lines().flat_map(uses).filter(|used| *used != own) {
            let below = floor_of(used).expect("a floor") > floor;
            let allowed = (below || NEIGHBORS.contains(&(own, used))) && !FORBIDDEN.contains(&(own, used));
            if !allowed {
                wrong.push(format!("{name} uses {used}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Whether a line of code names a module by a path.
fn names_module(line: &str, module: &str) -> bool {
    let line = line.split("//").next().unwrap_or_default();
    line.match_indices(&format!("{module}::"))
        .any(|(at, _)| !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
}

#[test]
fn contracts_never_import_one_another_and_the_layers_around_them_know_none() {
    let contracts = ["flashback", "finradar", "orbai", "appmaker"];
    // The list of contracts, what is made of their types, and Latchkey's own routes, whose failures have the shape of
    // the contract at the root.
    let knowing = ["src/api/contracts.rs", "src/api/documents.rs", "src/api/own"];
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if !name.starts_with("src/api") || is_test(&name) || knowing.iter().any(|path| name.starts_with(path))
        {
            continue;
        }
        let own = name.trim_start_matches("src/api/").split(['/', '.']).next().unwrap_or_default();
        for other in contracts.into_iter().filter(|other| *other != own) {
            if code(&text).lines().any(|line| names_module(line, other)) {
                wrong.push(format!("{name} uses {other}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_built_is_what_the_settings_allow() {
    let built: Vec<_> = latchkey::api::contracts::BUILT.iter().map(|built| built.contract).collect();
    assert_eq!(built, latchkey::config::SERVED);
}

#[test]
fn every_crate_has_one_door() {
    let mut wrong = Vec::new();
    for (name, text) in sources().into_iter().filter(|(name, _)| !is_test(name)) {
        for (krate, doors) in DOORS {
            let used =
                code(&text).lines().map(|line| line.split("//").next().unwrap_or_default()).any(|line| {
                    line.match_indices(&format!("{krate}::")).any(|(at, _)| {
                        !line[..at]
                            .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '"')
                    })
                });
            if used && !doors.iter().any(|door| name.starts_with(door)) {
                wrong.push(format!("{name} uses {krate}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_stay_within_their_bounds() {
    let long: Vec<String> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 300)
        .map(|(name, text)| format!("{name}: {} lines", text.lines().count()))
        .collect();
    assert!(long.is_empty(), "which concept is missing? {long:#?}");
    assert!(!sources().keys().any(|name| name.ends_with("/mod.rs")));
}

#[test]
fn the_committed_document_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi.yaml");
    let committed = fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed.trim_end() == latchkey::api::document_yaml().trim_end(),
        "openapi.yaml is stale: run `cargo run -- openapi > openapi.yaml`"
    );
}

#[test]
fn the_document_names_every_path_and_operation_once() {
    let document = latchkey::api::document_yaml();
    for prefix in ["  /", "      operationId: "] {
        let mut named: Vec<&str> = document.lines().filter(|line| line.starts_with(prefix)).collect();
        let all = named.len();
        named.sort_unstable();
        named.dedup();
        assert_eq!(named.len(), all, "of two, a reader keeps only the last: move them into one impl");
    }
}

#[test]
fn sql_stays_portable() {
    let dialect = [
        "datetime(",
        "now()",
        "strftime",
        "autoincrement",
        "collate nocase",
        "insert or ",
        "$1",
        "rowid",
        "glob ",
    ];
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if !name.starts_with("src/store/") || name.starts_with("src/store/sqlite") {
            continue;
        }
        for word in dialect {
            if code(&text)
                .to_lowercase()
                .lines()
                .any(|line| !line.trim_start().starts_with("//") && line.contains(word))
            {
                wrong.push(format!("{name}: {word}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
