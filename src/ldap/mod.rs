//! LDAP, as far as checking passwords and looking up values takes it: our own few messages and no library. What a
//! directory says is bounded here, and passwords are wiped.

pub mod access;
pub mod answer;
pub mod ber;
pub mod dn;
pub mod filter;
pub mod line;
pub mod server;
pub mod template;
pub mod words;
