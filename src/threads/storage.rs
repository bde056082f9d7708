//! A few threads that do all work on files, so that a slow disk never holds up a worker.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::{Condvar, Mutex};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// The pool is stopping, or the work panicked: it isn't known how much of the work was done.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the storage pool has stopped")]
pub struct StorageStopped;

/// A handle to the threads; a clone is cheap and means the same threads.
#[derive(Clone)]
pub struct StoragePool {
    inner: Arc<Inner>,
}

struct Inner {
    /// Whether there are no threads, and whoever asks does the work.
    is_here: bool,
    /// One permit for each piece of work that is queued or running.
    room: Arc<Semaphore>,
    queue: Arc<Queue>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Drop for Inner {
    /// The threads hold the queue alone: when the last handle goes, they end.
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// What waits for a thread. Each piece of work wakes one thread, and none that is busy.
#[derive(Default)]
struct Queue {
    line: Mutex<Line>,
    has_more: Condvar,
}

#[derive(Default)]
struct Line {
    work: VecDeque<Work>,
    is_closed: bool,
}

impl Queue {
    /// Puts `work` at the end, unless the queue is closed.
    fn push(&self, work: Work) -> Result<(), StorageStopped> {
        let mut line = self.line.lock();
        if line.is_closed {
            return Err(StorageStopped);
        }
        line.work.push_back(work);
        drop(line);
        self.has_more.notify_one();
        Ok(())
    }

    /// The next work, as soon as there is some; nothing once the queue is closed and empty.
    fn next(&self) -> Option<Work> {
        let mut line = self.line.lock();
        loop {
            match line.work.pop_front() {
                None if !line.is_closed => self.has_more.wait(&mut line),
                next => return next,
            }
        }
    }

    fn close(&self) {
        self.line.lock().is_closed = true;
        self.has_more.notify_all();
    }
}

struct Work {
    run: Box<dyn FnOnce() + Send>,
    _room: OwnedSemaphorePermit,
}

impl StoragePool {
    /// Starts `threads` threads; at most `queue` pieces of work wait for one.
    ///
    /// Errors: the system has no more threads to give.
    pub fn start(threads: usize, queue: usize) -> io::Result<Self> {
        let threads = threads.max(1);
        let inner = Inner {
            is_here: false,
            room: Arc::new(Semaphore::new(threads.saturating_add(queue).min(Semaphore::MAX_PERMITS))),
            queue: Arc::default(),
            threads: Mutex::default(),
        };
        let pool = Self { inner: Arc::new(inner) };
        for number in 0..threads {
            let queue = Arc::clone(&pool.inner.queue);
            let thread = std::thread::Builder::new()
                .name(format!("storage-{number}"))
                .spawn(move || work_off(&queue))?;
            pool.inner.threads.lock().push(thread);
        }
        Ok(pool)
    }

    /// A pool without threads: work is done at once by whoever asks for it. For tests whose clock stands still while
    /// threads would go on.
    pub fn here() -> Self {
        let (room, queue, threads) = (Arc::new(Semaphore::new(1)), Arc::default(), Mutex::default());
        Self { inner: Arc::new(Inner { is_here: true, room, queue, threads }) }
    }

    /// What `work` gives, run on a thread of the pool.
    ///
    /// Waits for room when the queue is full: this is the back-pressure. A waiter that is dropped before there was room
    /// leaves nothing behind; after that the work is done all the same. Works on any tokio runtime.
    ///
    /// Errors: [`StorageStopped`].
    pub async fn run<T, F>(&self, work: F) -> Result<T, StorageStopped>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        if self.inner.is_here {
            return catch_unwind(AssertUnwindSafe(work)).map_err(|_| StorageStopped);
        }
        let room = Arc::clone(&self.inner.room).acquire_owned().await.map_err(|_| StorageStopped)?;
        let (give, result) = oneshot::channel();
        let run = Box::new(move || {
            let _ = give.send(work());
        });
        self.inner.queue.push(Work { run, _room: room })?;
        result.await.map_err(|_| StorageStopped)
    }

    /// Queues `work` that nobody waits for, such as giving back a large file; past the bound it is done at once, here.
    pub fn leave<F: FnOnce() + Send + 'static>(&self, work: F) {
        match Arc::clone(&self.inner.room).try_acquire_owned() {
            Ok(room) if !self.inner.is_here => {
                let _ = self.inner.queue.push(Work { run: Box::new(work), _room: room });
            }
            _ => work(),
        }
    }

