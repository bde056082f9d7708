//! Which lines of a script can run, read from what Lua compiles it to.

use std::collections::BTreeSet;

use mlua::chunk::ChunkMode;
use mlua::{Lua, LuaOptions, StdLib};

/// The lines of the script `text` that hold something to run; none if it isn't Lua.
///
/// The `end` of a function is not among them: whether a function came to it or returned before says nothing.
pub fn lines(text: &[u8]) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    // Nothing of it is run here.
    if let Ok(lua) = Lua::new_with(StdLib::NONE, LuaOptions::default())
        && let Ok(chunk) = lua.load(text).set_mode(ChunkMode::Text).into_function()
    {
        let dumped = chunk.dump(false);
        let mut dump = Dump(dumped.get(HEADER..).unwrap_or_default());
        // Lua's own words: read to their end, unless its version has changed, which a test sees.
        let _ = dump.function(&mut found);
    }
    found
}

/// Octets before the main function: signature, version, format, check, sizes and two numbers, upvalues.
const HEADER: usize = 4 + 1 + 1 + 6 + 3 + 8 + 8 + 1;
/// In the place of a difference, where the line stands in a list of its own.
const ABSOLUTE: u8 = 0x80;

/// A compiled function, as `lua_dump` of Lua 5.4 writes it; `None` anywhere means that it ended too soon.
struct Dump<'a>(&'a [u8]);

impl<'a> Dump<'a> {
    fn function(&mut self, found: &mut BTreeSet<usize>) -> Option<()> {
        self.string()?;
        let (first, _last) = (self.number()?, self.number()?);
        let [_parameters, is_vararg, _registers] = *self.take(3)? else { return None };
        let code = self.number()?;
        self.take(code.checked_mul(4)?)?;
        for _ in 0..self.number()? {
            self.constant()?;
        }
        let upvalues = self.number()?;
        self.take(upvalues.checked_mul(3)?)?;
        for _ in 0..self.number()? {
            self.function(found)?;
        }
        self.lines(first, is_vararg != 0, found)?;
        for _ in 0..self.number()? {
            self.string()?;
            self.number()?;
            self.number()?;
        }
        for _ in 0..self.number()? {
            self.string()?;
        }
        Some(())
    }

    /// The lines of the instructions, but for the one that makes room for `...` and the return at the end.
    fn lines(&mut self, first: usize, is_vararg: bool, found: &mut BTreeSet<usize>) -> Option<()> {
        let instructions = self.number()?;
        let differences = self.take(instructions)?;
        let mut absolute = Vec::new();
        for _ in 0..self.number()? {
            absolute.push((self.number()?, self.number()?));
        }
        let mut line = first;
        for (at, difference) in differences.iter().enumerate() {
            line = match *difference {
                ABSOLUTE => absolute.iter().find(|(place, _)| *place == at)?.1,
                difference => line.checked_add_signed(isize::from(difference.cast_signed()))?,
            };
            if !(at == 0 && is_vararg || at + 1 == instructions) {
                found.insert(line);
            }
        }
        Some(())
    }

    fn constant(&mut self) -> Option<()> {
        match *self.take(1)? {
            // An integer, a number.
            [0x03 | 0x13] => self.take(8).map(drop),
            // A short or a long string.
            [0x04 | 0x14] => self.string(),
            _ => Some(()),
        }
    }

    fn string(&mut self) -> Option<()> {
        let length = self.number()?;
        self.take(length.saturating_sub(1)).map(drop)
    }

    /// A number in groups of seven bits, the highest first; the last one has the eighth bit set.
    fn number(&mut self) -> Option<usize> {
        let mut number = 0_usize;
        loop {
            let [octet] = *self.take(1)? else { return None };
            number = number.checked_mul(128)? | usize::from(octet & 0x7f);
            if octet & 0x80 != 0 {
                return Some(number);
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str) -> Vec<usize> {
        lines(text.as_bytes()).into_iter().collect()
    }

    #[test]
    fn what_can_run_are_the_lines_with_something_to_do() {
        for (text, want, why) in [
            ("local a = 1\n\n-- b\nreturn a", vec![1, 4], "neither empty lines nor comments"),
            (
                "local function f()\n  return 1\nend\nreturn f",
                vec![2, 3, 4],
                "the closure is made at its end",
            ),
            (
                "return {\n  f = function(x)\n    if x then\n      return 1\n    end\n  end,\n}",
                vec![1, 3, 4, 6, 7],
                "not the `end` of f as such; the table is given back at its end",
            ),
            ("this is no Lua", vec![], "nothing"),
        ] {
            assert_eq!(of(text), want, "{why}");
        }
    }

    #[test]
    fn lines_far_apart_and_many_instructions_are_counted_right() {
        let far = format!("local a = 1{}a = 2\nreturn a", "\n".repeat(300));
        assert_eq!(of(&far), [1, 301, 302]);
        let many = format!("local t = {{}}\n{}return t", "t[#t + 1] = 'x' .. #t\n".repeat(500));
        assert_eq!(of(&many), (1..=502).collect::<Vec<_>>());
    }

    #[test]
    fn every_built_in_policy_has_lines_that_can_run() {
        for (name, text) in crate::lua::builtin::POLICIES {
            assert!(of(text).len() > 3, "{name}");
        }
    }
}
