//! What functions take and give besides texts and numbers.

use crate::lua::types::class::{Class, Kind};
use crate::lua::types::kept;
use crate::lua::types::member::Member;

const fn record(name: &'static str, help: &'static str, members: &'static [Member]) -> Class {
    Class { name, kind: Kind::Record, help, members }
}

const fn m(name: &'static str, form: &'static str, help: &'static str) -> Member {
    Member::new(name, form, help)
}

/// Every record.
pub(super) const RECORDS: &[Class] = &[
    record("Refusal", "The parts of a refusal; each may be left out.", REFUSAL),
    record("NetworkSet", "A set of addresses and networks.", NETWORK_SET),
    record("DomainSet", "A set of domains.", DOMAIN_SET),
    record("Map", "A table of keys and values.", MAP),
    record("Regex", "A pattern.", REGEX),
    record("HttpOptions", "How a web server is asked.", HTTP_OPTIONS),
    record("HttpRequest", "A request to a web server; the keys of HttpOptions as well.", HTTP_REQUEST),
    record("Answer", "What a web server says.", ANSWER),
    record("PeerTls", "The TLS between a client and a balancer.", PEER_TLS),
    record("Symbol", "What gave points.", SYMBOL),
    record("Field", "A field of a header.", FIELD),
    record("OutcomeReply", "The reply that ended a transaction.", OUTCOME_REPLY),
    record("OutcomeRecipient", "What became of one recipient.", OUTCOME_RECIPIENT),
    record("Mx", "A mail server of a domain.", MX),
    record("DnsblOptions", "How lists are asked.", DNSBL_OPTIONS),
    record("Dnsbl", "What lists said.", DNSBL),
    record("DnsblHit", "What one list said.", DNSBL_HIT),
    record("SharedStore", "Entries of all policies.", kept::SHARED_STORE),
    record("Terms", "How long what is remembered is good for.", kept::TERMS),
    record("Rate", "How often something may happen.", kept::RATE),
    record("Judgement", "What a rate says.", kept::JUDGEMENT),
    record("Counter", "A counter of a policy's own.", kept::COUNTER),
    record("Histogram", "A histogram of a policy's own.", kept::HISTOGRAM),
    record("Task", "A function that runs beside the hooks.", kept::STARTED),
];

const REFUSAL: &[Member] = &[
    m("code", "integer?", "Such as 554."),
    m("status", "string?", "Such as \"5.7.1\"."),
    m("text", "string?", "One or several lines."),
    m("at", "\"rcpt\"|nil", "At connect, ehlo and mail: held back until the first RCPT."),
    m(
        "unless_auth",
        "boolean?",
        "Whether a login or a relay grant lifts it while it is held; true unless said.",
    ),
];

const NETWORK_SET: &[Member] = &[
    m("contains", "(address: string): boolean", "Whether the address is in one of the networks."),
    m("get", "(address: string): string?, Kind?", "The smallest network that holds the address."),
];

const DOMAIN_SET: &[Member] = &[
    m("contains", "(domain: string): boolean", "Whether the domain is in the set."),
    m("get", "(domain: string): string?, Kind?", "The entry that holds the domain."),
];

const PEER_TLS: &[Member] = &[
    m("version", "string?", "Such as \"TLSv1.3\"."),
    m("cipher", "string?", "Its name."),
    m("subject", "string?", "The common name in the client's certificate."),
    m("is_verified", "boolean", "Whether the balancer has verified that certificate."),
];

const SYMBOL: &[Member] = &[
    m("symbol", "string", "Its name."),
    m("points", "number", "What it gave."),
    m("policy", "string", "Who gave it."),
];

const FIELD: &[Member] = &[
    m("name", "string", "Its name as it stands there."),
    m("value", "string", "Its decoded text."),
    m("raw", "string", "What stands behind the colon."),
    m("number", "integer", "Counts the fields as received, from 1; 0 for a new one."),
];

const OUTCOME_REPLY: &[Member] = &[
    m("code", "integer", "Such as 550."),
    m("status", "string?", "Such as \"5.1.1\"."),
    m("text", "string", "The text."),
];

const OUTCOME_RECIPIENT: &[Member] = &[
    m("address", "string", "Whom the client named."),
    m("backend", "string?", "Who was asked."),
    m("code", "integer", "The reply's code."),
    m("status", "string?", "The reply's status."),
];

const MX: &[Member] = &[
    m("preference", "integer", "The least is asked first."),
    m("exchange", "string", "Its name; \".\" for a null MX."),
];

const DNSBL_OPTIONS: &[Member] = &[
    m("threshold", "number?", "The score at which the answer is decided."),
    m("timeout", "Duration?", "5 s unless said."),
];

const DNSBL: &[Member] = &[
    m("score", "number", "The sum of the weights of those that list it."),
    m("hits", "table<string, DnsblHit>", "What those say that list it, by zone."),
    m("unknown", "table<string, Kind>", "Those that gave no answer, by zone."),
];

const DNSBL_HIT: &[Member] = &[
    m("codes", "string[]", "The answers."),
    m("text", "string?", "The list's words."),
    m("weight", "number", "What it counts."),
];

const MAP: &[Member] = &[
    m("get", "(key: string): string?, Kind?", "The key's value."),
    m("contains", "(key: string): boolean?, Kind?", "Whether the key has a value."),
];

const REGEX: &[Member] = &[
    m("matches", "(text: string): boolean?, Kind?", "Whether it is found in the text, of 256 KiB at most."),
    m("find", "(text: string): integer?, integer|Kind", "Where the first match begins and ends, from 1."),
    m(
        "captures",
        "(text: string): table<integer|string, string>?, Kind?",
        "What the groups have caught, by number and name; 0 is the match.",
    ),
];

const HTTP_OPTIONS: &[Member] = &[
    m("headers", "table<string, string|number>?", "Headers, but for those of the connection."),
    m("timeout", "Duration?", "5 s unless said, 60 s at most."),
    m("redirects", "integer?", "How many are followed; none unless said, 5 at most."),
    m("max_size", "Size?", "Of the body that comes back; 1 MiB unless said, 2 MiB at most."),
    m("json", "any", "The body, written as JSON."),
    m("form", "table<string, string|number>?", "The body, written as a form."),
    m("body", "string?", "The body."),
];

const HTTP_REQUEST: &[Member] = &[
    m("url", "string", "Where it goes."),
    m("method", "string?", "GET; of `http.send` POST."),
    m("headers", "table<string, string|number>?", "As in HttpOptions."),
    m("timeout", "Duration?", "As in HttpOptions."),
    m("redirects", "integer?", "As in HttpOptions."),
    m("max_size", "Size?", "As in HttpOptions."),
    m("json", "any", "As in HttpOptions."),
    m("form", "table<string, string|number>?", "As in HttpOptions."),
    m("body", "string?", "As in HttpOptions."),
];

const ANSWER: &[Member] = &[
    m("status", "integer", "Such as 200."),
    m("headers", "table<string, string>", "By names in lower case; several of a name with commas between."),
    m("body", "string", "The body."),
    m("json", "(): any, Kind?", "The body, read as JSON."),
];
