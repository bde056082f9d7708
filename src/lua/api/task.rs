//! `task`: functions that run beside the session's hooks, from one hook to a later one.
//!
//! A task is a hook call of its own: it has a budget, is sliced, and waits as a hook does; but it asks for nothing and
//! decides nothing.

use std::rc::Rc;

use mlua::{Function, Lua, MultiValue, Table, Value, Variadic};
use tokio::time::{Instant, timeout_at};

use crate::lua::api::{Parts, raise};
use crate::lua::budget::{Allowance, HookCall, Stopped};
use crate::lua::call::Call;
use crate::lua::failure;
use crate::lua::guard::Guard;
use crate::lua::listing::Listing;
use crate::lua::parking::Parking;
use crate::lua::suspend::{self, may_wait};
use crate::lua::tasks::{Course, End, MOST, Task, WAIT};

/// Opens the module `task`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let task = lua.create_table()?;
    let runner = Rc::new(Runner::new(lua, guard, parts)?);
    let starting = Rc::clone(&runner);
    let start = move |lua: &Lua, arguments: Variadic<Value>| match arguments.as_slice() {
        [Value::Function(function)] => starting.start(lua, function),
        [Value::Table(_), ..] => {
            Err(raise(lua, "task.start: use `.`: it is a function of task, not a method"))
        }
        _ => Err(raise(lua, "task.start: a function is wanted; it has no arguments but what it closes over")),
    };
    task.raw_set("start", lua.create_function(start)?)?;
    let watching = Rc::clone(guard);
    let wait = suspend::function(lua, guard, move |lua, this: Value| {
        let watching = Rc::clone(&watching);
        async move {
            may_wait(&lua, &watching)?;
            let task = Task::of(&this).ok_or_else(|| raise(&lua, "use `:`: task:wait()"))?;
            task.wait(&lua).await
        }
    })?;
    lua.set_named_registry_value(WAIT, wait)?;
    let all = suspend::function(lua, guard, move |lua, arguments: Variadic<Value>| {
        let runner = Rc::clone(&runner);
        async move { runner.all(&lua, &arguments).await }
    })?;
    task.raw_set("all", all)?;
    Ok(task)
}

/// What starts tasks.
struct Runner {
    guard: Rc<Guard>,
    parts: Parts,
    /// `enter(f)`: calls `f`, and packs what it gives.
    enter: Function,
}

impl Runner {
    fn new(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Self> {
        let enter = "local pack = table.pack return function(f) return pack(f()) end";
        let enter = lua.load(enter).set_name("=gatepost").eval()?;
        Ok(Self { guard: Rc::clone(guard), parts: parts.clone(), enter })
    }

    fn start(&self, lua: &Lua, function: &Function) -> mlua::Result<Task> {
        let call = self.guard.call();
        let session = call.as_ref().and_then(|call| Some((call, call.session.clone()?)));
        let Some((call, session)) = session else {
            return Err(raise(lua, "task.start: a task belongs to a session; start it in a hook"));
        };
        let Some(tasks) = session.tasks.upgrade() else { return Err(raise(lua, "session is gone")) };
        if !tasks.have_room() {
            return Err(raise(lua, &format!("task.start: a session has at most {MOST} tasks at once")));
        }
        let budget = call.budget;
        let allowance = Allowance::of(&budget);
        let own = Rc::new(call.task());
        let running = HookCall::new(lua, &self.guard, Rc::clone(&own), allowance, &self.enter, Ok(function));
        let course = Rc::new(Course::default());
        let (ending, waiting, parking) =
            (Rc::clone(&course), self.parts.waiting().enter(), self.parts.parking().clone());
        let listing = Rc::clone(self.guard.listing());
        let last = Instant::now() + budget.time;
        let task = tokio::task::spawn_local(async move {
            let end = run(&own, running, last, &parking, &listing).await;
            drop(waiting);
            ending.finish(end);
        });
        tasks.add(task.abort_handle(), &course);
        Ok(Task::new(&course))
    }

    /// What each of several tasks gives, functions among them started first.
    async fn all(&self, lua: &Lua, arguments: &[Value]) -> mlua::Result<MultiValue> {
        may_wait(lua, &self.guard)?;
        let task = |value: &Value| match value {
            Value::Function(function) => self.start(lua, function),
            other => Task::of(other).ok_or_else(|| raise(lua, "task.all: functions and tasks are wanted")),
        };
        let tasks: Vec<Task> = arguments.iter().map(task).collect::<mlua::Result<_>>()?;
        let mut results = MultiValue::new();
        for task in tasks {
            let values = task.wait(lua).await?;
            let packed = lua.create_table_with_capacity(values.len(), 1)?;
            packed.raw_set("n", values.len())?;
            for (at, value) in values.into_iter().enumerate() {
                packed.raw_set(at + 1, value)?;
            }
            results.push_back(Value::Table(packed));
        }
        Ok(results)
    }
}

/// Runs a task to its end.
async fn run(call: &Call, running: HookCall, last: Instant, parking: &Parking, listing: &Listing) -> End {
    let lua = running.lua().clone();
    let returned = timeout_at(last, running).await;
    let kept = call.check_vars(&lua);
    let problem = match (returned, kept) {
        (Err(_), _) => {
            failure::log(call, "task", &Stopped::Time.to_string(), listing);
            return End::Timeout;
        }
        (Ok(Ok(returned)), Ok(())) => {
            return match returned.as_deref() {
                Some(Value::Table(values)) => End::Values(values.clone()),
                _ => End::Failed, // not what `enter` gives
            };
        }
        (Ok(Ok(_)), Err(problem)) => problem,
        (Ok(Err(stopped)), _) => {
            if stopped.is_overrun() {
                overrun(call, parking);
            }
            stopped.to_string()
        }
    };
    failure::log(call, "task", &problem, listing);
    End::Failed
}

/// A task that spends more than its budget speaks against the hook that starts such tasks. One that waits too long does
/// not: it keeps nobody.
fn overrun(call: &Call, parking: &Parking) {
    let (Some(stage), Some(session)) = (call.stage, &call.session) else { return };
    let (policy, hook) = (&call.policy, stage.as_str());
    if parking.berth(policy, hook).overrun(session.client_address()) {
        tracing::warn!(%policy, hook, "parked: its tasks have overrun their budget three times in a minute");
    }
}
