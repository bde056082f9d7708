//! Everything that can break while a message passes: the client's acknowledgement is the backend's, and never more.
//!
//! `GATEPOST_SOAK=N` runs N random dialogues instead of 300, from GATEPOST_SOAK_SEED; see `tests/soak`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "faults/commit_rule.rs"]
mod commit_rule;
#[path = "faults/crowd.rs"]
mod crowd;
#[path = "faults/found.rs"]
mod found;
#[path = "faults/heap.rs"]
mod heap;
#[path = "faults/ledger.rs"]
mod ledger;
#[path = "faults/memory.rs"]
mod memory;
#[path = "faults/model.rs"]
mod model;
#[path = "faults/stand.rs"]
mod stand;
#[path = "faults/storage.rs"]
mod storage;
