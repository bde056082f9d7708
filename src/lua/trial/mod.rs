//! The language of policy tests: what a `*_test.lua` finds, and the world that it acts upon, which `trial` plays.

mod natives;
mod secured;
mod stage;
mod stub;
pub mod suite;
mod visit;
pub mod world;

#[cfg(test)]
mod tests;
