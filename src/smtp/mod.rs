//! The words of SMTP: pure, no I/O, no clock.

pub mod auth_argument;
pub mod chunk;
pub mod command;
pub mod data_decoder;
pub mod data_encoder;
pub mod extension;
pub mod host;
pub mod line_decoder;
pub mod mechanism;
pub mod params;
pub mod particulars;
pub mod path;
pub mod reply;
pub mod reply_decoder;
pub mod reply_encoder;
pub mod secret;
pub mod wording;
pub mod xclient;
pub mod xtext;
