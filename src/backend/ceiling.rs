//! How many connections there are to a backend, over all workers, and who gives one up when they run out.
//!
//! A connection whose client keeps it waiting is lent: when others need it, the one that has waited longest is
//! called back, and its envelope is told anew when its client goes on. So slow clients don't use up the backend.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// How long a session waits for a connection.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The bound on connections to one backend.
#[derive(Debug)]
pub struct Ceiling {
    free: Arc<Semaphore>,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    /// Connections whose clients keep them waiting, the longest first.
    idle: BTreeMap<u64, Arc<Notify>>,
    /// Orders `idle`: it grows with every `lend`.
    next: u64,
    /// Sessions that wait for a connection.
    sessions: usize,
    /// Connections that were called back and are not closed yet.
    called_back: usize,
    /// Connections that were given up for sessions that wait, and that those have not taken yet.
    given_up: usize,
}

impl Waiting {
    /// Whether more sessions wait than connections are on their way to them.
    fn is_in_need(&self) -> bool {
        self.sessions > self.called_back + self.given_up
    }

    /// Calls the connection back whose client has kept it waiting longest, if a session needs one.
    fn call_back(&mut self) {
        if self.is_in_need()
            && let Some((_, recall)) = self.idle.pop_first()
        {
            self.called_back += 1;
            recall.notify_one();
        }
    }

    /// Notes that a free connection was taken; perhaps one that was given up for somebody not quite in the queue yet.
    fn overtake(&mut self) {
        self.given_up = self.given_up.saturating_sub(1);
        self.call_back();
    }
}

/// The right to one connection. Dropped, it goes to the next who waits.
#[derive(Debug)]
pub struct Slot {
    ceiling: Arc<Ceiling>,
    /// There until it is dropped.
    permit: Option<OwnedSemaphorePermit>,
    recall: Arc<Notify>,
    /// Its place in `idle` while it is lent.
    lent: Option<u64>,
    /// Whether it was called back, as far as was found out.
    is_called_back: bool,
}

impl Ceiling {
    /// A bound of `connections`.
    pub fn new(connections: usize) -> Arc<Ceiling> {
        let free = Arc::new(Semaphore::new(connections.min(Semaphore::MAX_PERMITS)));
        Arc::new(Ceiling { free, waiting: Mutex::default() })
    }

    /// The right to one connection, if need be taken from the one whose client has kept it waiting longest; nothing
    /// if there is none within `PATIENCE`.
    pub async fn acquire(self: &Arc<Self>) -> Option<Slot> {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => {
                self.waiting.lock().overtake();
                permit
            }
            Err(_) => {
                let need = Need::new(self);
                let permit = timeout(PATIENCE, Arc::clone(&self.free).acquire_owned()).await;
                let permit = permit.ok()?.ok()?;
                need.end();
                permit
            }
        };
        let recall = Arc::new(Notify::new());
        Some(Slot {
            ceiling: Arc::clone(self),
            permit: Some(permit),
            recall,
            lent: None,
            is_called_back: false,
        })
    }

    /// Connections that may still be made.
    pub fn free(&self) -> usize {
        self.free.available_permits()
    }
}

/// One session's wait: it calls a connection back, unless one is on its way already.
struct Need<'a>(&'a Ceiling);

impl<'a> Need<'a> {
    fn new(ceiling: &'a Ceiling) -> Self {
        let mut waiting = ceiling.waiting.lock();
        waiting.sessions += 1;
        waiting.call_back();
        Need(ceiling)
    }

    /// Ends the wait with a connection.
    fn end(self) {
        let mut waiting = self.0.waiting.lock();
        waiting.given_up = waiting.given_up.saturating_sub(1);
    }
}

impl Drop for Need<'_> {
    fn drop(&mut self) {
        let mut waiting = self.0.waiting.lock();
        waiting.sessions = waiting.sessions.saturating_sub(1);
        // A connection that was given up for a session which has gone is free, or another's.
        waiting.given_up = waiting.given_up.min(waiting.sessions);
    }
}

impl Slot {
    /// Notes that the client now keeps the connection waiting: it may be called back.
    pub fn lend(&mut self) {
        if self.lent.is_some() {
            return;
        }
        let mut waiting = self.ceiling.waiting.lock();
        let place = waiting.next;
        waiting.next += 1;
        if waiting.is_in_need() {
            waiting.called_back += 1;
            self.recall.notify_one();
        } else {
            waiting.idle.insert(place, Arc::clone(&self.recall));
        }
        self.lent = Some(place);
    }

