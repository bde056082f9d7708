//! policy_counts
