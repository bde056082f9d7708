//! Why a question to the world has no answer: one of eight words that scripts, log and metrics share.

use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::ResponseCode;

/// Why there is no answer. Every kind but `Absent` means *not known*, and is never a "no".
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, thiserror::Error)]
pub enum LookupError {
    /// It does not exist: no such name, or no record of that type.
    #[error("there is none")]
    Absent,
    /// No answer in time.
    #[error("no answer in time")]
    Timeout,
    /// The server says that it couldn't find out.
    #[error("the server failed")]
    ServFail,
    /// The server doesn't answer us.
    #[error("the server refused")]
    Refused,
    /// The server can't be reached.
    #[error("the server can't be reached")]
    Unreachable,
    /// The question can't be asked, or the answer is none.
    #[error("the question or the answer is invalid")]
    Invalid,
    /// The answer is past our bounds.
    #[error("the answer is too large")]
    TooLarge,
    /// We don't ask now: the breaker is open, too many questions are in flight, or we are stopping.
    #[error("not asked now")]
    Unavailable,
}

impl LookupError {
    /// The word for it in the Lua API, in logs and in metrics.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Absent => "none",
            Self::Timeout => "timeout",
            Self::ServFail => "servfail",
            Self::Refused => "refused",
            Self::Unreachable => "unreachable",
            Self::Invalid => "invalid",
            Self::TooLarge => "too_large",
            Self::Unavailable => "unavailable",
        }
    }

    /// Whether this says that the server itself isn't well, as opposed to an answer of whatever content.
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::Timeout | Self::Unreachable)
    }
}

impl From<&NetError> for LookupError {
    fn from(error: &NetError) -> Self {
        match error {
            NetError::Dns(DnsError::NoRecordsFound(_)) => Self::Absent,
            NetError::Dns(DnsError::ResponseCode(ResponseCode::Refused)) => Self::Refused,
            NetError::Dns(_) => Self::ServFail,
            NetError::Timeout => Self::Timeout,
            NetError::Io(_) | NetError::NoConnections => Self::Unreachable,
            NetError::Busy => Self::Unavailable,
            NetError::Truncated => Self::TooLarge,
            NetError::Proto(_) | NetError::QueryCaseMismatch | NetError::ForeignClassRecord { .. } => {
                Self::Invalid
            }
            _ => Self::ServFail,
        }
    }
}
