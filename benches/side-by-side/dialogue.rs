//! The client's half of an SMTP connection: one step at a time, every reply must be the one due.

use std::net::SocketAddr;

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};

use crate::message::Message;

/// A connection that has been greeted and has said EHLO.
pub(crate) struct Dialogue {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Dialogue {
    /// Connects to `address`, takes the greeting, says EHLO.
    pub(crate) async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpSocket::new_v4()?.connect(address).await.context("connecting")?;
        stream.set_nodelay(true)?;
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

    /// Says QUIT and waits for the answer and the end of the stream.
    pub(crate) async fn quit(mut self) -> Result<()> {
        self.say(b"QUIT\r\n").await?;
        self.expect("QUIT", "221").await
    }

    async fn say(&mut self, octets: &[u8]) -> Result<()> {
        self.stream.write_all(octets).await.context("writing to the proxy")
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
            self.stream.readable().await?;
            self.buffer.reserve(512);
            if self.stream.read_buf(&mut self.buffer).await.with_context(|| step.to_owned())? == 0 {
                bail!("the proxy closed before its answer to {step}");
            }
        }
    }
}
