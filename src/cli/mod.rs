//! The commands of the program, one file each.

pub mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A scriptable, policy-filtering SMTP proxy that stands in front of your mail server.
#[derive(Debug, Parser)]
#[command(name = "gatepost", version)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run in the foreground.
    Run {
        /// The configuration.
        #[arg(short, long, default_value = "/etc/gatepost/gatepost.toml")]
        config: PathBuf,
    },
}

/// Exit code of wrong usage or a wrong configuration.
pub const WRONG: u8 = 2;

impl Arguments {
    /// Does what was asked; the exit code.
    pub fn execute(self) -> ExitCode {
        match self.command {
            Command::Run { config } => run::run(&config),
        }
    }
}
