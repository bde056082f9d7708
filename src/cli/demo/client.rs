//! The demo's client: says what it is told to and listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// A connection to the proxy.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
}

/// How long a reply is waited for.
const PATIENCE: Duration = Duration::from_secs(20);
/// Octets of a line of a reply.
const LINE: u64 = 4096;

impl Client {
    /// Connects from `source`, an address of this machine, and hears the greeting.
    pub(super) async fn connect(source: Ipv4Addr, server: SocketAddr) -> io::Result<Client> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((source, 0)))?;
        let stream = timeout(PATIENCE, socket.connect(server)).await??;
        let mut client = Client { stream: BufReader::new(stream) };
        client.reply().await?;
        Ok(client)
    }

    /// Says `line` and hears the reply.
    pub(super) async fn say(&mut self, line: &str) -> io::Result<String> {
        self.send(format!("{line}\r\n").as_bytes()).await?;
        self.reply().await
    }

    /// Sends `octets` as they are.
    pub(super) async fn send(&mut self, octets: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.stream.get_mut().write_all(octets)).await?
    }

    /// The last line of a reply.
    pub(super) async fn reply(&mut self) -> io::Result<String> {
        loop {
            let mut line = Vec::new();
            let mut bounded = (&mut self.stream).take(LINE);
            timeout(PATIENCE, bounded.read_until(b'\n', &mut line)).await??;
            let line = String::from_utf8_lossy(&line);
            let Some(line) = line.strip_suffix("\r\n") else {
                return Err(io::ErrorKind::UnexpectedEof.into());
            };
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(line.to_owned());
            }
        }
    }
}
