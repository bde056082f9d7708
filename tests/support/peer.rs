//! One end of a connection, as a test holds it: says octets as they are, reads line by line, and ends as it is told.

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use bytes::{Buf, BytesMut};
use futures_util::FutureExt;
use gatepost::net::stream::Stream;
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::task::unconstrained;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::tls::{self, Manner};

/// The client's end, or the backend's.
#[derive(Debug)]
pub struct Peer {
    stream: Stream,
    input: BytesMut,
}

/// What came instead of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoLine {
    /// The other side is done; these octets came before, without a line end.
    End(Vec<u8>),
    /// The other side has reset the connection.
    Reset,
}

impl Peer {
    /// This end of `stream`.
    pub fn new(stream: TcpStream) -> Self {
        Peer { stream: Stream::tcp(stream).unwrap(), input: BytesMut::new() }
    }

    /// Its socket, in clear text.
    pub fn socket(&self) -> OwnedFd {
        self.stream.socket().expect("a socket in clear text").unwrap()
    }

    /// Sends `octets` as they are; that nobody reads them any more is no matter.
    pub async fn send(&mut self, octets: &[u8]) {
        let _ = self.stream.write(octets).await;
    }

    /// Begins TLS, as the client.
    ///
    /// *Errors*: there is none.
    pub async fn connect_tls(&mut self, manner: &Manner) -> Result<(), String> {
        let name = manner.sni.clone().unwrap_or_else(|| "127.0.0.1".to_owned());
        let name = ServerName::try_from(name).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::new(tls::client(manner)));
        let secured = connector.connect(name, self.clear()?).await.map_err(|error| error.to_string())?;
        tls::look(manner, secured.get_ref().1.peer_certificates())?;
        self.stream = Stream::Tls(Box::new(secured.into()));
        Ok(())
    }

    /// Begins TLS, as the server.
    ///
    /// *Errors*: there is none.
    pub async fn accept_tls(&mut self, manner: &Manner) -> Result<(), String> {
        let acceptor = TlsAcceptor::from(Arc::new(tls::server(manner)));
        let secured = acceptor.accept(self.clear()?).await.map_err(|error| error.to_string())?;
        tls::look(manner, secured.get_ref().1.peer_certificates())?;
        self.stream = Stream::Tls(Box::new(secured.into()));
        Ok(())
    }

    fn clear(&mut self) -> Result<Stream, String> {
        if !self.input.is_empty() {
            return Err(format!("before TLS the other side said {:?} as well", self.input));
        }
        match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Tls(_) | Stream::Gone => Err("there is TLS already".to_owned()),
            stream => Ok(stream),
        }
    }

    /// What a login can be bound to: the data of the channel by the name of its kind. RFC 9266 §2, RFC 5929 §4.
    ///
    /// *Errors*: there is no such kind, or no TLS.
    pub fn channel(&self, kind: &str) -> Result<Vec<u8>, String> {
        let Stream::Tls(stream) = &self.stream else { return Err("there is no TLS".to_owned()) };
        let (_, connection) = stream.get_ref();
        match kind {
            "tls-exporter" => match &**stream {
                TlsStream::Client(stream) => {
                    let connection = stream.get_ref().1;
                    let data = connection.export_keying_material(
                        vec![0; 32],
                        b"EXPORTER-Channel-Binding",
                        Some(b""),
                    );
                    data.map_err(|error| error.to_string())
                }
                TlsStream::Server(_) => Err("only clients are bound".to_owned()),
            },
            // All certificates of `tls` are signed by SHA-256.
            "tls-server-end-point" => {
                let shown = connection.peer_certificates().and_then(|chain| chain.first());
                let shown = shown.ok_or_else(|| "no certificate was shown".to_owned())?;
                Ok(gatepost::net::tls::certificate::sha256(shown).to_vec())
            }
            _ => Err(format!("{kind} is no channel")),
        }
    }

    async fn read(&mut self) -> io::Result<usize> {
        let input = &mut self.input;
        let take = |octets: &[u8]| {
            input.extend_from_slice(octets);
            octets.len()
        };
        self.stream.read(take).await
    }

    /// Gives back a line that was read.
    pub fn give_back(&mut self, line: &[u8]) {
        let rest = self.input.split();
        self.input.extend_from_slice(line);
        self.input.extend_from_slice(&rest);
    }

    /// The next line with its line end.
    ///
    /// *Errors*: there is none.
    pub async fn line(&mut self) -> Result<Vec<u8>, NoLine> {
        loop {
            if let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
                return Ok(self.input.split_to(end + 1).to_vec());
            }
            match self.read().await {
                Ok(0) => return Err(NoLine::End(self.input.split().to_vec())),
                Ok(_) => {}
                Err(_) => return Err(NoLine::Reset),
            }
        }
    }

    /// Reads `count` octets, or those before the end.
    pub async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            match self.read().await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let count = count.min(self.input.len());
        let octets = self.input[..count].to_vec();
        self.input.advance(count);
        octets
    }

    /// What has come and was not looked at; asks the system, waits for nothing.
    pub fn unread(&mut self) -> Vec<u8> {
        while let Some(Ok(1..)) = unconstrained(self.read()).now_or_never() {}
        self.input.to_vec()
    }

    /// Says that no more will be sent.
    pub async fn half_close(&mut self) {
        let _ = self.stream.shut_down_writing().await;
    }

    /// Ends the connection so that the other side hears of a reset.
    pub fn reset(self) {
        let stream = match &self.stream {
            Stream::Tls(stream) => stream.get_ref().0,
            stream => stream,
        };
        if let Stream::Tcp(stream) = stream {
            let _ = stream.set_zero_linger();
        }
    }

    /// How the other side ended, once it has: what it said before that nobody read.
    pub async fn end(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if self.read().await? == 0 {
                return Ok(self.input.split().to_vec());
            }
        }
    }
}