    /// Whether it may be called back.
    pub fn is_lent(&self) -> bool {
        self.lent.is_some()
    }

    /// Takes the connection back for use; false if it was called back meanwhile and must be closed.
    pub fn reclaim(&mut self) -> bool {
        let Some(place) = self.lent.take() else { return !self.is_called_back };
        self.is_called_back = self.ceiling.waiting.lock().idle.remove(&place).is_none();
        !self.is_called_back
    }

    /// What tells that the connection was called back: it must then be closed at once.
    pub fn recall(&self) -> Arc<Notify> {
        Arc::clone(&self.recall)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.reclaim();
        let mut waiting = self.ceiling.waiting.lock();
        if self.is_called_back {
            waiting.called_back = waiting.called_back.saturating_sub(1);
        }
        if waiting.sessions > waiting.given_up {
            waiting.given_up += 1;
        }
        drop(self.permit.take()); // under the lock: nobody counts it as free before it is
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::poll;
    use std::task::Poll;

    #[tokio::test(start_paused = true)]
    async fn the_connection_that_waited_longest_is_called_back() {
        let ceiling = Ceiling::new(2);
        let mut first = ceiling.acquire().await.unwrap();
        let mut second = ceiling.acquire().await.unwrap();
        second.lend();
        first.lend();
        let (first_recall, second_recall) = (first.recall(), second.recall());
        let mut third = Box::pin(ceiling.acquire());
        assert!(poll!(&mut third).is_pending());
        second_recall.notified().await;
        assert!(poll!(Box::pin(first_recall.notified())).is_pending());
        assert!(first.reclaim(), "nobody called it back");
        assert!(!second.reclaim());
        drop(second);
        assert!(matches!(poll!(&mut third), Poll::Ready(Some(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_that_becomes_idle_while_others_wait_is_called_back_at_once() {
        let ceiling = Ceiling::new(1);
        let mut busy = ceiling.acquire().await.unwrap();
        let mut waiter = Box::pin(ceiling.acquire());
        assert!(poll!(&mut waiter).is_pending());
        busy.lend();
        busy.recall().notified().await;
        assert!(!busy.reclaim());
    }

    #[tokio::test(start_paused = true)]
    async fn each_session_that_waits_calls_one_connection_back() {
        let ceiling = Ceiling::new(2);
        let mut first = ceiling.acquire().await.unwrap();
        let mut second = ceiling.acquire().await.unwrap();
        first.lend();
        let mut one = Box::pin(ceiling.acquire());
        let mut other = Box::pin(ceiling.acquire());
        assert!(poll!(&mut one).is_pending());
        assert!(poll!(&mut other).is_pending());
        first.recall().notified().await;
        drop(first);
        let Poll::Ready(Some(mut third)) = poll!(&mut one) else { panic!("it has its connection") };
        assert!(poll!(&mut other).is_pending());
        second.lend();
        assert!(!second.reclaim(), "the other one waits still");
        drop(second);
        assert!(matches!(poll!(&mut other), Poll::Ready(Some(_))));
        third.lend();
        assert!(third.reclaim(), "nobody waits any more");
    }

    #[tokio::test(start_paused = true)]
    async fn no_more_connections_are_called_back_than_sessions_wait() {
        let ceiling = Ceiling::new(2);
        let mut first = ceiling.acquire().await.unwrap();
        let mut second = ceiling.acquire().await.unwrap();
        let mut waiter = Box::pin(ceiling.acquire());
        assert!(poll!(&mut waiter).is_pending());
        drop(first);
        second.lend();
        assert!(second.reclaim(), "a connection is on its way to the one who waits");
        let Poll::Ready(Some(third)) = poll!(&mut waiter) else { panic!("it has its connection") };
        first = third;
        let mut left = Box::pin(ceiling.acquire());
        assert!(poll!(&mut left).is_pending());
        drop(left);
        first.lend();
        assert!(first.reclaim(), "who has left needs nothing");
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_waits_too_long_gets_nothing() {
        let ceiling = Ceiling::new(1);
        let mut busy = ceiling.acquire().await.unwrap();
        assert!(ceiling.acquire().await.is_none());
        busy.lend();
        assert!(busy.reclaim(), "nobody waits any more");
        drop(busy);
        assert_eq!(ceiling.free(), 1);
    }
}