    /// Takes no more work, does what is queued, and waits for the threads. Blocks: not for a worker.
    pub fn stop(&self) {
        self.inner.room.close();
        self.inner.queue.close();
        let threads = std::mem::take(&mut *self.inner.threads.lock());
        for thread in threads {
            // A panic of the work was caught; there is nothing to say about a thread's end.
            let _ = thread.join();
        }
    }
}

fn work_off(queue: &Queue) {
    while let Some(work) = queue.next() {
        if catch_unwind(AssertUnwindSafe(work.run)).is_err() {
            tracing::error!("work on a file panicked; its session sees a storage fault");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::channel;
    use std::task::Poll;

    use futures_util::future::join_all;
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn work_runs_elsewhere_and_its_value_comes_back() {
        let pool = StoragePool::start(2, 4).expect("threads");
        let here = std::thread::current().id();
        let there = pool.run(|| std::thread::current().id()).await.expect("running");
        assert_ne!(here, there);
        let squares = join_all((0..100_u32).map(|n| pool.run(move || n * n))).await;
        assert_eq!(squares.into_iter().flatten().sum::<u32>(), 328_350);
    }

    #[tokio::test]
    async fn a_full_queue_makes_the_next_wait() {
        let pool = StoragePool::start(1, 1).expect("threads");
        let (go, gate) = channel::<()>();
        let mut running = Box::pin(pool.run(move || gate.recv()));
        assert!(poll!(&mut running).is_pending());
        let mut queued = Box::pin(pool.run(|| 2));
        assert!(poll!(&mut queued).is_pending());
        let asked = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&asked);
        let mut waiting = Box::pin(pool.run(move || count.fetch_add(1, Ordering::SeqCst)));
        assert!(poll!(&mut waiting).is_pending());
        drop(waiting); // there was no room for it yet: it is never done
        go.send(()).expect("running");
        assert_eq!(running.await.expect("running"), Ok(()));
        assert_eq!(queued.await, Ok(2));
        pool.stop();
        assert_eq!(asked.load(Ordering::SeqCst), 0);
    }

    #[tokio::test]
    async fn queued_work_is_done_though_its_waiter_left_and_the_pool_stops() {
        let pool = StoragePool::start(1, 8).expect("threads");
        let (go, gate) = channel::<()>();
        let mut first = Box::pin(pool.run(move || gate.recv()));
        assert!(poll!(&mut first).is_pending());
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..4 {
            let done = Arc::clone(&done);
            let mut work = Box::pin(pool.run(move || done.fetch_add(1, Ordering::SeqCst)));
            assert!(poll!(&mut work).is_pending());
        }
        drop(first);
        go.send(()).expect("running");
        pool.stop();
        assert_eq!(done.load(Ordering::SeqCst), 4);
        assert_eq!(pool.run(|| 1).await, Err(StorageStopped));
    }

    #[tokio::test]
    async fn work_that_panics_is_an_error_and_the_thread_lives_on() {
        let pool = StoragePool::start(1, 1).expect("threads");
        assert_eq!(pool.run(|| panic!("as it should")).await, Err::<(), _>(StorageStopped));
        assert_eq!(pool.run(|| 3).await, Ok(3));
    }

    #[tokio::test]
    async fn a_slow_disk_leaves_the_worker_free() {
        let pool = StoragePool::start(1, 1).expect("threads");
        let (go, gate) = channel::<()>();
        let mut slow = Box::pin(pool.run(move || gate.recv()));
        assert_eq!(poll!(&mut slow).map(|_| ()), Poll::Pending);
        // The worker goes on: it is what lets the disk finish.
        tokio::task::yield_now().await;
        go.send(()).expect("running");
        assert_eq!(slow.await, Ok(Ok(())));
    }

    #[tokio::test]
    async fn without_threads_whoever_asks_does_the_work() {
        let pool = StoragePool::here();
        let here = std::thread::current().id();
        assert_eq!(pool.run(|| std::thread::current().id()).await, Ok(here));
        assert_eq!(pool.run(|| panic!("as it should")).await, Err::<(), _>(StorageStopped));
        let done = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&done);
        pool.leave(move || {
            count.fetch_add(1, Ordering::SeqCst);
        });
        assert_eq!(done.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn work_left_behind_is_done() {
        let pool = StoragePool::start(1, 0).expect("threads");
        let done = Arc::new(AtomicUsize::new(0));
        for _ in 0..50 {
            let done = Arc::clone(&done);
            pool.leave(move || {
                done.fetch_add(1, Ordering::SeqCst);
            });
        }
        pool.stop();
        assert_eq!(done.load(Ordering::SeqCst), 50);
    }
}
