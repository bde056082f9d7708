//! Sets of domains and networks, A-labels, host names, and the name that was meant: pure.

pub mod a_label;
pub mod domain_map;
pub mod domain_set;
pub mod fingerprint;
pub mod host_name;
pub mod network;
pub mod network_set;
pub mod public_suffix;
pub mod reach;
pub mod suggest;
