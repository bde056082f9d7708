//! The words of SMTP: pure, no I/O, no clock.
