//! The storage pool and the helper runtime: threads beside the workers, for what would hold a worker up.

pub mod helper;
pub mod storage;
