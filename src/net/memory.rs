//! A connection that never leaves the process: what one end writes, the other reads. For tests of policies.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use parking_lot::Mutex;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// One end. Dropped, it is closed.
#[derive(Debug)]
pub struct Memory {
    reads: Arc<Mutex<Pipe>>,
    writes: Arc<Mutex<Pipe>>,
}

/// One direction.
#[derive(Debug, Default)]
struct Pipe {
    octets: BytesMut,
    /// Nothing more will be written.
    is_finished: bool,
    /// Nobody will read it.
    is_abandoned: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// Octets that wait to be read at most.
const ROOM: usize = 64 << 10;

/// Both ends of a new connection.
pub fn pair() -> (Memory, Memory) {
    let (there, back) = (Arc::new(Mutex::default()), Arc::new(Mutex::default()));
    let near = Memory { reads: Arc::clone(&back), writes: Arc::clone(&there) };
    (near, Memory { reads: there, writes: back })
}

impl Memory {
    /// Whether octets, or the end, wait to be read.
    pub fn is_readable(&self) -> bool {
        let pipe = self.reads.lock();
        !pipe.octets.is_empty() || pipe.is_finished
    }

    /// As `Stream::peek_now`.
    pub fn peek(&self, place: &mut [u8]) -> Option<usize> {
        let pipe = self.reads.lock();
        let length = pipe.octets.len().min(place.len());
        for (to, from) in place.iter_mut().zip(&pipe.octets) {
            *to = *from;
        }
        (length > 0 || pipe.is_finished).then_some(length)
    }

    /// Waits until the other end has said its last, and all of it was read.
    pub async fn left(&self) {
        poll_fn(|context| {
            let mut pipe = self.reads.lock();
            if pipe.octets.is_empty() && pipe.is_finished {
                return Poll::Ready(());
            }
            pipe.reader = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Writes what there is room for, at once.
    ///
    /// *Errors*: `BrokenPipe`: the other end is gone. `WouldBlock`: there is no room.
    pub fn try_write(&self, octets: &[u8]) -> io::Result<usize> {
        self.writes.lock().write(octets)
    }
}

impl Pipe {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        if self.is_abandoned || self.is_finished {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        let length = octets.len().min(ROOM.saturating_sub(self.octets.len()));
        if length == 0 && !octets.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.octets.extend_from_slice(octets.get(..length).unwrap_or_default());
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Ok(length)
    }

    fn finish(&mut self) {
        self.is_finished = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl AsyncRead for Memory {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut pipe = self.reads.lock();
        if pipe.octets.is_empty() {
            if pipe.is_finished {
                return Poll::Ready(Ok(()));
            }
            pipe.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let length = pipe.octets.len().min(buffer.remaining());
        buffer.put_slice(pipe.octets.get(..length).unwrap_or_default());
        pipe.octets.advance(length);
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        let mut pipe = self.writes.lock();
        match pipe.write(octets) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                pipe.writer = Some(context.waker().clone());
                Poll::Pending
            }
            written => Poll::Ready(written),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writes.lock().finish();
        Poll::Ready(Ok(()))
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.writes.lock().finish();
        let mut pipe = self.reads.lock();
        pipe.is_abandoned = true;
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test]
    async fn what_one_end_writes_the_other_reads_to_the_end() {
        let (mut near, mut far) = pair();
        let sent: Vec<u8> = (0..ROOM * 3).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let write = async {
            near.write_all(&sent).await.unwrap();
            near.shutdown().await.unwrap();
        };
        let mut got = Vec::new();
        let (_, read) = tokio::join!(write, far.read_to_end(&mut got));
        assert_eq!(read.unwrap(), sent.len());
        assert!(got == sent);
    }

    #[tokio::test]
    async fn what_waits_is_seen_and_stays() {
        let (near, mut far) = pair();
        let mut place = [0; 2];
        assert_eq!((far.peek(&mut place), far.is_readable()), (None, false));
        assert_eq!(near.try_write(b"abc").unwrap(), 3);
        assert_eq!((far.peek(&mut place), place, far.is_readable()), (Some(2), *b"ab", true));
        drop(near);
        let mut got = String::new();
        far.read_to_string(&mut got).await.unwrap();
        assert_eq!((got.as_str(), far.peek(&mut place)), ("abc", Some(0)));
    }

    #[tokio::test]
    async fn who_writes_to_nobody_is_told() {
        let (mut near, far) = pair();
        let mut waiting = Box::pin(async move { near.write_all(&[0; ROOM + 1]).await });
        assert!(futures_util::poll!(&mut waiting).is_pending());
        drop(far);
        assert_eq!(waiting.await.unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
}
