//! One hook call: on whose behalf a script runs, and what it has asked for so far.

use std::cell::{Cell, RefCell};
use std::ffi::c_void;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use mlua::Lua;

use crate::lua::capability::{Capabilities, Need};
use crate::lua::config::Budget;
use crate::lua::convert::session::SessionView;
use crate::lua::convert::transaction::Past;
use crate::lua::ruling::Made;
use crate::lua::waits::Waits;
use crate::message::edit::Edit;
use crate::message::view::MessageView;
use crate::policy::event::Stage;
use crate::session::effects::{Effects, PolicyName};
use crate::store::remember::Question;

/// What a script's calls into the engine act upon.
#[derive(Debug)]
pub struct Call {
    /// The policy whose script runs.
    pub policy: PolicyName,
    /// What it may reach; none where that is what holds without `allow`.
    pub capabilities: Option<Arc<Capabilities>>,
    /// The folder that its script is in, while it is loaded.
    pub folder: Option<Rc<Path>>,
    /// The hook; none while the policy is loaded.
    pub stage: Option<Stage>,
    /// The session; none while the policy is loaded.
    pub session: Option<Rc<SessionView>>,
    /// Whether the policy only observes.
    pub is_observing: bool,
    /// The message, at `header` and `message`.
    pub message: Option<Rc<MessageView>>,
    /// The transaction that has ended, at `outcome`.
    pub(super) past: Option<Rc<Past>>,
    /// The table that the hook receives as its subject, to tell it from one of an earlier stage.
    pub(super) subject: Cell<*const c_void>,
    /// What the hook asked for besides a verdict.
    pub(super) effects: RefCell<Option<Box<Effects>>>,
    /// All edits of the message up to now, of this hook and of those before it.
    pub(super) edits: RefCell<Vec<Edit>>,
    /// Verdicts made, to find those that were not returned.
    pub(super) made: RefCell<Vec<Made>>,
    /// Whether it is a task, which decides nothing and asks for nothing.
    pub(super) is_task: bool,
    /// What it may use, and so may its tasks.
    pub(super) budget: Budget,
    /// The sources that it is asking for all sessions; given up when it ends.
    pub(super) asking: RefCell<Vec<Question>>,
    /// Whether the script has had its hands on `vars` or `shared`.
    pub(super) has_touched_vars: Cell<bool>,
    /// What its coroutines wait for.
    pub(super) waits: Waits,
}

impl Call {
    /// A call that loads `policy`, which may reach what `capabilities` allow.
    pub fn load(policy: PolicyName, capabilities: Option<Arc<Capabilities>>) -> Call {
        Call {
            policy,
            capabilities,
            folder: None,
            stage: None,
            session: None,
            is_observing: false,
            message: None,
            past: None,
            subject: Cell::new(std::ptr::null()),
            effects: RefCell::default(),
            edits: RefCell::default(),
            made: RefCell::default(),
            is_task: false,
            budget: Budget::default(),
            asking: RefCell::default(),
            has_touched_vars: Cell::new(false),
            waits: Waits::default(),
        }
    }

    /// Nothing, if the policy may reach `need`.
    ///
    /// *Errors*: in words, which capability is missing.
    pub fn allow(&self, need: &Need<'_>) -> Result<(), String> {
        match &self.capabilities {
            Some(capabilities) if !capabilities.allow(need) => Err(need.refusal()),
            _ => Ok(()),
        }
    }

    /// What the hook asks for, to add to it.
    pub(super) fn ask<T>(&self, add: impl FnOnce(&mut Effects) -> T) -> T {
        add(self.effects.borrow_mut().get_or_insert_default())
    }

    /// The policy, whose script now gets its hands on `vars` or `shared`.
    pub(super) fn touch_vars(&self) -> &PolicyName {
        self.has_touched_vars.set(true);
        &self.policy
    }

    /// Checks what the script has left in `vars` and `shared`.
    ///
    /// *Errors*: what is wrong there, as a sentence.
    pub(super) fn check_vars(&self, lua: &Lua) -> Result<(), String> {
        match &self.session {
            Some(session) if self.has_touched_vars.get() => {
                let past = self.past.as_ref().map(|past| past.vars.borrow());
                session.vars.borrow().check(lua, &self.policy, self.is_observing, past.as_deref())
            }
            _ => Ok(()),
        }
    }

    /// The points that the hook has given so far.
    pub(super) fn points(&self) -> f64 {
        let effects = self.effects.borrow();
        effects.iter().flat_map(|effects| &effects.scores).fold(0.0, |sum, score| sum + score.points)
    }

    /// A task that this call starts.
    pub(super) fn task(&self) -> Call {
        Call {
            capabilities: self.capabilities.clone(),
            stage: self.stage,
            session: self.session.clone(),
            is_observing: self.is_observing,
            is_task: true,
            budget: self.budget,
            // It may reach what its hook may, and nothing else.
            ..Call::load(self.policy.clone(), self.capabilities.clone())
        }
    }
}
