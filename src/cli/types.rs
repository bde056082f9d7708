//! `gatepost types`: annotations of all that policies find, for the Lua language server.

use std::process::ExitCode;

use crate::lua::types::luals::annotations;

/// Prints them; the exit code.
pub fn run() -> ExitCode {
    print!("{}", annotations());
    ExitCode::SUCCESS
}
