//! The names of all fields of the log: one word for one thing, in every line and every format.

/// A field of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name, the same in text and JSON.
    pub name: &'static str,
    /// What it holds, for docs/operations.md.
    pub help: &'static str,
}

macro_rules! fields {
    ($($name:ident $text:literal $help:literal)*) => {
        $(#[doc = $help] pub const $name: &str = $text;)*

        /// Every field, in the order of the page.
        pub const ALL: &[Field] = &[$(Field { name: $text, help: $help }),*];
    };
}

fields! {
    TIME "time" "When the line was written: UTC, to the millisecond. The first word in text."
    LEVEL "level" "`error`, `warn`, `info`, `debug` or `trace`. The second word in text."
    MESSAGE "message" "What happened, in fixed words. What follows the level in text."
    SESSION "session" "The session's id: 16 characters, also in the Received field and in refusals."
    TRANSACTION "transaction" "The transaction's number within its session, from 1."
    LISTENER "listener" "The name of the listener that the client came to."
    CLIENT_IP "client_ip" "The client's address."
    CLIENT_PORT "client_port" "The client's port."
    CLIENT_NAME "client_name" "The client's name, where its reverse name points back to its address."
    PEER_IP "peer_ip" "The address that the connection came from, where it is not the client's: a balancer, another mail server."
    PEER_PORT "peer_port" "Its port."
    UNIQUE_ID "unique_id" "The balancer's name for the connection."
    FORWARDED_IP "forwarded_ip" "The address of the client whose message this one carries, as it told by XFORWARD."
    FORWARDED_NAME "forwarded_name" "That client's name."
    FORWARDED_IDENT "forwarded_ident" "The name of the message there: the queue id of a Postfix."
    EHLO "ehlo" "The name that the client gave in EHLO or HELO."
    TLS "tls" "Version and cipher of the client's TLS."
    AUTH "auth" "The user that the client logged in as."
    REVERSE_PATH "reverse_path" "MAIL FROM, as sent, in its brackets: `<>` is the null reverse-path."
    FORWARD_PATHS "forward_paths" "Each RCPT TO, as sent, with the code of its reply: `<a@b.example>:250`, separated by commas; `...+N` for N more than fit."
    MESSAGE_ID "message_id" "The Message-ID field of the content."
    OCTETS "octets" "Content as received, in octets."
    DISPOSITION "disposition" "What became of the transaction: `relayed`, `refused`, `deferred`, `discarded` or `aborted`."
    STAGE "stage" "The stage that a transaction had reached or that decided: `mail`, `rcpt`, `data`, `header`, `message`. Of a session: where it was refused last outside of transactions, `connect`, `tls`, `ehlo`, `auth`, `command` or `reply`."
    CODE "code" "The code of the last reply to the client; of a session, that of the refusal at `stage`."
    POLICY "policy" "The policy that decided, or that the line is about."
    DISCARDED "discarded" "Recipients who heard 250 and for whom a policy let the message go nowhere (`discard` at rcpt, `remove_recipient`), each with that policy: `<a@b.example>:site`, separated by commas."
    WHY "why" "Why a policy discarded the message, or the recipients in `discarded`, in its own words."
    HOOK "hook" "The policy's hook that the line is about."
    RELAY_GRANT "relay_grant" "Why the client may relay."
    BACKEND "backend" "The name of the backend that was asked."
    BACKEND_REPLY "backend_reply" "The backend's last reply; its \"queued as\" is here."
    ELAPSED_MS "elapsed_ms" "How long it took, in milliseconds: a transaction from MAIL, a session from accept."
    SCORE "score" "The sum of the points that policies gave."
    REASON "reason" "Why the session ended: `quit`, `lost`, `timeout`, `errors`, `policy`, `drain` and the like."
    BY "by" "Who ended the session: `client`, `server` or `backend`."
    LAST_VERB "last_verb" "The session's last command."
    COMMANDS "commands" "Commands of the session."
    ERRORS "errors" "Commands of the session that could not be read or were out of order."
    TRANSACTIONS "transactions" "Transactions of the session."
    MESSAGES "messages" "Messages of the session that were acknowledged."
    NOTES "note.*" "What a policy noted: `note.` and its key."
    WOULD_HAVE "would_have" "The verdict of a policy that only observes."
    ADDRESS "address" "The address of a backend or a listener."
    REPLY "reply" "A reply that the line is about."
    FILE "file" "A file that the line is about."
    KEY "key" "A key of the configuration."
    WHAT "what" "Which files of TLS: `tls.certificate`, `tls.client_ca`, or those of a backend."
    COUNT "count" "How many of what the message says."
    ERROR "error" "What went wrong."
    HELP "help" "What to do about it, and what is possible instead."
    SOURCE "source" "The line of a policy at which it failed, as it stands in the script."
    COLUMN "column" "Where in the line, in characters from 1: at what is wrong; of a policy's line at the name that the error names, else at the first word."
    TRACEBACK "traceback" "The calls that led there, the last one first."
    CUT "cut" "`true` where a value was shortened or a field left out, since the line got too long."
    TARGET "target" "The part of the program that speaks; at `debug` and `trace`, and for libraries."
}

/// The name under which a line's notes are handed over; each becomes a field of its own, see [`NOTES`].
pub(super) const NOTES_FIELD: &str = "notes";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_fields_share_a_name() {
        let mut names: Vec<_> = ALL.iter().map(|field| field.name).collect();
        names.sort_unstable();
        let before = names.len();
        names.dedup();
        assert_eq!(names.len(), before);
    }

    #[test]
    fn the_page_explains_every_field() {
        let page = include_str!("../../docs/operations.md");
        for field in ALL {
            let row = format!("| `{}` | {} |", field.name, field.help);
            assert!(page.contains(&row), "docs/operations.md misses the row\n{row}");
        }
    }
}
