//! The words of SMTP: pure, no I/O, no clock.

pub mod attribute;
pub mod command;
pub mod extension;
pub mod host;
pub mod params;
pub mod path;
pub mod reply;
pub mod wording;
pub mod xtext;
