//! Handshakes one after the other: so many at once, and one step of one of them between two turns of all other work.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::Poll;

use tokio::sync::{Semaphore, SemaphorePermit};

/// The handshakes of one worker.
///
/// A step of a handshake is a millisecond of arithmetic. If thousands of clients come at once, the sessions that are
/// there already must have their turns in between: so after each step the next handshake goes to the end of the queue.
#[derive(Debug)]
pub struct Turnstile {
    places: Semaphore,
    step: Semaphore,
}

/// Handshakes of one worker that are under way at once; each holds some 30 KiB. The others wait and hold none.
const PLACES: usize = 256;

impl Turnstile {
    /// With nobody in it.
    pub fn new() -> Self {
        Turnstile { places: Semaphore::new(PLACES), step: Semaphore::new(1) }
    }

    /// Waits for one of the places.
    pub async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        self.places.acquire().await.ok() // it is never closed
    }

    /// What `handshake` gives, of which each step waits for its turn.
    pub async fn pass<F: Future + Unpin>(&self, mut handshake: F) -> F::Output {
        let mut turn = Box::pin(self.step.acquire());
        poll_fn(|context| {
            if turn.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
            let polled = Pin::new(&mut handshake).poll(context);
            // The permit went with the old future: the next in the queue is woken, and runs after all others that can.
            turn.set(self.step.acquire());
            polled
        })
        .await
    }
}

impl Default for Turnstile {
    fn default() -> Self {
        Turnstile::new()
    }
}
