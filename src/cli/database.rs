//! `latchkey check`, `backup` and `restore`.

use std::fs;
use std::path::{Path, PathBuf};

use super::Refusal;
use super::output::Output;
use crate::app::{self, Ambience};
use crate::config::Settings;
use crate::service::Service;
use crate::store::{migrations, sqlite};

/// Tells whether the server would start with these settings on this database.
pub async fn check(settings: &Settings, output: Output) -> Result<(), Refusal> {
    if !settings.database.exists() {
        let path = settings.database.display();
        return output.done(&format!("the settings are sound; {path} will be made at the first start"));
    }
    sqlite::inspect(&settings.database).map_err(Refusal::because)?;
    app::open(settings, &Ambience::system(), settings.listen, 1).await?;
    output.done("the settings and the database are sound")
}

/// Copies the database into a new file.
pub fn backup(service: &Service, file: &Path, output: Output) -> Result<(), Refusal> {
    service.store.backup(file)?;
    output.done(&format!(
        "the database is copied to {}; keep the secret key with it: without the key its letters, signing keys and \
         codes cannot be read",
        file.display()
    ))
}

/// Puts a backup in the place of the database; what was there is kept beside it.
pub fn restore(settings: &Settings, file: &Path, output: Output) -> Result<(), Refusal> {
    let version = sqlite::inspect(file).map_err(Refusal::because)?;
    if version > migrations::newest() {
        return Err(Refusal::because(format_args!(
            "{} is of schema version {version}, newer than this latchkey knows: use a newer latchkey",
            file.display()
        )));
    }
    let database = &settings.database;
    // Copied beside its place first: a rename is then all or nothing.
    let incoming = beside(database, "restoring");
    copy_durably(file, &incoming).map_err(Refusal::because)?;
    let kept = beside(database, "before-restore");
    if database.exists() {
        if let Err(sentence) = sqlite::retire(database) {
            let _ = fs::remove_file(&incoming);
            return Err(Refusal::because(sentence));
        }
        fs::rename(database, &kept).map_err(Refusal::because)?;
    }
    fs::rename(&incoming, database).map_err(Refusal::because)?;
    output.done(&format!(
        "{} is restored from {}; what was there is kept as {}",
        database.display(),
        file.display(),
        kept.display()
    ))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    PathBuf::from(name)
}

fn copy_durably(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::copy(from, to)?;
    let file = fs::OpenOptions::new().write(true).open(to)?;
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.sync_all()
}
