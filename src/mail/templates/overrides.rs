//! The operator's folder of templates, read once at the start.

use std::fs::{self, DirEntry};
use std::path::{Path, PathBuf};

use super::LONGEST;
use super::embedded::EMBEDDED;
use crate::model::language::Language;

/// A template of the operator's in the place of one of ours.
pub struct Override {
    /// The name of the template whose place it takes.
    pub name: String,
    /// Where it lies, as sentences name it.
    pub path: PathBuf,
    pub source: String,
}

/// Reads a folder of overrides: what can be used, and what is wrong, a sentence each. Names that begin with a dot are
/// passed over, because file systems, editors and container platforms leave such.
pub fn read(folder: &Path) -> (Vec<Override>, Vec<String>) {
    let (mut found, mut faults) = (Vec::new(), Vec::new());
    let entries = match entries(folder) {
        Ok(entries) => entries,
        Err(fault) => return (found, vec![fault]),
    };
    for entry in entries {
        let (path, name) = (entry.path(), file_name(&entry));
        if !path.is_dir() {
            read_file(&path, &name, &mut found, &mut faults);
        } else if is_language(&name) {
            match self::entries(&path) {
                Ok(files) => {
                    for file in files {
                        let below = format!("{name}/{}", file_name(&file));
                        read_file(&file.path(), &below, &mut found, &mut faults);
                    }
                }
                Err(fault) => faults.push(fault),
            }
        } else {
            let languages = Language::ALL.map(Language::code).join(", ");
            faults.push(format!(
                "{}: there are no letters in {name:?}; folders of languages are {languages}",
                path.display()
            ));
        }
    }
    (found, faults)
}

fn is_language(name: &str) -> bool {
    Language::ALL.into_iter().any(|language| language.code() == name)
}

fn file_name(entry: &DirEntry) -> String {
    entry.file_name().to_string_lossy().into_owned()
}

/// What a folder has, in the order of names.
fn entries(folder: &Path) -> Result<Vec<DirEntry>, String> {
    let unreadable = |error| format!("{}: the folder cannot be read: {error}", folder.display());
    let mut entries =
        fs::read_dir(folder).and_then(Iterator::collect::<std::io::Result<Vec<_>>>).map_err(unreadable)?;
    entries.retain(|entry| !file_name(entry).starts_with('.'));
    entries.sort_by_key(DirEntry::file_name);
    Ok(entries)
}

fn read_file(path: &Path, below: &str, found: &mut Vec<Override>, faults: &mut Vec<String>) {
    let name = format!("mail/{below}");
    let shown = path.display();
    if !EMBEDDED.iter().any(|(known, _)| *known == name) {
        faults.push(format!("{shown}: no template has this name; {}", nearest(below)));
        return;
    }
    match read_text(path) {
        Ok(source) => found.push(Override { name, path: path.to_owned(), source }),
        Err(fault) => faults.push(format!("{shown}: {fault}")),
    }
}

/// What a file could have been meant to be.
fn nearest(below: &str) -> String {
    let Some((language, _)) = below.split_once('/') else {
        return "beside the folders of languages there are layout.html, button.html and code.html".to_owned();
    };
    let prefix = format!("mail/{language}/");
    let kinds = EMBEDDED.iter().filter_map(|(name, _)| name.strip_prefix(&prefix)?.strip_suffix(".subject"));
    format!(
        "a file of a language is KIND.subject, KIND.txt or KIND.html, and the kinds are {}",
        kinds.collect::<Vec<_>>().join(", ")
    )
}

fn read_text(path: &Path) -> Result<String, String> {
    let unreadable = |error| format!("the file cannot be read: {error}");
    let about = fs::metadata(path).map_err(unreadable)?;
    if !about.is_file() {
        return Err("this is not a file".to_owned());
    }
    if about.len() > LONGEST as u64 {
        return Err(format!("the file has {} bytes, but {LONGEST} are the most", about.len()));
    }
    let bytes = fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let before = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        format!("line {line} is not UTF-8")
    })?;
    Ok(text.trim_start_matches('\u{feff}').to_owned())
}
