//! Why a call of the store has no result: words that scripts, log and metrics share.

/// Why the store gave no result. None of them says anything about what is kept.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum StoreError {
    /// No result in time; whether anything was changed is not known.
    #[error("no result in time")]
    Timeout,
    /// The store can't be used now: it is full, it is stopping, or its disk fails.
    #[error("the store can't be used now")]
    Unavailable,
    /// The key or the value is larger than what is kept.
    #[error("the key or the value is too large")]
    TooLarge,
    /// What is kept under this key is of another kind than the call is for.
    #[error("what is kept there is of another kind")]
    Invalid,
}

impl StoreError {
    /// All, in order.
    pub const ALL: [Self; 4] = [Self::Timeout, Self::Unavailable, Self::TooLarge, Self::Invalid];

    /// The word for it in the Lua API, in logs and in metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Unavailable => "unavailable",
            Self::TooLarge => "too_large",
            Self::Invalid => "invalid",
        }
    }
}
