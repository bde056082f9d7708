//! What functions of the engine take of a hook's budget: each is charged by the octets that it works on, before it does.
//!
//! A short call is seen by the guard's hook as any instruction is, and costs nothing more.

use std::rc::Rc;

use mlua::{Lua, LuaString, Value};

/// Octets below which nothing is charged.
pub(super) const SMALL: usize = 512;
/// Octets of a name that is no UTF-8, which are looked at.
const NAME: usize = 4096;

/// What is done with each octet: steps for 64 of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate(usize);

impl Rate {
    /// It is copied, and looked at once, many at a time.
    pub(super) const COPIED: Rate = Rate(8);
    /// It is written anew, as Base64 or JSON.
    pub(super) const WRITTEN: Rate = Rate(32);
    /// It goes into a digest, on a machine that has no instructions for that.
    pub(super) const DIGESTED: Rate = Rate(48);
    /// It is looked at alone.
    pub(super) const READ: Rate = Rate(64);

    /// Steps that so many octets take.
    pub(super) fn steps(self, octets: usize) -> usize {
        octets.saturating_mul(self.0) / 64
    }
}

/// Whom work is charged to: the guard, which knows the call that runs.
pub(super) trait Purse {
    /// Charges so many steps.
    ///
    /// *Errors*: the call that runs has not so much left. Nothing of it runs any more.
    fn charge_steps(&self, lua: &Lua, steps: usize) -> mlua::Result<()>;
}

/// Charges work on so many octets to the call that runs in `lua`.
///
/// *Errors*: it has not so much left.
pub(super) fn octets(lua: &Lua, octets: usize, rate: Rate) -> mlua::Result<()> {
    if octets < SMALL { Ok(()) } else { steps(lua, rate.steps(octets)) }
}

/// Charges so many steps.
///
/// *Errors*: as above.
pub(super) fn steps(lua: &Lua, steps: usize) -> mlua::Result<()> {
    let purse = lua.app_data_ref::<Rc<dyn Purse>>().map(|purse| Rc::clone(&purse));
    purse.map_or(Ok(()), |purse| purse.charge_steps(lua, steps))
}

/// The name that a script gave, charged.
///
/// *Errors*: as above.
pub(super) fn taken(lua: &Lua, text: &LuaString) -> mlua::Result<String> {
    octets(lua, text.as_bytes().len(), Rate::COPIED)?;
    Ok(name(text))
}

/// The octets of the texts among `values`.
pub(super) fn given(values: &[Value]) -> usize {
    let octets = |value: &Value| value.as_string().map_or(0, |text| text.as_bytes().len());
    values.iter().map(octets).fold(0, usize::saturating_add)
}

/// A name that a script gave. What is no UTF-8 in it is replaced, and no name that has such octets is long.
pub(super) fn name(text: &LuaString) -> String {
    let octets = text.as_bytes();
    match std::str::from_utf8(&octets) {
        Ok(name) => name.to_owned(),
        Err(_) => String::from_utf8_lossy(octets.get(..NAME).unwrap_or(&octets)).into_owned(),
    }
}
