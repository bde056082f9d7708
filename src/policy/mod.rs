//! The door between the proxy and its policies: event in, verdict out.

pub mod mode;
