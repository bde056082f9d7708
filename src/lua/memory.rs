//! The memory of a Lua state: what it holds, how much it may, and which of it are long texts.
//!
//! An instruction is as slow as its texts are long: `a < b` reads both to their end. So none is longer than a hook's
//! allowance has it, and while long ones are there, the guard's hook comes more often.
#![allow(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::collections::HashSet;
use std::ffi::c_void;
use std::fmt;
use std::rc::Rc;

use mlua::Lua;
use mlua::ffi::{self, lua_Alloc, lua_State};

use crate::lua::period::{self, EACH, HEAVY, INSTRUCTIONS};

/// What a Lua state holds and may hold.
pub(super) struct Memory {
    /// The state's main coroutine; null once the state is closed or has its first allocator back.
    main: Cell<*mut lua_State>,
    /// mlua's allocator, which does the work, and its argument.
    under: (lua_Alloc, *mut c_void),
    /// Octets that are held.
    held: Cell<usize>,
    /// Octets that may be held.
    limit: Cell<usize>,
    /// Octets that one text may have.
    longest: Cell<usize>,
    /// Where the long texts are.
    long: RefCell<HashSet<usize>>,
    /// Their octets in all.
    long_octets: Cell<usize>,
    /// The coroutine that runs; null while no script does.
    running: Cell<*mut lua_State>,
    /// Whether mlua expects that allocations fail.
    may_fail: Cell<bool>,
    /// Whether more was asked for than may be held.
    is_over: Cell<bool>,
    /// Whether what was asked for last was too long a text.
    is_text: Cell<bool>,
}

/// From so many octets on a text is long. An instruction reads them in 50 µs at most.
const LONG: usize = 8 << 10;
/// So many octets of long texts make the guard look at its clock after each instruction.
const HUGE: usize = 256 << 10;
/// Octets beyond the limit that a coroutine may have before it is ended.
const GRACE: usize = 32 << 20;
/// The octets of a text's head, and of the NUL at its end.
const HEAD: usize = 25;

impl fmt::Debug for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Memory").field("held", &self.held).field("limit", &self.limit).finish_non_exhaustive()
    }
}

impl Memory {
    /// Watches the memory of `lua`, until `leave` or the state's end. Nothing is limited yet.
    pub(super) fn watch(lua: &Lua) -> mlua::Result<Rc<Memory>> {
        let held = lua.used_memory();
        // SAFETY: the closure reads two fields of the state, and leaves its stack as it is.
        let (main, under) = unsafe {
            let mut found = None;
            lua.exec_raw::<()>((), |state| {
                let mut argument = std::ptr::null_mut();
                let under = ffi::lua_getallocf(state, &raw mut argument);
                ffi::lua_rawgeti(state, ffi::LUA_REGISTRYINDEX, ffi::LUA_RIDX_MAINTHREAD);
                found = Some((ffi::lua_tothread(state, -1), (under, argument)));
                ffi::lua_settop(state, 0);
            })?;
            found.ok_or_else(|| mlua::Error::runtime("the state has no allocator"))?
        };
        let memory = Rc::new(Memory {
            main: Cell::new(main),
            under,
            held: Cell::new(held),
            limit: Cell::new(usize::MAX),
            longest: Cell::new(usize::MAX),
            long: RefCell::default(),
            long_octets: Cell::new(0),
            running: Cell::new(std::ptr::null_mut()),
            may_fail: Cell::new(false),
            is_over: Cell::new(false),
            is_text: Cell::new(false),
        });
        memory.take_over();
        Ok(memory)
    }

    /// Puts this allocator in the place of mlua's.
    fn take_over(&self) {
        let argument = std::ptr::from_ref(self).cast_mut().cast();
        // SAFETY: while `main` is set the state is there. This allocator finds `self` until it is taken out again: that
        // is when `self` is dropped, at the latest.
        unsafe { ffi::lua_setallocf(self.main.get(), allocate, argument) }
    }

    /// Gives the state mlua's allocator back.
    fn give_back(&self) {
        // SAFETY: as above; both allocators give the same blocks.
        unsafe { ffi::lua_setallocf(self.main.get(), self.under.0, self.under.1) }
    }

    /// Gives the state mlua's allocator back for good. It is about to be closed: mlua looks for its own then.
    pub(super) fn leave(&self) {
        if !self.main.get().is_null() {
            self.give_back();
            self.main.set(std::ptr::null_mut());
        }
    }

    /// Octets that the state holds.
    pub(super) fn held(&self) -> usize {
        self.held.get()
    }

    /// From now on `lua` may hold so many octets, and each of its texts. A coroutine that asks for more has it, for it is
    /// ended right afterwards: to refuse it would make Lua collect all garbage first, which takes as long as much is held.
    /// Far beyond, allocations fail all the same.
    pub(super) fn limit(&self, lua: &Lua, octets: usize, longest: usize) {
        self.limit.set(octets);
        self.longest.set(longest.saturating_add(HEAD));
        self.is_over.set(false);
        self.is_text.set(false);
        if !self.may_fail.get() {
            self.expect_failures(lua, true);
        }
    }

