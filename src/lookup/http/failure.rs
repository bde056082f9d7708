//! Why a web server gave no reply, out of the nested errors of the client library.

use std::error::Error;
use std::io;

use http_body_util::LengthLimitError;

use crate::lookup::error::LookupError;

/// Why no connection was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("no connection: {0}")]
pub(super) struct ConnectError(pub(super) LookupError);

/// The kind of `error`, by the first of its causes that says one.
pub(super) fn kind_of(error: &(dyn Error + 'static)) -> LookupError {
    let mut cause = Some(error);
    let mut kind = LookupError::Unreachable;
    while let Some(error) = cause {
        if let Some(ConnectError(kind)) = error.downcast_ref() {
            return *kind;
        }
        if error.is::<LengthLimitError>() {
            return LookupError::TooLarge;
        }
        if error.is::<rustls::Error>() {
            return LookupError::Invalid;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            if error.is_parse_too_large() {
                return LookupError::TooLarge;
            }
            if error.is_parse() {
                kind = LookupError::Invalid;
            }
            if error.is_timeout() {
                return LookupError::Timeout;
            }
        }
        // An io::Error hides the error that it was made from from `source`.
        let io = error.downcast_ref::<io::Error>();
        if io.is_some_and(|io| matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
        {
            kind = LookupError::Invalid;
        }
        let inner = io.and_then(io::Error::get_ref);
        cause = match inner {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    kind
}
