//! The way through: from an accepted socket to the backend's answer.

pub mod config;
