//! What the coroutines of a hook call wait for: it ends with the call, whichever of them waits.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

/// What the coroutines of one hook call wait for.
#[derive(Default)]
pub(super) struct Waits(RefCell<Vec<Weak<dyn End>>>);

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waits").field(&self.0.borrow().len()).finish()
    }
}

impl Waits {
    /// Takes note of what is waited for.
    pub(super) fn add<W: Future + 'static>(&self, wait: &Wait<W>) {
        let mut waits = self.0.borrow_mut();
        // Few wait at once; those that are over go when there is no room.
        if waits.len() == waits.capacity() {
            waits.retain(|wait| wait.upgrade().is_some_and(|wait| !wait.is_over()));
        }
        let held: Rc<dyn End> = Rc::<Held<W>>::clone(&wait.0);
        waits.push(Rc::downgrade(&held));
    }

    /// Drops all that is waited for. The coroutines are not resumed.
    pub(super) fn end(&self) {
        for wait in self.0.take() {
            if let Some(wait) = wait.upgrade() {
                wait.end();
            }
        }
    }
}

/// What can be dropped before it is over.
trait End {
    fn end(&self);
    fn is_over(&self) -> bool;
}

/// A future, until it is over or dropped. It lies in Lua's hands, which let go when garbage is collected.
struct Held<W>(RefCell<Option<Pin<Box<W>>>>);

impl<W: Future> End for Held<W> {
    fn end(&self) {
        self.0.take();
    }

    fn is_over(&self) -> bool {
        self.0.borrow().is_none()
    }
}

/// A future that `Waits` can drop before it is over.
pub(super) struct Wait<W>(Rc<Held<W>>);

impl<W> Wait<W> {
    /// Holds `future`.
    pub(super) fn new(future: W) -> Self {
        Wait(Rc::new(Held(RefCell::new(Some(Box::pin(future))))))
    }
}

impl<W: Future> Future for Wait<W> {
    type Output = W::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<W::Output> {
        let mut held = self.0.0.borrow_mut();
        let Some(future) = held.as_mut() else { return Poll::Pending };
        let answer = std::task::ready!(future.as_mut().poll(cx));
        *held = None;
        Poll::Ready(answer)
    }
}
