//! What can be wrong with submitted input, as meanings: which field, which rule. Contracts choose the words.

use std::borrow::Cow;
use std::fmt;

/// The JSON type a field was expected to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    Boolean,
    Integer,
    Number,
    Array,
    Object,
}

impl Kind {
    fn with_article(self) -> &'static str {
        match self {
            Kind::String => "a string",
            Kind::Boolean => "a boolean",
            Kind::Integer => "an integer",
            Kind::Number => "a number",
            Kind::Array => "an array",
            Kind::Object => "an object",
        }
    }
}

/// The rule that a field broke. Never carries the submitted value, so that no answer and no log can echo it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    Required,
    Type(Kind),
    NotJson,
    NotUtf8,
    TooDeep {
        levels: usize,
    },
    DuplicateKey,
    MinChars(usize),
    MaxChars(usize),
    Minimum(i64),
    Maximum(i64),
    OneOf(Vec<String>),
    /// Not an address this server takes: see `EmailAddress::parse`.
    Email,
    /// Neither an http(s) URL nor a bare host name with a public suffix.
    Website,
    /// Control or bidirectional-override characters, which could forge mail headers or mislead a reader.
    ControlCharacters,
    /// Neither a date nor a moment in RFC 3339.
    Moment,
    /// A moment that is past.
    Future,
    /// A moment at most so many days ahead.
    WithinDays(u64),
    /// A day of the calendar, without a time.
    Date,
    NeedsUpperCase,
    NeedsLowerCase,
    NeedsDigit,
    /// Anything the type's own parser refused without saying more.
    Malformed,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rule::Required => f.write_str("is required"),
            Rule::Type(kind) => write!(f, "must be {}", kind.with_article()),
            Rule::NotJson => f.write_str("must be a JSON object"),
            Rule::NotUtf8 => f.write_str("must be valid UTF-8"),
            Rule::TooDeep { levels } => write!(f, "must not nest deeper than {levels} levels"),
            Rule::DuplicateKey => f.write_str("must appear only once"),
            Rule::MinChars(1) => f.write_str("must not be empty"),
            Rule::MinChars(n) => write!(f, "must be at least {n} characters"),
            Rule::MaxChars(n) => write!(f, "must be at most {n} characters"),
            Rule::Minimum(n) => write!(f, "must be at least {n}"),
            Rule::Maximum(n) => write!(f, "must be at most {n}"),
            Rule::OneOf(values) => write!(f, "must be one of {}", values.join(", ")),
            Rule::Email => f.write_str("must be a valid email address"),
            Rule::Website => f.write_str("must be a web address"),
            Rule::ControlCharacters => f.write_str("must not contain control characters"),
            Rule::Moment => f.write_str("must be a date or a moment such as 2027-01-31T12:00:00Z"),
            Rule::Future => f.write_str("must be a moment to come"),
            Rule::WithinDays(days) => write!(f, "must be at most {days} days ahead"),
            Rule::Date => f.write_str("must be a date such as 1990-01-31"),
            Rule::NeedsUpperCase => f.write_str("must contain an upper-case letter"),
            Rule::NeedsLowerCase => f.write_str("must contain a lower-case letter"),
            Rule::NeedsDigit => f.write_str("must contain a digit"),
            Rule::Malformed => f.write_str("is malformed"),
        }
    }
}

/// One thing wrong with one field. `field` is a dotted path (`deviceInfo.name`), or `body` for the document itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    pub field: Cow<'static, str>,
    pub rule: Rule,
}

impl Fault {
    /// A fault of one field.
    pub fn new(field: impl Into<Cow<'static, str>>, rule: Rule) -> Fault {
        Fault { field: field.into(), rule }
    }

    /// A fault of the document as a whole.
    pub fn of_body(rule: Rule) -> Fault {
        Fault::new("body", rule)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.rule)
    }
}

/// Joins faults into one sentence: `email must be a valid email address; firstName is required`.
pub fn sentence(faults: &[Fault]) -> String {
    faults.iter().map(Fault::to_string).collect::<Vec<_>>().join("; ")
}
