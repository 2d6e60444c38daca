//! Domain values as the fields of bodies, where contracts agree on them.

use super::body::TextValue;
use crate::model::email::EmailAddress;
use crate::model::fault::Rule;
use crate::model::name::{CompanyName, ContactLine, PersonName};

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
