//! What each hook receives, and whether it may answer with a verdict.

use crate::policy::event::Stage;

/// The second argument of a hook and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hook {
    /// The name by which docs and examples call the argument.
    pub subject: &'static str,
    /// The argument's class.
    pub class: &'static str,
    /// Whether a verdict may be returned.
    pub decides: bool,
}

/// The hook for `stage`.
pub fn hook(stage: Stage) -> Hook {
    let (subject, class, decides) = match stage {
        Stage::Connect => ("client", "Client", true),
        Stage::Tls => ("tls", "Tls", true),
        Stage::Ehlo => ("ehlo", "Ehlo", true),
        Stage::Verify => ("credentials", "Credentials", false),
        Stage::Auth => ("auth", "Auth", true),
        Stage::Mail => ("mail", "Mail", true),
        Stage::Rcpt => ("rcpt", "Rcpt", true),
        Stage::Data => ("transaction", "Transaction", true),
        Stage::Header | Stage::Message => ("message", "Message", true),
        Stage::Command => ("command", "Command", true),
        Stage::Reply => ("reply", "Reply", true),
        Stage::Outcome => ("outcome", "Outcome", false),
        Stage::Closed => ("ending", "Ending", false),
    };
    Hook { subject, class, decides }
}
