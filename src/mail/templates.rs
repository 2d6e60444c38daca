//! The words of letters: templates embedded in the binary, and the operator's in their place.

mod embedded;
mod overrides;
mod samples;
mod trial;
mod values;

#[cfg(test)]
mod tests;

use std::path::Path;

use minijinja::value::Value as TemplateValue;
use minijinja::{Environment, Error, ErrorKind, HtmlEscape, UndefinedBehavior};

use super::{Contents, Letterhead, Recipient};
use crate::model::language::Language;
use crate::model::letter::{LetterBody, LetterKind};
use crate::model::name::is_forbidden;
use embedded::EMBEDDED;
use values::Values;

/// Instructions that a part may take: a hundred times what the longest of ours does. It ends loops without end.
const FUEL: u64 = 50_000;
/// How deep templates may include one another: deeper than any need, and far from the end of a thread's stack.
const DEPTH: usize = 120;
/// The longest template, and the longest part of a letter, in bytes. Mail programs cut off much shorter ones.
pub(super) const LONGEST: usize = 256 * 1024;

/// Every template, parsed.
pub struct Templates {
    ours: Environment<'static>,
    /// Ours with the operator's in the place of some.
    own: Option<Environment<'static>>,
}

/// The endings of the templates of a letter's parts.
pub(super) const ENDINGS: [&str; 3] = ["subject", "txt", "html"];

/// The parts of a letter by the endings of their templates.
struct Parts {
    subject: String,
    txt: String,
    html: String,
}

impl Templates {
    /// The templates of this build.
    pub fn embedded() -> Templates {
        Templates { ours: environment(), own: None }
    }

    /// The templates of this build, and in their place what a folder has: `<language>/<kind>.subject`, `.txt` or
    /// `.html`, and `layout.html`, `button.html`, `code.html`. Each is tried with letters of its kind.
    ///
    /// # Errors
    /// All that is wrong, a sentence each, with file and line.
    pub fn with_folder(folder: &Path) -> Result<Templates, Vec<String>> {
        let (files, mut faults) = overrides::read(folder);
        let mut own = environment();
        faults.extend(trial::faults(&mut own, &files));
        if faults.is_empty() { Ok(Templates { ours: environment(), own: Some(own) }) } else { Err(faults) }
    }

    /// The templates of this build as files, each by its path below a folder of overrides.
    pub fn files() -> impl Iterator<Item = (&'static str, &'static str)> {
        EMBEDDED.into_iter().map(|(name, source)| (name.trim_start_matches("mail/"), source))
    }

    /// Fills in the three parts of a letter. Ours stand in where the operator's fail: a letter that is owed is written,
    /// and what a trial with samples could not foresee is told to the log.
    pub fn render(&self, head: &Letterhead, to: Recipient<'_>, contents: Contents<'_>) -> LetterBody {
        let values = Values::of(head, to, contents);
        let own = self.own.as_ref().and_then(|own| own_parts(own, to.language, contents.kind(), &values));
        let parts = own.unwrap_or_else(|| {
            parts(&self.ours, to.language, contents.kind(), &values)
                .expect("every kind has every part in every language, as a test shows")
        });
        let Values { link, code, .. } = values;
        LetterBody {
            subject: parts.subject,
            text: parts.txt,
            html: parts.html,
            links: link.into_iter().collect(),
            code,
        }
    }
}

fn own_parts(own: &Environment<'_>, language: Language, kind: LetterKind, values: &Values) -> Option<Parts> {
    let fault = match parts(own, language, kind, values) {
        Ok(parts) => {
            let Parts { subject, txt, html } = &parts;
            let written = [("subject", subject), ("txt", txt), ("html", html)];
            let lack = written.into_iter().find_map(|(ending, text)| lack(ending, text, values));
            match lack {
                None => return Some(parts),
                Some(lack) => format!("one of them {lack}"),
            }
        }
        // Its details may tell what a letter says.
        Err(error) => error.kind().to_string(),
    };
    tracing::error!(
        "the words of LATCHKEY_MAIL_TEMPLATES cannot be used for a letter ({language}/{}), which goes out in ours: {fault}",
        kind.as_str()
    );
    None
}

/// An environment with the templates of this build.
fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    // A misspelled variable is a fault, not an empty place in a letter.
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH);
    environment.set_formatter(|out, state, value| {
        if value.is_none() {
            let why = "a value that not every letter has is written without asking for it with {% if %}";
            return Err(Error::new(ErrorKind::InvalidOperation, why));
        }
        minijinja::escape_formatter(out, state, value)
    });
    environment.add_filter("isolate", isolate);
    for (name, source) in EMBEDDED {
        environment.add_template(name, source).expect("embedded templates parse, as a test shows");
    }
    environment
}

fn parts(
    environment: &Environment<'_>,
    language: Language,
    kind: LetterKind,
    values: &Values,
) -> Result<Parts, Error> {
    let part = |ending| part(environment, &template_name(language, kind, ending), values);
    Ok(Parts { subject: part("subject")?, txt: part("txt")?, html: part("html")? })
}

/// One part of a letter; a subject is one line, whatever its template.
pub(super) fn part(environment: &Environment<'_>, name: &str, values: &Values) -> Result<String, Error> {
    let written = environment.get_template(name)?.render(TemplateValue::from(values.named.clone()))?;
    Ok(if name.ends_with(".subject") { one_line(&written) } else { written })
}

/// The name of the template of a part.
pub(super) fn template_name(language: Language, kind: LetterKind, ending: &str) -> String {
    format!("mail/{language}/{}.{ending}", kind.as_str())
}

/// What a reader would miss in a part of a letter, if anything: the rest of a sentence whose subject is its template.
pub(super) fn lack(ending: &str, text: &str, values: &Values) -> Option<String> {
    if text.trim().is_empty() {
        return Some("says nothing".to_owned());
    }
    if text.len() > LONGEST {
        return Some(format!("gives more than {} KiB", LONGEST / 1024));
    }
    let holds = |value: &str| match ending {
        "subject" => true,
        "html" => text.contains(value) || text.contains(&HtmlEscape(value).to_string()),
        _ => text.contains(value),
    };
    let (missing, _) = values.vital.iter().find(|(_, value)| !holds(value))?;
    Some(format!("gives a letter without {{{{ {missing} }}}}, which its reader has from nowhere else"))
}

/// A value in a sentence of plain text that is written the other way: between U+2068 and U+2069 it keeps its own
/// direction and leaves that of its neighbors alone (UAX #9, section 2.3). HTML has `bdi` for this.
fn isolate(value: &str) -> String {
    format!("\u{2068}{value}\u{2069}")
}

fn one_line(text: &str) -> String {
    text.split(|c: char| is_forbidden(c) || c.is_whitespace())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
