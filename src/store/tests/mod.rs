//! What every keeper has to do, and what a file survives.

mod contract;
mod crash;
mod file;
