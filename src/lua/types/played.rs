//! What tests of policies find besides Lua's own: clients, expectations, and the world that they play.

use crate::lua::types::class::{Class, Kind};
use crate::lua::types::member::Member;

const fn m(name: &'static str, form: &'static str, help: &'static str) -> Member {
    Member::new(name, form, help)
}

const fn object(name: &'static str, help: &'static str, members: &'static [Member]) -> Class {
    Class { name, kind: Kind::Object, help, members }
}

const fn module(name: &'static str, help: &'static str, members: &'static [Member]) -> Class {
    Class { name, kind: Kind::Module, help, members }
}

/// The global functions of a test file.
pub const GLOBALS: &[Member] = &[
    m("test", "(name: string, body: function)", "A test: what it proves, and how."),
    m("session", "(visit?: Visit): TestClient", "A client that has just connected and heard the banner."),
    m("set_up", "(file: string)", "Clients come to this configuration from here on."),
    m("before_each", "(prepare: function)", "Done before each test of the file; stands at its top."),
    m("expect", "(value: any): Expectation", "What a value is expected to be."),
    m(
        "for_all",
        "(property: table)",
        "Runs its function with values by chance: { name = any.…(), function(case) … end }.",
    ),
    m("logged", "(text: string): string?", "The first line of the log that holds the text."),
    m(
        "policy_errors",
        "(): string[]",
        "How policies have failed so far; asked for, they don't fail the test.",
    ),
];

/// Modules of tests alone, and what clients and expectations are.
pub const CLASSES: &[Class] = &[
    Class { name: "Visit", kind: Kind::Record, help: "Who comes, and to what.", members: VISIT },
    object("TestClient", "A client of a test; each method gives the reply.", CLIENT),
    object("TestReply", "A reply that a client has heard.", REPLY),
    object("Expectation", "What is expected of a value; each method gives it again.", EXPECTATION),
    object("TestMessage", "A message that the mail server of a test took.", MESSAGE),
    Class { name: "TestEnvelope", kind: Kind::Record, help: "Its envelope.", members: ENVELOPE },
    Class { name: "Generator", kind: Kind::Record, help: "Makes values for `for_all`.", members: &[] },
    module("clock", "The time of a test.", CLOCK),
    module("backend", "The mail server of a test.", BACKEND),
    module("any", "Values by chance, for `for_all`.", ANY),
];

/// What tests find in the place of the policies' modules of the same names.
pub const MODULES: &[Class] = &[
    module("dns", "In tests: the DNS that is played.", DNS),
    module("http", "In tests: the web servers that are played.", HTTP),
    module("map", "In tests: the servers of maps, which are played.", MAP),
    module("store", "In tests: the store.", STORE),
];

const VISIT: &[Member] = &[
    m("ip", "string?", "Where it comes from; 203.0.113.9."),
    m("port", "integer?", "Its port; 4711."),
    m("tls", "table?", "Its TLS, as if it had begun with it."),
    m("options", "table?", "Options of the policy under test."),
    m(
        "policies",
        "(string|table)[]?",
        "These policies instead, each a name, or a table that begins with one.",
    ),
    m("config", "table?", "More of the configuration, as its tables."),
    m("listener", "string?", "With `set_up`: the listener that it comes to."),
];

const CLIENT: &[Member] = &[
    m("ip", "string?", "Where it comes from."),
    m("banner", "TestReply", "What it was greeted with."),
    m("ehlo", "(name?: string): TestReply", "EHLO."),
    m("helo", "(name?: string): TestReply", "HELO."),
    m(
        "auth",
        "(user: string, secret: string, mechanism?: string): TestReply",
        "AUTH to its end; PLAIN unless said.",
    ),
    m("mail", "(address: string, params?: string|table): TestReply", "MAIL; \"\" is the empty path."),
    m("rcpt", "(address: string, params?: string|table): TestReply", "RCPT."),
    m("data", "(): TestReply", "DATA."),
    m("content", "(content?: string|table): TestReply", "What follows a 354."),
    m("message", "(content?: string|table): TestReply", "DATA and a message; the last reply."),
    m("send", "(parts?: table): TestReply", "A whole transaction; the reply that decided it."),
    m("rset", "(): TestReply", "RSET."),
    m("noop", "(): TestReply", "NOOP."),
    m("vrfy", "(whom: string): TestReply", "VRFY."),
    m("quit", "(): TestReply", "QUIT."),
    m("command", "(line: string): TestReply", "Anything."),
    m("disconnect", "()", "It goes without a word."),
];

