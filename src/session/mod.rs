//! What may be said now: the rules of one SMTP session, pure, without I/O and without a clock.
//!
//! A command is first admitted (`admit`, which changes nothing), then judged by policies and by the relay
//! guard, and at last committed (`commit`, the only change) once its reply is known.

pub mod admit;
pub mod authenticate;
pub mod commit;
pub mod effects;
pub mod ehlo;
pub mod envelope;
#[cfg(test)]
mod example;
pub mod grants;
pub mod identity;
pub mod intermediary;
pub mod limits;
pub mod login;
pub mod relay;
pub mod relay_guard;
pub mod rules;
pub mod state;
pub mod tls;
pub mod trust;
