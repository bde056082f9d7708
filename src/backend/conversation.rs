//! One connection to a backend: commands that are safe to write, replies that are whole, and a deadline on each.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, timeout_at};
use zeroize::Zeroize;

use crate::fault::{BackendFault, Fault};
use crate::message::content::SendError;
use crate::message::outgoing::FileRange;
use crate::net::stream::Stream;
use crate::smtp::reply_decoder::{BackendReply, ReplyDecoder, ReplyError};
use crate::smtp::secret::Secret;

/// Commands to be written together. Nothing that could end a line gets into one, whatever its source.
#[derive(Debug, Default)]
pub struct Commands {
    octets: Vec<u8>,
}

impl Commands {
    /// Adds one command, without its CRLF.
    ///
    /// *Errors*: `Confused` if it holds CR, LF or NUL, or is longer than a backend takes.
    pub fn push(&mut self, line: &str) -> Result<(), BackendFault> {
        let is_unsafe = line.len() > 4096 || line.bytes().any(|octet| matches!(octet, b'\r' | b'\n' | 0));
        if is_unsafe {
            return Err(BackendFault::Confused("a command that is not one line".to_owned()));
        }
        self.octets.extend_from_slice(line.as_bytes());
        self.octets.extend_from_slice(b"\r\n");
        Ok(())
    }

