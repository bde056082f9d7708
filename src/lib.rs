//! gatepost: a scriptable, policy-filtering SMTP proxy that stands in front of a mail server.

pub mod app;
pub mod auth;
pub mod backend;
pub mod cli;
pub mod config;
pub mod fault;
pub mod ldap;
pub mod lookup;
pub mod lua;
pub mod message;
pub mod names;
pub mod net;
pub mod observe;
pub mod policy;
pub mod proxy;
pub mod secret_file;
pub mod session;
pub mod smtp;
pub mod store;
pub mod threads;
pub mod trial;
