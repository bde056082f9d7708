//! One connection's octets: read without a buffer of its own, written in as few calls as possible.

use std::future::{pending, poll_fn};
use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use rustix::io::Errno;
use rustix::net::{RecvFlags, recv};
use rustls::HandshakeKind;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest, ReadBuf, Ready};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsStream;
use zeroize::Zeroize;

use crate::net::memory::Memory;
use crate::net::tls::unasked::unasked;

/// A TCP or a unix connection, or one within the process.
#[derive(Debug)]
pub enum Stream {
    /// Over TCP, without Nagle's delay.
    Tcp(TcpStream),
    /// Over a socket in the file system.
    Unix(UnixStream),
    /// Within the process, where policies are tested.
    Memory(Memory),
    /// Encrypted, over one of the others.
    Tls(Box<TlsStream<Stream>>),
    /// None: it is being made into another one, or that has failed.
    Gone,
}

/// Octets that one read takes at most, other than content.
const READ: usize = 16 * 1024;

impl Stream {
    /// A connected TCP stream, with TCP_NODELAY set: what belongs together is written together.
    pub fn tcp(stream: TcpStream) -> io::Result<Stream> {
        stream.set_nodelay(true)?;
        Ok(Stream::Tcp(stream))
    }

    /// A new connection over TCP.
    pub async fn connect(address: SocketAddr) -> io::Result<Stream> {
        Stream::tcp(TcpStream::connect(address).await?)
    }

    /// A new connection to a socket in the file system.
    pub async fn connect_unix(path: &Path) -> io::Result<Stream> {
        Ok(Stream::Unix(UnixStream::connect(path).await?))
    }

    /// Whether it resumes an earlier session of TLS.
    pub fn is_resumed(&self) -> bool {
        let Stream::Tls(stream) = self else { return false };
        stream.get_ref().1.handshake_kind() == Some(HandshakeKind::Resumed)
    }

    /// Waits for octets and gives them to `take`; an empty slice is the end.
    ///
    /// The buffer is on the stack while octets are at hand, so an idle connection holds none; it is wiped, for a password may
    /// have been in it. Safe to drop.
    pub async fn read<T>(&mut self, take: impl FnOnce(&[u8]) -> T) -> io::Result<T> {
        let mut take = Some(take);
        poll_fn(move |context| {
            let mut octets = [MaybeUninit::<u8>::uninit(); READ];
            let mut buffer = ReadBuf::uninit(&mut octets);
            ready!(Pin::new(&mut *self).poll_read(context, &mut buffer))?;
            match take.take() {
                Some(take) => {
                    let taken = take(buffer.filled());
                    buffer.filled_mut().zeroize();
                    Poll::Ready(Ok(taken))
                }
                None => Poll::Pending, // not polled again once it is ready
            }
        })
        .await
    }

    /// Waits for octets and puts them into the spare room of `chunk`, at most `most`; 0 is the end. Safe to drop.
    pub async fn read_into(&mut self, chunk: &mut Vec<u8>, most: u64) -> io::Result<usize> {
        // The room is bounded, so that the chunk never grows.
        let room = (chunk.capacity() - chunk.len()).min(usize::try_from(most).unwrap_or(usize::MAX));
        let mut limited = bytes::BufMut::limit(chunk, room);
        self.read_buf(&mut limited).await
    }

    /// Whether octets, or the end, are known to wait; asks nothing of the system.
    pub fn is_readable_now(&mut self) -> bool {
        match self {
            Stream::Tls(stream) => has_plaintext(stream) || stream.get_mut().0.is_readable_now(),
            clear => clear.may_have_more(),
        }
    }

    /// Waits for the first octet that comes, which stays there; nothing is the end. Safe to drop.
    pub async fn first_octet(&self) -> io::Result<Option<u8>> {
        let mut octet = [0];
        loop {
            self.ready(Interest::READABLE).await?;
            match self.peek_now(&mut octet)? {
                Some(0) => return Ok(None),
                Some(_) => return Ok(octet.first().copied()),
                None => self.note_nothing_to_read(),
            }
        }
    }

    /// Writes what the system takes of `octets` at once, and how much that was. Safe to drop.
    pub async fn write_some(&mut self, octets: &[u8]) -> io::Result<usize> {
        AsyncWriteExt::write(self, octets).await
    }

