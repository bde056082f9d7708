//! What a message may cost: allocations, octets that are copied, writes; counted, not timed.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "economy/allocations.rs"]
mod allocations;
#[path = "economy/content.rs"]
mod content;
#[path = "economy/writes.rs"]
mod writes;
