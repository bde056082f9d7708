//! What is wrong with a pattern or a replacement, in Lua's own words.

use std::ffi::CStr;

/// Why a pattern function raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PatternError {
    /// `%` at the end.
    EndsWithPercent,
    /// A set without its end.
    NoBracket,
    /// `%b` without two octets behind it.
    NoPair,
    /// `%f` without a set behind it.
    NoFrontier,
    /// A capture is ended that was not begun.
    NoCapture,
    /// There is no capture of this number here.
    NoSuchCapture(i32),
    /// A capture has no end.
    Unfinished,
    /// More than 32 captures.
    TooManyCaptures,
    /// 200 parts depend on each other.
    TooComplex,
    /// `%` before something that it can't stand before.
    Replacement,
    /// The hook's budget is spent.
    OverBudget,
}

impl PatternError {
    /// The words as `luaL_error` takes them, and the number for a `%d` among them.
    pub(super) fn words(self) -> (&'static CStr, i32) {
        let words = match self {
            PatternError::EndsWithPercent => c"malformed pattern (ends with '%%')",
            PatternError::NoBracket => c"malformed pattern (missing ']')",
            PatternError::NoPair => c"malformed pattern (missing arguments to '%%b')",
            PatternError::NoFrontier => c"missing '[' after '%%f' in pattern",
            PatternError::NoCapture => c"invalid pattern capture",
            PatternError::NoSuchCapture(number) => return (c"invalid capture index %%%d", number),
            PatternError::Unfinished => c"unfinished capture",
            PatternError::TooManyCaptures => c"too many captures",
            PatternError::TooComplex => c"pattern too complex",
            PatternError::Replacement => c"invalid use of '%%' in replacement string",
            PatternError::OverBudget => c"the hook exceeded its CPU budget",
        };
        (words, 0)
    }
}
