//! Policy tests: `*_test.lua` files run against the real session code, in a world that the test plays.

mod backend;
pub mod covered;
mod journal;
pub mod junit;
mod place;
pub mod report;
pub mod run;
pub mod runner;
mod scene;
mod shelf;
mod tables;
mod visitor;
pub mod watch;
