//! See `script.rs` beside `bodies.rs`.
#![no_main]

#[path = "../script.rs"]
mod script;

libfuzzer_sys::fuzz_target!(|input: &[u8]| script::script(input));
