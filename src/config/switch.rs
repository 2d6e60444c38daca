//! Settings that choose between a few words.

use super::reading::quoted;

/// Who may read a page that is not for everybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Callers on this machine only.
    Local,
    /// Everybody.
    Public,
    /// Nobody.
    Off,
}

impl Access {
    pub(super) fn parse(text: &str) -> Result<Access, String> {
        match text {
            "local" => Ok(Access::Local),
            "public" => Ok(Access::Public),
            "off" | "false" => Ok(Access::Off),
            _ => Err(format!("is {}, but must be local, public or off", quoted(text))),
        }
    }
}

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object per line, for programs.
    Json,
}

impl LogFormat {
    pub(super) fn parse(text: &str) -> Result<LogFormat, String> {
        match text {
            "text" => Ok(LogFormat::Text),
            "json" => Ok(LogFormat::Json),
            _ => Err(format!("is {}, but must be text or json", quoted(text))),
        }
    }
}

/// `true` and `false` are taken too: YAML 1.1 turns an unquoted `on` or `off` of a deployment file into them.
pub(super) fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" | "true" => Ok(true),
        "off" | "false" => Ok(false),
        _ => Err(format!("is {}, but must be on or off", quoted(text))),
    }
}