    /// From now on nothing is limited: the engine's own calls into Lua can't fail for a script's hunger.
    pub(super) fn unlimit(&self) {
        self.limit.set(usize::MAX);
        self.longest.set(usize::MAX);
    }

    /// Until the next limit, calls into `lua` are made without what would catch a failure: for who makes many. Nothing is
    /// limited now.
    pub(super) fn rule_out_failures(&self, lua: &Lua) {
        if self.may_fail.get() && self.limit.get() == usize::MAX {
            self.expect_failures(lua, false);
        }
    }

    /// Tells mlua whether allocations fail, which it knows by a limit of its own.
    #[inline(never)]
    fn expect_failures(&self, lua: &Lua, may_fail: bool) {
        self.may_fail.set(may_fail);
        if self.main.get().is_null() {
            return;
        }
        self.give_back();
        // Fails only in a state that mlua has not made itself.
        let _ = lua.set_memory_limit(if may_fail { usize::MAX } else { 0 });
        self.take_over();
    }

    /// Whether more was asked for than may be held.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.get()
    }

    /// Whether that was a text, for its length.
    pub(super) fn is_text(&self) -> bool {
        self.is_text.get()
    }

    /// Says which coroutine runs from now on, or that none does; gives the one before. It is alive as long as it runs.
    pub(super) fn run(&self, coroutine: *mut lua_State) -> *mut lua_State {
        self.running.replace(coroutine)
    }

    /// How many instructions may go by between two looks at the clock, for the texts that are there.
    pub(super) fn period(&self) -> u32 {
        match self.long_octets.get() {
            0 => INSTRUCTIONS,
            1..HUGE => HEAVY,
            _ => EACH,
        }
    }

    /// Octets that a text may have.
    pub(super) fn longest(&self) -> usize {
        self.longest.get().saturating_sub(HEAD)
    }

    /// Whether there are long texts.
    pub(super) fn has_long_texts(&self) -> bool {
        self.long_octets.get() > 0
    }

    /// Whether a block of so many octets is to be had with which so many are held, whose kind is `kind` if it is new.
    fn grants(&self, held: usize, kind: Option<usize>, octets: usize) -> bool {
        let is_too_long = octets > self.longest.get() && kind == Some(TEXT);
        (held <= self.limit.get() && !is_too_long) || self.overdraw(held, is_too_long)
    }

    #[cold]
    fn overdraw(&self, held: usize, is_text: bool) -> bool {
        self.is_text.set(is_text);
        self.is_over.set(true);
        self.hasten();
        held <= self.limit.get().saturating_add(GRACE)
    }

    /// Lets the guard's hook come at the next instruction.
    fn hasten(&self) {
        let running = self.running.get();
        if !running.is_null() {
            period::hasten(running);
        }
    }

    /// Takes note of a long text that has come.
    #[cold]
    fn note_long(&self, block: *mut c_void, octets: usize) {
        self.long.borrow_mut().insert(block.addr());
        self.long_octets.set(self.long_octets.get() + octets);
        self.hasten();
    }

    /// Takes note of a long block that goes, which may be a text.
    #[cold]
    fn note_gone(&self, block: *mut c_void, octets: usize) {
        if self.long.borrow_mut().remove(&block.addr()) {
            self.long_octets.set(self.long_octets.get().saturating_sub(octets));
        }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What Lua says the kind of a new block is, in the place of its old length, when it is a text.
const TEXT: usize = ffi::LUA_TSTRING.cast_unsigned() as usize;

/// The allocator of a state whose memory is watched.
///
/// Source: `lua_Alloc` in the Lua manual.
unsafe extern "C" fn allocate(
    argument: *mut c_void,
    block: *mut c_void,
    old: usize,
    new: usize,
) -> *mut c_void {
    // SAFETY: `take_over` has put it there, and `leave` takes the allocator away before it is dropped.
    let memory = unsafe { &*argument.cast::<Memory>() };
    let (kind, before) = if block.is_null() { (Some(old), 0) } else { (None, old) };
    let held = memory.held.get().wrapping_sub(before).wrapping_add(new);
    if new > before && !memory.grants(held, kind, new) {
        return std::ptr::null_mut();
    }
    if before >= LONG && new == 0 {
        memory.note_gone(block, before);
    }
    let (under, argument) = memory.under;
    // SAFETY: what Lua has asked for, of the allocator that it would have asked.
    let made = unsafe { under(argument, block, old, new) };
    if new == 0 || !made.is_null() {
        memory.held.set(held);
        if held == 0 {
            // The last block was the state itself.
            memory.main.set(std::ptr::null_mut());
        }
    }
    if new >= LONG && kind == Some(TEXT) && !made.is_null() {
        memory.note_long(made, new);
    }
    made
}
