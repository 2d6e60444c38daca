//! The operator's secret: given as a setting, or kept in a file beside the database (DESIGN section 1, row 4).

use std::ffi::OsString;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::clock::Chance;

/// The fewest characters of a secret key: 128 bits even when they are hexadecimal digits.
pub const FEWEST_CHARACTERS: usize = 32;
/// More than any key has; what is longer is some other file.
const LONGEST_FILE: u64 = 64 * 1024;

/// A text of at least [`FEWEST_CHARACTERS`] characters from which all other keys are derived. Neither `Debug` nor
/// anything else but [`SecretKey::expose`] shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(String);

impl SecretKey {
    pub(super) fn parse(text: &str) -> Result<SecretKey, String> {
        if text.chars().count() < FEWEST_CHARACTERS {
            return Err(format!(
                "must have at least {FEWEST_CHARACTERS} characters, such as the output of `openssl rand -base64 32`"
            ));
        }
        Ok(SecretKey(text.to_owned()))
    }

    /// The secret itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// The key given as a setting, else the one in the file `<database>.key`, which is made at the first start: 32 random
/// bytes in base64url, mode 0600, on disk when this returns. Of processes that start at once, one makes the file and
/// all get the same key. A file that other users can read is logged as a warning.
///
/// # Errors
/// A sentence without any part of the key: the setting or the file is too short, or the file cannot be read or made.
pub fn load_or_create(settings_key: Option<&str>, database: &Path) -> Result<SecretKey, String> {
    if let Some(text) = settings_key {
        return SecretKey::parse(text.trim()).map_err(|wrong| format!("the secret key {wrong}"));
    }
    if let Some(key) = load_existing(None, database)? {
        return Ok(key);
    }
    let path = file_beside(database);
    create(&path).map_err(|fault| {
        format!(
            "the secret key file {} cannot be made: {fault}; mend that, or give the key in LATCHKEY_SECRET_KEY",
            path.display()
        )
    })?;
    load_existing(None, database)?
        .ok_or_else(|| format!("the secret key file {} was removed as soon as it was made", path.display()))
}

/// The key given as a setting, else the one in the file `<database>.key`; none when there is no such file. Makes
/// nothing.
///
/// # Errors
/// A sentence without any part of the key.
pub fn load_existing(settings_key: Option<&str>, database: &Path) -> Result<Option<SecretKey>, String> {
    if let Some(text) = settings_key {
        return SecretKey::parse(text.trim()).map(Some).map_err(|wrong| format!("the secret key {wrong}"));
    }
    let path = file_beside(database);
    let found = match read(&path) {
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|fault| unreadable(&path, &fault))?,
    };
    SecretKey::parse(found.trim()).map(Some).map_err(|wrong| {
        let state = if found.trim().is_empty() { "is empty" } else { "is too short" };
        format!(
            "the secret key file {} {state} and {wrong}; put back the file that was made with this database, since no \
             other key opens what is sealed in it",
            path.display()
        )
    })
}

fn unreadable(path: &Path, fault: &io::Error) -> String {
    format!("the secret key file {} cannot be read: {fault}", path.display())
}

fn file_beside(database: &Path) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(".key");
    PathBuf::from(name)
}

fn read(path: &Path) -> io::Result<String> {
    let file = File::open(path)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        if file.metadata()?.permissions().mode() & 0o077 != 0 {
            tracing::warn!(
                "other users of this machine can read the secret key file {0}; run `chmod 600 {0}`",
                path.display()
            );
        }
    }
    let mut text = String::new();
    file.take(LONGEST_FILE + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LONGEST_FILE {
        return Err(io::Error::new(ErrorKind::FileTooLarge, "it is far too long to be a key"));
    }
    Ok(text)
}

/// Makes the file whole or not at all: it is written under another name and then linked, which fails when another
/// process was first. That one's key counts then.
fn create(path: &Path) -> io::Result<()> {
    let chance = Chance::system();
    let mut name = OsString::from(path);
    name.push(format!(".{:016x}", u64::from_be_bytes(chance.bytes())));
    let draft = PathBuf::from(name);
    let key = URL_SAFE_NO_PAD.encode(chance.bytes::<32>());
    let linked = write_draft(&draft, &key).and_then(|()| std::fs::hard_link(&draft, path));
    // Left behind it would be a stray copy of the key; that it cannot be removed changes nothing for this start.
    let _ = std::fs::remove_file(&draft);
    match linked {
        Err(fault) if fault.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(fault) => Err(fault),
        Ok(()) => sync_directory(path),
    }
}

fn write_draft(draft: &Path, key: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(draft)?;
    file.write_all(format!("{key}\n").as_bytes())?;
    file.sync_all()
}

/// A new name is on disk only when its directory is.
#[cfg(unix)]
fn sync_directory(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn the_first_start_makes_a_private_file_and_later_ones_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("shop.db");
        let made = load_or_create(None, &database).expect("made");
        assert_eq!(made.expose().len(), 43, "32 bytes in base64url");
        assert_eq!(load_or_create(None, &database), Ok(made));
        let names: Vec<_> =
            folder.path().read_dir().expect("a folder").map(|e| e.expect("a file").file_name()).collect();
        assert_eq!(names, ["shop.db.key"], "no draft is left behind");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = folder.path().join("shop.db.key").metadata().expect("a file").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn of_those_who_start_at_once_all_get_one_key() {
        for _ in 0..20 {
            let folder = tempfile::tempdir().expect("a folder");
            let database = folder.path().join("latchkey.db");
            let barrier = Barrier::new(8);
            let start = || {
                barrier.wait();
                load_or_create(None, &database).expect("a key").expose().to_owned()
            };
            let keys: HashSet<String> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..8).map(|_| scope.spawn(start)).collect();
                threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
            });
            assert_eq!(keys.len(), 1);
            assert_eq!(folder.path().read_dir().expect("a folder").count(), 1, "no draft is left behind");
        }
    }

    #[test]
    fn a_key_that_cannot_be_is_a_sentence_without_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let database = folder.path().join("latchkey.db");
        let file = folder.path().join("latchkey.db.key");
        for (content, word) in [("", "is empty"), (" \n", "is empty"), ("hunter2\n", "is too short")] {
            std::fs::write(&file, content).expect("written");
            let fault = load_or_create(None, &database).expect_err(word);
            assert!(fault.contains(word) && fault.contains("latchkey.db.key"), "{fault}");
            assert!(!fault.contains("hunter2"), "{fault}");
            assert_eq!(std::fs::read_to_string(&file).expect("read"), content, "nothing is overwritten");
        }
        let fault = load_or_create(Some("hunter2"), &database).expect_err("too short");
        assert!(fault.contains("at least 32 characters") && !fault.contains("hunter2"), "{fault}");
        let fault = load_or_create(None, &folder.path().join("none/latchkey.db")).expect_err("no folder");
        assert!(fault.contains("cannot be made") && fault.contains("LATCHKEY_SECRET_KEY"), "{fault}");
    }

    #[test]
    fn a_key_given_as_a_setting_needs_no_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = "k".repeat(32);
        let found = load_or_create(Some(&key), &folder.path().join("latchkey.db")).expect("a key");
        assert_eq!(found.expose(), key);
        assert_eq!(folder.path().read_dir().expect("a folder").count(), 0);
        assert_eq!(format!("{found:?}"), "SecretKey(…)");
    }
}
