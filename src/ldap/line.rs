//! One connection to a directory server: made, secured, and asked one thing after the other.

use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::ldap::answer::{self, Answer, Code, Entry, Said};
use crate::ldap::server::Server;
use crate::ldap::words::{self, Search};
use crate::net::dial::dial;
use crate::net::names::Names;
use crate::net::stream::Stream;
use crate::net::tls::back::Back;
use crate::smtp::secret::Secret;

/// A connection to a directory server.
#[derive(Debug)]
pub struct Line {
    stream: Stream,
    /// Octets that are no whole message yet.
    input: Vec<u8>,
    /// The number of the last request.
    id: u32,
    /// When it was last made use of.
    pub(crate) used: Instant,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// The connection is lost. A kept one may have been for long.
    #[error("the connection is lost: {0}")]
    Lost(String),
    /// Everything else.
    #[error("{0}")]
    Other(String),
}

/// What a search has found.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Matches {
    None,
    One(Entry),
    Several,
}

/// Entries that are asked for: who finds two has not found one.
const ENTRIES: u32 = 2;
/// Messages that answer one request.
const MOST: usize = 1000;

impl Line {
    /// Connects to `server`; with `back` under TLS, after STARTTLS if `starttls` says so.
    ///
    /// *Errors*: it can't be reached, or refuses TLS, or is not the one that is meant.
    pub(crate) async fn open(
        server: &Server,
        back: Option<&Back>,
        starttls: bool,
        names: &dyn Names,
        patience: Duration,
    ) -> Result<Line, Trouble> {
        let stream = match server {
            Server::Unix(path) => Stream::connect_unix(path).await.map_err(|error| error.to_string()),
            Server::Tcp { host, port, .. } => dial(host, *port, names, patience).await,
        };
        let mut line = Line::over(stream.map_err(Trouble::Other)?);
        let (Some(back), Server::Tcp { host, .. }) = (back, server) else { return Ok(line) };
        if starttls {
            let id = line.say(words::starttls).await?;
            match line.hear(id, None).await? {
                Said::Extended(Code::SUCCESS) => {}
                Said::Extended(code) => {
                    return Err(Trouble::Other(format!("STARTTLS was answered by {code}")));
                }
                _ => return Err(out_of_turn()),
            }
            if !line.input.is_empty() {
                return Err(Trouble::Other("more than was asked for came before TLS".to_owned()));
            }
        }
        let stream = std::mem::replace(&mut line.stream, Stream::Gone);
        line.stream =
            back.connect(stream, host).await.map_err(|error| Trouble::Other(format!("TLS: {error}")))?;
        Ok(line)
    }

    fn over(stream: Stream) -> Line {
        Line { stream, input: Vec::new(), id: 0, used: Instant::now() }
    }

    /// Binds as `dn`. An empty DN or password is asked by nobody: it would mean another thing than who has it.
    ///
    /// *Errors*: the connection. *Source*: RFC 4513 §5.1.
    pub(crate) async fn bind(&mut self, dn: &str, password: &Secret) -> Result<Code, Trouble> {
        if dn.is_empty() || password.is_empty() {
            return Err(Trouble::Other("a bind without a DN or a password proves nothing".to_owned()));
        }
        let id = self.say(|id| words::bind(id, dn, password)).await?;
        match self.hear(id, None).await? {
            Said::Bound(code) => Ok(code),
            _ => Err(out_of_turn()),
        }
    }

    /// What `search` finds; where else could be searched is passed over.
    ///
    /// *Errors*: the connection; the server doesn't search, or not to the end.
    pub(crate) async fn search(&mut self, search: &Search<'_>, seconds: u32) -> Result<Matches, Trouble> {
        let mut matches = Matches::None;
        let is_whole = self.each(search, seconds, ENTRIES, |entry| {
            matches = match std::mem::replace(&mut matches, Matches::Several) {
                Matches::None => Matches::One(entry),
                _ => Matches::Several,
            }
        });
        Ok(if is_whole.await? { matches } else { Matches::Several })
    }

    /// Gives what `search` finds to `take`, one after the other; whether that is all, or there is more than `most`.
    ///
    /// *Errors*: as of `search`.
    pub(crate) async fn each(
        &mut self,
        search: &Search<'_>,
        seconds: u32,
        most: u32,
        mut take: impl FnMut(Entry),
    ) -> Result<bool, Trouble> {
        let id = self.say(|id| words::search(id, search, (most, seconds))).await?;
        for _ in 0..MOST {
            match self.hear(id, search.attribute).await? {
                Said::Entry(entry) => take(entry),
                Said::Aside => {}
                Said::Done(Code::SUCCESS) => return Ok(true),
                Said::Done(Code::SIZE_LIMIT_EXCEEDED) => return Ok(false),
                Said::Done(code) => return Err(Trouble::Other(format!("the search was answered by {code}"))),
                _ => return Err(out_of_turn()),
            }
        }
        Err(Trouble::Other("the search has no end".to_owned()))
    }

    /// Says that this is the end, if that can be said at once.
    pub(crate) fn close(mut self) {
        self.id = self.id.wrapping_add(1) & 0x7fff_ffff;
        self.stream.write_now(words::unbind(self.id).octets());
    }

    /// Whether the server has closed it, or says what nobody has asked.
    pub(crate) fn is_stale(&mut self) -> bool {
        let mut octet = [0];
        !self.input.is_empty() || !matches!(self.stream.unasked(&mut octet), Ok(None))
    }

    /// Says a request; its number.
    async fn say(&mut self, request: impl FnOnce(u32) -> Secret) -> Result<u32, Trouble> {
        self.id = (self.id.wrapping_add(1) & 0x7fff_ffff).max(1); // 0 is the server's own
        self.used = Instant::now();
        let request = request(self.id);
        let lost = |error: io::Error| Trouble::Lost(error.to_string());
        self.stream.write(request.octets()).await.map_err(lost)?;
        self.stream.flush().await.map_err(lost)?;
        Ok(self.id)
    }

    /// The next message, which has to answer request `id`.
    async fn hear(&mut self, id: u32, attribute: Option<&str>) -> Result<Said, Trouble> {
        loop {
            let decoded = answer::decode(&self.input, attribute);
            if let Some((answer, length)) = decoded.map_err(|error| Trouble::Other(error.to_string()))? {
                self.input.drain(..length);
                return match answer {
                    Answer { id: answers, said } if answers == id => Ok(said),
                    // Notice of Disconnection. RFC 4511 §4.4.1
                    Answer { id: 0, said: Said::Extended(code) } => {
                        Err(Trouble::Lost(format!("the server has ended it by {code}")))
                    }
                    Answer { .. } => Err(out_of_turn()),
                };
            }
            let input = &mut self.input;
            let read = self.stream.read(|octets| {
                input.extend_from_slice(octets);
                octets.len()
            });
            match read.await {
                Ok(0) => return Err(Trouble::Lost("the server has closed it".to_owned())),
                Ok(_) => {}
                Err(error) => return Err(Trouble::Lost(error.to_string())),
            }
        }
    }
}

fn out_of_turn() -> Trouble {
    Trouble::Other("the server says what nobody has asked".to_owned())
}
