//! What of the backend's replies the client may hear.

use crate::fault::BackendFault;
use crate::smtp::reply::{Code, Reply};
use crate::smtp::reply_decoder::BackendReply;

/// The class of reply that a command of ours is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// A 2yz, or a refusal.
    Completion,
    /// 354, or a refusal.
    Content,
}

/// What the client may hear of `reply`, the answer to a command that was `due` this.
///
/// Refusals and what was due pass, printable and with an enhanced code of their class. 421 becomes 451 with its text:
/// the client's connection lives on. Replies that blame the proxy's own commands, and codes that are nothing, become
/// 451 4.3.0. `utf8` says that the client asked for SMTPUTF8.
/// *Errors*: `Confused` for a 2yz or 3yz that was not due; the connection can't be used any more.
/// Source: RFC 5321 §4.2.1, §4.3.2; RFC 2034 §4.
pub fn screen(reply: &BackendReply, due: Due, utf8: bool) -> Result<Reply, BackendFault> {
    let confused = || BackendFault::Confused(format!("reply {} where none such is due", reply.code));
    let code = reply.code;
    let passed = match (code.get(), due) {
        (354, Due::Content) => return Ok(Reply::START_DATA),
        (421, _) => Code::TRY_LATER,
        (334, _) => return Ok(Reply::BACKEND_CONFUSED),
        (200..=299, Due::Completion) => code,
        (200..=399, _) => return Err(confused()),
        (500 | 502 | 503 | 530 | 534 | 535 | 538, _) => {
            tracing::warn!(text = %shown(reply), "the backend refuses a command of the proxy");
            return Ok(Reply::BACKEND_CONFUSED);
        }
        _ => code,
    };
    Ok(Reply::relayed(passed, reply.lines(), utf8))
}

/// The backend's words for a log: printable, one line.
pub fn shown(reply: &BackendReply) -> String {
    Reply::relayed(reply.code, reply.lines(), true).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(code: u16, text: &str) -> BackendReply {
        BackendReply::new(Code::new(code).unwrap(), &[text])
    }

    #[test]
    fn refusals_pass_word_for_word_and_our_faults_do_not() {
        for (code, text, want, why) in [
            (250, "2.1.5 Ok", "250 2.1.5 Ok", "what is due"),
            (550, "5.1.1 No such user", "550 5.1.1 No such user", "a refusal"),
            (501, "5.1.3 Bad address", "501 5.1.3 Bad address", "Postfix says 501 at RCPT"),
            (504, "5.5.2 need a name", "504 5.5.2 need a name", "Postfix says 504 at RCPT"),
            (554, "5.7.1 denied", "554 5.7.1 denied", "Postfix says 554 at RCPT"),
            (452, "4.3.1 full", "452 4.3.1 full", "a deferral"),
            (550, "No such user", "550 5.0.0 No such user", "an enhanced code is added"),
            (550, "4.1.1 odd", "550 5.0.0 odd", "one of another class is replaced"),
            (421, "4.3.2 Going down", "451 4.3.2 Going down", "the client's connection lives on"),
            (503, "5.5.1 Bad sequence", "451 4.3.0 Mail server trouble, try again", "our fault"),
            (535, "5.7.8 Who?", "451 4.3.0 Mail server trouble, try again", "our fault"),
            (334, "UGFzc3dvcmQ6", "451 4.3.0 Mail server trouble, try again", "never to the client"),
            (550, "5.1.1 a\u{7}b", "550 5.1.1 a?b", "controls"),
        ] {
            assert_eq!(
                screen(&reply(code, text), Due::Completion, false).unwrap().to_string(),
                want,
                "{why}"
            );
        }
    }

    #[test]
    fn a_positive_reply_that_is_not_due_is_a_fault() {
        for (code, due) in
            [(354, Due::Completion), (350, Due::Completion), (250, Due::Content), (350, Due::Content)]
        {
            assert!(screen(&reply(code, "x"), due, false).is_err(), "{code} {due:?}");
        }
        assert_eq!(screen(&reply(354, "go"), Due::Content, false).unwrap(), Reply::START_DATA);
        assert!(screen(&reply(554, "no"), Due::Content, false).unwrap().is_permanent());
    }
}
