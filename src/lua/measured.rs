//! Functions of Lua's library that may run long inside one instruction, where the guard's hook doesn't come: what a
//! call will take is charged to the budget before it begins, and a call that would overrun it doesn't begin.

use std::ffi::c_int;
use std::rc::Rc;

use mlua::ffi::{lua_CFunction, lua_Integer, lua_State};
use mlua::{Function, Lua, Table, Value};

use crate::lua::guard::{Guard, Look};
use crate::lua::stack::{self, Stack};

/// Octets that are copied in the time of one step.
const COPIED: usize = 16;
/// Octets that are read one by one in the time of one step.
const READ: usize = 4;
/// Steps that one octet of a format may take: `%.99f` prints a hundred digits.
const FORMAT: lua_Integer = 16;
/// Steps that one octet of a date's format may take.
const DATE: lua_Integer = 200;
/// Steps that moving an entry of a table takes.
const MOVED: usize = 4;

/// Puts measured functions in the place of Lua's own. Returns `less(a, b)`, the default order of `table.sort`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Function> {
    let [insert, remove]: [Function; 2] = {
        let slow = lua.load(include_str!("prelude/shift.lua")).set_name("=gatepost");
        slow.call::<(Function, Function)>(())?.into()
    };
    let one = || Value::Integer(1);
    let functions: [(&str, &str, lua_CFunction, Value); 14] = [
        ("string", "rep", rep, Value::Nil),
        ("string", "lower", by_text, one()),
        ("string", "upper", by_text, one()),
        ("string", "reverse", by_text, one()),
        ("string", "format", by_text, Value::Integer(FORMAT)),
        ("string", "pack", pack, Value::Nil),
        ("os", "date", by_text, Value::Integer(DATE)),
        ("utf8", "len", by_text, one()),
        ("utf8", "offset", by_text, one()),
        ("table", "concat", by_table, Value::Nil),
        ("table", "unpack", by_table, Value::Nil),
        ("table", "move", move_, Value::Nil),
        ("table", "insert", insert_, Value::Function(insert)),
        ("table", "remove", remove_, Value::Function(remove)),
    ];
    for (library, name, measured, more) in functions {
        let library: Table = lua.globals().get(library)?;
        let own: Function = library.raw_get(name)?;
        library.raw_set(name, stack::function(lua, guard, measured, (own, more))?)?;
    }
    stack::function(lua, guard, less, ())
}

/// The upvalues: Lua's own function, and what else the measured one needs.
const OWN: c_int = 1;
const MORE: c_int = 2;

/// Charges `steps` and goes on with Lua's own function.
fn charged(stack: Stack, steps: usize) -> c_int {
    match charge(stack, steps) {
        Ok(()) => stack.call_c(Stack::upvalue(OWN)),
        Err(raised) => raised,
    }
}

/// Charges `steps`. An `Err` is what the function returns when Lua has been told to raise.
fn charge(stack: Stack, steps: usize) -> Result<(), c_int> {
    let guard: &Guard = stack.shared();
    match guard.steps().get().checked_sub(steps) {
        Some(left) => guard.steps().set(left),
        None => match guard.spend(steps, || false) {
            Look::Stop => return Err(stack.kill(guard)),
            Look::Hasten | Look::Pause => stack.hasten(),
            Look::On => {}
        },
    }
    Ok(())
}

/// A number that a script gave, at least 0.
fn count(number: lua_Integer) -> usize {
    usize::try_from(number).unwrap_or(0)
}

extern "C-unwind" fn by_text(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let rate = count(stack.raw_integer(Stack::upvalue(MORE)));
    charged(stack, stack.length(1).saturating_mul(rate) / READ)
}

extern "C-unwind" fn by_table(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    charged(stack, stack.length(1).saturating_mul(MOVED))
}

extern "C-unwind" fn rep(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let length = stack.text(1).len() + stack.length(3);
    let times = count(stack.wanted_integer(2));
    if length == 0 && times > 0 {
        stack.push_text(b"");
        return 1;
    }
    // What is larger than a string may be is refused before it is made.
    let octets = length.saturating_mul(times);
    charged(stack, if octets > i32::MAX as usize { 0 } else { octets / COPIED })
}

/// `c1000000` is padded octet by octet.
extern "C-unwind" fn pack(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (mut all, mut number) = (0_usize, 0_usize);
    for octet in stack.text(1) {
        if octet.is_ascii_digit() {
            number = number.saturating_mul(10).saturating_add(usize::from(octet - b'0'));
        } else {
            all = all.saturating_add(number);
            number = 0;
        }
    }
    charged(stack, all.saturating_add(number).saturating_add(stack.length(1)) / READ)
}

extern "C-unwind" fn move_(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (from, to) = (stack.wanted_integer(2), stack.wanted_integer(3));
    charged(stack, count(to.saturating_sub(from)).saturating_mul(MOVED))
}

extern "C-unwind" fn insert_(state: *mut lua_State) -> c_int {
    shift(Stack::of(state), 3)
}

extern "C-unwind" fn remove_(state: *mut lua_State) -> c_int {
    shift(Stack::of(state), 2)
}

/// Entries behind the place at 2 are moved, if there are `arguments`.
fn shift(stack: Stack, arguments: c_int) -> c_int {
    if stack.height() < arguments {
        return stack.call_c(Stack::upvalue(OWN));
    }
    // What a script's own length says can be anything, and something else each time.
    if stack.has_field(1, c"__len") {
        return stack.call_instead(Stack::upvalue(MORE));
    }
    let moved = stack.length(1).saturating_sub(count(stack.raw_integer(2)));
    charged(stack, moved.saturating_mul(MOVED))
}

extern "C-unwind" fn less(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let steps = 1 + stack.length(1).min(stack.length(2)) / READ;
    match charge(stack, steps) {
        Ok(()) => {
            let is_less = stack.is_less(1, 2);
            stack.push_bool(is_less);
            1
        }
        Err(raised) => raised,
    }
}

#[cfg(test)]
mod tests;
