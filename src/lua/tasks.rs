//! The tasks of one session: how far each is, at most so many at once, and all of them ended with it.

use std::cell::RefCell;
use std::rc::{Rc, Weak};

use mlua::{IntoLuaMulti, Lua, MetaMethod, MultiValue, Table, UserData, UserDataMethods, Value};
use tokio::sync::Notify;
use tokio::task::AbortHandle;

use crate::lua::caller::raise;
use crate::lua::charge;

/// What a session has running beside its hooks. Dropped, it ends all of it.
#[derive(Debug, Default)]
pub struct Tasks(RefCell<Vec<(AbortHandle, Weak<Course>)>>);

/// Tasks that a session has at once.
pub(super) const MOST: usize = 16;

/// A task as a script has it; the one object that `session.vars` may hold.
#[derive(Clone)]
pub(super) struct Task(Rc<Course>);

/// Steps that one value of a task takes.
const VALUE: usize = 40;
/// Where the Lua state keeps the function behind `task:wait()`.
pub(super) const WAIT: &str = "gatepost.task.wait";

/// How far a task is.
#[derive(Debug, Default)]
pub(super) struct Course {
    end: RefCell<Option<End>>,
    has_ended: Notify,
}

/// How a task ended.
#[derive(Clone, Debug)]
pub(super) enum End {
    /// With values: `table.pack`'s.
    Values(Table),
    /// With an error, which is in the log.
    Failed,
    /// Its time was over.
    Timeout,
}

impl Tasks {
    /// Whether there is room for one more.
    pub(super) fn have_room(&self) -> bool {
        let mut running = self.0.borrow_mut();
        // What has ended, and what nobody asks for any more.
        running.retain(|(task, course)| !task.is_finished() || course.strong_count() > 0);
        running.iter().filter(|(task, _)| !task.is_finished()).count() < MOST
    }

    /// Takes one more.
    pub(super) fn add(&self, task: AbortHandle, course: &Rc<Course>) {
        self.0.borrow_mut().push((task, Rc::downgrade(course)));
    }
}

impl Drop for Tasks {
    fn drop(&mut self) {
        for (task, course) in self.0.get_mut() {
            task.abort();
            // Values may hold the task itself, which would then never go.
            let values = course.upgrade().and_then(|course| course.end.take());
            drop(values);
        }
    }
}

impl Course {
    /// The task has ended so.
    pub(super) fn finish(&self, end: End) {
        self.end.replace(Some(end));
        self.has_ended.notify_waiters();
    }
}

impl Task {
    /// The task whose course this is.
    pub(super) fn new(course: &Rc<Course>) -> Self {
        Self(Rc::clone(course))
    }

    /// The task that a script has in its hands.
    pub(super) fn of(value: &Value) -> Option<Task> {
        value.as_userdata()?.borrow::<Task>().ok().map(|task| task.clone())
    }

    /// Its values, or nil and why there are none.
    pub(super) async fn wait(&self, lua: &Lua) -> mlua::Result<MultiValue> {
        let end = loop {
            let ended = self.0.has_ended.notified();
            if let Some(end) = &*self.0.end.borrow() {
                break end.clone();
            }
            ended.await;
        };
        match end {
            End::Values(values) => {
                let count: usize = values.raw_get("n")?;
                charge::steps(lua, count.saturating_mul(VALUE))?;
                (1..=count).map(|at| values.raw_get::<Value>(at)).collect()
            }
            End::Failed => (Value::Nil, "failed").into_lua_multi(lua),
            End::Timeout => (Value::Nil, "timeout").into_lua_multi(lua),
        }
    }
}

impl UserData for Task {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        // Not a method of mlua's making: one that waits goes by the guard.
        methods.add_meta_method(MetaMethod::Index, |lua, _, key: Value| match key {
            Value::String(key) if key == "wait" => lua.named_registry_value(WAIT),
            _ => Ok(Value::Nil),
        });
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a task is read-only"))
        });
    }
}
