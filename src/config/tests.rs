//! What a configuration means, and what is said of a wrong one.

mod auth;
mod directory;
mod files;
mod logins;
mod meaning;
mod reach;
mod rendering;
mod wrong;

use std::path::Path;

use crate::config::{Broken, Loaded, load_str};

/// The names that stand for the policy library here.
const BUILT_IN: &[&str] = &["access", "dnsbl", "helo"];

/// All that a configuration must say, in lines that a test may add tables to.
const LEAST: &str = r#"
hostname = "mx.example.org"
[relay]
domains = ["example.org"]
[[backend]]
address = "127.0.0.1:10025"
[[listener]]
bind = "127.0.0.1:2525"
policies = "access"
"#;

fn read(text: &str) -> Result<Loaded, Box<Broken>> {
    load_str(text, Path::new(""), BUILT_IN)
}

fn good(text: &str) -> Loaded {
    read(text).unwrap_or_else(|broken| panic!("{broken}"))
}

fn bad(text: &str) -> Box<Broken> {
    match read(text) {
        Ok(_) => panic!("nothing is wrong with {text}"),
        Err(broken) => broken,
    }
}