    /// The octets that wait to be read, at most as many as `place` holds, which stay there: 0 is the end, nothing is
    /// that none have come. Asks the system itself, whatever the runtime knows. Under TLS they are those of its records.
    pub fn peek_now(&self, place: &mut [u8]) -> io::Result<Option<usize>> {
        let flags = RecvFlags::PEEK | RecvFlags::DONTWAIT;
        let waiting = match self {
            Stream::Tcp(stream) => recv(stream, place, flags),
            Stream::Unix(stream) => recv(stream, place, flags),
            Stream::Memory(stream) => return Ok(stream.peek(place)),
            Stream::Tls(stream) => return stream.get_ref().0.peek_now(place),
            Stream::Gone => return Ok(Some(0)),
        };
        match waiting {
            Ok((length, _)) => Ok(Some(length)),
            Err(Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// What waits though nobody asked for it, as `peek_now` tells it; under TLS the first of it is taken.
    pub fn unasked(&mut self, place: &mut [u8]) -> io::Result<Option<usize>> {
        match self {
            Stream::Tls(stream) => unasked(stream, Stream::receive_now, place),
            _ => self.peek_now(place),
        }
    }

    /// Takes what waits, at most as much as `place` holds. Asks the system itself, whatever the runtime knows.
    ///
    /// *Errors*: `WouldBlock`: nothing does.
    fn receive_now(&self, place: &mut [u8]) -> io::Result<usize> {
        let received = match self {
            Stream::Tcp(stream) => recv(stream, place, RecvFlags::DONTWAIT),
            Stream::Unix(stream) => recv(stream, place, RecvFlags::DONTWAIT),
            Stream::Memory(_) | Stream::Tls(_) | Stream::Gone => Err(Errno::AGAIN), // none is under a TLS
        };
        Ok(received.map(|(length, _)| length)?)
    }

    /// Waits until the other side has left: it reset the connection or, with nothing left to read, ended it. Who has
    /// said all, and ended its half, may still want to hear: octets that wait are a reason to stay. Safe to drop.
    pub async fn left(&self) {
        if let Stream::Memory(stream) = self {
            return stream.left().await;
        }
        let mut octets = [0; 5];
        while self.ready(Interest::READABLE).await.is_ok() {
            match self.peek_now(&mut octets) {
                Ok(None) => self.note_nothing_to_read(),
                Ok(Some(0)) | Err(_) => return,
                Ok(Some(_)) if matches!(self, Stream::Tls(_)) && is_farewell(octets) => return,
                Ok(Some(_)) => return self.reset().await,
            }
        }
    }

    /// Waits until the other side has reset the connection. Safe to drop.
    pub async fn reset(&self) {
        // An error here is one of the runtime's: nobody will ever know.
        let _ = self.ready(Interest::ERROR).await;
    }

    async fn ready(&self, interest: Interest) -> io::Result<Ready> {
        match self {
            Stream::Tcp(stream) => stream.ready(interest).await,
            Stream::Unix(stream) => stream.ready(interest).await,
            Stream::Memory(_) => pending().await, // it is never reset
            Stream::Tls(stream) => Box::pin(stream.get_ref().0.ready(interest)).await,
            Stream::Gone => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Tells the runtime, which believed that there was something.
    fn note_nothing_to_read(&self) {
        let nothing = || -> io::Result<()> { Err(io::ErrorKind::WouldBlock.into()) };
        let _ = match self {
            Stream::Tcp(stream) => stream.try_io(Interest::READABLE, nothing),
            Stream::Unix(stream) => stream.try_io(Interest::READABLE, nothing),
            Stream::Memory(_) | Stream::Gone => Ok(()), // it is never wrong about that
            Stream::Tls(stream) => {
                stream.get_ref().0.note_nothing_to_read();
                Ok(())
            }
        };
    }

    /// Writes what the system takes of `octets` now, without a wait; for last words that nobody needs.
    pub fn write_now(&mut self, octets: &[u8]) {
        let _ = match self {
            Stream::Tcp(stream) => stream.try_write(octets),
            Stream::Unix(stream) => stream.try_write(octets),
            Stream::Memory(stream) => stream.try_write(octets),
            Stream::Tls(stream) => return write_record(stream, octets),
            Stream::Gone => return,
        };
    }

    /// Writes all of `octets`.
    pub async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.write_all(octets).await?;
        self.flush().await
    }

    /// Writes all of `pieces`, together where the system takes them together.
    pub async fn write_pieces(&mut self, pieces: &mut Vec<Bytes>) -> io::Result<()> {
        let mut first = 0;
        while let Some(rest) = pieces.get_mut(first..).filter(|rest| !rest.is_empty()) {
            let mut written = poll_fn(|context| {
                let mut slices = [IoSlice::new(&[]); 16];
                let mut count = 0;
                for (slice, piece) in slices.iter_mut().zip(rest.iter()) {
                    *slice = IoSlice::new(piece);
                    count += 1;
                }
                let slices = slices.get(..count).unwrap_or_default();
                Pin::new(&mut *self).poll_write_vectored(context, slices)
            })
            .await?;
            if written == 0 && rest.iter().any(|piece| !piece.is_empty()) {
                return Err(io::ErrorKind::WriteZero.into());
            }
            for piece in rest {
                let now = written.min(piece.len());
                bytes::Buf::advance(piece, now);
                written -= now;
                if !piece.is_empty() {
                    break;
                }
                first += 1;
            }
        }
        pieces.clear();
        self.flush().await
    }

    /// Waits until the system has all that was written; under TLS some of it may be held back. Safe to drop.
    pub async fn flush(&mut self) -> io::Result<()> {
        AsyncWriteExt::flush(self).await
    }

    /// Says that no more will be written.
    pub async fn shut_down_writing(&mut self) -> io::Result<()> {
        self.shutdown().await
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Memory(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Memory(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Unix(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Memory(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(context, slices),
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            _ => Poll::Ready(Ok(())), // sockets keep nothing back
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Memory(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// Whether octets were decrypted and not read yet.
fn has_plaintext(stream: &mut TlsStream<Stream>) -> bool {
    let state = match stream {
        TlsStream::Client(stream) => stream.get_mut().1.process_new_packets(),
        TlsStream::Server(stream) => stream.get_mut().1.process_new_packets(),
    };
    state.is_ok_and(|state| state.plaintext_bytes_to_read() > 0 || state.peer_has_closed())
}

/// Encrypts `octets` and writes what the system takes of them now.
fn write_record(stream: &mut TlsStream<Stream>, octets: &[u8]) {
    let mut context = Context::from_waker(Waker::noop());
    if Pin::new(&mut *stream).poll_write(&mut context, octets).is_ready() {
        let _ = Pin::new(stream).poll_flush(&mut context); // last words that nobody needs
    }
}

/// Whether a record that begins so is an alert: close_notify, or worse. Source: RFC 8446 §5.1, §6.
fn is_farewell(record: [u8; 5]) -> bool {
    // Under TLS 1.3 it is hidden among data, but two octets with their type and tag have this length and no other.
    matches!(record, [21, ..] | [23, _, _, 0, 19])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_that_is_made_has_tcp_nodelay() {
        let there = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let stream = Stream::connect(there.local_addr().unwrap()).await.unwrap();
        assert!(matches!(&stream, Stream::Tcp(stream) if stream.nodelay().unwrap()), "{stream:?}");
    }

    #[tokio::test]
    async fn pieces_arrive_whole_and_in_order() {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut near, mut far) = (Stream::Unix(near), Stream::Unix(far));
        let mut pieces: Vec<Bytes> = (0..40u8).map(|n| Bytes::from(vec![n; 50_000])).collect();
        pieces.insert(3, Bytes::new());
        let want: Vec<u8> = pieces.iter().flatten().copied().collect();
        let write = async {
            near.write_pieces(&mut pieces).await.unwrap();
            near.shut_down_writing().await.unwrap();
        };
        let read = async {
            let mut got = Vec::new();
            while far.read(|octets| got.extend_from_slice(octets)).await.is_ok() && got.len() < want.len() {}
            got
        };
        let ((), got) = tokio::join!(write, read);
        assert!(got == want);
    }

    #[tokio::test]
    async fn a_chunk_never_grows() {
        let (near, far) = UnixStream::pair().unwrap();
        let (mut near, mut far) = (Stream::Unix(near), Stream::Unix(far));
        near.write(&[7; 1000]).await.unwrap();
        let mut chunk = Vec::with_capacity(600);
        let room = chunk.capacity();
        assert_eq!(far.read_into(&mut chunk, 200).await.unwrap(), 200);
        assert_eq!(far.read_into(&mut chunk, u64::MAX).await.unwrap(), room - 200);
        assert_eq!(chunk.capacity(), room);
    }
}
