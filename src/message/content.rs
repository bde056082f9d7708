//! The content of one message, in its wire form: what DATA carries, dots stuffed, without the final dot.

use std::ops::Range;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use sha2::{Digest, Sha256};

pub use crate::message::shelf::CHUNK;
pub use crate::message::spool::SpoolError;
use crate::message::spool::{Room, Spool};
pub use crate::message::spool::{SendError, SpoolFile};
use crate::smtp::data_encoder::Unstuffer;

/// Content that is still coming. Octets are read straight into its chunk and never copied again.
#[derive(Debug)]
pub struct Intake {
    room: Room,
    /// Full chunks, from the message's start.
    memory: Vec<Bytes>,
    memory_size: u64,
    file: Option<(SpoolFile, u64)>,
    chunk: Vec<u8>,
    /// Octets that stay in memory: the spool's bound, or the header's if that is more.
    bound: u64,
    first_octet: Option<u8>,
    /// What went wrong, or that the wait for a write was given up: the content has a hole from then on.
    broken: Option<SpoolError>,
}

/// Octets of the first chunk: most messages fit.
const FIRST_CHUNK: usize = 8 * 1024;

impl Intake {
    /// An empty intake into `spool`, which keeps at least `header_bound` octets in memory.
    pub fn new(spool: &Arc<Spool>, header_bound: u64) -> Self {
        Intake {
            room: Room::new(Arc::clone(spool)),
            memory: Vec::new(),
            memory_size: 0,
            file: None,
            chunk: Vec::new(),
            bound: spool.memory().max(header_bound),
            first_octet: None,
            broken: None,
        }
    }

    /// Octets taken.
    pub fn len(&self) -> u64 {
        let in_file = self.file.as_ref().map_or(0, |(_, size)| *size);
        self.memory_size + in_file + self.chunk.len() as u64
    }

    /// Whether nothing was taken.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The chunk that is being filled, with room for more: read into its spare capacity, then cut off what does
    /// not belong to the content.
    pub fn chunk(&mut self) -> &mut Vec<u8> {
        if self.chunk.capacity() == 0 {
            self.chunk = self.next_chunk();
        }
        &mut self.chunk
    }

    /// An empty chunk. Chunks grow, and one ends at the bound; what comes then is written in pieces of a full size.
    fn next_chunk(&self) -> Vec<u8> {
        let left = usize::try_from(self.bound.saturating_sub(self.memory_size)).unwrap_or(usize::MAX);
        let grown = self.memory.last().map_or(FIRST_CHUNK, |last| last.len().saturating_mul(4).min(CHUNK));
        let room = match left {
            0 if self.file.is_none() && self.memory.is_empty() => FIRST_CHUNK, // nothing may stay in memory
            0 => CHUNK,
            left => grown.min(left),
        };
        if room == CHUNK { self.room.spool().shelf().take() } else { Vec::with_capacity(room) }
    }

    /// Adds `octets` that were read elsewhere.
    ///
    /// *Errors*: as `settle`.
    pub async fn append(&mut self, mut octets: &[u8]) -> Result<(), SpoolError> {
        while !octets.is_empty() {
            let chunk = self.chunk();
            let (now, later) = octets.split_at(octets.len().min(chunk.capacity() - chunk.len()));
            chunk.extend_from_slice(now);
            octets = later;
            self.settle().await?;
        }
        Ok(())
    }

    /// Puts a full chunk where it belongs, so that there is room again.
    ///
    /// *Errors*: `Full` past the limit of the spool; `Storage` if the file can't be made or written, and from then
    /// on again; `Stopped` also if an earlier wait was given up.
    pub async fn settle(&mut self) -> Result<(), SpoolError> {
        if self.chunk.len() < self.chunk.capacity() || self.chunk.is_empty() {
            return Ok(());
        }
        self.store().await
    }

    /// Puts what the chunk holds where it belongs.
    async fn store(&mut self) -> Result<(), SpoolError> {
        if let Some(broken) = &self.broken {
            return Err(broken.clone());
        }
        self.room.take(self.chunk.len() as u64)?;
        self.first_octet = self.first_octet.or(self.chunk.first().copied());
        // A chunk ends at the bound.
        if self.file.is_none() && self.memory_size < self.bound {
            self.keep_chunk();
            return Ok(());
        }
        // Holds if this future is dropped at an await.
        self.broken = Some(SpoolError::Stopped);
        let written = self.write_chunk().await;
        self.broken = written.as_ref().err().cloned();
        written
    }

    async fn write_chunk(&mut self) -> Result<(), SpoolError> {
        let (file, size) = match &self.file {
            Some((file, size)) => (file.clone(), *size),
            None => (SpoolFile::create(self.room.spool()).await?, 0),
        };
        let chunk = std::mem::take(&mut self.chunk);
        let written = chunk.len() as u64;
        let mut buffer = file.write(size, chunk).await?;
        self.file = Some((file, size + written));
        buffer.clear();
        buffer.reserve_exact(CHUNK);
        self.chunk = buffer;
        Ok(())
    }

