//! Forms posted from pages: small, and here within a bounded time.

use std::collections::HashMap;
use std::time::Duration;

use poem::Body;
use poem::http::StatusCode;

/// The largest form that is read. A token and a password are far shorter.
const LONGEST: usize = 8 * 1024;
/// How long it may take to arrive (J2).
const TIME_TO_ARRIVE: Duration = Duration::from_secs(10);

/// The fields of a form; the first of equal names counts.
pub struct Form(HashMap<String, String>);

impl Form {
    /// Reads `application/x-www-form-urlencoded` (WHATWG URL, section 5.1).
    ///
    /// # Errors
    /// 413 or 408, for the caller to answer with.
    pub async fn read(body: Body) -> Result<Form, StatusCode> {
        let bytes = tokio::time::timeout(TIME_TO_ARRIVE, body.into_bytes_limit(LONGEST))
            .await
            .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
            .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?;
        let mut fields = HashMap::new();
        for (name, value) in form_urlencoded::parse(&bytes) {
            fields.entry(name.into_owned()).or_insert_with(|| value.into_owned());
        }
        Ok(Form(fields))
    }

    /// A field; empty when absent.
    pub fn field(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }
}
