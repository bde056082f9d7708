//! What hooks receive: the session and their subjects.

use crate::lua::types::class::{Class, Kind};
use crate::lua::types::member::Member;

const fn object(name: &'static str, help: &'static str, members: &'static [Member]) -> Class {
    Class { name, kind: Kind::Object, help, members }
}

const fn m(name: &'static str, form: &'static str, help: &'static str) -> Member {
    Member::new(name, form, help)
}

/// Every object.
pub(super) const OBJECTS: &[Class] = &[
    object("Session", "One connection, from greeting to close.", SESSION),
    object("Client", "The real client.", CLIENT),
    object("Peer", "The other end of the socket.", PEER),
    object("Server", "Where the client connected to.", SERVER),
    object("Tls", "The client's TLS.", TLS),
    object("Certificate", "A certificate whose key the client holds.", CLIENT_CERTIFICATE),
    object("Ehlo", "What the client called itself.", EHLO),
    object("Credentials", "Who a client says it is, and what it shows for it.", CREDENTIALS),
    object("Auth", "A login.", AUTH),
    object("Mail", "MAIL FROM.", MAIL),
    object("Rcpt", "RCPT TO.", RCPT),
    object("Transaction", "From MAIL to the end of data or RSET.", TRANSACTION),
    object("Message", "The content, its edits laid over it.", MESSAGE),
    object("Command", "VRFY, EXPN, ETRN, HELP or a verb that nobody knows.", COMMAND),
    object("Reply", "A reply that is decided and not yet written.", REPLY),
    object("Outcome", "What became of a transaction.", OUTCOME),
    object("Ending", "How a session ended.", ENDING),
];

const SESSION: &[Member] = &[
    m(
        "id",
        "string",
        "16 characters; in every log line, in our Received field and at the end of our refusals.",
    ),
    m("listener", "string", "The listener's name."),
    m("protocol", "string", "\"smtp\" or \"submission\"."),
    m("client", "Client", "The real client."),
    m("peer", "Peer", "The socket's other end."),
    m("server", "Server", "Where it connected to."),
    m("may_relay", "string?", "Why this client may send to any domain."),
    m("ehlo", "Ehlo?", "What the client called itself; nil before."),
    m("tls", "Tls?", "The client's TLS; nil in clear text."),
    m("auth", "Auth?", "The login; nil before."),
    m("transaction", "Transaction?", "The open transaction; nil when there is none."),
    m("talked_early", "integer", "Octets before the banner."),
    m("pipelining_violations", "integer", "How often data came where RFC 2920 forbids pipelining."),
    m("command_errors", "integer", "Bad commands."),
    m("recipients_refused", "integer", "Refused RCPTs."),
    m("refused_by_backend", "integer", "Commands and messages that the backend refused."),
    m("auth_failures", "integer", "Logins that failed."),
    m("messages", "integer", "Messages taken."),
    m("octets", "integer", "Octets taken."),
    m("seconds", "number", "The age of the session."),
    m("commands", "integer", "Commands so far."),
    m("score", "number", "The sum of points."),
    m("symbols", "Symbol[]", "What gave points."),
    m("vars", "table", "What the policy remembers of the session: plain data, 64 KiB."),
    m("shared", "table", "The same, common to all policies."),
    m(
        "permit_relay",
        "(why: string)",
        "At connect, tls, ehlo and auth: this session may name any recipient.",
    ),
    m("skip", "(...: string)", "Before data: these policies have no verdict in this session."),
    m("delay", "(duration: Duration)", "Holds the reply back, 300 s at most; not charged to the budget."),
    m(
        "add_score",
        "(points: number, symbol: string)",
        "Given before MAIL it lasts the session, later the transaction.",
    ),
    m(
        "note",
        "(key: string, value: string|number|boolean)",
        "A field of the log line of the transaction, or else of the session.",
    ),
    Member::later("spf", "()"),
];

