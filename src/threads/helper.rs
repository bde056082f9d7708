//! One thread with a runtime of its own for clients of other services, so that a worker busy with a script doesn't
//! stall everyone's look-ups.

use std::io;
use std::thread::JoinHandle;

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// The owner of the thread. Stops it when dropped.
#[derive(Debug)]
pub struct HelperRuntime {
    handle: HelperHandle,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl HelperRuntime {
    /// Starts the thread.
    ///
    /// Errors: the system has no thread or no descriptor to give.
    pub fn start() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().thread_name("helper").build()?;
        let handle = HelperHandle { runtime: runtime.handle().clone() };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("helper".to_owned()).spawn(move || {
            // Either a word or the owner's end: both mean stop.
            let _ = runtime.block_on(stopped);
            runtime.shutdown_background();
        })?;
        Ok(Self { handle, stop: Some(stop), thread: Some(thread) })
    }

    /// A handle to give to those who ask.
    pub fn handle(&self) -> HelperHandle {
        self.handle.clone()
    }

    /// As [`HelperHandle::ask`].
    pub async fn ask<F>(&self, query: impl FnOnce() -> F + Send + 'static) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.handle.ask(query).await
    }

    /// Drops what is running, whose waiters get None, and waits for the thread. Blocks: not for a worker.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread itself runs nothing that could panic; a query's panic stays in its task.
            let _ = thread.join();
        }
    }
}

impl Drop for HelperRuntime {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs queries on the helper's thread, from any other. A clone is cheap.
#[derive(Clone, Debug)]
pub struct HelperHandle {
    runtime: Handle,
}

impl HelperHandle {
    /// A handle to the runtime of the caller, for tests and for commands that have but one.
    ///
    /// None outside a runtime.
    pub fn of_caller() -> Option<Self> {
        Handle::try_current().ok().map(|runtime| Self { runtime })
    }

    /// What the future that `query` makes gives. Both `query` and its future run on the helper's thread.
    ///
    /// A waiter that is dropped doesn't drop the query: it runs to its end. None if the helper stops, or the query
    /// panicked.
    pub async fn ask<F>(&self, query: impl FnOnce() -> F + Send + 'static) -> Option<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        self.runtime.spawn(async move { query().await }).await.ok()
    }

    /// Runs the future that `query` makes, with nobody to wait for it.
    pub fn leave<F>(&self, query: impl FnOnce() -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        drop(self.runtime.spawn(async move { query().await }));
    }
}

#[cfg(test)]
mod tests {
    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn a_query_runs_on_the_helpers_thread() {
        let helper = HelperRuntime::start().expect("thread");
        let there = helper.ask(|| async { std::thread::current().id() }).await;
        assert_ne!(there, Some(std::thread::current().id()));
        assert!(there.is_some());
    }

    #[tokio::test]
    async fn a_waiter_that_leaves_does_not_drop_the_query() {
        let helper = HelperRuntime::start().expect("thread");
        let (go, gate) = oneshot::channel::<()>();
        let (done, was_done) = oneshot::channel();
        let handle = helper.handle();
        let mut waiter = Box::pin(handle.ask(|| async {
            let _ = gate.await;
            let _ = done.send(());
        }));
        assert!(poll!(&mut waiter).is_pending());
        drop(waiter);
        go.send(()).expect("the query waits");
        assert_eq!(was_done.await, Ok(()));
    }

    #[tokio::test]
    async fn waiters_of_a_helper_that_stops_get_none() {
        let helper = HelperRuntime::start().expect("thread");
        let handle = helper.handle();
        let mut waiter = Box::pin(handle.ask(std::future::pending::<()>));
        assert!(poll!(&mut waiter).is_pending());
        helper.stop();
        assert_eq!(waiter.await, None);
        assert_eq!(handle.ask(|| async { 1 }).await, None);
    }

    #[tokio::test]
    async fn a_query_that_panics_is_none_and_the_helper_lives_on() {
        let helper = HelperRuntime::start().expect("thread");
        assert_eq!(helper.ask(|| async { panic!("as it should") }).await, None::<()>);
        assert_eq!(helper.ask(|| async { 2 }).await, Some(2));
    }

    #[tokio::test]
    async fn the_helper_has_timers_and_sockets_of_its_own() {
        let helper = HelperRuntime::start().expect("thread");
        let bound = helper.ask(|| async {
            tokio::time::sleep(std::time::Duration::ZERO).await;
            tokio::net::UdpSocket::bind("127.0.0.1:0").await.is_ok()
        });
        assert_eq!(bound.await, Some(true));
    }
}
