//! Entries in a file: what is used stays at hand in memory, and all that changes is on the disk within a second.
//!
//! A crash forgets what changed in the last second and nothing else: each batch is on the disk whole or not at all.

pub(super) mod disk;
mod front;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use redb::Error;
use tokio::sync::oneshot;

use crate::store::clock::Clock;
use crate::store::error::StoreError;
use crate::store::file::disk::Disk;
use crate::store::file::front::{Front, Ran};
use crate::store::keeper::{Answer, Bounds, Keeper, Pending};
use crate::store::key::Key;
use crate::store::operation::{Operation, Outcome};
use crate::threads::storage::StoragePool;

pub use crate::store::file::disk::OpenError;

/// Entries in a file. One thread writes; reads of what is not at hand are done by the storage pool.
#[derive(Debug)]
pub struct File {
    inner: Arc<Inner>,
    /// The thread's end of it is its reason to live.
    orders: Sender<Order>,
}

struct Inner {
    front: Front,
    disk: Disk,
    pool: StoragePool,
    clock: Clock,
    bounds: Bounds,
    /// On the disk.
    entries: AtomicU64,
    /// Whether an early batch was ordered.
    is_hurried: AtomicBool,
    /// Whether the last thing that the disk was asked for failed, which the log was told.
    is_ill: AtomicBool,
}

/// What the writing thread is told.
enum Order {
    /// Write now.
    Hurry,
    /// Write now, and say so.
    Flush(oneshot::Sender<bool>),
    /// Write now, close the file, and say so.
    Close(oneshot::Sender<bool>),
}

/// What a file holds unless told otherwise.
pub const FILE: Bounds = Bounds { entries: 10_000_000, octets: 4 << 30 };

/// How long a change may wait for others to be written with.
const PAUSE: Duration = Duration::from_secs(1);
/// Octets of changes that are written before that.
const HURRY: usize = 8 << 20;
/// Rounds without a change after which expired entries are swept out all the same.
const IDLE: u32 = 60;

impl File {
    /// The entries in the file at `path`, which is made if it isn't there; `pool` reads it.
    ///
    /// Blocks: not for a worker. *Errors*: it can't be used, or there is no thread to write it.
    pub fn open(path: &Path, bounds: Bounds, pool: StoragePool, clock: Clock) -> Result<Self, OpenError> {
        Self::on(Disk::open(path)?, bounds, pool, clock)
    }

    fn on(disk: Disk, bounds: Bounds, pool: StoragePool, clock: Clock) -> Result<Self, OpenError> {
        let inner = Arc::new(Inner {
            front: Front::new(),
            disk,
            pool,
            clock,
            bounds,
            entries: AtomicU64::new(0),
            is_hurried: AtomicBool::new(false),
            is_ill: AtomicBool::new(false),
        });
        // What has expired goes, and what is there is counted.
        inner.write(true);
        let (orders, orders_of_thread) = channel();
        let writing = Arc::clone(&inner);
        let thread = std::thread::Builder::new().name("store".to_owned());
        thread
            .spawn(move || writing.work(&orders_of_thread))
            .map_err(|error| OpenError::Fault(Error::Io(error)))?;
        Ok(Self { inner, orders })
    }

    fn order(&self, order: impl FnOnce(oneshot::Sender<bool>) -> Order) -> Pending<Result<(), StoreError>> {
        let (tell, told) = oneshot::channel();
        let sent = self.orders.send(order(tell)).is_ok();
        Box::pin(async move {
            match sent && told.await.unwrap_or(false) {
                true => Ok(()),
                false => Err(StoreError::Unavailable),
            }
        })
    }
}

impl Keeper for File {
    fn perform(&self, key: Key, operation: Operation) -> Answer {
        let inner = &self.inner;
        let answer = match inner.front.run(&key, operation, inner.clock.now()) {
            Ran::Done(result) => Answer::Now(result),
            Ran::Missing(operation, epoch) => {
                Answer::Later(Box::pin(Arc::clone(inner).read_and_run(key, operation, epoch)))
            }
        };
        if inner.front.waiting() > HURRY && !inner.is_hurried.swap(true, Ordering::Relaxed) {
            // Closed: what waits is refused sooner or later.
            let _ = self.orders.send(Order::Hurry);
        }
        answer
    }

    fn flush(&self) -> Pending<Result<(), StoreError>> {
        self.order(Order::Flush)
    }

    fn close(&self) -> Pending<Result<(), StoreError>> {
        self.order(Order::Close)
    }

    fn entries(&self) -> u64 {
        self.inner.entries.load(Ordering::Relaxed)
    }
}

impl Inner {
    async fn read_and_run(
        self: Arc<Self>,
        key: Key,
        mut operation: Operation,
        mut epoch: u64,
    ) -> Result<Outcome, StoreError> {
        loop {
            let (inner, wanted) = (Arc::clone(&self), key.clone());
            let read = self.pool.run(move || inner.disk.read(&wanted)).await;
            let entry = match read.map_err(|_| StoreError::Unavailable)? {
                Ok(entry) => entry,
                Err(error) => {
                    self.tell(&error);
                    return Err(StoreError::Unavailable);
                }
            };
            self.front.put(&key, entry, epoch);
            match self.front.run(&key, operation, self.clock.now()) {
                Ran::Done(result) => return result,
                // A batch was written meanwhile: what was read may be old.
                Ran::Missing(again, now) => (operation, epoch) = (again, now),
            }
        }
    }

    /// What the thread does until the store is gone.
    fn work(&self, orders: &Receiver<Order>) {
        let mut idle = 0;
        loop {
            match orders.recv_timeout(PAUSE) {
                Ok(Order::Hurry) => {
                    self.write(false);
                }
                Ok(Order::Flush(tell)) => {
                    let _ = tell.send(self.write(false));
                }
                Ok(Order::Close(tell)) => {
                    let is_written = self.write(false);
                    self.disk.close();
                    let _ = tell.send(is_written);
                    return;
                }
                Err(RecvTimeoutError::Timeout) => {
                    idle = if self.front.waiting() > 0 { 0 } else { idle + 1 };
                    self.write(idle % IDLE == IDLE - 1);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    self.write(false);
                    return;
                }
            }
        }
    }

    /// Writes what has changed; `sweeps`: also if nothing has. Whether all of it is on the disk.
    fn write(&self, sweeps: bool) -> bool {
        self.is_hurried.store(false, Ordering::Relaxed);
        let batch = self.front.take();
        if batch.is_empty() && !sweeps {
            return true;
        }
        let mut written = self.disk.write(&batch, self.clock.now());
        // After a fault the database wants to be opened anew.
        if written.is_err() && self.disk.reopen().is_ok() {
            written = self.disk.write(&batch, self.clock.now());
        }
        self.front.settle(written.is_ok());
        match written {
            Ok(totals) => {
                self.entries.store(totals.entries, Ordering::Relaxed);
                let is_full = |is: u64, bound: usize| usize::try_from(is).map_or(true, |is| is >= bound);
                self.front.set_full(
                    is_full(totals.entries, self.bounds.entries)
                        || is_full(totals.octets, self.bounds.octets),
                );
                if self.is_ill.swap(false, Ordering::Relaxed) {
                    tracing::warn!("the store is written again");
                }
                true
            }
            Err(error) => {
                self.tell(&error);
                false
            }
        }
    }

    /// Says in the log, once, that the disk fails.
    fn tell(&self, error: &Error) {
        if !self.is_ill.swap(true, Ordering::Relaxed) {
            tracing::error!(%error, "the store's file fails; changes wait in memory");
        }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inner").field("front", &self.front).finish_non_exhaustive()
    }
}
