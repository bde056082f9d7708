//! Serves a zone on loopback, over UDP and TCP, for the demo and for tests. Not for the Internet.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::time::Duration;

use hickory_server::Server;
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::proto::op::{Header, HeaderCounts, Metadata, ResponseCode};
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;
use tokio::net::{TcpListener, UdpSocket};

#[cfg(test)]
use crate::lookup::config::Config;
#[cfg(test)]
use crate::lookup::dns::Resolver;
use crate::lookup::zone::{Trouble, Zone};
#[cfg(test)]
use crate::threads::helper::HelperHandle;

/// A running name server. It lives on the runtime that started it, and ends when dropped.
pub struct NameServer {
    server: Server<Desk>,
    address: SocketAddr,
}

impl NameServer {
    /// Serves `zone` on 127.0.0.1, on a free port that is the same for UDP and TCP.
    ///
    /// Errors: no such port can be had.
    pub async fn start(zone: Zone) -> io::Result<Self> {
        let (udp, tcp) = bind().await?;
        let address = udp.local_addr()?;
        let mut server = Server::new(Desk { zone });
        server.register_socket(udp);
        server.register_listener(tcp, IDLE, BUFFER);
        Ok(Self { server, address })
    }

    /// Where it is to be asked.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A resolver that asks it alone, and soon gives up, on the caller's runtime.
    #[cfg(test)]
    pub(crate) fn resolver(&self) -> Resolver {
        let config = Config {
            servers: vec![self.address],
            timeout: Duration::from_millis(500),
            attempts: 1,
            ..Config::default()
        };
        Resolver::new(&config, HelperHandle::of_caller().expect("runtime")).expect("parts")
    }

    /// Stops, and waits until its port is free or a second has passed.
    pub async fn stop(mut self) {
        // Whatever it ends with, it has ended.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.server.shutdown_gracefully()).await;
    }
}

/// Finds a port that is free for both.
async fn bind() -> io::Result<(UdpSocket, TcpListener)> {
    let mut last = None;
    for _ in 0..BIND_ATTEMPTS {
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((udp, tcp)),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::AddrInUse.into()))
}

/// Where questions come in.
struct Desk {
    zone: Zone,
}

impl Desk {
    async fn reply<R: ResponseHandler>(&self, request: &Request, mut wire: R) -> ResponseInfo {
        let mut metadata = Metadata::response_from_request(&request.metadata);
        let Ok(info) = request.request_info() else {
            metadata.response_code = ResponseCode::FormErr;
            return send(request, metadata, (&[], &[]), &mut wire).await;
        };
        let (name, kind) = (info.query.original().name(), info.query.query_type());
        let trouble = self.zone.ask(name, kind);
        let (code, mut answers, mut authorities) = self.zone.answer(name, kind);
        metadata.response_code = code;
        metadata.recursion_available = true;
        match trouble {
            Some(Trouble::Drop) => return unsent(metadata),
            Some(Trouble::Delay(pause)) => tokio::time::sleep(pause).await,
            Some(Trouble::Truncate) if info.protocol == Protocol::Tcp => {}
            Some(trouble) => {
                (answers, authorities) = (Vec::new(), Vec::new());
                match trouble {
                    Trouble::Refuse => metadata.response_code = ResponseCode::Refused,
                    Trouble::ServFail => metadata.response_code = ResponseCode::ServFail,
                    _ => metadata.truncation = true,
                }
            }
            None => {}
        }
        send(request, metadata, (&answers, &authorities), &mut wire).await
    }
}

type Records<'a> = &'a [hickory_server::proto::rr::Record];

async fn send<R: ResponseHandler>(
    request: &Request,
    metadata: Metadata,
    (answers, authorities): (Records<'_>, Records<'_>),
    wire: &mut R,
) -> ResponseInfo {
    let builder = MessageResponseBuilder::new(&request.queries, request.edns.as_ref());
    let message = builder.build(metadata, answers, authorities, [], []);
    // Who asked has gone, then; there is nobody to tell.
    wire.send_response(message).await.unwrap_or_else(|_| unsent(metadata))
}

fn unsent(metadata: Metadata) -> ResponseInfo {
    Header { metadata, counts: HeaderCounts::default() }.into()
}

impl RequestHandler for Desk {
    // Written out as `async_trait` would, for this one place.
    fn handle_request<'desk, 'request, 'reply, R, T>(
        &'desk self,
        request: &'request Request,
        wire: R,
    ) -> Pin<Box<dyn Future<Output = ResponseInfo> + Send + 'reply>>
    where
        R: 'reply + ResponseHandler,
        T: 'reply + Time,
        'desk: 'reply,
        'request: 'reply,
        Self: 'reply,
    {
        Box::pin(self.reply(request, wire))
    }
}

/// How long a TCP connection may be idle.
const IDLE: Duration = Duration::from_secs(5);

/// Answers that a TCP connection holds back at most.
const BUFFER: usize = 64;

const BIND_ATTEMPTS: usize = 20;
