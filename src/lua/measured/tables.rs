//! Functions that go through tables, entry by entry. What stands behind a table by `__index` is not charged: Lua lets the
//! guard's hook come in the midst of it.

use std::ffi::c_int;
use std::ops::RangeInclusive;

use mlua::ffi::{lua_Integer, lua_State};

use crate::lua::guard::{Budget, Guard};
use crate::lua::measured::{COPIED, FLOAT, MORE, MOVED, OWN, charge, charged, count};
use crate::lua::stack::{Kind, Stack};

/// Values that a stack holds at most: `LUAI_MAXSTACK`.
const STACK: usize = 1_000_000;
/// Entries that a table has at most; see vendor/lua/README.md.
const ENTRIES: usize = (1 << 18) + (1 << 17);
/// So many texts that are not long make none that is too long.
const FEW: usize = 64;

/// The places from `from` to `to`.
fn places(from: lua_Integer, to: lua_Integer) -> usize {
    count(to.saturating_sub(from).saturating_add(1))
}

/// The end of the list at 1, as its border.
fn end(stack: Stack) -> lua_Integer {
    lua_Integer::try_from(stack.length(1)).unwrap_or(lua_Integer::MAX)
}

/// Charges the numbers among these entries of the table at 1, and ends the hook if its texts together are too long. An
/// `Err` is what the function returns then.
fn weigh_entries(stack: Stack, entries: RangeInclusive<usize>) -> Result<(), c_int> {
    let guard: &Guard = stack.shared();
    charge(stack, entries.clone().count())?;
    let (mut octets, mut floats) = (0_usize, 0_usize);
    for place in entries {
        stack.push_entry(1, place);
        octets = octets.saturating_add(stack.length_of_text(-1));
        floats += usize::from(stack.is_float(-1));
        stack.set_height(-2);
        if octets > guard.memory().longest() {
            return Err(stack.kill(guard, Budget::Text));
        }
    }
    charge(stack, floats.saturating_mul(FLOAT))
}

/// The entries before, and the text behind: it is copied as well.
pub(super) extern "C-unwind" fn concat(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (from, to) = (stack.integer(3, 1), stack.integer(4, end(stack)));
    let read = places(from, to);
    let has_long = stack.shared::<Guard>().memory().has_long_texts();
    if stack.kind(1) == Kind::Table && (read > FEW || has_long) {
        let entries = count(from).max(1)..=count(to).min(stack.length(1));
        if let Err(raised) = weigh_entries(stack, entries) {
            return raised;
        }
    }
    // It ends where there is no entry; in what is read from tables behind, the guard's hook comes.
    let results = charged(stack, read.min(ENTRIES).saturating_mul(MOVED));
    match charge(stack, stack.length(-1) / COPIED) {
        Ok(()) => results,
        Err(raised) => raised,
    }
}

pub(super) extern "C-unwind" fn unpack(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let read = places(stack.integer(2, 1), stack.integer(3, end(stack)));
    // More than a stack holds is refused before anything is read.
    let read = if read < STACK { read } else { 0 };
    charged(stack, read.saturating_mul(MOVED))
}

pub(super) extern "C-unwind" fn move_(state: *mut lua_State) -> c_int {
    let stack = Stack::of(state);
    let (from, to, at) = (stack.wanted_integer(2), stack.wanted_integer(3), stack.wanted_integer(4));
    // Ranges that are refused before anything is moved: too many, or beyond the last number.
    let last = to.checked_sub(from).and_then(|more| at.checked_add(more));
    if last.is_none() || to.checked_sub(from) == Some(lua_Integer::MAX) {
        return stack.call_c(Stack::upvalue(OWN));
    }
    charged(stack, places(from, to).saturating_mul(MOVED))
}

pub(super) extern "C-unwind" fn insert(state: *mut lua_State) -> c_int {
    shift(Stack::of(state), 3)
}

pub(super) extern "C-unwind" fn remove(state: *mut lua_State) -> c_int {
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
