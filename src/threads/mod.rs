//! The storage pool and the helper runtime.
