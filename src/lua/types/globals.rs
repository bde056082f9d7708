//! The functions that every policy finds, besides Lua's own: the verdicts.

use crate::lua::types::member::Member;

const REFUSAL: &str =
    "(text?: string): Verdict or (status: string, text: string): Verdict or (parts: Refusal): Verdict";

/// Every global function of ours.
pub const GLOBALS: &[Member] = &[
    Member::new("reject", REFUSAL, "550: never. 554 at connect."),
    Member::new("defer", REFUSAL, "451: try again later. 421 at connect and ehlo."),
    Member::new("disconnect", REFUSAL, "421, and the connection is closed."),
    Member::new(
        "accept",
        "(scope?: \"transaction\"|\"session\"): Verdict",
        "The other policies are passed over: at this stage, or for longer. Grants nothing.",
    ),
    Member::new(
        "discard",
        "(why: string): Verdict",
        "250 to the client, nothing to the backend. At rcpt, header, message.",
    ),
];
