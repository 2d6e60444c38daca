//! `latchkey check`, `backup` and `restore`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Refusal;
use super::output::Output;
use crate::app;
use crate::config::Settings;
use crate::service::Service;

/// Tells whether the server would start with these settings on this database. Changes nothing.
pub fn check(settings: &Settings, output: Output) -> Result<(), Refusal> {
    output.done(&app::check(settings)?)
}

/// Copies the database into a new file.
pub fn backup(service: &Service, file: &Path, output: Output) -> Result<(), Refusal> {
    service
        .store
        .backup(file)
        .map_err(|error| Refusal::because(format_args!("cannot back up to {}: {error}", file.display())))?;
    output.done(&format!(
        "the database is copied to {}; keep the secret key with it: without the key its letters, signing keys and \
         codes cannot be read",
        file.display()
    ))
}

/// Puts a backup in the place of the database; what was there is kept beside it.
pub fn restore(settings: &Settings, file: &Path, output: Output) -> Result<(), Refusal> {
    app::inspect(file)?;
    // Found out now, not at the next start, when the old database is out of its place.
    app::opens_with_key(file, settings)?;
    let database = &settings.database;
    // Copied beside its place first: a rename is then all or nothing.
    let incoming = free_name(database, "restoring");
    copy_durably(file, &incoming).map_err(Refusal::because)?;
    let placed = put_in_place(&incoming, database);
    if placed.is_err() {
        let _ = fs::remove_file(&incoming);
    }
    let kept =
        placed?.map_or_else(String::new, |kept| format!("; what was there is kept as {}", kept.display()));
    output.done(&format!("{} is restored from {}{kept}", database.display(), file.display()))
}

fn put_in_place(incoming: &Path, database: &Path) -> Result<Option<PathBuf>, Refusal> {
    let mut kept = None;
    if database.exists() {
        app::retire(database)?;
        keep_owner(database, incoming)?;
        let aside = free_name(database, "before-restore");
        fs::rename(database, &aside).map_err(Refusal::because)?;
        kept = Some(aside);
    }
    fs::rename(incoming, database).map_err(Refusal::because)?;
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(Refusal::because)?;
    Ok(kept)
}

/// Gives the new file the owner of the old: who restores is often root, and the server is not.
fn keep_owner(old: &Path, new: &Path) -> Result<(), Refusal> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::{MetadataExt, chown};
        let owner = fs::metadata(old).map_err(Refusal::because)?;
        let now = fs::metadata(new).map_err(Refusal::because)?;
        if (owner.uid(), owner.gid()) != (now.uid(), now.gid()) {
            chown(new, Some(owner.uid()), Some(owner.gid())).map_err(Refusal::because)?;
        }
    }
    Ok(())
}

/// A name beside a file that nothing has yet: `<file>.<ending>`, then `<file>.<ending>.2`, and so on.
fn free_name(path: &Path, ending: &str) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{ending}"));
        if number > 1 {
            name.push(format!(".{number}"));
        }
        PathBuf::from(name)
    };
    (1..).map(numbered).find(|name| !name.exists()).expect("some number is free")
}

fn copy_durably(from: &Path, to: &Path) -> std::io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(to)?;
    std::io::copy(&mut fs::File::open(from)?, &mut file)?;
    file.sync_all()
}
