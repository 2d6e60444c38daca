//! What an account wants to be told, and where. Latchkey keeps it for the product behind it, which does the telling.

use super::fault::Rule;

/// Characters of a webhook's address.
const MOST_URL: usize = 512;

/// What an account has chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotificationSettings {
    /// An https URL, or nothing.
    pub webhook_url: String,
    pub email: bool,
    pub browser: bool,
}

impl Default for NotificationSettings {
    fn default() -> NotificationSettings {
        NotificationSettings { webhook_url: String::new(), email: true, browser: false }
    }
}

/// Where a product posts what happens: an https URL of at most 512 characters, or nothing (contracts/finradar.md
/// section 3). Latchkey itself never calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookUrl(String);

impl WebhookUrl {
    /// Parses an address; an empty one clears.
    ///
    /// # Errors
    /// [`Rule::MaxChars`], [`Rule::Website`].
    pub fn parse(text: &str) -> Result<WebhookUrl, Rule> {
        if text.chars().count() > MOST_URL {
            return Err(Rule::MaxChars(MOST_URL));
        }
        if text.is_empty() {
            return Ok(WebhookUrl(String::new()));
        }
        let rest = text.strip_prefix("https://").ok_or(Rule::Website)?;
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let plain = text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}".contains(&byte));
        if plain && is_authority(authority) { Ok(WebhookUrl(text.to_owned())) } else { Err(Rule::Website) }
    }

    /// The address, or nothing.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A host with or without a port. No credentials: what is kept here is shown again.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.ends_with(':') && !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let named = host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte));
    let v6 = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let is_host = v6.map_or(named && !host.is_empty(), |v6| v6.parse::<std::net::Ipv6Addr>().is_ok());
    is_host && port.is_none_or(|port| port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_webhook_is_an_https_url_or_nothing() {
        let longest = format!("https://a.example/{}", "x".repeat(512 - 18));
        for good in
            ["", "https://example.com", "https://example.com:8443/hook?a=b#c", "https://[::1]/x", &longest]
        {
            assert!(WebhookUrl::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com",
            "https://",
            "https:///x",
            "https://user:secret@example.com/",
            "https://example.com:99999/",
            "https://exa mple.com",
            "https://example.com/\r\nX: y",
            "javascript:alert(1)",
            "example.com",
            &format!("{longest}x"),
        ] {
            assert!(WebhookUrl::parse(bad).is_err(), "{bad}");
        }
    }
}
