//! Functions of Lua's library that may run long inside one instruction, where the guard's hook doesn't come: what a
//! call will take is charged to the budget before it begins, and a call that would overrun it doesn't begin.

mod tables;

use std::ffi::c_int;
use std::rc::Rc;

use mlua::ffi::{lua_CFunction, lua_Integer, lua_State};
use mlua::{Function, Lua, Table, Value};

use crate::lua::guard::{Budget, Guard, Look};
use crate::lua::stack::{self, Kind, Stack};

/// Octets that are copied in the time of one step.
const COPIED: usize = 16;
/// Octets that are read one by one in the time of one step.
const READ: usize = 4;
/// Steps that one octet of a format may take.
const FORMAT: usize = 16;
/// Steps that a number takes where a precision may ask for four hundred digits.
const PRECISE: usize = 1600;
/// The same of a text that is written for `%q`: `\0` becomes `\000`.
const QUOTED: usize = 12;
/// Steps that an octet takes which becomes a number.
const BYTE: usize = 2;
/// Steps that one octet of a date's format may take.
const DATE: lua_Integer = 200;
/// Octets of a number that is a text, and costs nothing.
const SHORT: usize = 512;
/// The functions of `math` that take numbers only.
const MATH: [&str; 22] = [
    "abs",
    "acos",
    "asin",
    "atan",
    "ceil",
    "cos",
    "deg",
    "exp",
    "floor",
    "fmod",
    "log",
    "max",
    "min",
    "modf",
    "rad",
    "random",
    "sin",
    "sqrt",
    "tan",
    "tointeger",
    "type",
    "ult",
];
/// Steps that a float takes to become a text.
const FLOAT: usize = 200;
/// Steps that moving an entry of a table takes.
const MOVED: usize = 4;

/// Puts measured functions in the place of Lua's own. Returns `less(a, b)`, the default order of `table.sort`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>) -> mlua::Result<Function> {
    let [insert, remove]: [Function; 2] = {
        let slow = lua.load(include_str!("prelude/shift.lua")).set_name("=gatepost");
        slow.call::<(Function, Function)>(())?.into()
    };
    let one = || Value::Integer(1);
    let mut functions: Vec<(&str, &str, lua_CFunction, Value)> = vec![
        ("string", "rep", rep, Value::Nil),
        ("string", "lower", by_text, one()),
        ("string", "upper", by_text, one()),
        ("string", "reverse", by_text, one()),
        ("string", "format", format, Value::Nil),
        ("string", "pack", pack, Value::Nil),
        ("string", "unpack", unpack, Value::Nil),
        ("string", "packsize", by_text, one()),
        ("string", "byte", by_range, Value::Nil),
        ("string", "char", by_count, Value::Nil),
        ("os", "date", by_text, Value::Integer(DATE)),
        ("utf8", "len", by_text, one()),
        ("utf8", "offset", by_text, one()),
        ("utf8", "codepoint", by_range, Value::Nil),
        ("utf8", "char", by_count, Value::Nil),
        ("_G", "tonumber", by_text, one()),
        ("table", "concat", tables::concat, Value::Nil),
        ("table", "pack", by_count, Value::Nil),
        ("table", "unpack", tables::unpack, Value::Nil),
        ("table", "move", tables::move_, Value::Nil),
        ("table", "insert", tables::insert, Value::Function(insert)),
        ("table", "remove", tables::remove, Value::Function(remove)),
    ];
    // A text of megabytes that is given for a number is read to its end.
    functions.extend(MATH.iter().map(|name| ("math", *name, by_numbers as lua_CFunction, Value::Nil)));
    for (library, name, measured, more) in functions {
        let library: Table = if library == "_G" { lua.globals() } else { lua.globals().get(library)? };
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
            Look::Stop(spent) => return Err(stack.kill(guard, spent)),
            Look::Hasten | Look::Pause => stack.hasten(),
            Look::On => {}
        },
    }
    Ok(())
}

/// Charges `steps` for a text of so many octets, and goes on with Lua's own function, which makes it.
fn making(stack: Stack, octets: usize, steps: usize) -> c_int {
    let guard: &Guard = stack.shared();
    if octets > guard.memory().longest() {
        return stack.kill(guard, Budget::Text);
    }
    charged(stack, steps)
}

