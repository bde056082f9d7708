//! The header of a balancer: waited for before anything is said, and believed of listed machines only.

use std::rc::Rc;
use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio::select;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::net::closing;
use crate::net::proxy_protocol::{Ends, Fields, Header, HeaderDecoder, HeaderError};
use crate::net::stream::Stream;
use crate::proxy::admission::Place;
use crate::proxy::context::Context;
use crate::proxy::drain::Phase;
use crate::proxy::serve::Serve;
use crate::session::identity::{Identity, Told, ToldTls};
use crate::session::tls::TlsUse;
use crate::session::trust::ProxyProtocol;
use crate::smtp::reply::Reply;

/// A connection from a balancer, of which is not known yet whose it is.
pub(super) struct Expected {
    /// The listener that it came to.
    pub(super) context: Rc<Context>,
    /// The socket's ends.
    pub(super) identity: Identity,
    /// Its place, which counts for no client yet.
    pub(super) place: Place,
    /// Whether there must be a header.
    pub(super) wanted: ProxyProtocol,
}

/// How long a whole header may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long its first octet may take where there need not be one: whoever waits for the banner waits as long.
const FIRST_OCTET: Duration = Duration::from_secs(2);

/// Waits for the header on `stream`; the session that it begins, or nothing if there is none to serve.
pub(super) async fn meet(expected: Expected, mut stream: TcpStream) -> Option<Box<Serve>> {
    let mut draining = expected.context.draining.clone();
    let header = select! {
        biased;
        header = header(&mut stream, expected.wanted) => header,
        () = draining.reach(Phase::Draining) => return None,
    };
    match header {
        Ok(header) => expected.open(header, Stream::Tcp(stream)).await,
        Err(NoHeader::Left) => {
            tracing::debug!(peer_ip = %expected.identity.peer.ip(), "a balancer connected and said nothing");
            None
        }
        Err(NoHeader::Bad(error)) => expected.refuse(&error.to_string(), stream).await,
        Err(NoHeader::Late) => expected.refuse("no PROXY header came in time", stream).await,
    }
}

/// Why there is no header to go by.
enum NoHeader {
    /// The connection ended before its first octet, as those end that only ask whether somebody listens.
    Left,
    /// What came is none.
    Bad(HeaderError),
    /// Not all of it came.
    Late,
}

/// The header on `stream`, not an octet more; `None` if there is none and need not be.
async fn header(stream: &mut TcpStream, wanted: ProxyProtocol) -> Result<Option<Header>, NoHeader> {
    let came = Instant::now();
    let is_optional = wanted == ProxyProtocol::Optional;
    let mut first = [0];
    // Looked at only: it may be a client's first word.
    let look = stream.peek(&mut first);
    match timeout_at(came + if is_optional { FIRST_OCTET } else { PATIENCE }, look).await {
        Err(_) if is_optional => return Ok(None),
        Err(_) => return Err(NoHeader::Late),
        Ok(Ok(0) | Err(_)) => return Err(NoHeader::Left),
        Ok(Ok(_)) => {}
    }
    let [first] = first;
    if is_optional && !HeaderDecoder::may_begin_with(first) {
        return Ok(None);
    }
    let deadline = came + PATIENCE;
    let mut decoder = HeaderDecoder::new();
    loop {
        let mut piece = [0; PIECE];
        let room = piece.get_mut(..decoder.wants().min(PIECE)).unwrap_or_default();
        let length = select! {
            biased;
            read = stream.read(room) => read.unwrap_or(0),
            () = sleep_until(deadline) => return Err(NoHeader::Late),
        };
        let mut octets = room.get(..length).unwrap_or_default();
        match decoder.decode(&mut octets) {
            Some(answer) => return answer.map(Some).map_err(NoHeader::Bad),
            None if length == 0 => return Err(NoHeader::Bad(HeaderError::Malformed)),
            None => {}
        }
    }
}

/// Octets read at once.
const PIECE: usize = 512;

impl Expected {
    /// The session that begins with `header`, or without one; nothing if its client is turned away.
    async fn open(self, header: Option<Header>, stream: Stream) -> Option<Box<Serve>> {
        let Expected { context, identity, mut place, .. } = self;
        let identity = match header {
            Some(Header::Local) => {
                let identity = Identity { is_probe: true, ..identity };
                return Some(Box::new(Serve::new(context, stream, identity, place)));
            }
            Some(Header::Carried { ends, fields }) => carried(identity, ends, *fields),
            None => identity,
        };
        let client = identity.client.ip();
        if !context.rules.trust.xclient_networks.contains(client)
            && let Err(reply) = place.count(client, &context.rules.limits, Instant::now())
        {
            let peer = identity.peer.ip();
            tracing::info!(client_ip = %client, peer_ip = %peer, code = reply.code.get(), reply = %reply, "connection refused");
            context.counters.connections_refused.increase();
            turn_away(stream, &reply, context.rules.tls).await;
            return None;
        }
        Some(Box::new(Serve::new(context, stream, identity, place)))
    }

    /// Closes without a word: whoever is there speaks no SMTP yet.
    async fn refuse(self, error: &str, stream: TcpStream) -> Option<Box<Serve>> {
        let (listener, peer) = (&self.context.listener.name, self.identity.peer.ip());
        tracing::warn!(%listener, peer_ip = %peer, %error, "connection of a balancer closed");
        self.context.counters.connections_refused.increase();
        closing::close(Stream::Tcp(stream)).await;
        None
    }
}

/// Says `reply` in place of the banner, as far as it is taken at once, and closes; only that where TLS comes first.
async fn turn_away(mut stream: Stream, reply: &Reply, tls: TlsUse) {
    if tls != TlsUse::Implicit {
        let mut octets = Vec::new();
        reply.encode(&mut octets);
        stream.write_now(&octets);
    }
    closing::close(stream).await;
}

/// The identity of a connection that a balancer carries.
fn carried(identity: Identity, ends: Option<Ends>, fields: Fields) -> Identity {
    let Fields { authority, alpn, unique_id, tls } = fields;
    let tls = tls.map(|tls| ToldTls {
        version: tls.version,
        cipher: tls.cipher,
        subject: tls.subject,
        is_verified: tls.is_verified,
    });
    let told = Told { authority, alpn, unique_id, tls };
    let told = (told != Told::default()).then(|| told.into());
    match ends {
        Some(Ends { source, destination }) => Identity { told, ..identity }.carrying(source, destination),
        None => Identity { told, ..identity },
    }
}
