//! Trying the operator's templates before anybody is owed a letter: every variable known, every sample written, and in
//! each what its reader needs.

use std::collections::{BTreeSet, HashMap};

use minijinja::{Environment, Error, ErrorKind};

use super::overrides::Override;
use super::samples::{Fullness, NAME, ORGANIZATION, Samples};
use super::values::Values;
use super::{ENDINGS, lack, part, template_name};
use crate::mail::{Contents, Recipient};
use crate::model::language::Language;

/// Templates that others include, and what those hand them.
const SHARED: &[&str] = &["mail/layout.html", "mail/button.html", "mail/code.html"];
const HANDED: &[&str] = &["url", "label", "otherwise", "hint"];
/// Names of the template language itself.
const OF_THE_LANGUAGE: &[&str] = &["loop", "self", "super"];

/// Puts the overrides into the environment, and tells all that is wrong with them, a sentence each.
pub fn faults(environment: &mut Environment<'static>, overrides: &[Override]) -> Vec<String> {
    let mut trial =
        Trial { files: HashMap::new(), faults: Vec::new(), misnamed: BTreeSet::new(), shared_told: false };
    for file in overrides {
        trial.files.insert(file.name.clone(), file);
        if let Err(error) = environment.add_template_owned(file.name.clone(), file.source.clone()) {
            trial.tell(&error, &file.name);
        }
    }
    for file in overrides {
        trial.look_up_names(environment, file);
    }
    for fullness in [Fullness::Full, Fullness::Bare] {
        let samples = Samples::new(fullness);
        for contents in samples.contents() {
            for language in Language::ALL {
                trial.write(environment, &samples, contents, language);
            }
        }
    }
    trial.faults
}

struct Trial<'a> {
    files: HashMap<String, &'a Override>,
    /// In the order in which they were found, each once.
    faults: Vec<String>,
    /// Files with variables that are not known: writing them fails for no other reason.
    misnamed: BTreeSet<String>,
    /// Whether a letter of ours was told of that cannot be written with theirs: all others would say the same.
    shared_told: bool,
}

