//! `gatepost check`, `gatepost passwd` and `gatepost policy`, run as a postmaster runs them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "check/auth.rs"]
mod auth;
#[path = "check/mistakes.rs"]
mod mistakes;
#[path = "check/named_files.rs"]
mod named_files;
#[path = "check/passwd.rs"]
mod passwd;
#[path = "check/policy.rs"]
mod policy;
#[path = "check/probe.rs"]
mod probe;
#[path = "check/probe_logins.rs"]
mod probe_logins;
#[path = "check/probe_maps.rs"]
mod probe_maps;
#[path = "check/scripted.rs"]
mod scripted;
#[path = "check/tls.rs"]
mod tls;

use std::fs;
use std::path::Path;

use support::drive::{self, Run};
use support::gatepost::binary;

/// A set-up that can be used: `relay` is all of `[relay]`, `backend` all of `[[backend]]`, `rest` more tables.
fn toml(relay: &str, backend: &str, rest: &str) -> String {
    format!(
        "hostname = \"mx.ours.example\"\n[relay]\n{relay}\n[[backend]]\n{backend}\n[[listener]]\n\
         bind = \"127.0.0.1:0\"\npolicies = [\"helo\"]\n[dns]\nservers = \"127.0.0.1:9\"\ntimeout = \"10ms\"\n\
         attempts = 1\n[spool]\ndirectory = \".\"\n{rest}\n"
    )
}

/// `gatepost check` of `toml`, which stands in `folder`, with more arguments.
fn check(folder: &Path, toml: &str, arguments: &[&str]) -> Run {
    let file = folder.join("gatepost.toml");
    fs::write(&file, toml).unwrap();
    let mut command = binary();
    command.arg("check").arg("-c").arg(&file).args(arguments);
    drive::run(command, &[])
}
