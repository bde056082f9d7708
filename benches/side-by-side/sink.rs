//! The mail server behind each proxy: answers as Postfix would, keeps no mail, checks every message.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};

use crate::content::Content;
use crate::ledger::Ledger;

/// A sink on a thread of its own, until dropped.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
    stall: watch::Sender<bool>,
    _stop: oneshot::Sender<()>,
}

impl Sink {
    /// Starts on a free port. With `xclient` it offers XCLIENT, and takes mail only from who has used it.
    pub(crate) fn start(xclient: bool) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("the sink's port")?;
        rustix::net::listen(&listener, 4096)?; // thousands may connect at once
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let ledger = Ledger::default();
        let (stall, stalled) = watch::channel(false);
        let (stop, stopped) = oneshot::channel();
        let shared = Arc::new(Shared { xclient, ledger: ledger.clone(), stalled });
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        thread::Builder::new().name("sink".into()).spawn(move || {
            runtime.block_on(async {
                tokio::select! {
                    _ = stopped => (),
                    fault = accept(listener, &shared) => {
                        shared.ledger.fault(format!("the sink stopped: {fault:?}"));
                    }
                }
            });
        })?;
        Ok(Self { address, ledger, stall, _stop: stop })
    }

    /// While `true`, content past the first 64 KiB of each message is not read.
    pub(crate) fn stall(&self, stalled: bool) {
        self.stall.send_replace(stalled);
    }
}

struct Shared {
    xclient: bool,
    ledger: Ledger,
    stalled: watch::Receiver<bool>,
}

async fn accept(listener: std::net::TcpListener, shared: &Arc<Shared>) -> Result<()> {
    let listener = TcpListener::from_std(listener)?;
    loop {
        let (stream, _) = listener.accept().await?;
        let shared = Arc::clone(shared);
        tokio::spawn(async move {
            let mut talk = Talk { stream, stage: Stage::Greeted, told: false, shared };
            // A proxy may drop an idle connection; what matters is found when the books are settled.
            let _gone = talk.run().await;
        });
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Greeted,
    Helo,
    Mail,
    Rcpt,
    Data,
    Closed,
}

/// One connection.
struct Talk {
    stream: TcpStream,
    stage: Stage,
    /// XCLIENT has named the client.
    told: bool,
    shared: Arc<Shared>,
}

impl Talk {
    async fn run(&mut self) -> Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.write_all(BANNER.as_bytes()).await?;
        let mut buffer = Vec::new();
        let mut replies = String::new();
        while self.stage != Stage::Closed {
            while let Some(end) = memchr::memmem::find(&buffer, b"\r\n") {
                let line = String::from_utf8_lossy(buffer.get(..end).unwrap_or_default()).into_owned();
                buffer.drain(..end + 2);
                self.command(&line, &mut replies);
                if self.stage == Stage::Data {
                    self.stream.write_all(replies.as_bytes()).await?;
                    replies.clear();
                    self.content(&mut buffer, &mut replies).await?;
                    self.stage = Stage::Helo;
                }
            }
            self.stream.write_all(replies.as_bytes()).await?;
            replies.clear();
            if self.stage != Stage::Closed && !self.read(&mut buffer).await? {
                return Ok(());
            }
        }
        self.stream.shutdown().await?;
        Ok(())
    }

    /// False at the end of the stream. Waits without a buffer, so that idle connections stay small.
    async fn read(&mut self, buffer: &mut Vec<u8>) -> Result<bool> {
        self.stream.readable().await?;
        buffer.reserve(if self.stage == Stage::Data { 64 * 1024 } else { 2048 });
        Ok(self.stream.read_buf(buffer).await? > 0)
    }

    async fn content(&mut self, buffer: &mut Vec<u8>, replies: &mut String) -> Result<()> {
        let mut content = Content::default();
        while !content.take(buffer) {
            if content.octets > 64 * 1024 {
                self.shared.stalled.clone().wait_for(|stalled| !stalled).await?;
            }
            if !self.read(buffer).await? {
                anyhow::bail!("gone within content"); // nothing acknowledged: the books will tell
            }
        }
        match content.judge() {
            Ok(number) => {
                self.shared.ledger.arrived(number);
                replies.push_str(&format!("250 2.0.0 Ok: queued as B{number:X}\r\n"));
            }
            Err(fault) => {
                self.shared.ledger.fault(fault);
                replies.push_str("554 5.6.0 Not what was sent\r\n");
            }
        }
        Ok(())
    }

    fn command(&mut self, line: &str, replies: &mut String) {
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        let needs = |stage| self.stage >= stage;
        let reply = match verb.as_str() {
            "EHLO" => {
                self.stage = Stage::Helo;
                replies.push_str("250-sink.bench.example\r\n250-PIPELINING\r\n250-SIZE 104857600\r\n");
                if self.shared.xclient && !self.told {
                    replies.push_str("250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n");
                }
                "250-ENHANCEDSTATUSCODES\r\n250 8BITMIME\r\n"
            }
            "HELO" => {
                self.stage = Stage::Helo;
                "250 sink.bench.example\r\n"
            }
            "XCLIENT" => self.xclient(line),
            "MAIL" if self.stage == Stage::Helo && self.told == self.shared.xclient => {
                self.stage = Stage::Mail;
                "250 2.1.0 Ok\r\n"
            }
            "RCPT" if needs(Stage::Mail) => {
                self.stage = Stage::Rcpt;
                "250 2.1.5 Ok\r\n"
            }
            "DATA" if needs(Stage::Rcpt) => {
                self.stage = Stage::Data;
                "354 End data with <CR><LF>.<CR><LF>\r\n"
            }
            "RSET" => {
                self.stage = self.stage.min(Stage::Helo);
                "250 2.0.0 Ok\r\n"
            }
            "NOOP" => "250 2.0.0 Ok\r\n",
            "QUIT" => {
                self.stage = Stage::Closed;
                "221 2.0.0 Bye\r\n"
            }
            _ => {
                self.shared.ledger.fault(format!("the sink was told {line:?} out of place"));
                "503 5.5.1 Bad sequence of commands\r\n"
            }
        };
        replies.push_str(reply);
    }

    /// As Postfix: once a connection, and the dialogue begins anew with a greeting.
    fn xclient(&mut self, line: &str) -> &'static str {
        let names_client = line.split(' ').any(|attribute| attribute == "ADDR=127.0.0.1");
        if !self.shared.xclient || self.told || self.stage > Stage::Helo || !names_client {
            self.shared.ledger.fault(format!("the sink was told {line:?}"));
            return "501 5.5.4 Bad XCLIENT\r\n";
        }
        self.told = true;
        self.stage = Stage::Greeted;
        BANNER
    }
}

const BANNER: &str = "220 sink.bench.example ESMTP\r\n";