    /// The one line of an AUTH exchange, in base64 or `*` or AUTH itself; wiped when it is dropped.
    ///
    /// *Errors*: `Confused` if it is anything else, or longer than an exchange needs.
    pub fn secret(line: &Secret) -> Result<Commands, BackendFault> {
        let is_fit = |octet: &u8| octet.is_ascii_alphanumeric() || b" +/=-_*".contains(octet);
        if line.octets().len() > MAX_AUTH_LINE || !line.octets().iter().all(is_fit) {
            return Err(BackendFault::Confused("an answer that is not one line".to_owned()));
        }
        let mut octets = Vec::with_capacity(line.octets().len() + 2);
        octets.extend_from_slice(line.octets());
        octets.extend_from_slice(b"\r\n");
        Ok(Commands { octets })
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.octets.is_empty()
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// Octets of a line of AUTH. Source: RFC 4954 §4.
const MAX_AUTH_LINE: usize = 12_288 + 64;

/// A connection to a backend.
#[derive(Debug)]
pub struct Conversation {
    stream: Stream,
    decoder: ReplyDecoder,
    /// Input behind the last reply that was taken; empty but between the replies of a batch.
    input: Vec<u8>,
}

impl Conversation {
    /// A conversation over a stream that was just connected.
    pub fn new(stream: Stream) -> Self {
        Conversation { stream, decoder: ReplyDecoder::new(), input: Vec::new() }
    }

    /// Whether nobody on the way can read along.
    pub fn is_encrypted(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Our end of the connection, over TCP.
    pub fn local_address(&self) -> Option<SocketAddr> {
        self.stream.local_address()
    }

    /// The stream, on which a handshake is due.
    ///
    /// *Errors*: as `expect_silence`. What was said behind the reply to STARTTLS in clear text may be anybody's.
    pub fn into_silent_stream(mut self) -> Result<Stream, BackendFault> {
        self.expect_silence()?;
        Ok(self.stream)
    }

    /// Whether nobody else can read what is said: TLS, or no network at all.
    pub fn is_private(&self) -> bool {
        match &self.stream {
            Stream::Tls(_) | Stream::Unix(_) | Stream::Memory(_) => true,
            Stream::Tcp(stream) => stream.peer_addr().is_ok_and(|at| at.ip().to_canonical().is_loopback()),
            Stream::Gone => false,
        }
    }

    /// Writes `commands` in one go.
    ///
    /// *Errors*: `Confused` if the backend has said something that nobody asked for; `Lost` if the connection is gone
    /// or takes nothing before `deadline`.
    pub async fn write(&mut self, commands: &Commands, deadline: Instant) -> Result<(), BackendFault> {
        self.expect_silence_so_far()?;
        match timeout_at(deadline, self.stream.write(&commands.octets)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(BackendFault::Lost(error.to_string())),
            Err(_) => Err(BackendFault::Lost("it takes no commands".to_owned())),
        }
    }

    /// Writes `pieces` of content.
    ///
    /// *Errors*: as `write`.
    pub async fn write_content(
        &mut self,
        pieces: &mut Vec<Bytes>,
        deadline: Instant,
    ) -> Result<(), BackendFault> {
        match timeout_at(deadline, self.stream.write_pieces(pieces)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(BackendFault::Lost(error.to_string())),
            Err(_) => Err(BackendFault::Lost("it takes no content".to_owned())),
        }
    }

    /// Sends `range` of a message from its file to `socket`, which is this connection's.
    ///
    /// *Errors*: as `write`; `Local` if the file can't be read.
    pub async fn send_file(
        &mut self,
        socket: &Arc<OwnedFd>,
        range: &FileRange,
        deadline: Instant,
    ) -> Result<(), Fault> {
        let lost = |error: io::Error| Fault::from(BackendFault::Lost(error.to_string()));
        let send = async {
            let (mut at, end) = (range.offset, range.offset + range.length);
            loop {
                at += range.file.send(socket, at, end - at).await.map_err(|error| match error {
                    SendError::Spool(error) => Fault::Local(error.to_string()),
                    SendError::Connection(error) => lost(error),
                })?;
                if at == end {
                    return Ok(());
                }
                self.stream.takes_more().await.map_err(lost)?;
                self.expect_silence()?;
            }
        };
        match timeout_at(deadline, send).await {
            Ok(sent) => sent,
            Err(_) => Err(BackendFault::Lost("it takes no content".to_owned()).into()),
        }
    }

    /// The socket, if files can be sent to it; another handle to it, kept in `place`.
    ///
    /// *Errors*: `Lost`.
    pub fn socket<'a>(
        &self,
        place: &'a mut Option<Arc<OwnedFd>>,
    ) -> Result<Option<&'a Arc<OwnedFd>>, BackendFault> {
        if place.is_none() {
            let socket = self.stream.socket().transpose();
            *place = socket.map_err(|error| BackendFault::Lost(error.to_string()))?.map(Arc::new);
        }
        Ok(place.as_ref())
    }

    /// The next reply.
    ///
    /// *Errors*: `Lost` at the end of the connection and at `deadline`; `Confused` if the octets are no reply, or the
    /// connection ends within one. The conversation can't go on after either.
    pub async fn reply(&mut self, deadline: Instant) -> Result<BackendReply, BackendFault> {
        loop {
            let mut rest = self.input.as_slice();
            if let Some(reply) = self.decoder.decode(&mut rest) {
                let consumed = self.input.len() - rest.len();
                self.input.drain(..consumed);
                return reply.map_err(|error: ReplyError| BackendFault::Confused(error.to_string()));
            }
            self.input.clear();
            let input = &mut self.input;
            let read = self.stream.read(|octets| {
                input.extend_from_slice(octets);
                octets.len()
            });
            match timeout_at(deadline, read).await {
                Ok(Ok(0) | Err(_)) if !self.decoder.is_empty() => {
                    return Err(BackendFault::Confused("a reply that was cut".to_owned()));
                }
                Ok(Ok(0)) => return Err(BackendFault::Lost("it closed the connection".to_owned())),
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(BackendFault::Lost(error.to_string())),
                Err(_) => return Err(BackendFault::Lost("its reply is overdue".to_owned())),
            }
        }
    }

    /// Makes sure that the backend has said nothing that nobody asked for, and is still there.
    ///
    /// Otherwise a reply that came too early would be taken for the answer to what is said next.
    /// *Errors*: `Confused`, `Lost`. A refusal that came early is `Lost` too: the connection is about to end.
    pub fn expect_silence(&mut self) -> Result<(), BackendFault> {
        if !self.input.is_empty() || !self.decoder.is_empty() {
            return Err(BackendFault::Confused("a reply that nobody asked for".to_owned()));
        }
        // Asked of the system: the runtime may not have heard yet of what has come.
        let mut octets = [0; 1];
        match self.stream.unasked(&mut octets) {
            Ok(None) => Ok(()),
            Err(error) => Err(BackendFault::Lost(error.to_string())),
            Ok(Some(0)) => Err(BackendFault::Lost("it closed the connection".to_owned())),
            Ok(Some(_)) if matches!(octets, [b'4' | b'5']) => {
                Err(BackendFault::Lost("it refused before it was asked".to_owned()))
            }
            Ok(Some(_)) => Err(BackendFault::Confused("a reply that nobody asked for".to_owned())),
        }
    }

    /// The same, as far as the runtime has heard: no system call where it has heard nothing.
    ///
    /// What came while this session's task ran may be missed; no acknowledgement of a message hangs on this.
    pub fn expect_silence_so_far(&mut self) -> Result<(), BackendFault> {
        if self.input.is_empty() && self.decoder.is_empty() && !self.stream.may_have_more() {
            return Ok(());
        }
        self.expect_silence()
    }

    /// Says QUIT, as far as the system takes it at once, and closes; nobody waits for an answer.
    pub fn quit(mut self) {
        self.stream.write_now(b"QUIT\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_ends_a_line_gets_into_a_command() {
        for line in ["MAIL FROM:<a\r\nRCPT TO:<b>", "a\nb", "a\rb", "a\0b", &"x".repeat(4097)] {
            assert!(Commands::default().push(line).is_err(), "{line:?}");
        }
        let mut commands = Commands::default();
        commands.push("NOOP").unwrap();
        assert_eq!(commands.octets, b"NOOP\r\n");
    }

    #[tokio::test]
    async fn what_has_come_is_seen_before_the_runtime_hears_of_it() {
        let lost = |why: &str| Err(BackendFault::Lost(why.to_owned()));
        for (said, want) in [
            (
                Some("250 2.0.0 Ok\r\n"),
                Err(BackendFault::Confused("a reply that nobody asked for".to_owned())),
            ),
            (Some("421 4.3.2 Down\r\n"), lost("it refused before it was asked")),
            (None, lost("it closed the connection")),
        ] {
            let (near, mut far) = std::os::unix::net::UnixStream::pair().unwrap();
            near.set_nonblocking(true).unwrap();
            let near = Stream::Unix(tokio::net::UnixStream::from_std(near).unwrap());
            let mut conversation = Conversation::new(near);
            assert_eq!(conversation.expect_silence(), Ok(()));
            match said {
                Some(said) => io::Write::write_all(&mut far, said.as_bytes()).unwrap(),
                None => drop(far),
            }
            assert_eq!(conversation.expect_silence(), want);
        }
    }
}
