//! A text that a function called by Lua puts together, in Lua's memory. What holds for `Stack` holds here.
#![allow(unsafe_code)]

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