const REPLY: &[Member] = &[
    m("code", "integer", "Such as 550."),
    m("status", "string?", "Such as \"5.7.1\"."),
    m("text", "string", "Its lines."),
    m(
        "expect",
        "(code: integer, status?: string, text?: string): TestReply",
        "Fails the test unless it is so. A code of one digit is a class; the text may be a part or a pattern.",
    ),
];

const EXPECTATION: &[Member] = &[
    m("equals", "(other: any): Expectation", "It is this; tables by what is in them."),
    m("differs_from", "(other: any): Expectation", "It is not this."),
    m("is_true", "(): Expectation", "It is true."),
    m("is_false", "(): Expectation", "It is false."),
    m("is_nil", "(): Expectation", "It is nil."),
    m("is_there", "(): Expectation", "It is not nil."),
    m("is_at_least", "(least: number): Expectation", "It is this or more."),
    m("is_at_most", "(most: number): Expectation", "It is this or less."),
    m("contains", "(part: any): Expectation", "A text or a list that holds this."),
    m("matches", "(pattern: string): Expectation", "A text that the pattern fits."),
    m("raises", "(text?: string): Expectation", "A function that raises an error that holds the text."),
];

const MESSAGE: &[Member] = &[
    m("envelope", "TestEnvelope", "From whom, to whom."),
    m("content", "string", "As it was sent on."),
    m("size", "integer", "Its octets."),
    m("header", "(name: string): string?", "The first field of this name, decoded."),
    m("headers", "(name: string): string[]", "All of them."),
];

const ENVELOPE: &[Member] =
    &[m("from", "string", "The reverse-path."), m("to", "string[]", "The forward-paths.")];

const CLOCK: &[Member] =
    &[m("advance", "(time: Duration)", "Lets time pass."), m("now", "(): number", "Seconds since 1970.")];

const BACKEND: &[Member] = &[
    m("messages", "TestMessage[]", "The messages that it took."),
    m("commands", "string[]", "The lines that it was told."),
    m(
        "reply",
        "(verb: string, text: string?, part?: string)",
        "What it answers: a reply, \"timeout\" or \"close\"; with `part` only to commands that hold it.",
    ),
];

const ANY: &[Member] = &[
    m("ip", "(networks?: string[]): Generator", "An address."),
    m("address", "(domains?: string[]): Generator", "A mail address."),
    m("domain", "(): Generator", "A domain of nobody's."),
    m("text", "(form?: table): Generator", "A text: { most = 40, of = \"abc\" }."),
    m("integer", "(least?: integer, most?: integer): Generator", "A whole number."),
    m("boolean", "(): Generator", "True or false."),
    m("choice", "(values: any[]): Generator", "One of these."),
    m("list", "(generator: Generator, most?: integer): Generator", "A list of such values."),
];

const DNS: &[Member] = &[
    m(
        "stub",
        "(names: table<string, table|string>)",
        "In tests: what the DNS knows of names, or a word such as \"timeout\".",
    ),
    m("asked", "(name: string, kind: string): integer", "In tests: how often the DNS was asked."),
];

const HTTP: &[Member] = &[
    m("requests", "table[]", "In tests: what web servers were asked: method, url, headers, body."),
    m(
        "stub",
        "(pages: table<string, table|string>)",
        "In tests: what web servers say, by URL, or a word such as \"timeout\".",
    ),
];

const MAP: &[Member] = &[m(
    "stub",
    "(maps: table<string, table<string, string>|string>)",
    "In tests: what the servers of maps say, by the map's name, or a word such as \"timeout\".",
)];

const STORE: &[Member] =
    &[m("fail", "(kind: string?)", "In tests: every call of the store gives nil and this from now on.")];
