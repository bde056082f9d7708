//! The stack of a function that Lua calls directly, without mlua between: that costs a tenth, and it may wait for
//! other sessions in its midst.
//!
//! **An error in any call here leaves the function at once and runs no destructor.** So who calls them owns nothing:
//! no `String`, no `Vec`, no borrow of a `RefCell`. References into Lua strings and plain values may be held.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::rc::Rc;

use mlua::ffi::{self, lua_CFunction, lua_Integer, lua_KFunction, lua_State};
use mlua::{AnyUserData, Function, Lua};

use crate::lua::guard::Guard;

/// The stack of the function that runs.
#[derive(Clone, Copy)]
pub(super) struct Stack(*mut lua_State);

/// What stands on a place of the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing or nil.
    Nil,
    /// A string or a number.
    Text,
    /// A table.
    Table,
    /// A function.
    Function,
    /// Something else.
    Other,
}

/// `function` as a value whose upvalues are `shared` and then `values`; the function finds `shared` by
/// `Stack::shared`.
pub(super) fn function<T: 'static>(
    lua: &Lua,
    shared: &Rc<T>,
    function: lua_CFunction,
    values: impl mlua::IntoLuaMulti,
) -> mlua::Result<Function> {
    let pointer = Rc::as_ptr(shared).cast_mut().cast::<c_void>();
    // It keeps `shared` as long as the function is there.
    let keeper: AnyUserData = lua.create_any_userdata(Rc::clone(shared))?;
    let values = values.into_lua_multi(lua)?;
    let count = 2 + c_int::try_from(values.len()).unwrap_or_default();
    // SAFETY: the closure works on the stack that `exec_raw` protects: two values are put below those given, and all
    // are taken for the function's upvalues.
    unsafe {
        lua.exec_raw((keeper, values), |state| {
            ffi::lua_pushlightuserdata(state, pointer);
            ffi::lua_insert(state, 1);
            ffi::lua_pushcclosure(state, function, count);
        })
    }
}

impl Stack {
    /// The stack of the function that Lua has called with `state`.
    pub(super) fn of(state: *mut lua_State) -> Stack {
        Stack(state)
    }