    fn keep_chunk(&mut self) {
        self.memory_size += self.chunk.len() as u64;
        let chunk = std::mem::take(&mut self.chunk);
        self.memory.push(self.room.spool().shelf().share(chunk));
    }

    /// The first `most` octets, or all if there are fewer; they are in memory as long as `most` is at most
    /// the header bound.
    pub fn head(&self, most: u64) -> Bytes {
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let mut head = BytesMut::new();
        let last: &[u8] = if self.file.is_none() { &self.chunk } else { &[] };
        for part in self.memory.iter().map(|chunk| &chunk[..]).chain([last]) {
            let wanted = most - head.len();
            head.extend_from_slice(part.get(..wanted).unwrap_or(part));
        }
        head.freeze()
    }

    /// The whole content.
    ///
    /// *Errors*: as `settle`.
    pub async fn finish(mut self) -> Result<Content, SpoolError> {
        self.store().await?;
        let file_size = self.file.as_ref().map_or(0, |(_, size)| *size);
        let parts = Parts {
            _room: self.room,
            memory: self.memory,
            memory_size: self.memory_size,
            file: self.file.map(|(file, _)| file),
            first_octet: self.first_octet,
        };
        Ok(Content { size: parts.memory_size + file_size, parts: Arc::new(parts) })
    }
}

/// A complete content, cheap to clone.
#[derive(Clone, Debug)]
pub struct Content {
    parts: Arc<Parts>,
    size: u64,
}

#[derive(Debug)]
struct Parts {
    _room: Room,
    memory: Vec<Bytes>,
    memory_size: u64,
    file: Option<SpoolFile>,
    first_octet: Option<u8>,
}

impl Content {
    /// Octets of wire form.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Whether it begins with white space: put behind a field, its first line would be taken for a part of that.
    pub fn starts_with_blank(&self) -> bool {
        matches!(self.parts.first_octet, Some(b' ' | b'\t'))
    }

    /// The longest run of octets from `range.start` on that is at hand in one piece, within `range`; at most
    /// 256 KiB of what is in the file. Empty at the end.
    ///
    /// *Errors*: the file can't be read.
    pub async fn piece(&self, range: Range<u64>) -> Result<Bytes, SpoolError> {
        let end = range.end.min(self.size);
        let wanted = usize::try_from(end.saturating_sub(range.start)).unwrap_or(usize::MAX);
        let mut start = 0;
        for chunk in &self.parts.memory {
            let here = range.start.checked_sub(start).and_then(|at| usize::try_from(at).ok());
            if let Some(at) = here.filter(|at| *at < chunk.len()) {
                return Ok(chunk.slice(at..chunk.len().min(at.saturating_add(wanted))));
            }
            start += chunk.len() as u64;
        }
        match &self.parts.file {
            Some(file) if wanted > 0 => {
                file.read(range.start - self.parts.memory_size, wanted.min(CHUNK)).await
            }
            _ => Ok(Bytes::new()),
        }
    }

    /// The file that holds the octet at `at`, where in it that stands, and how many follow to the end; nothing if the
    /// octet is in memory or there is none.
    pub fn in_file(&self, at: u64) -> Option<(&SpoolFile, u64, u64)> {
        let offset = at.checked_sub(self.parts.memory_size).filter(|_| at < self.size)?;
        self.parts.file.as_ref().map(|file| (file, offset, self.size - at))
    }

    /// The first `most` octets in one piece, or all if there are fewer.
    ///
    /// *Errors*: the file can't be read.
    pub async fn head(&self, most: u64) -> Result<Bytes, SpoolError> {
        let first = self.piece(0..most).await?;
        if first.len() as u64 >= most.min(self.size) {
            return Ok(first);
        }
        let mut head = BytesMut::from(&first[..]);
        while (head.len() as u64) < most.min(self.size) {
            head.extend_from_slice(&self.piece(head.len() as u64..most).await?);
        }
        Ok(head.freeze())
    }

    /// The SHA-256 of the content, dots unstuffed. Other sessions are served after each piece.
    ///
    /// *Errors*: the file can't be read.
    pub async fn sha256(&self) -> Result<[u8; 32], SpoolError> {
        let mut digest = Sha256::new();
        let mut unstuffer = Unstuffer::default();
        let mut at = 0;
        while at < self.size {
            let piece = self.piece(at..self.size).await?;
            at += piece.len() as u64;
            unstuffer.feed(&piece, |octets| digest.update(octets));
            tokio::task::yield_now().await;
        }
        Ok(digest.finalize().into())
    }
}

#[cfg(test)]
mod tests;