const CLIENT: &[Member] = &[
    m("ip", "string", "Its address; a v4-mapped one is its IPv4."),
    m("port", "integer", "Its port."),
    m("network", "string", "Its /24 or /64: the key for counting."),
    m("name", "(): string?, Kind?", "The name of its address that points back to it. Waits."),
    m("ptr", "(): string?, Kind?", "The first name of its address, which its owner may have made up. Waits."),
];

const PEER: &[Member] = &[
    m("ip", "string", "Its address."),
    m("port", "integer", "Its port."),
    m(
        "authority",
        "string?",
        "The host name that the client asked the balancer for (SNI), if that has told it.",
    ),
    m("alpn", "string?", "The protocol that the client and the balancer agreed upon, if that has told it."),
    m("unique_id", "string?", "The balancer's name for the connection, if that has told it."),
    m("tls", "PeerTls?", "The TLS between the client and the balancer, if that has told of it."),
];

const SERVER: &[Member] = &[
    m("ip", "string", "Our address."),
    m("port", "integer", "Our port."),
    m("hostname", "string", "Our name."),
    m("relay_domains", "DomainSet", "The domains that this listener receives mail for."),
];

const TLS: &[Member] = &[
    m("version", "string", "\"TLSv1.2\" or \"TLSv1.3\"."),
    m("cipher", "string", "The cipher suite, by its name at IANA."),
    m("sni", "string?", "The server name that the client asked for, in lower case."),
    m("alpn", "string?", "The protocol that was agreed on: \"smtp\" or \"esmtp\"."),
    m("client_certificate", "Certificate?", "The client's; nil if it has shown none or wasn't asked."),
];

const CLIENT_CERTIFICATE: &[Member] = &[
    m("subject", "string", "As RFC 4514 writes it: \"CN=mx.a.example,O=A\"."),
    m("issuer", "string", "The same of its issuer."),
    m("names", "string[]", "Its alternative names: host names in lower case, addresses, URIs."),
    m("sha256", "string", "Of the certificate (DER), in hex."),
    m("key_sha256", "string", "Of its public key (DER of SubjectPublicKeyInfo), in hex."),
    m("verified", "boolean", "Whether `tls.client_ca` stands for it."),
];

const EHLO: &[Member] = &[
    m("name", "string", "The name as sent."),
    m("verb", "string", "\"HELO\" or \"EHLO\"."),
    m("is_literal", "boolean", "Whether it is an address in brackets."),
];

const CREDENTIALS: &[Member] = &[
    m("mechanism", "string", "\"PLAIN\", \"LOGIN\", \"OAUTHBEARER\" or \"XOAUTH2\"."),
    m("user", "string", "The name as given; empty where a token alone says it."),
    m("password", "string?", "The password."),
    m("token", "string?", "The token."),
];

const AUTH: &[Member] = &[
    m("user", "string", "Who it is, as the verifier says."),
    m("mechanism", "string", "How it was shown: \"PLAIN\" and its kin."),
];

const MAIL: &[Member] = &[
    m("address", "string", "`local_part@domain`, quotes only where needed; \"\" for `<>`."),
    m("local_part", "string", "The part before the `@`, its case kept."),
    m("domain", "string", "Lower case, A-labels, or the address literal; \"\" for `<>`."),
    m("raw", "string", "The path as sent."),
    m("params", "table<string, string|boolean|integer>", "Upper-case names; `true` where there is no value."),
    m("is_null", "boolean", "Whether it is `<>`: a bounce."),
    m("permit_relay", "(why: string)", "At mail: this transaction may go to any domain."),
    m("skip", "(...: string)", "At mail and rcpt: these policies have no verdict in this transaction."),
    m("rewrite", "(address: string)", "At mail: the backend sees this one."),
    Member::later("route", "(backend: string)"),
];

const RCPT: &[Member] = &[
    m("address", "string", "`local_part@domain`, quotes only where needed."),
    m("local_part", "string", "The part before the `@`, its case kept."),
    m("domain", "string", "Lower case, A-labels, or the address literal; \"\" for `<postmaster>`."),
    m("raw", "string", "The path as sent."),
    m("params", "table<string, string|boolean|integer>", "Upper-case names; `true` where there is no value."),
    m("index", "integer", "Counts the transaction's RCPT commands, from 1."),
    m("permit_relay", "(why: string)", "At rcpt: this recipient may be in any domain."),
    m("rewrite", "(address: string)", "At rcpt: the backend sees this one; the relay guard judges it again."),
    Member::later("route", "(backend: string)"),
];

