//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;

use gatepost::cli::Arguments;

/// Sessions are many small allocations that live and die on one worker: measured, a sixth of a message's time goes to
/// the system's allocator, and less than half of that to this one.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    Arguments::parse().execute()
}
