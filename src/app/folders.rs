//! The folders that the process writes into: where they are, whether they can be written, what they lie on.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, anyhow};
use rustix::fs::{Access, FsWord, access, chown, statfs};

use crate::app::rights::Account;
use crate::config::Config;

/// The state directory: as configured, else systemd's, else the usual one if it is there.
pub fn state(config: &Config) -> Option<PathBuf> {
    let systemd = || {
        let all = std::env::var_os("STATE_DIRECTORY")?.into_string().ok()?;
        all.split(':').next().filter(|first| !first.is_empty()).map(PathBuf::from)
    };
    let usual = || Some(PathBuf::from("/var/lib/gatepost")).filter(|folder| folder.is_dir());
    config.service.state_directory.clone().or_else(systemd).or_else(usual)
}

/// Where content waits: as configured, else in the state directory if there is one, else in /var/tmp.
pub fn spool(config: &Config) -> PathBuf {
    config.spool.directory.clone().or_else(|| state(config)).unwrap_or_else(|| PathBuf::from("/var/tmp"))
}

/// What says where content waits: a key that stands in the file, else words for what holds without.
pub fn spool_key(config: &Config) -> &'static str {
    match (&config.spool.directory, &config.service.state_directory) {
        (Some(_), _) => SPOOL,
        (None, Some(_)) => STATE,
        (None, None) => "the folder for large messages,",
    }
}

/// The key of the spool's folder.
pub const SPOOL: &str = "spool.directory";
/// The key of the state directory.
pub const STATE: &str = "service.state_directory";

/// Makes the configured state directory if it is missing, for `account` alone.
///
/// *Errors*: it can't be made.
pub fn make_state(config: &Config, account: Option<&Account>) -> anyhow::Result<()> {
    let Some(folder) = &config.service.state_directory else { return Ok(()) };
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) => return Err(error).with_context(|| wrong(STATE, folder)),
    }
    match account {
        Some(account) if !account.is_in_force() => {
            chown(folder, Some(account.uid), Some(account.gid)).with_context(|| wrong(STATE, folder))
        }
        _ => Ok(()),
    }
}

/// Whether content can be written to its folder, by whoever runs now.
///
/// *Errors*: a line that names the folder.
pub fn test_spool(config: &Config) -> anyhow::Result<()> {
    test(spool_key(config), &spool(config))
}

/// Whether the configured state directory can be used, or made at start.
///
/// *Errors*: a line that names it.
pub fn test_state(config: &Config) -> anyhow::Result<()> {
    let Some(folder) = &config.service.state_directory else { return Ok(()) };
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    match folder.try_exists() {
        Ok(true) => test(STATE, folder),
        Ok(false) if !parent.is_dir() => {
            let above = parent.display();
            Err(anyhow!("{}: it can't be made, for {above} is no folder", wrong(STATE, folder)))
        }
        Ok(false) => Ok(()), // by whoever starts the service, who may do more than it may
        Err(error) => Err(error).with_context(|| wrong(STATE, folder)),
    }
}

/// Whether the store can be kept in `file`, by whoever runs now: it can be written, or made.
///
/// *Errors*: a line that names the file or its folder.
pub fn test_store(file: &Path) -> anyhow::Result<()> {
    if file.exists() {
        return access(file, Access::READ_OK | Access::WRITE_OK)
            .map_err(io::Error::from)
            .with_context(|| wrong("store.backend", file));
    }
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    test("store.backend", folder.unwrap_or(Path::new(".")))
}

/// Whether files can be made in `folder`, which `key` names.
///
/// *Errors*: a line that names both.
pub fn test(key: &str, folder: &Path) -> anyhow::Result<()> {
    match folder.metadata() {
        Ok(found) if !found.is_dir() => return Err(anyhow!("{}: it is no folder", wrong(key, folder))),
        Ok(_) => {}
        Err(error) => return Err(error).with_context(|| wrong(key, folder)),
    }
    access(folder, Access::WRITE_OK | Access::EXEC_OK)
        .map_err(io::Error::from)
        .with_context(|| wrong(key, folder))
}

fn wrong(key: &str, folder: &Path) -> String {
    format!("{key} {}", folder.display())
}

/// Whether `folder` lies in memory, where a large message would take what the process should have.
pub fn is_in_memory(folder: &Path) -> bool {
    const TMPFS: FsWord = 0x0102_1994;
    statfs(folder).is_ok_and(|found| found.f_type == TMPFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_folder_is_one_line() {
        for (folder, want) in [
            ("/", None),
            (
                "/nowhere/at/all",
                Some("spool.directory /nowhere/at/all: No such file or directory (os error 2)"),
            ),
            ("/etc/passwd", Some("spool.directory /etc/passwd: it is no folder")),
        ] {
            let found = test("spool.directory", Path::new(folder)).err().map(|error| format!("{error:#}"));
            if folder != "/" || found.is_none() {
                assert_eq!(found.as_deref(), want, "{folder}");
            }
        }
    }

    #[test]
    fn a_folder_in_memory_is_seen() {
        assert!(!is_in_memory(Path::new("/proc")));
        if Path::new("/dev/shm").is_dir() {
            assert!(is_in_memory(Path::new("/dev/shm")));
        }
    }
}
