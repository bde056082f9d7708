//! A password or a token of our own, in a file that others shouldn't be able to read.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::smtp::secret::Secret;

/// Why there is none.
#[derive(Debug, thiserror::Error)]
#[error("{}: {why}", path.display())]
pub struct SecretFileError {
    /// The file.
    pub path: PathBuf,
    /// In words.
    pub why: String,
}

/// Whether everybody on this machine can read the file at `path`, as far as its own mode says.
pub fn is_open(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o004 != 0)
}

/// Octets of a file that are looked at.
const LARGEST: usize = 4096;

/// The first line of the file at `path`.
///
/// *Errors*: it can't be read, or has none.
pub fn read(path: &Path) -> Result<Secret, SecretFileError> {
    let wrong = |why: String| SecretFileError { path: path.to_owned(), why };
    let mut file = std::fs::File::open(path).map_err(|error| wrong(error.to_string()))?;
    let mut octets = Secret::new(vec![0; LARGEST]);
    let mut length = 0;
    while let Some(room) = octets.octets_mut().get_mut(length..).filter(|room| !room.is_empty()) {
        match file.read(room).map_err(|error| wrong(error.to_string()))? {
            0 => break,
            more => length += more,
        }
    }
    let mut lines = octets.octets().get(..length).unwrap_or_default().split(|octet| *octet == b'\n');
    let line = lines.next().unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    match line {
        [] => Err(wrong("its first line is empty".to_owned())),
        _ if line.len() == LARGEST => Err(wrong("its first line is too long".to_owned())),
        _ if line.contains(&0) => Err(wrong("there are octets in it that no secret has".to_owned())),
        line => Ok(Secret::from(line)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let too_long = "x".repeat(LARGEST + 1);
        for (text, want) in [
            ("pencil", Ok("pencil")),
            ("pencil\n", Ok("pencil")),
            ("pencil\r\nmore", Ok("pencil")),
            (" a b ", Ok(" a b ")),
            ("", Err("its first line is empty")),
            ("\npencil", Err("its first line is empty")),
            ("a\0b", Err("there are octets in it that no secret has")),
            (&too_long, Err("its first line is too long")),
        ] {
            std::fs::write(&path, text).unwrap();
            let read = read(&path).map_err(|error| error.why);
            assert_eq!(read.as_ref().map(|secret| secret.text().unwrap()).map_err(String::as_str), want);
        }
        let error = read(&folder.path().join("absent")).unwrap_err().to_string();
        assert!(error.contains("absent: No such file"), "{error}");
    }
}