const TRANSACTION: &[Member] = &[
    m("index", "integer", "Counts the session's transactions, from 1."),
    m("size_declared", "integer?", "SIZE as declared at MAIL."),
    m("mail", "Mail", "Its MAIL FROM."),
    m("recipients", "Rcpt[]", "Those that were not refused so far."),
    m("vars", "table", "What the policy remembers of the transaction: plain data, 64 KiB."),
    m("score", "number", "The sum of its points."),
    m("add_recipient", "(address: string)", "From rcpt to message; the relay guard judges it."),
    m(
        "remove_recipient",
        "(address: string)",
        "From rcpt to message: discards the message for this recipient.",
    ),
    m("add_header", "(name: string, value: string)", "From mail on: on top of the message when it passes."),
];

const COMMAND: &[Member] = &[
    m("verb", "string", "The verb, in upper case."),
    m("argument", "string", "What stands behind it, as sent."),
];

const MESSAGE: &[Member] = &[
    m("size", "integer", "Octets of content as received; at header of what has come so far."),
    m("header_size", "integer", "Octets of its header."),
    m("header", "(name: string): string?, Kind?", "The decoded text of the first field of that name."),
    m("headers", "(name: string): string[]", "The same of all."),
    m("raw_header", "(name: string): string?, Kind?", "The first as sent."),
    m("fields", "(): fun(): Field?", "An iterator over all fields."),
    m("sha256", "(): string?, Kind?", "At message: the digest of the content, in hex. Waits."),
    m("add_header", "(name: string, value: string|number|boolean)", "A new field at the end of the header."),
    m("prepend_header", "(name: string, value: string|number|boolean)", "A new field on top."),
    m(
        "replace_header",
        "(name: string, value: string|number|boolean)",
        "The first of that name, or a new one.",
    ),
    m("remove_header", "(field: string|integer)", "All of that name, or the field with that number."),
    Member::later("parts", "()"),
    Member::later("urls", "()"),
    Member::later("body", "()"),
    Member::later("find", "()"),
    Member::later("chunks", "()"),
    Member::later("authenticate", "()"),
    Member::later("sign", "()"),
    Member::later("seal", "()"),
    Member::later("append_text", "()"),
    Member::later("from", "table"),
    Member::later("to", "table"),
    Member::later("cc", "table"),
    Member::later("reply_to", "table"),
    Member::later("subject", "string"),
    Member::later("message_id", "string"),
    Member::later("date", "number"),
    Member::later("limits_hit", "table"),
];

const REPLY: &[Member] = &[
    m("verb", "string", "The command that is answered; \".\" for the end of data."),
    m("argument", "string", "Its argument."),
    m("code", "integer", "Such as 550."),
    m("status", "string?", "Such as \"5.1.1\"."),
    m("text", "string", "The text."),
    m("from", "string", "\"core\", \"policy\" or \"backend\"."),
    m("policy", "string?", "Whose policy it was."),
];

const OUTCOME: &[Member] = &[
    m("disposition", "string", "relayed, refused, deferred, discarded or aborted."),
    m("stage", "string?", "Where it was decided."),
    m("policy", "string?", "By which policy."),
    m("reply", "OutcomeReply?", "The last reply."),
    m("size", "integer", "Octets of content."),
    m("reverse_path", "string", "The sender as sent."),
    m("recipients", "OutcomeRecipient[]", "All of them, the refused ones too."),
    m("score", "number", "The sum of points."),
    m("symbols", "Symbol[]", "What gave points."),
];

const ENDING: &[Member] = &[
    m("reason", "string", "Why the session ended, in a word."),
    m("by", "string", "client, server or backend."),
    m("last_verb", "string?", "Its last command."),
    m("seconds", "number", "How long it lasted."),
    m("messages", "integer", "Messages taken."),
    m("octets", "integer", "Octets taken."),
];
