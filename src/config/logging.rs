//! What is logged.

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use super::reading::{items, quoted};

/// Checks a filter and gives it back without spaces between its items.
pub(super) fn filter(text: &str) -> Result<String, String> {
    let example =
        "write a level (error, warn, info, debug, trace or off) or filters such as info,latchkey=debug";
    let filter = items(text).collect::<Vec<_>>().join(",");
    if EnvFilter::try_new(&filter).is_err() {
        return Err(format!("is {}, which is no log filter; {example}", quoted(text)));
    }
    // A misspelled level passes as the name of a module, and the log would stay empty.
    if !filter.split(',').any(|item| level_of(item).parse::<LevelFilter>().is_ok()) {
        return Err(format!("is {}, which names no level; {example}", quoted(text)));
    }
    Ok(filter)
}

fn level_of(item: &str) -> &str {
    item.rsplit_once('=').map_or(item, |(_, level)| level)
}
