//! What the policy engine costs, and what a slow policy costs the other sessions: `cargo bench --bench engine`.
//!
//! Costs are processor time of the measuring thread, so that they hold on a machine that does other things; fairness is
//! time on the clock and needs a quiet one. `cargo bench --bench engine -- fairness` measures that alone, and `-- --strict`
//! what has a goal alone: it fails if one is missed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod cost;
mod fairness;
mod goals;
mod patterns;
mod place;
#[path = "../../tests/support/thousand_tests.rs"]
mod thousand_tests;
mod thread_time;

use std::process::ExitCode;

use criterion::Criterion;

use thread_time::ThreadTime;

/// As in the product.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    if std::env::args().any(|argument| argument == "--strict") {
        return if goals::are_reached() { ExitCode::SUCCESS } else { ExitCode::FAILURE };
    }
    let wants_fairness = std::env::args().any(|argument| argument == "fairness");
    if !wants_fairness {
        let mut criterion = Criterion::default().with_measurement(ThreadTime).configure_from_args();
        cost::measure(&mut criterion);
        patterns::measure(&mut criterion);
        criterion.final_summary();
    }
    // `cargo test --benches` only sees whether it starts; a profile is of one measurement alone.
    let is_bench = std::env::args().any(|argument| argument == "--bench");
    if wants_fairness || is_bench && !std::env::args().any(|argument| argument == "--profile-time") {
        let _ = fairness::measure(); // only told
    }
    ExitCode::SUCCESS
}
