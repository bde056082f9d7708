//! Texts that a function called by Lua puts together, in Lua's memory. What holds for `Stack` holds here.
#![allow(unsafe_code)]

use std::ffi::c_int;
use std::mem::MaybeUninit;

use mlua::ffi;

use crate::lua::stack::Stack;

/// A text that grows, in Lua's memory. It stays in its place from `begin` on, and the stack's height is its own in
/// between: what is pushed is taken off before the next call.
pub(super) struct Buffer(MaybeUninit<ffi::luaL_Buffer>);

impl Buffer {
    /// Room for one.
    pub(super) fn new() -> Buffer {
        Buffer(MaybeUninit::uninit())
    }

    /// An empty text.
    pub(super) fn begin(&mut self, stack: Stack) {
        // SAFETY: Lua fills it in; it points into itself and isn't moved after this.
        unsafe { ffi::luaL_buffinit(stack.state(), self.0.as_mut_ptr()) }
    }

    /// Adds `text`.
    pub(super) fn add(&mut self, text: &[u8]) {
        // SAFETY: `begin` was called, as for all that follow.
        unsafe { ffi::luaL_addlstring(self.0.as_mut_ptr(), text.as_ptr().cast(), text.len()) }
    }

    /// The octets that it has.
    pub(super) fn length(&self) -> usize {
        // SAFETY: as above; a field is read.
        unsafe { (*self.0.as_ptr()).n }
    }

    /// Takes the text or number on top of the stack and adds it.
    pub(super) fn add_top(&mut self) {
        // SAFETY: as above.
        unsafe { ffi::luaL_addvalue(self.0.as_mut_ptr()) }
    }

    /// Puts the text on top of the stack.
    pub(super) fn push_result(&mut self) {
        // SAFETY: as above.
        unsafe { ffi::luaL_pushresult(self.0.as_mut_ptr()) }
    }
}

/// A text that grows at its place on the stack, and stays there while the function is suspended.
#[derive(Clone, Copy)]
pub(super) struct Kept {
    /// The place of its octets, in a block of so many.
    place: c_int,
    capacity: usize,
    length: usize,
}

/// Octets of the first block.
const FIRST: usize = 256;

impl Kept {
    /// An empty text, on top of the stack.
    pub(super) fn begin(stack: Stack) -> Kept {
        // SAFETY: a plain call; there is room for it.
        unsafe { ffi::lua_newuserdatauv(stack.state(), FIRST, 0) };
        Kept { place: stack.height(), capacity: FIRST, length: 0 }
    }

    /// The octets that it has.
    pub(super) fn length(&self) -> usize {
        self.length
    }

    /// Adds `text`. What the stack has of it elsewhere is to be written anew.
    pub(super) fn add(&mut self, stack: Stack, text: &[u8]) {
        let length = self.length.saturating_add(text.len());
        // SAFETY: the block at `place` has `capacity` octets, of which `length` are written; the new one has more than
        // are copied there. A block that Lua has no memory for raises, before anything is changed.
        unsafe {
            if length > self.capacity {
                let capacity = length.saturating_mul(2);
                let new = ffi::lua_newuserdatauv(stack.state(), capacity, 0).cast::<u8>();
                let old = ffi::lua_touserdata(stack.state(), self.place).cast::<u8>();
                new.copy_from_nonoverlapping(old, self.length);
                ffi::lua_replace(stack.state(), self.place);
                self.capacity = capacity;
            }
            let block = ffi::lua_touserdata(stack.state(), self.place).cast::<u8>();
            block.add(self.length).copy_from_nonoverlapping(text.as_ptr(), text.len());
        }
        self.length = length;
    }

    /// Puts the text on top of the stack.
    pub(super) fn push_result(&self, stack: Stack) {
        // SAFETY: so many octets are written there; Lua copies them.
        unsafe {
            let block = ffi::lua_touserdata(stack.state(), self.place).cast();
            ffi::lua_pushlstring(stack.state(), block, self.length);
        }
    }
}

/// What was written there.
pub(super) fn written<T: Copy>(place: &MaybeUninit<T>) -> T {
    // SAFETY: the caller has counted what it wrote.
    unsafe { place.assume_init_read() }
}
