//! The words of SMTP: pure, no I/O, no clock.

pub mod chunk;
pub mod data_decoder;
pub mod data_encoder;
pub mod line_decoder;
pub mod reply_decoder;
pub mod xclient;
