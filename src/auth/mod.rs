//! Who is logging in: the server's side of SASL, and those who know whether a password is right.
//!
//! A verifier that needs the backend or a policy is handed in by `app`; nothing here knows of either.

pub mod check;
pub mod coding;
pub mod config;
pub mod dovecot;
pub mod external;
pub mod failures;
pub mod file;
pub mod http;
pub mod ldap;
mod plain;
pub mod prepared;
pub mod probe;
pub mod sasl;
pub mod scram;
mod token;
pub mod verifier;
pub mod watch;
