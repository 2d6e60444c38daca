//! The `.env` file of the working directory.

use std::cell::Cell;
use std::io::{ErrorKind, Read};
use std::rc::Rc;

/// Adds the variables of the file `.env` in the working directory, if there is one, to the environment; variables that
/// are set already win. Must be called before any thread is started, since it changes the environment.
///
/// # Errors
/// A sentence that names the line, never its content, which may be a secret. Nothing was added then.
pub fn load_env_file() -> Result<(), String> {
    let bytes = match std::fs::read(".env") {
        Ok(bytes) => bytes,
        Err(fault) if fault.kind() == ErrorKind::NotFound => return Ok(()),
        Err(fault) => return Err(format!("the file .env in the working directory cannot be read: {fault}")),
    };
    check(&bytes)?;
    dotenvy::from_read(bytes.as_slice())
        .map_err(|_| "the file .env in the working directory cannot be used".to_owned())
}

fn check(bytes: &[u8]) -> Result<(), String> {
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let lines = Rc::new(Cell::new(0));
    for entry in dotenvy::from_read_iter(LineByLine { rest, lines: Rc::clone(&lines) }) {
        match entry {
            Ok((_, value)) if value.contains('\0') => {
                return Err(format!("line {} of the file .env holds a NUL character", lines.get()));
            }
            Ok(_) => {}
            Err(dotenvy::Error::LineParse(text, _)) => {
                // A value in quotation marks may go on for several lines; the first of them is where to look.
                let first =
                    lines.get() - text.trim_end_matches('\n').matches('\n').count().min(lines.get() - 1);
                return Err(format!(
                    "line {first} of the file .env is not NAME=VALUE; a value with spaces, $ or # must stand in \
                     single quotation marks"
                ));
            }
            Err(_) => return Err(format!("line {} of the file .env is not UTF-8", lines.get())),
        }
    }
    Ok(())
}

/// Gives out at most one line per read and counts them, because the parser does not say where it stands.
struct LineByLine<'a> {
    rest: &'a [u8],
    lines: Rc<Cell<usize>>,
}

impl Read for LineByLine<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let line = self.rest.iter().position(|&b| b == b'\n').map_or(self.rest.len(), |end| end + 1);
        let taken = line.min(buffer.len());
        buffer[..taken].copy_from_slice(&self.rest[..taken]);
        self.rest = &self.rest[taken..];
        if taken > 0 && taken == line {
            self.lines.set(self.lines.get() + 1);
        }
        Ok(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn a_malformed_file_is_a_sentence_with_the_line_and_without_its_content() {
        let rows: &[(&str, &[u8], Option<&str>)] = &[
            ("empty", b"", None),
            ("ordinary", b"# note\n\nA=1\nexport B='two words'\nC=\"x\ny\"\r\nD=\n", None),
            ("byte order mark", b"\xef\xbb\xbfA=1\n", None),
            ("no end of line", b"A=1", None),
            ("no equals sign", b"A=1\n\nhunter2\n", Some("line 3 ")),
            ("last line", b"A=1\nhunter2", Some("line 2 ")),
            ("bad name", b"1A=hunter2\n", Some("line 1 ")),
            ("spaces", b"A=1\n# x\nB=hunter2 and more\n", Some("line 3 ")),
            ("open quotation mark", b"A=1\nB='hunter2\nC=3\n", Some("line 2 ")),
            ("after several lines", b"A='1\n2'\nhunter2\n", Some("line 3 ")),
            ("several lines, then more", b"A=1\nB='1\n2' hunter2\nC=1\n", Some("line 2 ")),
            ("not UTF-8", b"A=1\nB=\xff\n", Some("line 2 ")),
            ("NUL", b"A=1\nB=a\0b\n", Some("line 2 ")),
        ];
        for (what, file, expected) in rows {
            let fault = check(file).err();
            assert_eq!(fault.is_some(), expected.is_some(), "{what}: {fault:?}");
            if let (Some(fault), Some(line)) = (fault, expected) {
                assert!(fault.starts_with(line), "{what}: {fault}");
                assert!(!fault.contains("hunter2"), "{what}: {fault}");
            }
        }
    }
}
