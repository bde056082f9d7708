//! The demo's folder: its set-up, its policies, its log and the delivered mail.

use std::fs::{self, DirBuilder};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The folder.
#[derive(Debug)]
pub(super) struct Place {
    folder: PathBuf,
}

const FILES: [(&str, &str); 2] =
    [("listed.lua", include_str!("listed.lua")), ("touchy.lua", include_str!("touchy.lua"))];

impl Place {
    /// A new one among the temporary files, for nobody else to read.
    pub(super) fn make() -> io::Result<Place> {
        let process = std::process::id();
        for attempt in 0..1000 {
            let folder = std::env::temp_dir().join(format!("gatepost-demo-{process}-{attempt}"));
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Place { folder }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
        Err(io::ErrorKind::AlreadyExists.into())
    }

    /// Writes set-up and policies; the file of the set-up.
    pub(super) fn write(&self, bind: SocketAddr, names: SocketAddr) -> io::Result<PathBuf> {
        for (name, text) in FILES {
            fs::write(self.folder.join(name), text)?;
        }
        let text = include_str!("gatepost.toml")
            .replace("HERE_BIND", &bind.to_string())
            .replace("HERE_DNS", &names.to_string());
        let file = self.folder.join("gatepost.toml");
        fs::write(&file, text)?;
        Ok(file)
    }

    /// Deletes it with all that is in it.
    pub(super) fn delete(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.folder)
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where delivered messages are.
    pub(super) fn new_mail(&self) -> PathBuf {
        self.folder.join("Maildir/new")
    }

    /// How many there are.
    pub(super) fn delivered(&self) -> usize {
        fs::read_dir(self.new_mail()).map_or(0, Iterator::count)
    }
}
