//! Where lines go in the end: standard error, a file, the journal. Blocks; the log's own thread alone calls it.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::time::Duration;

use crate::observe::config::{Format, Log};
use crate::observe::journal;

/// Something that lines are written to.
#[derive(Debug)]
pub(super) enum Output {
    /// Standard error.
    Terminal,
    /// A file, appended to.
    File(File),
    /// The journal, a datagram a line.
    Journal(UnixDatagram),
}

impl Output {
    /// Opens what `log` asks for.
    ///
    /// Errors: the file can't be appended to, there is no journal.
    pub(super) fn open(log: &Log) -> io::Result<Self> {
        match (log.format, &log.file) {
            (Format::Journald, _) => Self::journal(Path::new(journal::SOCKET)),
            (_, Some(file)) => {
                // Addresses of people stand in it: not for everyone to read.
                OpenOptions::new().append(true).create(true).mode(0o640).open(file).map(Self::File)
            }
            (_, None) => Ok(Self::Terminal),
        }
    }

    /// The journal that listens at `socket`.
    pub(super) fn journal(socket: &Path) -> io::Result<Self> {
        let journal = UnixDatagram::unbound()?;
        journal.connect(socket)?;
        Ok(Self::Journal(journal))
    }

    /// Writes the lines that end at `ends`.
    ///
    /// Errors: how many lines were lost, whether a part of one was written, and why.
    pub(super) fn write(&mut self, octets: &[u8], ends: &[usize]) -> Result<(), Loss> {
        match self {
            Self::Terminal => write_all(&mut io::stderr(), octets, ends),
            Self::File(file) => write_all(file, octets, ends),
            Self::Journal(journal) => send_all(journal, octets, ends),
        }
    }
}

/// Lines that could not be written.
#[derive(Debug)]
pub(super) struct Loss {
    /// How many.
    pub(super) lines: usize,
    /// Whether the first of them was begun.
    pub(super) is_torn: bool,
    /// Why.
    pub(super) cause: io::Error,
}

fn write_all(to: &mut impl Write, octets: &[u8], ends: &[usize]) -> Result<(), Loss> {
    let mut written = 0;
    let mut patience = PATIENCE;
    while let Some(rest) = octets.get(written..).filter(|rest| !rest.is_empty()) {
        let cause = match to.write(rest) {
            Ok(0) => ErrorKind::WriteZero.into(),
            Ok(more) => {
                written += more;
                continue;
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => continue,
            Err(cause) if cause.kind() == ErrorKind::WouldBlock && patience > 0 => {
                // Somebody made standard error non-blocking: wait for its reader.
                patience -= 1;
                std::thread::sleep(PAUSE);
                continue;
            }
            Err(cause) => cause,
        };
        let lines = ends.iter().filter(|end| **end > written).count();
        let is_torn = written > 0 && !ends.contains(&written);
        return Err(Loss { lines, is_torn, cause });
    }
    Ok(())
}

fn send_all(journal: &UnixDatagram, octets: &[u8], ends: &[usize]) -> Result<(), Loss> {
    let mut begin = 0;
    let mut loss: Option<Loss> = None;
    for end in ends {
        let datagram = octets.get(begin..*end).unwrap_or_default();
        begin = *end;
        if let Err(cause) = journal.send(datagram) {
            let lines = loss.map_or(0, |loss| loss.lines) + 1;
            loss = Some(Loss { lines, is_torn: false, cause });
        }
    }
    loss.map_or(Ok(()), Err)
}

/// How often a full pipe is tried again: for 2 s in all.
const PATIENCE: u32 = 400;
const PAUSE: Duration = Duration::from_millis(5);
