//! One end of a connection, as a test holds it: says octets as they are, reads line by line, and ends as it is told.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::{Buf, BytesMut};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::tls::{self, Manner};

/// The client's end, or the backend's.
#[derive(Debug)]
pub struct Peer {
    stream: Wire,
    input: BytesMut,
}

/// In clear text or not.
#[derive(Debug)]
enum Wire {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    /// A handshake has failed.
    Gone,
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
        stream.set_nodelay(true).unwrap();
        Peer { stream: Wire::Clear(stream), input: BytesMut::new() }
    }

    /// Sends `octets` as they are; that nobody reads them any more is no matter.
    pub async fn send(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets).await;
        let _ = self.stream.flush().await;
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
        self.stream = Wire::Tls(Box::new(secured.into()));
        Ok(())
    }

    /// Begins TLS, as the server.
    ///
    /// *Errors*: there is none.
    pub async fn accept_tls(&mut self, manner: &Manner) -> Result<(), String> {
        let acceptor = TlsAcceptor::from(Arc::new(tls::server(manner)));
        let secured = acceptor.accept(self.clear()?).await.map_err(|error| error.to_string())?;
        tls::look(manner, secured.get_ref().1.peer_certificates())?;
        self.stream = Wire::Tls(Box::new(secured.into()));
        Ok(())
    }

    fn clear(&mut self) -> Result<TcpStream, String> {
        if !self.input.is_empty() {
            return Err(format!("before TLS the other side said {:?} as well", self.input));
        }
        match std::mem::replace(&mut self.stream, Wire::Gone) {
            Wire::Clear(stream) => Ok(stream),
            Wire::Tls(_) | Wire::Gone => Err("there is TLS already".to_owned()),
        }
    }

    /// The next line with its line end.
    ///
    /// *Errors*: there is none.
    pub async fn line(&mut self) -> Result<Vec<u8>, NoLine> {
        loop {
            if let Some(end) = self.input.iter().position(|octet| *octet == b'\n') {
                return Ok(self.input.split_to(end + 1).to_vec());
            }
            match self.stream.read_buf(&mut self.input).await {
                Ok(0) => return Err(NoLine::End(self.input.split().to_vec())),
                Ok(_) => {}
                Err(_) => return Err(NoLine::Reset),
            }
        }
    }

    /// Reads `count` octets, or those before the end.
    pub async fn octets(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            match self.stream.read_buf(&mut self.input).await {
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
        let mut octets = [0; 4096];
        loop {
            match self.stream.try_read(&mut octets) {
                Ok(0) | Err(_) => return self.input.to_vec(),
                Ok(length) => self.input.extend_from_slice(&octets[..length]),
            }
        }
    }

    /// Says that no more will be sent.
    pub async fn half_close(&mut self) {
        let _ = self.stream.shutdown().await;
    }

    /// Ends the connection so that the other side hears of a reset.
    pub fn reset(self) {
        let _ = match &self.stream {
            Wire::Clear(stream) => stream.set_zero_linger(),
            Wire::Tls(stream) => stream.get_ref().0.set_zero_linger(),
            Wire::Gone => Ok(()),
        };
    }

    /// How the other side ended, once it has: what it said before that nobody read.
    pub async fn end(&mut self) -> io::Result<Vec<u8>> {
        loop {
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Ok(self.input.split().to_vec());
            }
        }
    }
}

impl Wire {
    fn try_read(&mut self, octets: &mut [u8]) -> io::Result<usize> {
        match self {
            Wire::Clear(stream) => stream.try_read(octets),
            Wire::Tls(stream) => {
                let mut buffer = ReadBuf::new(octets);
                match Pin::new(stream).poll_read(&mut Context::from_waker(Waker::noop()), &mut buffer) {
                    Poll::Ready(read) => read.map(|()| buffer.filled().len()),
                    Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                }
            }
            Wire::Gone => Ok(0),
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Wire::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, octets: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Wire::Clear(stream) => Pin::new(stream).poll_write(context, octets),
            Wire::Tls(stream) => Pin::new(stream).poll_write(context, octets),
            Wire::Gone => Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Clear(stream) => Pin::new(stream).poll_flush(context),
            Wire::Tls(stream) => Pin::new(stream).poll_flush(context),
            Wire::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Wire::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Wire::Gone => Poll::Ready(Ok(())),
        }
    }
}
