//! A proxy between clients and a model backend, on a clock that the test moves.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use gatepost::threads::storage::StoragePool;

use crate::model::{self, Model, Stage};
use crate::support::backend::Backend;
use crate::support::floor::{Proxy, on_still_clock, settle};
use crate::support::peer::{NoLine, Peer};

/// A proxy and its backend.
pub struct Stand {
    pub proxy: Proxy,
    pub model: Rc<Model>,
    pub folder: tempfile::TempDir,
    pool: StoragePool,
}

/// Runs `test`; a test that waits for ever ends the process and says its name.
pub fn run<F: Future>(test: F) -> F::Output {
    run_as(std::thread::current().name().unwrap_or_default().to_owned(), test)
}

/// The same, with a name of its own.
pub fn run_as<F: Future>(name: String, test: F) -> F::Output {
    let (done, waiting) = channel::<()>();
    std::thread::spawn(move || {
        if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            eprintln!("{name} waits for ever");
            std::process::abort();
        }
    });
    let output = on_still_clock(test);
    drop(done);
    output
}

/// Pieces of content that sockets have room for, and more.
const MOST_PIECES: usize = 100;
/// Real time that a test may take at most.
const PATIENCE: Duration = Duration::from_secs(60);

impl Stand {
    /// A proxy before a model backend on one address.
    pub async fn new() -> Stand {
        Stand::with("", "", "").await
    }

    /// The same, with more lines of `[[backend]]`, of `[[listener]]`, and more tables.
    pub async fn with(backend: &str, listener: &str, rest: &str) -> Stand {
        Stand::on(&StoragePool::start(1, 256).unwrap(), backend, listener, rest).await
    }

    /// The same, with the threads of `pool` for its files.
    pub async fn on(pool: &StoragePool, backend: &str, listener: &str, rest: &str) -> Stand {
        let there = Backend::start().await;
        let folder = tempfile::tempdir().unwrap();
        let toml = format!(
            "hostname = \"mx.b.example\"\n[relay]\ndomains = [\"b.example\"]\n\
             [[backend]]\naddress = \"{}\"\n{backend}\n\
             [[listener]]\nbind = \"127.0.0.1:25\"\nclient_name = false\n{listener}\n{rest}\n",
            there.address()
        );
        let proxy = Proxy::start_on(pool, &toml, folder.path()).unwrap();
        let model = Rc::new(Model::default());
        tokio::task::spawn_local(model::serve(there, Rc::clone(&model)));
        Stand { proxy, model, folder, pool: pool.clone() }
    }

    /// A client that has heard the banner and the answer to its EHLO.
    pub async fn greeted(&self) -> Client {
        let mut client = self.client().await;
        client.hear().await;
        assert!(client.ask("EHLO client.a.example").await.starts_with("250"));
        client
    }

    /// A client that has just connected.
    pub async fn client(&self) -> Client {
        self.client_from(0).await
    }

    /// A client that has just connected, from another address for each number.
    pub async fn client_from(&self, number: u16) -> Client {
        let [high, low] = number.to_be_bytes();
        Client(Peer::new(self.proxy.connect(SocketAddr::from(([198, 18, high, low], 4711))).await))
    }

    /// What has been told to clients, what the backend told us: they are the same, whatever has happened.
    pub fn assert_balance(&self, told: usize) {
        let counters = &self.proxy.counters;
        let acknowledged = counters.acknowledged_by_backend.get()
            + counters.acknowledged_by_store.get()
            + counters.acknowledged_by_discard.get();
        assert_eq!(counters.acknowledgements_told.get(), acknowledged, "the ledger");
        assert_eq!(
            counters.acknowledgements_told.get(),
            told as u64,
            "acknowledgements that clients were told"
        );
    }

    /// Once the backend hangs and nothing else goes on, moves the clock past the time that it has there.
    pub async fn pass(&self) {
        self.model.hangs.notified().await;
        settle().await;
        self.move_the_clock().await;
    }

    /// The same for content in a file, which threads read that know no clock: until the backend's socket is full.
    pub async fn pass_once_all_is_read(&self) {
        self.model.hangs.notified().await;
        for _ in 0..MOST_PIECES {
            self.pool.run(|| ()).await.unwrap();
            settle().await;
        }
        self.move_the_clock().await;
    }

    async fn move_the_clock(&self) {
        let limit = match self.model.hung.get() {
            Some(Stage::Greeting) => 20,
            Some(Stage::Content | Stage::Dot) => 570,
            _ => 60,
        };
        tokio::time::advance(Duration::from_secs(limit + 1)).await;
    }

    /// Does so as often as it hangs.
    pub async fn pass_on(&self) -> Infallible {
        loop {
            self.pass().await;
        }
    }
}

/// A client's end of a session.
pub struct Client(pub Peer);

impl Client {
    /// A whole reply, all its lines; empty when the connection has ended.
    pub async fn hear(&mut self) -> String {
        let mut reply = String::new();
        loop {
            match self.0.line().await {
                Ok(line) => reply.push_str(&String::from_utf8(line).unwrap()),
                Err(NoLine::End(rest)) => {
                    assert!(rest.is_empty(), "a reply that was cut: {rest:?}");
                    return reply;
                }
                Err(NoLine::Reset) => return reply,
            }
            let last = reply.lines().last().unwrap_or_default();
            if last.as_bytes().get(3) != Some(&b'-') {
                return reply;
            }
        }
    }

    /// Says `line` and hears its reply.
    pub async fn ask(&mut self, line: &str) -> String {
        self.0.send(format!("{line}\r\n").as_bytes()).await;
        self.hear().await
    }

    /// Opens a transaction for bob, one command at a time, and says DATA; the reply to each.
    pub async fn open(&mut self) -> [String; 3] {
        let mail = self.ask("MAIL FROM:<ann@a.example>").await;
        let rcpt = self.ask("RCPT TO:<bob@b.example>").await;
        [mail, rcpt, self.ask("DATA").await]
    }

    /// Sends a small message; the reply to its end.
    pub async fn send(&mut self) -> String {
        let [mail, rcpt, data] = self.open().await;
        assert!(mail.starts_with("250"), "{mail}");
        assert!(rcpt.starts_with("250"), "{rcpt}");
        assert!(data.starts_with("354"), "{data}");
        self.0.send(b"Subject: x\r\n\r\nhello\r\n.\r\n").await;
        self.hear().await
    }
}
