//! The client's half of an SMTP connection: one step at a time, every reply must be the one due.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use gatepost::net::stream::Stream;
use tokio::net::TcpSocket;

use crate::message::Message;
use crate::tls::Tls;

/// A connection that has been greeted and has said EHLO.
pub(crate) struct Dialogue {
    stream: Stream,
    buffer: Vec<u8>,
}

impl Dialogue {
    /// Connects to `address`, perhaps under TLS, takes the greeting, says EHLO.
    ///
    /// Errors: also if TLS began otherwise than it is meant to.
    pub(crate) async fn open(address: SocketAddr, tls: Option<&Tls>) -> Result<Self> {
        let stream = TcpSocket::new_v4()?.connect(address).await.context("connecting")?;
        let mut stream = Stream::tcp(stream)?;
        if let Some(tls) = tls {
            stream = tls.secure(stream).await?;
        }
        let mut dialogue = Self { stream, buffer: Vec::new() };
        dialogue.expect("greeting", "220").await?;
        dialogue.say(b"EHLO mail.client.example\r\n").await?;
        dialogue.expect("EHLO", "250").await?;
        Ok(dialogue)
    }

    /// Sends one message to one recipient; with `pipelined`, MAIL, RCPT and DATA in one write.
    pub(crate) async fn send(&mut self, message: &Message, pipelined: bool) -> Result<()> {
        let mail = format!("MAIL FROM:<ann@client.example> SIZE={}\r\n", message.size());
        let rcpt = "RCPT TO:<bob@bench.example>\r\n";
        let steps = [("MAIL", mail.as_str(), "250"), ("RCPT", rcpt, "250"), ("DATA", "DATA\r\n", "354")];
        if pipelined {
            self.say(steps.map(|(_, line, _)| line).concat().as_bytes()).await?;
        }
        for (verb, line, due) in steps {
            if !pipelined {
                self.say(line.as_bytes()).await?;
            }
            self.expect(verb, due).await?;
        }
        if message.size() < 256 * 1024 {
            let mut octets = message.header().to_vec();
            message.body().for_each(|piece| octets.extend_from_slice(piece));
            octets.extend_from_slice(b".\r\n");
            self.say(&octets).await?;
        } else {
            self.say(message.header()).await?;
            for piece in message.body() {
                self.say(piece).await?;
            }
            self.say(b".\r\n").await?;
        }
        self.expect("the final dot", "250").await
    }

    /// Says QUIT, waits for the answer, and ends the stream.
    pub(crate) async fn quit(mut self) -> Result<()> {
        self.say(b"QUIT\r\n").await?;
        self.expect("QUIT", "221").await?;
        if matches!(self.stream, Stream::Tls(_)) {
            self.stream.shut_down_writing().await.context("ending TLS")?;
        }
        Ok(())
    }

    async fn say(&mut self, octets: &[u8]) -> Result<()> {
        self.stream.write(octets).await.context("writing to the proxy")
    }

    /// Takes one reply. Errors: if it isn't `due`.
    async fn expect(&mut self, step: &str, due: &str) -> Result<()> {
        loop {
            if let Some(end) = memchr::memmem::find(&self.buffer, b"\r\n") {
                let line = String::from_utf8_lossy(self.buffer.get(..end).unwrap_or_default()).into_owned();
                self.buffer.drain(..end + 2);
                if !line.starts_with(due) {
                    bail!("the proxy's answer to {step} is {line:?}, due was {due}");
                }
                if line.as_bytes().get(3) != Some(&b'-') {
                    return Ok(());
                }
                continue;
            }
            let buffer = &mut self.buffer;
            let taken = self.stream.read(|octets| {
                buffer.extend_from_slice(octets);
                octets.len()
            });
            if taken.await.with_context(|| step.to_owned())? == 0 {
                bail!("the proxy closed before its answer to {step}");
            }
        }
    }
}
