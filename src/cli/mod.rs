//! The commands of the program, one file each.

pub mod check;
pub mod demo;
pub mod passwd;
pub mod policy;
pub mod probe;
pub mod probe_logins;
pub mod probe_maps;
pub mod problem;
pub mod run;
pub mod skeleton;
pub mod test;
pub mod types;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A scriptable, policy-filtering SMTP proxy that stands in front of your mail server.
#[derive(Debug, Parser)]
#[command(
    name = "gatepost",
    version,
    after_help = "Exit codes: 0; 1 failed; 2 wrong usage or configuration."
)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run in the foreground: SIGHUP reloads, SIGTERM drains.
    Run {
        /// The configuration.
        #[arg(short, long, value_name = "FILE", default_value = CONFIGURATION)]
        config: PathBuf,
    },
    /// Load everything, and print all mistakes and the set-up as it holds.
    Check(check::Check),
    /// A whole set-up on loopback, which sends itself good and bad mail and says what came of it.
    Demo(demo::Demo),
    /// Make a line for the file of users that auth.verify = "file:PATH" names.
    Passwd(passwd::Passwd),
    /// The policy library.
    Policy(policy::Policy),
    /// Run the tests of policies: every *_test.lua in a folder and below it.
    Test(test::Test),
    /// Print what policies find, with types, for the Lua language server.
    Types,
}

/// Where the configuration is, if nothing is said.
pub const CONFIGURATION: &str = "/etc/gatepost/gatepost.toml";

/// Exit code of wrong usage or a wrong configuration.
pub const WRONG: u8 = 2;

impl Arguments {
    /// Does what was asked; the exit code.
    pub fn execute(self) -> ExitCode {
        match self.command {
            Command::Run { config } => run::run(&config),
            Command::Check(check) => check.run(),
            Command::Demo(demo) => demo.run(),
            Command::Passwd(passwd) => passwd.run(),
            Command::Policy(policy) => policy.run(),
            Command::Test(test) => test.run(),
            Command::Types => types::run(),
        }
    }
}
