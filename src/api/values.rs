//! Domain values as the fields of bodies, where contracts agree on them.

use super::body::TextValue;
use crate::model::email::EmailAddress;
use crate::model::fault::Rule;
use crate::model::name::{CompanyName, ContactLine, PersonName};
use crate::model::time::Millis;

impl TextValue for EmailAddress {
    const NAME: &'static str = "email";
    const FORMAT: &'static str = "email";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = Some(254);
    fn parse(text: &str) -> Result<EmailAddress, Rule> {
        EmailAddress::parse(text)
    }
    fn as_str(&self) -> &str {
        EmailAddress::as_str(self)
    }
}

impl TextValue for PersonName {
    const NAME: &'static str = "personName";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = Some(1);
    const MAX: Option<usize> = Some(100);
    fn parse(text: &str) -> Result<PersonName, Rule> {
        PersonName::parse(text)
    }
    fn as_str(&self) -> &str {
        PersonName::as_str(self)
    }
}

impl TextValue for CompanyName {
    const NAME: &'static str = "companyName";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = Some(1);
    const MAX: Option<usize> = Some(200);
    fn parse(text: &str) -> Result<CompanyName, Rule> {
        CompanyName::parse(text)
    }
    fn as_str(&self) -> &str {
        CompanyName::as_str(self)
    }
}

impl TextValue for ContactLine {
    const NAME: &'static str = "contactLine";
    const FORMAT: &'static str = "";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = Some(200);
    fn parse(text: &str) -> Result<ContactLine, Rule> {
        ContactLine::parse(text)
    }
    fn as_str(&self) -> &str {
        ContactLine::as_str(self)
    }
}

/// A moment in RFC 3339 or a date, as it was typed and as it was read.
pub struct Moment(String, pub Millis);

impl TextValue for Moment {
    const NAME: &'static str = "moment";
    const FORMAT: &'static str = "date-time";
    const MIN: Option<usize> = None;
    const MAX: Option<usize> = None;
    fn parse(text: &str) -> Result<Moment, Rule> {
        Millis::parse_date(text).map(|at| Moment(text.to_owned(), at)).ok_or(Rule::Moment)
    }
    fn as_str(&self) -> &str {
        &self.0
    }
}
