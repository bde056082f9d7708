//! See `reply` in `bodies.rs`.
#![no_main]

use gatepost::{ldap, lookup, net, smtp};

#[path = "../bodies.rs"]
#[allow(dead_code)] // each target uses one
mod bodies;

libfuzzer_sys::fuzz_target!(|input: &[u8]| bodies::reply(input));