/// The octets of the texts among the arguments.
fn given(stack: Stack) -> usize {
    (1..=stack.height()).map(|place| stack.length_of_text(place)).sum()
}

/// A number that a script gave, at least 0.
fn count(number: lua_Integer) -> usize {
    usize::try_from(number).unwrap_or(0)
}

/// Texts that are given for numbers.
extern "C-unwind" fn by_numbers(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let octets = (1..=stack.height()).map(|place| stack.length(place));
    match octets.sum() {
        0..SHORT => stack.call_c(Stack::upvalue(OWN)),
        octets => charged(stack, octets),
    }
}

extern "C-unwind" fn by_text(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let rate = count(stack.raw_integer(Stack::upvalue(MORE)));
    charged(stack, stack.length(1).saturating_mul(rate) / READ)
}

/// Octets from the place at 2 to that at 3 of the text at 1, each of which becomes a number; one, unless both are said.
extern "C-unwind" fn by_range(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    if stack.height() < 3 {
        return stack.call_c(Stack::upvalue(OWN));
    }
    let length = stack.length(1);
    let from = place(stack.raw_integer(2), length).max(1);
    let octets = (place(stack.raw_integer(3), length).min(length) + 1).saturating_sub(from);
    charged(stack, octets.saturating_mul(BYTE))
}

/// The place that counts from 1, or from -1 at the end.
fn place(number: lua_Integer, length: usize) -> usize {
    usize::try_from(number).unwrap_or_else(|_| {
        (length + 1).saturating_sub(usize::try_from(number.unsigned_abs()).unwrap_or(usize::MAX))
    })
}

/// All arguments.
extern "C-unwind" fn by_count(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    charged(stack, count(stack.height().into()).saturating_mul(MOVED).saturating_add(given(stack)))
}

/// The letters of the conversions in a format: `d` for `%5d`.
fn conversions(format: &[u8]) -> impl Iterator<Item = u8> {
    format
        .split(|octet| *octet == b'%')
        .skip(1)
        .filter_map(|conversion| conversion.iter().copied().find(u8::is_ascii_alphabetic))
}

/// `%q` writes its argument octet by octet, and a text that is given for a number is read so; all else that is long is
/// copied.
extern "C-unwind" fn format(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let format: &[u8] = if stack.kind(1) == Kind::Text { stack.text(1) } else { b"" };
    let mut steps = format.len().saturating_mul(FORMAT) / READ;
    let quotes = conversions(format).any(|letter| letter == b'q');
    let reads = conversions(format).any(|letter| letter != b's');
    let is_precise =
        format.contains(&b'.') || conversions(format).any(|letter| letter.eq_ignore_ascii_case(&b'f'));
    let number = if is_precise { PRECISE } else { FLOAT };
    for argument in 2..=stack.height() {
        let octets = stack.length(argument);
        // A text may be given for a number.
        let float = if stack.is_float(argument) || reads && octets > 0 { number } else { 0 };
        let octets = match (quotes, reads) {
            (true, _) => octets.saturating_mul(QUOTED),
            (false, true) => octets / READ,
            // Into a buffer that grows.
            (false, false) => octets / COPIED * 2,
        };
        steps = steps.saturating_add(octets).saturating_add(float);
    }
    charged(stack, steps)
}

/// Texts of a length that the format says, or of one that stands in the text, are copied out of it.
extern "C-unwind" fn unpack(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let format = stack.text(1);
    let copies = format.iter().any(|octet| matches!(octet, b'c' | b's' | b'z'));
    let copied = if copies { stack.length(2) / COPIED } else { 0 };
    charged(stack, format.len() / READ + copied)
}

extern "C-unwind" fn rep(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let length = stack.text(1).len() + stack.length(3);
    let times = count(stack.wanted_integer(2));
    if length == 0 && times > 0 {
        stack.push_text(b"");
        return 1;
    }
    let octets = length.saturating_mul(times);
    making(stack, octets, octets / COPIED)
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
    let octets = all.saturating_add(number);
    making(stack, octets, octets.saturating_add(given(stack)) / READ)
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
