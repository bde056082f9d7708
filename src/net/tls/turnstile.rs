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

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    use futures_util::poll;
    use tokio::task::{LocalSet, yield_now};

    use super::*;

    #[tokio::test]
    async fn those_who_find_no_place_wait_for_one() {
        let turnstile = Turnstile::new();
        let mut places = Vec::new();
        for _ in 0..PLACES {
            places.push(turnstile.enter().await);
        }
        let mut late = Box::pin(turnstile.enter());
        assert!(poll!(&mut late).is_pending());
        places.pop();
        let patience = std::time::Duration::from_secs(5);
        assert!(tokio::time::timeout(patience, late).await.is_ok());
    }

    /// A thousand handshakes of three steps, and a session that has something to do all the time: it has its turn after
    /// each step.
    #[tokio::test]
    async fn other_work_has_its_turn_after_each_step() {
        let turns = Rc::new(RefCell::new(vec![0]));
        let (turnstile, left) = (Rc::new(Turnstile::new()), Rc::new(Cell::new(1000)));
        let tasks = LocalSet::new();
        for _ in 0..left.get() {
            let (turnstile, turns, left) = (Rc::clone(&turnstile), Rc::clone(&turns), Rc::clone(&left));
            tasks.spawn_local(async move {
                let steps = Box::pin(async {
                    for _ in 0..3 {
                        *turns.borrow_mut().last_mut().unwrap() += 1;
                        yield_now().await;
                    }
                });
                turnstile.pass(steps).await;
                left.set(left.get() - 1);
            });
        }
        let session = async {
            while left.get() > 0 {
                turns.borrow_mut().push(0);
                yield_now().await;
            }
        };
        tasks.run_until(session).await;
        let turns = turns.borrow();
        assert_eq!(turns.iter().sum::<usize>(), 3000);
        // The main task of a LocalSet has its turn after 61 of the others at the latest.
        assert!(turns.iter().all(|steps| *steps <= 61), "{:?}", turns.iter().max());
    }
}
