//! Whether a call stands alone as a statement, so that what it gives is lost.

use crate::lua::scan::members::kind;
use crate::lua::scan::scopes::Opener;
use crate::lua::scan::tokens::{Kind, Token};

/// Words behind which an expression, or a new name, stands.
const EXPECTING: [&[u8]; 13] = [
    b"and",
    b"elseif",
    b"for",
    b"function",
    b"goto",
    b"if",
    b"in",
    b"local",
    b"not",
    b"or",
    b"return",
    b"until",
    b"while",
];

/// Whether the name at `at` is called, and nobody takes what the call gives. `opener` opened the innermost scope.
///
/// Where that can't be told from one token before, it says no.
pub(super) fn is_statement(tokens: &[Token<'_>], at: usize, opener: Opener) -> bool {
    let is_called = matches!(kind(tokens, at + 1), Some(Kind::Mark(b'(' | b'{') | Kind::Text(_)));
    let begins = match at.checked_sub(1).and_then(|before| kind(tokens, before)) {
        // The end of what stands before it: an expression is not followed by a name.
        None | Some(Kind::Text(_) | Kind::Number | Kind::Label | Kind::Mark(b')' | b']' | b'}')) => true,
        Some(Kind::Name(word)) => !EXPECTING.contains(&word),
        // In a table it parts the fields.
        Some(Kind::Mark(b';')) => !matches!(opener, Opener::Table { .. }),
        // An operator, or `...`.
        Some(Kind::Mark(_) | Kind::Pair) => false,
    };
    is_called && begins
}
