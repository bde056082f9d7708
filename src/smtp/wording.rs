//! Every fixed reply that the proxy gives in its own name, so that wording and codes are found in one place.

use crate::smtp::reply::Reply;

/// Makes the constants of `Reply`, and a list of them all for the tests.
macro_rules! wording {
    ($($(#[$doc:meta])* $name:ident = $code:literal ($class:literal, $subject:literal, $detail:literal) $text:literal;)*) => {
        impl Reply {
            $($(#[$doc])* pub const $name: Reply = Reply::fixed($code, ($class, $subject, $detail), $text);)*
        }

        #[cfg(test)]
        const ALL: &[(&str, Reply, u16, (u8, u16, u16))] =
            &[$((stringify!($name), Reply::$name, $code, ($class, $subject, $detail))),*];
    };
}

wording! {
    // Done, go on.
    /// RFC 5321 §4.2.3.
    OK = 250 (2, 0, 0) "Ok";
    /// RFC 5321 §4.1.1.10.
    BYE = 221 (2, 0, 0) "Bye";
    /// RFC 5321 §4.1.1.2.
    REVERSE_PATH_OK = 250 (2, 1, 0) "Ok";
    /// RFC 5321 §4.1.1.3.
    FORWARD_PATH_OK = 250 (2, 1, 5) "Ok";
    /// RFC 5321 §4.1.1.4. A 3yz has no enhanced code.
    START_DATA = 354 (3, 0, 0) "End data with <CR><LF>.<CR><LF>";
    /// RFC 5321 §3.5.3: VRFY tells nobody who exists.
    CANNOT_VERIFY = 252 (2, 0, 0) "Send some mail, I'll try my best";
    /// RFC 3207 §4.
    START_TLS = 220 (2, 0, 0) "Go ahead";
    /// RFC 5321 §4.1.1.8.
    HELP = 214 (2, 0, 0) "See RFC 5321";

    // The order of commands, RFC 5321 §4.1.4.
    /// MAIL, RCPT or DATA before HELO or EHLO.
    HELO_FIRST = 503 (5, 5, 1) "Send EHLO first";
    /// MAIL within a transaction.
    NESTED_MAIL = 503 (5, 5, 1) "MAIL already given";
    /// RCPT, DATA or BDAT without MAIL.
    MAIL_FIRST = 503 (5, 5, 1) "Send MAIL first";
    /// DATA or BDAT without RCPT.
    RCPT_FIRST = 503 (5, 5, 1) "Send RCPT first";
    /// DATA after RCPTs that were all refused, RFC 2920 §3.1.
    NO_VALID_RECIPIENTS = 554 (5, 5, 1) "No valid recipients";
    /// DATA or RCPT after BDAT, RFC 3030 §2.
    BDAT_BEGUN = 503 (5, 5, 1) "The content has begun with BDAT";
    /// BDAT after a refused BDAT, RFC 3030 §2.
    BDAT_FAILED = 503 (5, 5, 1) "The transaction has failed, send RSET";
    /// Anything but QUIT after a refusal in the banner, RFC 5321 §3.1.
    QUIT_ONLY = 503 (5, 5, 1) "No service here, send QUIT";
    /// Commands pipelined where RFC 2920 forbids it, if the listener refuses that.
    BAD_PIPELINING = 503 (5, 5, 0) "Wait for the reply before you go on";
    /// Talk before the banner, if the listener refuses that. RFC 5321 §4.3.1.
    EARLY_TALK = 554 (5, 5, 1) "Wait for the greeting before you speak";
    /// STARTTLS under TLS, RFC 3207 §4.2.
    TLS_ACTIVE = 503 (5, 5, 1) "TLS is spoken already";
    /// STARTTLS after MAIL.
    TLS_IN_TRANSACTION = 503 (5, 5, 1) "Not within a transaction";
    /// All but NOOP, EHLO, STARTTLS and QUIT in clear text, where TLS is required. RFC 3207 §4.
    TLS_FIRST = 530 (5, 7, 0) "Must issue STARTTLS first";
    /// A TLS handshake where commands are spoken. The connection is closed.
    TLS_TOO_EARLY = 554 (5, 5, 1) "TLS begins with STARTTLS here";
    /// Clear text where TLS is spoken from the first octet. The connection is closed.
    TLS_ONLY = 554 (5, 7, 0) "TLS is spoken here from the first octet";
    /// MAIL over a connection of the balancer's own, by which it only asks whether we are well.
    PROBE_SENDS_NO_MAIL = 550 (5, 7, 0) "A health probe sends no mail";

    // Commands that make no sense.
    /// RFC 5321 §2.3.8. The connection is closed.
    BARE_NEWLINE = 500 (5, 5, 2) "Lines must end in CRLF";
    /// A NUL in a command.
    NUL_IN_COMMAND = 500 (5, 5, 2) "NUL is not allowed in a command";
    /// RFC 5321 §4.5.3.1.4.
    LINE_TOO_LONG = 500 (5, 5, 2) "Line too long";
    /// RFC 5321 §4.2.4.
    UNKNOWN_COMMAND = 500 (5, 5, 2) "Command not recognized";
    /// A command that we know and don't offer here, RFC 5321 §4.2.4.
    NOT_OFFERED = 502 (5, 5, 1) "Command not offered";
    /// EXPN, RFC 5321 §4.2.4.
    NO_EXPN = 502 (5, 5, 1) "Lists are not expanded here";
    /// XCLIENT or XFORWARD from somebody who may not.
    NOT_FOR_YOU = 550 (5, 7, 0) "You may not use this command";
    /// XCLIENT or XFORWARD within a transaction, Postfix XCLIENT_README.
    IN_TRANSACTION = 503 (5, 5, 1) "Not within a transaction";
    /// XCLIENT or XFORWARD with a word that is none of theirs, Postfix XCLIENT_README.
    ATTRIBUTE_FORM = 501 (5, 5, 4) "attribute=value expected";
    /// XCLIENT or XFORWARD with an attribute that was not offered, Postfix XCLIENT_README.
    ATTRIBUTE_NAME = 501 (5, 5, 4) "Bad attribute name";
    /// XCLIENT or XFORWARD with a value that can't be one, Postfix XCLIENT_README.
    ATTRIBUTE_VALUE = 501 (5, 5, 4) "Bad attribute value";
    /// MAIL that isn't followed by `FROM:`.
    MAIL_SYNTAX = 501 (5, 5, 4) "Syntax: MAIL FROM:<address>";
    /// RCPT that isn't followed by `TO:`.
    RCPT_SYNTAX = 501 (5, 5, 4) "Syntax: RCPT TO:<address>";
    /// An argument that can't be read.
    BAD_ARGUMENT = 501 (5, 5, 4) "Bad argument";
    /// No argument where one is needed.
    MISSING_ARGUMENT = 501 (5, 5, 4) "An argument is missing";
    /// An argument where none is allowed, RFC 5321 §4.1.1.
    NO_ARGUMENT_ALLOWED = 501 (5, 5, 4) "No argument allowed";
    /// An argument of HELO or EHLO that is no name. RFC 5321 §4.1.1.1.
    BAD_HELO_NAME = 501 (5, 5, 4) "That is no host name";
    /// A MAIL address that can't be read, or has no domain. RFC 3463 X.1.7.
    BAD_REVERSE_PATH = 501 (5, 1, 7) "Bad address in MAIL FROM";
    /// A RCPT address that can't be read, or has no domain. RFC 3463 X.1.3.
    BAD_FORWARD_PATH = 501 (5, 1, 3) "Bad address in RCPT TO";
    /// A parameter whose value can't be read.
    BAD_PARAMETER = 501 (5, 5, 4) "Bad parameter";
    /// A parameter given twice.
    DUPLICATE_PARAMETER = 501 (5, 5, 4) "Parameter given twice";
    /// A parameter of an extension that was not offered, RFC 5321 §4.1.1.11.
    UNKNOWN_PARAMETER = 555 (5, 5, 4) "Parameter not recognized";
    /// A BDAT whose size can't be read; its octets can't be told from commands, so the connection is closed.
    BAD_CHUNK = 501 (5, 5, 4) "Syntax: BDAT size [LAST]";

    // AUTH, RFC 4954 §4 and §6.
    /// A login that succeeded.
    LOGGED_IN = 235 (2, 7, 0) "Authentication successful";
    /// A login that did not: which part of it was wrong is nobody's business.
    LOGIN_REFUSED = 535 (5, 7, 8) "Authentication failed";
    /// Who has to say so can't be asked now.
    LOGIN_UNAVAILABLE = 454 (4, 7, 0) "Authentication not possible now, try again";
    /// An answer that is no base64, or none that the mechanism knows.
    BAD_LOGIN_ANSWER = 501 (5, 5, 2) "Can't decode that answer";
    /// `*` in place of an answer.
    LOGIN_CANCELLED = 501 (5, 7, 0) "Authentication cancelled";
    /// An answer of more than 12,288 octets.
    LOGIN_ANSWER_TOO_LONG = 500 (5, 5, 6) "Authentication exchange line is too long";
    /// AUTH without a mechanism, or with too much behind it.
    AUTH_SYNTAX = 501 (5, 5, 4) "Syntax: AUTH mechanism [initial-response]";
    /// A mechanism that was not offered.
    UNKNOWN_MECHANISM = 504 (5, 5, 4) "Authentication mechanism not offered";
    /// AUTH after a login.
    LOGGED_IN_ALREADY = 503 (5, 5, 1) "Already authenticated";
    /// AUTH within a transaction.
    AUTH_IN_TRANSACTION = 503 (5, 5, 1) "AUTH is not allowed in a mail transaction";
    /// AUTH before STARTTLS.
    LOGIN_NEEDS_TLS = 538 (5, 7, 11) "Encryption required for authentication";
    /// What needs a login where logins are required.
    LOGIN_REQUIRED = 530 (5, 7, 0) "Authentication required";
    /// `auth.max_failures`.
    TOO_MANY_LOGIN_FAILURES = 421 (4, 7, 0) "Too many failed logins";

    // Who may send as whom.
    /// MAIL with an address that another login owns, or none. As Postfix has it.
    ADDRESS_NOT_OWNED = 553 (5, 7, 1) "This address is not yours to send from";
    /// MAIL with an address that a login owns, without a login. As Postfix has it.
    ADDRESS_NEEDS_LOGIN = 553 (5, 7, 1) "Log in to send from this address";
    /// The same of a From field.
    FROM_NOT_OWNED = 550 (5, 7, 1) "The From field has an address that is not yours";
    /// The map can't be asked.
    OWNERS_UNKNOWN = 451 (4, 3, 0) "Whose address this is can't be told now";

    // The relay guard.
    /// RFC 5321 §3.6.2, §7.1.
    RELAY_DENIED = 550 (5, 7, 1) "Relaying denied";
    /// A domain that is written in a way which others may read differently. RFC 6531 §3.2.
    DOMAIN_NOT_CANONICAL = 553 (5, 6, 7) "Domain name not in its standard form";
    /// An address beyond ASCII without SMTPUTF8. RFC 6531 §3.5.
    NEEDS_SMTPUTF8 = 553 (5, 6, 7) "Address needs SMTPUTF8";

    // Limits.
    /// `limits.recipients`, RFC 5321 §4.5.3.1.10.
    TOO_MANY_RECIPIENTS = 452 (4, 5, 3) "Too many recipients";
    /// `limits.errors`.
    TOO_MANY_ERRORS = 421 (4, 7, 0) "Too many errors";
    /// `limits.junk_commands`.
    TOO_MANY_JUNK_COMMANDS = 421 (4, 7, 0) "Too many commands without a message";
    /// `limits.rejected_recipients`.
    TOO_MANY_REJECTED_RECIPIENTS = 421 (4, 7, 0) "Too many rejected recipients";
    /// `limits.messages`.
    TOO_MANY_MESSAGES = 421 (4, 7, 0) "Too many messages in this session";
    /// `limits.connections_per_client`.
    TOO_MANY_CLIENT_CONNECTIONS = 421 (4, 7, 0) "Too many connections from your address";
    /// `limits.connections`.
    TOO_MANY_CONNECTIONS = 421 (4, 3, 2) "Too busy, try again later";
    /// `limits.command_timeout`, `limits.session_timeout`. RFC 5321 §4.5.3.2.7.
    TIMEOUT = 421 (4, 4, 2) "Timeout, closing";
    /// The drain before the end of the process, RFC 5321 §3.8.
    SHUTTING_DOWN = 421 (4, 3, 2) "Shutting down, try again";

    // Content.
    /// SIZE, RFC 1870 §6.
    MESSAGE_TOO_BIG = 552 (5, 3, 4) "Message too big";
    /// `limits.header_size`.
    HEADER_TOO_BIG = 552 (5, 3, 4) "Message header too big";
    /// `limits.max_line`.
    CONTENT_LINE_TOO_LONG = 550 (5, 6, 0) "Message has a line that is too long";
    /// A CR or LF of its own in content, RFC 5321 §2.3.8.
    BARE_NEWLINE_IN_CONTENT = 550 (5, 6, 11) "Lines in a message must end in CRLF";
    /// 8-bit content for a backend without 8BITMIME, RFC 6152 §3.
    CANNOT_CONVERT = 554 (5, 6, 3) "8-bit content can't be passed on";
    /// Too many Received fields, RFC 5321 §6.3.
    MAIL_LOOP = 554 (5, 4, 6) "Mail loop: too many hops";
    /// The spool is full or broken, RFC 5321 §4.2.3.
    SPOOL_FULL = 452 (4, 3, 1) "No room for the message now, try again";

    // What broke; chosen by `fault` alone.
    /// No backend can be reached.
    BACKEND_UNREACHABLE = 451 (4, 4, 1) "Mail server not reachable, try again";
    /// The backend dropped the connection or took too long. RFC 1047.
    BACKEND_LOST = 451 (4, 4, 2) "Connection to the mail server lost, try again";
    /// The backend's reply can't be trusted.
    BACKEND_CONFUSED = 451 (4, 3, 0) "Mail server trouble, try again";
    /// The backend offers less than it did, or not the XCLIENT that is required.
    BACKEND_MISCONFIGURED = 451 (4, 3, 5) "Mail server configuration trouble, try again";
    /// The backend's connection is gone on which the client had logged in; a new one can't be made without it.
    LOGIN_LOST = 421 (4, 4, 2) "Connection to the mail server lost, log in again";
    /// `backend.connections` are all in use.
    BACKEND_BUSY = 451 (4, 3, 2) "Mail server busy, try again";
    /// The backend accepted content that had no recipient.
    BACKEND_ACCEPTED_NOTHING = 554 (5, 5, 1) "No valid recipients";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_constant_is_what_it_was_written_as() {
        for (name, reply, code, (class, subject, detail)) in ALL {
            assert_eq!(reply.code, *code, "{name}");
            let enhanced = reply.enhanced.map(|e| (e.class(), e.subject(), e.detail()));
            let want = (*class != 3).then_some((*class, *subject, *detail));
            assert_eq!(enhanced, want, "{name}");
        }
    }

    #[test]
    fn every_constant_fits_in_one_printable_line() {
        for (name, reply, ..) in ALL {
            let mut out = Vec::new();
            reply.encode(&mut out);
            assert_eq!(out.iter().filter(|b| **b == b'\n').count(), 1, "{name}");
            assert!(!out.contains(&b'?'), "{name}");
        }
    }
}
