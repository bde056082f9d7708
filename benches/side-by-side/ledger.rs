//! What was acknowledged to the clients and what arrived at the sink; both must be the same set.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Result, bail};

/// The book of one run, shared by the load generator and the sink.
#[derive(Clone, Default)]
pub(crate) struct Ledger(Arc<Mutex<Pages>>);

#[derive(Default)]
struct Pages {
    /// How often each message was acknowledged to a client, and how often it arrived intact.
    messages: BTreeMap<u64, (u32, u32)>,
    faults: Vec<String>,
}

impl Ledger {
    /// Notes that a client was told 250 for message `number`.
    pub(crate) fn acknowledged(&self, number: u64) {
        self.pages().messages.entry(number).or_default().0 += 1;
    }

    /// Notes that message `number` arrived at the sink with the right digest.
    pub(crate) fn arrived(&self, number: u64) {
        self.pages().messages.entry(number).or_default().1 += 1;
    }

    /// Notes what should not have happened.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        self.pages().faults.push(what.into());
    }

    /// Closes the book, which is empty afterwards.
    ///
    /// Errors: unless `count` messages were acknowledged once and arrived once, and nothing else happened.
    pub(crate) fn settle(&self, count: usize) -> Result<()> {
        let pages = std::mem::take(&mut *self.pages());
        if let Some(fault) = pages.faults.first() {
            bail!("{} faults, the first: {fault}", pages.faults.len());
        }
        let bad = pages.messages.iter().find(|(_, times)| **times != (1, 1));
        if let Some((number, (acknowledged, arrived))) = bad {
            bail!("message {number} was acknowledged {acknowledged} times and arrived {arrived} times");
        }
        if pages.messages.len() != count {
            bail!("{count} messages were to be sent, {} were", pages.messages.len());
        }
        Ok(())
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
