//! Functions that wait, and what they wait for: it ends with the hook call, whichever coroutine waits.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::{Rc, Weak};
use std::task::{Context, Poll};

use mlua::{FromLuaMulti, Function, IntoLuaMulti, Lua};

use crate::lua::guard::Guard;

/// A Lua function that suspends the hook call until the future that `body` makes of the arguments has its answer.
///
/// The future is dropped at once when the call ends before it: the client has gone, or time is over.
pub fn function<A, F, W, R>(lua: &Lua, guard: &Rc<Guard>, body: F) -> mlua::Result<Function>
where
    A: FromLuaMulti,
    F: Fn(Lua, A) -> W + 'static,
    W: Future<Output = mlua::Result<R>> + 'static,
    R: IntoLuaMulti,
{
    let guard = Rc::clone(guard);
    lua.create_async_function(move |lua, arguments: A| {
        let held = Rc::new(Held(RefCell::new(Some(Box::pin(body(lua, arguments))))));
        if let Some(call) = guard.call() {
            call.waits.add(&held);
        }
        Wait(held)
    })
}

/// What the coroutines of one hook call wait for.
#[derive(Default)]
pub(super) struct Waits(RefCell<Vec<Weak<dyn End>>>);

impl fmt::Debug for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Waits").field(&self.0.borrow().len()).finish()
    }
}

impl Waits {
    fn add<W: Future + 'static>(&self, held: &Rc<Held<W>>) {
        let mut waits = self.0.borrow_mut();
        // Few wait at once; those that are over go when there is no room.
        if waits.len() == waits.capacity() {
            waits.retain(|wait| wait.upgrade().is_some_and(|wait| !wait.is_over()));
        }
        let held: Rc<dyn End> = Rc::clone(held) as Rc<dyn End>;
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

struct Wait<W>(Rc<Held<W>>);

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
