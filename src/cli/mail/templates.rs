//! `latchkey mail templates`.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::Refusal;
use crate::cli::output::Output;
use crate::mail::templates::Templates;

#[derive(Args)]
pub struct TemplatesArguments {
    /// The folder to write into; none of the files may be there already.
    #[arg(long, value_name = "FOLDER")]
    out: PathBuf,
}

/// Writes every template of this build. Nothing is written over, and nothing written where one is there already.
pub fn write(arguments: &TemplatesArguments, output: Output) -> Result<(), Refusal> {
    let folder = &arguments.out;
    let taken: Vec<String> = Templates::files()
        .map(|(below, _)| folder.join(below))
        .filter(|path| fs::symlink_metadata(path).is_ok())
        .map(|path| format!("{} is there already, and nothing is written over", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(Refusal(taken));
    }
    let mut count = 0;
    for (below, source) in Templates::files() {
        let path = folder.join(below);
        write_new(&path, source)
            .map_err(|error| Refusal::because(format_args!("cannot write {}: {error}", path.display())))?;
        count += 1;
    }
    output.done(&format!(
        "{count} templates are in {}; keep those that you change, and name the folder in LATCHKEY_MAIL_TEMPLATES",
        folder.display()
    ))
}

fn write_new(path: &Path, source: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    OpenOptions::new().write(true).create_new(true).open(path)?.write_all(source.as_bytes())
}