impl Trial<'_> {
    fn add(&mut self, fault: String) {
        if !self.faults.contains(&fault) {
            self.faults.push(fault);
        }
    }

    /// Names the file and the line of an error. `written` is the template that was to be written.
    fn tell(&mut self, error: &Error, written: &str) {
        let innermost = innermost(error);
        let name = innermost.name().filter(|name| self.files.contains_key(*name)).unwrap_or(written);
        let undefined = innermost.kind() == ErrorKind::UndefinedError;
        if undefined
            && self.misnamed.iter().any(|misnamed| misnamed == name || SHARED.contains(&misnamed.as_str()))
        {
            return;
        }
        let line = innermost.line().map(|line| format!(", line {line}")).unwrap_or_default();
        let words = match innermost.kind() {
            ErrorKind::OutOfFuel => "it takes too long to write; is there a loop without end?".to_owned(),
            ErrorKind::UndefinedError => "it uses a value that is not there in every letter".to_owned(),
            kind => match innermost.detail() {
                Some(detail) => format!("{kind}: {detail}"),
                None => kind.to_string(),
            },
        };
        match self.files.get(name) {
            Some(file) => self.add(format!("{}{line}: {words}", file.path.display())),
            None => self.add_shared(&format!("{} cannot be written with it: {words}", below(name))),
        }
    }

    /// Adds a fault of a letter of ours, which is one of the files that letters share.
    fn add_shared(&mut self, fault: &str) {
        if !self.shared_told {
            self.shared_told = true;
            let shared = SHARED.iter().filter_map(|name| self.files.get(*name));
            let shared = shared.map(|file| file.path.display().to_string()).collect::<Vec<_>>().join(", ");
            self.add(format!("{shared}: {fault}"));
        }
    }

    /// Finds variables that no letter of the template's kind has, also where no sample comes by.
    fn look_up_names(&mut self, environment: &Environment<'_>, file: &Override) {
        let Ok(template) = environment.get_template(&file.name) else { return };
        let known = known_names(&file.name);
        let mut unknown: Vec<String> = template
            .undeclared_variables(true)
            .into_iter()
            .filter(|name| {
                let root = name.split('.').next().unwrap_or(name);
                !known.contains(name)
                    && !OF_THE_LANGUAGE.contains(&root)
                    && !environment.globals().any(|(global, _)| global == root)
            })
            .collect();
        unknown.sort();
        for name in unknown {
            self.misnamed.insert(file.name.clone());
            let line = line_of(&file.source, name.rsplit('.').next().unwrap_or(&name));
            let listed = known.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
            self.add(format!(
                "{}, line {line}: there is no variable {name} in this letter; it has {listed}",
                file.path.display()
            ));
        }
    }

    /// Writes a sample where a template of the operator's has part in it.
    fn write(
        &mut self,
        environment: &Environment<'_>,
        samples: &Samples,
        contents: Contents<'_>,
        language: Language,
    ) {
        let kind = contents.kind();
        let shared = SHARED.iter().any(|name| self.files.contains_key(*name));
        let names = ENDINGS.map(|ending| (ending, template_name(language, kind, ending)));
        if !shared && !names.iter().any(|(_, name)| self.files.contains_key(name)) {
            return;
        }
        let to = Recipient { address: samples.address(), first_name: samples.first_name(), language };
        let values = Values::of(&samples.head(), to, contents);
        for (ending, name) in &names {
            match part(environment, name, &values) {
                Err(error) => self.tell(&error, name),
                Ok(text) => {
                    if let Some(lack) = lack(ending, &text, &values) {
                        self.blame(name, &lack);
                    }
                    if *ending == "html" && [NAME, ORGANIZATION].into_iter().any(|typed| text.contains(typed))
                    {
                        let words =
                            "writes what somebody typed without escaping it; leave out the filter safe";
                        self.blame(name, words);
                    }
                }
            }
        }
    }

    fn blame(&mut self, name: &str, words: &str) {
        match self.files.get(name) {
            Some(file) => self.add(format!("{}: it {words}", file.path.display())),
            None => self.add_shared(&format!("with it {} {words}", below(name))),
        }
    }
}

fn below(name: &str) -> &str {
    name.trim_start_matches("mail/")
}

/// The error that others only pass on: that of an include is told by the template that includes.
fn innermost(error: &Error) -> &Error {
    let mut found = error;
    while let Some(inner) = std::error::Error::source(found).and_then(|source| source.downcast_ref::<Error>())
    {
        if inner.name().is_none() {
            break;
        }
        found = inner;
    }
    found
}

/// The variables of a template: those of the letters of its kind; of all letters where letters share it.
fn known_names(template: &str) -> BTreeSet<String> {
    let samples = Samples::new(Fullness::Full);
    let shared = SHARED.contains(&template);
    let mut known = BTreeSet::new();
    for contents in samples.contents() {
        let kind = contents.kind();
        let is_its_own = |ending: &&str| template_name(Language::English, kind, ending)[8..] == template[8..];
        if shared || ENDINGS.iter().any(is_its_own) {
            known.extend(names(&samples, contents));
        }
    }
    if shared {
        known.extend(HANDED.iter().map(|name| (*name).to_owned()));
    }
    known
}

/// The variables of a letter, those within others with a dot.
pub fn names(samples: &Samples, contents: Contents<'_>) -> BTreeSet<String> {
    let to = Recipient { address: samples.address(), first_name: "", language: Language::English };
    let values = Values::of(&samples.head(), to, contents);
    let mut names = BTreeSet::new();
    for (name, value) in values.named {
        match value.kind() {
            minijinja::value::ValueKind::Map => {
                let inner = value.try_iter().expect("a map has keys");
                names.extend(inner.map(|key| format!("{name}.{key}")));
            }
            _ => {
                names.insert(name.to_owned());
            }
        }
    }
    names
}

/// The first line that has a word, from 1.
fn line_of(source: &str, word: &str) -> usize {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    source
        .lines()
        .position(|line| line.split(|c| !is_part(c)).any(|part| part == word))
        .map_or(1, |at| at + 1)
}
