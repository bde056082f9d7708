//! The load generator: so many clients at once, each with its connections, one after the other.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use tokio::task::JoinSet;

use crate::dialogue::Dialogue;
use crate::ledger::Ledger;
use crate::message::{Filler, Message};
use crate::tls::Tls;

/// What is sent in one run.
#[derive(Clone)]
pub(crate) struct Load {
    pub(crate) address: SocketAddr,
    pub(crate) ledger: Ledger,
    pub(crate) filler: Filler,
    /// Octets of one message.
    pub(crate) size: usize,
    pub(crate) messages: usize,
    pub(crate) clients: usize,
    /// Messages of one connection.
    pub(crate) kept: usize,
    pub(crate) pipelined: bool,
    /// Of each client; empty for none.
    pub(crate) tls: Arc<[Tls]>,
}

/// How one run went.
pub(crate) struct Pace {
    pub(crate) elapsed: Duration,
    /// Of each message, in rising order: from connecting (on a kept connection, from MAIL) to the 250.
    pub(crate) latencies: Vec<Duration>,
}

impl Load {
    /// Sends all, and settles the books.
    ///
    /// Errors: any reply but the due one, any message lost, altered or doubled.
    pub(crate) fn run(&self) -> Result<Pace> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let pace = runtime.block_on(self.send_all());
        let pace = match pace {
            Ok(pace) => pace,
            Err(fault) => {
                // What the sink saw says more than what the client heard.
                return Err(match self.ledger.settle(self.messages) {
                    Err(books) => fault.context(books),
                    Ok(()) => fault,
                });
            }
        };
        self.ledger.settle(self.messages)?;
        Ok(pace)
    }

    async fn send_all(&self) -> Result<Pace> {
        let next = Arc::new(AtomicUsize::new(0));
        let begun = Instant::now();
        let mut clients = JoinSet::new();
        for number in 0..self.clients {
            let load = self.clone();
            let next = Arc::clone(&next);
            clients.spawn(async move { load.client(&next, load.tls.get(number)).await });
        }
        let mut latencies = Vec::with_capacity(self.messages);
        while let Some(ended) = clients.join_next().await {
            latencies.extend(ended.context("a client of the load generator")??);
        }
        let elapsed = begun.elapsed();
        latencies.sort_unstable();
        Ok(Pace { elapsed, latencies })
    }

    async fn client(&self, next: &AtomicUsize, tls: Option<&Tls>) -> Result<Vec<Duration>> {
        let mut latencies = Vec::new();
        let mut open: Option<(Dialogue, usize)> = None;
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= self.messages {
                break;
            }
            let message = Message::new(u64::try_from(index)?, self.size, &self.filler);
            let begun = Instant::now();
            let (mut dialogue, sent) = match open.take() {
                Some(kept) => kept,
                None => (Dialogue::open(self.address, tls).await?, 0),
            };
            dialogue.send(&message, self.pipelined).await?;
            latencies.push(begun.elapsed());
            self.ledger.acknowledged(message.number);
            if sent + 1 < self.kept {
                open = Some((dialogue, sent + 1));
            } else {
                dialogue.quit().await?;
            }
        }
        if let Some((dialogue, _)) = open {
            dialogue.quit().await?;
        }
        Ok(latencies)
    }
}

/// Opens `count` sessions to `address`, each past its EHLO, and shows them, idle, to `look`.
pub(crate) fn idle<T>(address: SocketAddr, count: usize, look: impl FnOnce() -> Result<T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut open = Vec::with_capacity(count);
    runtime.block_on(async {
        while open.len() < count {
            let mut batch = JoinSet::new();
            for _ in 0..(count - open.len()).min(20) {
                batch.spawn(Dialogue::open(address, None));
            }
            while let Some(opened) = batch.join_next().await {
                open.push(opened??);
            }
        }
        anyhow::Ok(())
    })?;
    look()
}

/// The value below which `percent` of the sorted `latencies` lie.
pub(crate) fn percentile(latencies: &[Duration], percent: usize) -> Duration {
    let at = (latencies.len() * percent / 100).min(latencies.len().saturating_sub(1));
    latencies.get(at).copied().unwrap_or_default()
}
