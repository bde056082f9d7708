//! A script's source, read without running it: its tokens, which names are whose, what is asked of our objects.
//!
//! The scopes are Lua's, but for two things that make it miss a name rather than blame a right one: a local is known in its
//! own initial value, and what a `repeat` declares is known behind its `until`.

pub(super) mod members;
pub(super) mod scopes;
mod statements;
pub(super) mod tokens;
pub(super) mod uses;
