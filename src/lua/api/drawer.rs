//! Where a call of `store` or `ratelimit` acts: which entries are meant, and whether the policy may reach them.

use std::rc::Rc;
use std::time::Duration;

use mlua::Value;

use crate::lua::api::Parts;
use crate::lua::api::module::{Arguments, OrKind, duration};
use crate::lua::capability::Need;
use crate::lua::guard::Guard;
use crate::session::effects::PolicyName;
use crate::store::calls::Store;
use crate::store::error::StoreError;
use crate::store::key::{Key, Space};

/// Whose entries a call is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    /// The policy's that makes it.
    Policy,
    /// Everybody's.
    All,
}

/// The store of this worker's parts, seen by the policy that runs.
#[derive(Clone)]
pub(super) struct Drawer {
    guard: Rc<Guard>,
    parts: Parts,
    owner: Owner,
}

/// The store and the whole key, or why there is none.
pub(super) type Found = Result<(Store, Key), StoreError>;

impl Drawer {
    /// The drawer of `owner`.
    pub(super) fn new(guard: &Rc<Guard>, parts: &Parts, owner: Owner) -> Self {
        Self { guard: Rc::clone(guard), parts: parts.clone(), owner }
    }

    /// The module that its functions are in.
    pub(super) fn module(&self) -> &'static str {
        match self.owner {
            Owner::Policy => "store",
            Owner::All => "store.shared",
        }
    }

    /// What watches the scripts.
    pub(super) fn guard(&self) -> &Rc<Guard> {
        &self.guard
    }

    /// The store.
    ///
    /// *Errors*: `Unavailable` when offline.
    pub(super) fn store(&self) -> Result<&Store, StoreError> {
        self.parts.store()
    }

    /// The entry that the first argument names.
    ///
    /// *Errors*: misuse, and what the policy may not reach.
    pub(super) fn find(&self, arguments: &Arguments) -> Result<Found, String> {
        let key = name_of(arguments, 1, "a key")?;
        let shown = String::from_utf8_lossy(&key);
        let (policy, owner) = (policy(arguments), self.owner);
        let (need, space) = match owner {
            Owner::Policy => (Need::Store(&shown), Space::Policy(&policy)),
            Owner::All => (Need::SharedStore(&shown), Space::Shared),
        };
        arguments.allow(&need)?;
        Ok(self.open(space, &key))
    }

    /// The rate that the first argument names, of what the second does.
    ///
    /// *Errors*: misuse, and what the policy may not reach.
    pub(super) fn find_rate(&self, arguments: &Arguments) -> Result<Found, String> {
        let (rate, key) = (name_of(arguments, 1, "the rate's name")?, name_of(arguments, 2, "a key")?);
        arguments.allow(&Need::Ratelimit(&String::from_utf8_lossy(&rate)))?;
        Ok(self.open(Space::Rate(&policy(arguments), &rate), &key))
    }

    fn open(&self, space: Space<'_>, key: &[u8]) -> Found {
        let store = self.parts.store()?;
        Ok((store.clone(), store.key(space, key)?))
    }
}

/// The policy on whose behalf the call is made.
fn policy(arguments: &Arguments) -> PolicyName {
    arguments.call().map_or_else(|| "".into(), |call| call.policy.clone())
}

/// The octets at `place`: a string, or a whole number written out.
pub(super) fn name_of(arguments: &Arguments, place: usize, what: &str) -> Result<Vec<u8>, String> {
    match arguments.at(place) {
        Value::Integer(whole) => Ok(whole.to_string().into_bytes()),
        _ => arguments.octets(place, what),
    }
}

/// What a call of the store gave, for scripts.
pub(super) fn or_kind<T>(result: Result<T, StoreError>) -> OrKind<T> {
    OrKind(result.map_err(StoreError::kind))
}

/// A duration that is more than nothing.
pub(super) fn positive(name: &str, value: &Value) -> Result<Duration, String> {
    let length = duration(name, value)?;
    if length.is_zero() { Err(format!("{name} is more than 0")) } else { Ok(length) }
}
