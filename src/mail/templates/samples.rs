//! Letters that nobody gets: one of each kind, to try templates with before anybody is owed a letter.

use crate::mail::{Contents, Letterhead};
use crate::model::device::Description;
use crate::model::email::EmailAddress;
use crate::model::time::Millis;

/// A name with what HTML has to escape.
pub const NAME: &str = "Zoë \"Z\" & Co";
/// An organization's name with the same.
pub const ORGANIZATION: &str = "Acme \"A\" & Sons";

/// How much a sample tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fullness {
    /// All that a letter of its kind can have.
    Full,
    /// No more than each of its kind has.
    Bare,
}

/// A letter of each kind.
pub struct Samples {
    fullness: Fullness,
    device: Description,
    address: EmailAddress,
}

impl Samples {
    /// Samples that tell so much.
    pub fn new(fullness: Fullness) -> Samples {
        let device = match fullness {
            Fullness::Full => Description::told(NAME, "phone", "Android 16", "Firefox"),
            // What could be taken for a link is left out of letters.
            Fullness::Bare => Description::told("x.example", "", "", ""),
        };
        Samples {
            fullness,
            device: device.expect("a device"),
            address: EmailAddress::parse("ann@mail.example").expect("an address"),
        }
    }

    /// What all of them have in common.
    pub fn head(&self) -> Letterhead {
        Letterhead {
            app_name: "Acme & Söhne".to_owned(),
            public_url: "https://id.acme.example".to_owned(),
            app_url: self.full().then(|| "https://www.acme.example/sign-in".to_owned()),
            from: EmailAddress::parse("no-reply@acme.example").expect("an address"),
            from_name: None,
        }
    }

    /// Whom all of them go to.
    pub fn address(&self) -> &EmailAddress {
        &self.address
    }

    /// The first name of who gets them.
    pub fn first_name(&self) -> &'static str {
        if self.full() { NAME } else { "" }
    }

    /// What each tells; a kind more than once where its letters have more than one form.
    pub fn contents(&self) -> Vec<Contents<'_>> {
        let (secret, code) = ("Sample-1_aBcDeFgHiJkLmNoPqRsTuVwXyZ01234567", "31415926");
        let expires = Millis(1_772_452_800_000);
        let organization = if self.full() { ORGANIZATION } else { "" };
        vec![
            Contents::Verify { secret, code, expires },
            Contents::Reset { secret, code, expires },
            Contents::PasswordChanged,
            Contents::Invitation { secret, code: Some(code), expires, organization },
            Contents::Invitation { secret, code: None, expires, organization },
            Contents::Welcome { api_key: "lk_Sample0000000000000000000000000000000000" },
            Contents::ChangeAddress { secret, code, expires },
            Contents::ChangeAsked,
            Contents::AddressChanged { secret, expires },
            Contents::AddressTaken,
            Contents::NewDevice {
                device: &self.device,
                at: Millis(1_772_366_400_000),
                from: [192, 0, 2, 1].into(),
            },
            Contents::LoginCode { code, expires },
            Contents::FactorOn,
            Contents::FactorOff,
            Contents::MagicLink { secret, expires },
        ]
    }

    fn full(&self) -> bool {
        self.fullness == Fullness::Full
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::letter::LetterKind;

    #[test]
    fn every_kind_has_a_sample() {
        let samples = Samples::new(Fullness::Full);
        let kinds: Vec<LetterKind> = samples.contents().iter().map(Contents::kind).collect();
        for kind in LetterKind::ALL {
            assert!(kinds.contains(&kind), "{}", kind.as_str());
        }
    }
}
