//! `string.find`, `match`, `gmatch` and `gsub` as Lua 5.4 has them, but for the time they may take: a pattern that
//! explodes is made to wait for other sessions and ends with its hook's budget.

mod class;
mod error;
mod functions;
mod gsub;
mod matcher;
mod plain;
mod replacement;
mod search;

pub(super) use functions::open;

#[cfg(test)]
mod tests;
