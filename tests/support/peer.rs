//! One end of a connection, as a test holds it: says octets as they are, reads line by line, and ends as it is told.

use std::io;

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The client's end, or the backend's.
#[derive(Debug)]
pub struct Peer {
    stream: TcpStream,
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
        stream.set_nodelay(true).unwrap();
        Peer { stream, input: BytesMut::new() }
    }

    /// Sends `octets` as they are; that nobody reads them any more is no matter.
    pub async fn send(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets).await;
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
        let _ = self.stream.set_zero_linger();
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
