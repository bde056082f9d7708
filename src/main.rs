//! Arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser as _;

use gatepost::cli::Arguments;

fn main() -> ExitCode {
    Arguments::parse().execute()
}
