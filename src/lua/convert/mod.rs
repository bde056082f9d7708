//! What scripts see of the proxy: the session, the subjects of hooks, sets and maps.

mod fields;
pub mod kit;
pub(super) mod login;
pub mod map;
pub mod message;
pub mod report;
pub mod session;
pub mod session_facts;
pub mod sets;
pub mod subject;
mod tls;
pub mod transaction;
pub mod transaction_facts;
pub mod vars;
