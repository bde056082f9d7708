//! What may be said now: pure rules of one SMTP session.
