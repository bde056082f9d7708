//! The guard charges what functions of the engine take, and ends the hook that has not so much left.

use mlua::Lua;

use crate::lua::charge::{Purse, Rate, SMALL};
use crate::lua::guard::{Guard, Look, OVER_BUDGET};
use crate::lua::period;

impl Guard {
    /// Charges work on so many octets.
    ///
    /// *Errors*: the call that runs has not so much left. Nothing of it runs any more.
    pub(super) fn charge(&self, lua: &Lua, octets: usize, rate: Rate) -> mlua::Result<()> {
        if octets < SMALL { Ok(()) } else { self.charge_steps(lua, rate.steps(octets)) }
    }

    #[cold]
    fn look(&self, lua: &Lua, steps: usize) -> mlua::Result<()> {
        match self.spend(steps, || false) {
            Look::Stop(spent) => {
                self.kill(lua, spent);
                Err(mlua::Error::runtime(OVER_BUDGET))
            }
            Look::Hasten | Look::Pause => {
                period::hasten(lua.state());
                Ok(())
            }
            Look::On => Ok(()),
        }
    }
}

impl Purse for Guard {
    fn charge_steps(&self, lua: &Lua, steps: usize) -> mlua::Result<()> {
        let steps = steps.saturating_add(period::take_spent(lua.state()));
        match self.steps().get().checked_sub(steps) {
            Some(left) => {
                self.steps().set(left);
                Ok(())
            }
            None => self.look(lua, steps),
        }
    }
}
