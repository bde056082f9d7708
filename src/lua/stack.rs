//! The stack of a function that Lua calls directly, without mlua between: that costs a tenth, and it may wait for
//! other sessions in its midst.
//!
//! **An error in any call here leaves the function at once and runs no destructor.** So who calls them owns nothing:
//! no `String`, no `Vec`, no borrow of a `RefCell`. References into Lua strings and plain values may be held.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_void};
use std::rc::Rc;

use mlua::ffi::{self, lua_CFunction, lua_Integer, lua_KContext, lua_KFunction, lua_State};
use mlua::{AnyUserData, Function, Lua};

use crate::lua::guard::{Budget, Guard};
use crate::lua::period;

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

    /// The coroutine in which the function runs.
    pub(super) fn state(self) -> *mut lua_State {
        self.0
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

    /// The whole number at `index`. Raises for all else.
    pub(super) fn wanted_integer(self, index: c_int) -> lua_Integer {
        // SAFETY: a plain call.
        unsafe { ffi::luaL_checkinteger(self.0, index) }
    }

    /// The octets of the string, or the entries of the table, at `index`; 0 for all else.
    pub(super) fn length(self, index: c_int) -> usize {
        // SAFETY: a plain call; nothing at `index` is `LUA_TNONE`, for which Lua gives 0 as well.
        unsafe { ffi::lua_rawlen(self.0, index) }
    }

    /// The octets of the string at `index`; 0 for all else.
    pub(super) fn length_of_text(self, index: c_int) -> usize {
        // SAFETY: plain calls.
        unsafe {
            match ffi::lua_type(self.0, index) {
                ffi::LUA_TSTRING => ffi::lua_rawlen(self.0, index),
                _ => 0,
            }
        }
    }

    /// Whether what is at `index` is a number that is not whole.
    pub(super) fn is_float(self, index: c_int) -> bool {
        // SAFETY: plain calls.
        unsafe { ffi::lua_type(self.0, index) == ffi::LUA_TNUMBER && ffi::lua_isinteger(self.0, index) == 0 }
    }

    /// Puts the entry `place` of the table at `index` on top, whatever its metatable says.
    pub(super) fn push_entry(self, index: c_int, place: usize) {
        // SAFETY: as above; the caller has seen that it is a table.
        unsafe {
            ffi::lua_rawgeti(self.0, index, lua_Integer::try_from(place).unwrap_or(lua_Integer::MAX));
        }
    }

    /// Whether the metatable of what is at `index` has this field.
    pub(super) fn has_field(self, index: c_int, name: &CStr) -> bool {
        // SAFETY: what was found is taken off again.
        unsafe {
            let is_there = ffi::luaL_getmetafield(self.0, index, name.as_ptr()) != ffi::LUA_TNIL;
            if is_there {
                ffi::lua_settop(self.0, -2);
            }
            is_there
        }
    }

    /// Whether what is at `one` is less than what is at `other`, as Lua's `<` has it. Raises if it knows no order.
    pub(super) fn is_less(self, one: c_int, other: c_int) -> bool {
        // SAFETY: a plain call.
        unsafe { ffi::lua_compare(self.0, one, other, ffi::LUA_OPLT) != 0 }
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

    /// Moves the top down to `index`, below what is there.
    pub(super) fn insert(self, index: c_int) {
        // SAFETY: a plain call.
        unsafe { ffi::lua_insert(self.0, index) }
    }

    /// Takes the top for a key, and puts in its place what the object at `index` has for it.
    pub(super) fn look_up(self, index: c_int) {
        // SAFETY: a plain call.
        unsafe {
            ffi::lua_gettable(self.0, index);
        }
    }

    /// Calls the function below the `arguments` on top; they give way to one result. If it is suspended meanwhile, this
    /// never returns, and `next` goes on with the same stack.
    pub(super) fn call(self, arguments: c_int, next: lua_KFunction) {
        // SAFETY: who calls this holds nothing but what is on the stack.
        unsafe { ffi::lua_callk(self.0, arguments, 1, 0, Some(next)) }
    }

    /// Puts true or false on top.
    pub(super) fn push_bool(self, is_true: bool) {
        // SAFETY: as above.
        unsafe { ffi::lua_pushboolean(self.0, c_int::from(is_true)) }
    }

    /// Goes on as the C function at `index`; returns what it returns.
    pub(super) fn call_c(self, index: c_int) -> c_int {
        // SAFETY: a function of Lua's library, called as Lua would call it, on the stack of ours. It would find our upvalues
        // in the place of its own: one that has some, as `math.random` has its numbers, is called as any function.
        unsafe {
            if !ffi::lua_getupvalue(self.0, index, 1).is_null() {
                ffi::lua_settop(self.0, -2);
                return self.call_instead(index);
            }
            ffi::lua_tocfunction(self.0, index).map_or(0, |function| function(self.0))
        }
    }

    /// Calls the function at `index` with all arguments; returns what it returns.
    pub(super) fn call_instead(self, index: c_int) -> c_int {
        // SAFETY: the function is put below its arguments, and its results take their place.
        unsafe {
            ffi::lua_pushvalue(self.0, index);
            ffi::lua_insert(self.0, 1);
            ffi::lua_callk(self.0, ffi::lua_gettop(self.0) - 1, ffi::LUA_MULTRET, 0, Some(returned));
            ffi::lua_gettop(self.0)
        }
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

    /// Puts `value` into the place of the one at `index`, which `push_value` has put there with the same type.
    pub(super) fn set_value<T: Copy + 'static>(self, index: c_int, value: T) {
        // SAFETY: as above.
        unsafe { ffi::lua_touserdata(self.0, index).cast::<T>().write(value) }
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

    /// Lets the guard's hook come at the next instruction.
    pub(super) fn hasten(self) {
        period::hasten(self.0);
    }

    /// Ends the hook call for what it has spent. From here on the guard's hook comes at each instruction.
    pub(super) fn kill(self, guard: &Guard, spent: Budget) -> c_int {
        self.hasten();
        // SAFETY: the place's text is copied before Lua may drop it, and moved into the guard before the error leaves
        // this function.
        unsafe {
            ffi::luaL_where(self.0, 1);
            guard.kill_at(CStr::from_ptr(ffi::lua_tostring(self.0, -1)), spent);
            ffi::lua_settop(self.0, -2);
        }
        self.raise(c"the hook exceeded its CPU budget", 0)
    }
}

/// The results of a function that was suspended: all that is there.
extern "C-unwind" fn returned(state: *mut lua_State, _: c_int, _: lua_KContext) -> c_int {
    Stack(state).height()
}
