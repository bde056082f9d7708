//! What may be said now: pure rules of one SMTP session.

pub mod limits;
pub mod relay;
