//! Whether a policy's verdicts count, and which policies a listener asks.

/// Whether a policy's verdicts count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// They count.
    Enforce,
    /// They are logged as "would have" and ignored.
    Observe,
}

/// A listener's use of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyUse {
    /// The policy's name, as in `[policy.NAME]`.
    pub name: String,
    /// The listener's own mode for it; `None` is the policy's.
    pub mode: Option<Mode>,
}