    /// What the function was made with.
    ///
    /// `T` is the type that `function` was given.
    pub(super) fn shared<'a, T: 'static>(self) -> &'a T {
        // SAFETY: `function` has put the pointer there, beside the `Rc` that keeps it alive as long as the function is.
        unsafe { &*ffi::lua_touserdata(self.0, ffi::lua_upvalueindex(1)).cast::<T>() }
    }

    /// The place of the function's own upvalue of this number, from 1.
    pub(super) fn upvalue(number: c_int) -> c_int {
        ffi::lua_upvalueindex(2 + number)
    }

    /// The text at `index`, which it stays as long as it is there; a number becomes its text. Raises for all else.
    pub(super) fn text<'a>(self, index: c_int) -> &'a [u8] {
        let mut length = 0;
        // SAFETY: what is returned points into a string that the stack holds.
        unsafe {
            let start = ffi::luaL_checklstring(self.0, index, &raw mut length);
            std::slice::from_raw_parts(start.cast(), length)
        }
    }

    /// The whole number at `index`; `absent` for nil or nothing. Raises for all else.
    pub(super) fn integer(self, index: c_int, absent: lua_Integer) -> lua_Integer {
        // SAFETY: a plain call.
        unsafe { ffi::luaL_optinteger(self.0, index, absent) }
    }

    /// The whole number at `index`; 0 for all else.
    pub(super) fn raw_integer(self, index: c_int) -> lua_Integer {
        // SAFETY: a plain call.
        unsafe { ffi::lua_tointeger(self.0, index) }
    }

    /// Whether what is at `index` counts as true.
    pub(super) fn is_true(self, index: c_int) -> bool {
        // SAFETY: a plain call.
        unsafe { ffi::lua_toboolean(self.0, index) != 0 }
    }

    /// What is at `index`.
    pub(super) fn kind(self, index: c_int) -> Kind {
        // SAFETY: a plain call.
        match unsafe { ffi::lua_type(self.0, index) } {
            ffi::LUA_TNIL | ffi::LUA_TNONE => Kind::Nil,
            ffi::LUA_TSTRING | ffi::LUA_TNUMBER => Kind::Text,
            ffi::LUA_TTABLE => Kind::Table,
            ffi::LUA_TFUNCTION => Kind::Function,
            _ => Kind::Other,
        }
    }

    /// How many values are there.
    pub(super) fn height(self) -> c_int {
        // SAFETY: a plain call.
        unsafe { ffi::lua_gettop(self.0) }
    }

    /// Cuts off or fills up with nil, to this many values.
    pub(super) fn set_height(self, height: c_int) {
        // SAFETY: only made higher by functions below the 20 places that Lua promises them.
        unsafe { ffi::lua_settop(self.0, height) }
    }

    /// Makes room for `count` more, or raises.
    pub(super) fn reserve(self, count: usize, words: &CStr) {
        // SAFETY: a plain call.
        unsafe {
            ffi::luaL_checkstack(self.0, c_int::try_from(count).unwrap_or(c_int::MAX), words.as_ptr());
        }
    }

    /// Puts nil on top.
    pub(super) fn push_nil(self) {
        // SAFETY: there is room for it, as for all that follow: Lua promises 20 places, `reserve` more.
        unsafe { ffi::lua_pushnil(self.0) }
    }

    /// Puts a place or a count on top.
    pub(super) fn push_count(self, count: usize) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushinteger(self.0, lua_Integer::try_from(count).unwrap_or(lua_Integer::MAX)) }
    }

    /// Puts a whole number on top.
    pub(super) fn push_integer(self, number: lua_Integer) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushinteger(self.0, number) }
    }

    /// Puts a text on top.
    pub(super) fn push_text(self, text: &[u8]) {
        // SAFETY: as above; Lua copies it.
        unsafe {
            ffi::lua_pushlstring(self.0, text.as_ptr().cast(), text.len());
        }
    }

    /// Puts what is at `index` on top.
    pub(super) fn push_copy(self, index: c_int) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushvalue(self.0, index) }
    }

    /// Takes the top off and puts it in the place of what is at `index`.
    pub(super) fn replace(self, index: c_int) {
        // SAFETY: a plain call.
        unsafe { ffi::lua_replace(self.0, index) }
    }

    /// Takes the top for a key, and puts in its place what the object at `index` has for it.
    pub(super) fn look_up(self, index: c_int) {
        // SAFETY: a plain call.
        unsafe {
            ffi::lua_gettable(self.0, index);
        }
    }

    /// Calls the function below the `arguments` on top; they give way to one result. It can't wait.
    pub(super) fn call(self, arguments: c_int) {
        // SAFETY: a plain call.
        unsafe { ffi::lua_call(self.0, arguments, 1) }
    }

    /// Puts `function` with the same upvalue `shared` and the `count` values on top of the stack for the others.
    pub(super) fn push_function(self, function: lua_CFunction, count: c_int) {
        let upvalues = [ffi::lua_upvalueindex(1), ffi::lua_upvalueindex(2)];
        // SAFETY: the two are copied from the function that runs, and put below the others.
        unsafe {
            for upvalue in upvalues {
                ffi::lua_pushvalue(self.0, upvalue);
            }
            ffi::lua_rotate(self.0, -count - 2, 2);
            ffi::lua_pushcclosure(self.0, function, count + 2);
        }
    }

    /// Puts `value` on top, where Lua keeps it.
    pub(super) fn push_value<T: Copy + 'static>(self, value: T) {
        const { assert!(align_of::<T>() <= 8, "Lua's memory is aligned for numbers and pointers") }
        // SAFETY: Lua gives as many octets, rightly aligned; a `Copy` value needs no destructor.
        unsafe {
            ffi::lua_newuserdatauv(self.0, size_of::<T>(), 0).cast::<T>().write(value);
        }
    }

    /// The value at `index`, which `push_value` has put there with the same type.
    pub(super) fn value<T: Copy + 'static>(self, index: c_int) -> T {
        // SAFETY: the caller has put it there; a script can't reach the place.
        unsafe { ffi::lua_touserdata(self.0, index).cast::<T>().read() }
    }

    /// Raises an error of these words, in which `%d` stands for the number, with the script's place before it.
    pub(super) fn raise(self, words: &CStr, number: c_int) -> c_int {
        // SAFETY: the words hold at most one `%d`; `luaL_error` reads no more arguments than they ask for.
        unsafe { ffi::luaL_error(self.0, words.as_ptr(), number) }
    }

    /// Puts the words "X expected, got Y" for the argument at `index` on top and raises them.
    pub(super) fn raise_type(self, index: c_int, expected: &CStr) -> c_int {
        // SAFETY: the words take two texts, and both are there; the message stays on the stack while it is used.
        unsafe {
            let found = match ffi::luaL_getmetafield(self.0, index, c"__name".as_ptr()) {
                ffi::LUA_TSTRING => ffi::lua_tostring(self.0, -1),
                _ => ffi::luaL_typename(self.0, index),
            };
            let words =
                ffi::lua_pushfstring(self.0, c"%s expected, got %s".as_ptr(), expected.as_ptr(), found);
            ffi::luaL_argerror(self.0, index, words)
        }
    }

    /// Raises that the value on top can be no replacement.
    pub(super) fn raise_replacement(self) -> c_int {
        // SAFETY: the words take one text, which is a constant of Lua.
        unsafe {
            let found = ffi::luaL_typename(self.0, -1);
            ffi::luaL_error(self.0, c"invalid replacement value (a %s)".as_ptr(), found)
        }
    }

    /// Whether the coroutine may be suspended here.
    pub(super) fn can_yield(self) -> bool {
        // SAFETY: a plain call.
        unsafe { ffi::lua_isyieldable(self.0) != 0 }
    }

    /// Suspends the coroutine; `next` goes on with the same stack. The function returns what this returns.
    pub(super) fn pause(self, next: lua_KFunction) -> c_int {
        // SAFETY: the caller has seen that it can.
        unsafe { ffi::lua_yieldk(self.0, 0, 0, Some(next)) }
    }

    /// Ends the hook call: its budget is spent. From here on the guard's hook comes at each instruction.
    pub(super) fn kill(self, guard: &Guard) -> c_int {
        // SAFETY: `lua_sethook` writes fields of the coroutine that runs; the place's text is copied before Lua may
        // drop it, and moved into the guard before the error leaves this function.
        unsafe {
            ffi::lua_sethook(self.0, ffi::lua_gethook(self.0), ffi::LUA_MASKCOUNT, 1);
            ffi::luaL_where(self.0, 1);
            guard.kill_at(CStr::from_ptr(ffi::lua_tostring(self.0, -1)));
            ffi::lua_settop(self.0, -2);
        }
        self.raise(c"the hook exceeded its CPU budget", 0)
    }
}

/// A text that grows, in Lua's memory. It stays in its place from `begin` on, and the stack's height is its own in
/// between: what is pushed is taken off before the next call.
pub(super) struct Buffer(std::mem::MaybeUninit<ffi::luaL_Buffer>);

impl Buffer {
    /// Room for one.
    pub(super) fn new() -> Buffer {
        Buffer(std::mem::MaybeUninit::uninit())
    }

    /// An empty text.
    pub(super) fn begin(&mut self, stack: Stack) {
        // SAFETY: Lua fills it in; it points into itself and isn't moved after this.
        unsafe { ffi::luaL_buffinit(stack.0, self.0.as_mut_ptr()) }
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

/// What was written there.
pub(super) fn written<T: Copy>(place: &std::mem::MaybeUninit<T>) -> T {
    // SAFETY: the caller has counted what it wrote.
    unsafe { place.assume_init_read() }
}
