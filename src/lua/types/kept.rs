//! The modules for what outlives a hook: what is stored, rates, metrics, tasks.

use crate::lua::types::member::Member;

const fn m(name: &'static str, form: &'static str, help: &'static str) -> Member {
    Member::new(name, form, help)
}

/// `store`.
pub(super) const STORE: &[Member] = &[
    m("get", "(key: string|integer): any, Kind?", "The value."),
    m(
        "set",
        "(key: string|integer, value: any, ttl?: Duration): boolean?, Kind?",
        "Puts the value there; without `ttl` until it is deleted.",
    ),
    m(
        "add",
        "(key: string|integer, value: any, ttl?: Duration): boolean?, Kind?",
        "Puts the value there if there is none; whether it did.",
    ),
    m(
        "incr",
        "(key: string|integer, by?: number, ttl?: Duration): number?, Kind?",
        "Adds to a number, which lives for `ttl` from its first time; the sum.",
    ),
    m("delete", "(key: string|integer): boolean?, Kind?", "Takes it away; whether there was something."),
    m(
        "count_distinct",
        "(key: string|integer, member: string|integer, ttl?: Duration): integer?, Kind?",
        "How many different members were seen within `ttl`, with this one; 4096 at most.",
    ),
    m(
        "remember",
        "(key: string|integer, terms: Terms, ask: fun(key: string): any, string?): any, string?",
        "What `ask` gave, asked once for all who want to know it.",
    ),
    m("shared", "SharedStore", "The same, for entries of all policies."),
];

/// `store.shared`.
pub(super) const SHARED_STORE: &[Member] = &[
    m("get", "fun(key: string|integer): any, Kind?", "As in `store`."),
    m("set", "fun(key: string|integer, value: any, ttl?: Duration): boolean?, Kind?", "As in `store`."),
    m("add", "fun(key: string|integer, value: any, ttl?: Duration): boolean?, Kind?", "As in `store`."),
    m("incr", "fun(key: string|integer, by?: number, ttl?: Duration): number?, Kind?", "As in `store`."),
    m("delete", "fun(key: string|integer): boolean?, Kind?", "As in `store`."),
    m(
        "count_distinct",
        "fun(key: string|integer, member: string|integer, ttl?: Duration): integer?, Kind?",
        "As in `store`.",
    ),
    m("remember", "fun(key: string|integer, terms: Terms, ask: function): any, string?", "As in `store`."),
];

/// How long what `store.remember` has heard is good for.
pub(super) const TERMS: &[Member] = &[
    m("ttl", "Duration", "A value."),
    m("negative_ttl", "Duration?", "That there is none; not remembered if left out."),
    m("stale", "Duration?", "A value, past `ttl`, while the source is asked or doesn't answer."),
];

/// `ratelimit`.
pub(super) const RATELIMIT: &[Member] = &[
    m(
        "check",
        "(name: string, key: string|integer, rate: Rate): Judgement?, Kind?",
        "Whether it may happen once more; it counts if it may.",
    ),
    m(
        "refund",
        "(name: string, key: string|integer, rate: Rate): boolean?, Kind?",
        "Gives back what counted; whether anything did.",
    ),
];

/// How often.
pub(super) const RATE: &[Member] = &[
    m("limit", "integer", "So many,"),
    m("per", "Duration", "in so long."),
    m("cost", "integer?", "For how many this one counts; 1."),
    m("peek", "boolean?", "Whether it is only looked at."),
];

/// What a rate says.
pub(super) const JUDGEMENT: &[Member] = &[
    m("allowed", "boolean", "Whether it may happen now."),
    m("remaining", "integer", "How many more may."),
    m("retry_after", "number", "Seconds until it may."),
];

/// `metrics`.
pub(super) const METRICS: &[Member] = &[
    m(
        "counter",
        "(name: string, labels?: string[]): Counter",
        "A counter on the page for Prometheus. At load.",
    ),
    m(
        "histogram",
        "(name: string, labels?: string[], bounds?: number[]): Histogram",
        "A histogram on the page; bounds of seconds unless said. At load.",
    ),
];

/// What `metrics.counter` makes.
pub(super) const COUNTER: &[Member] = &[m(
    "add",
    "(by?: number, labels?: table<string, string|number|boolean>)",
    "Adds 1, or so much, to what has these labels.",
)];

/// What `metrics.histogram` makes.
pub(super) const HISTOGRAM: &[Member] = &[m(
    "observe",
    "(value: number, labels?: table<string, string|number|boolean>)",
    "Counts the value with these labels.",
)];

/// `task`.
pub(super) const TASK: &[Member] = &[
    m("start", "(f: function): Task", "Runs the function beside the session's hooks."),
    m("all", "(...: function|Task): table, table", "Waits for all; what each gave, packed in a table."),
];

/// What `task.start` gives.
pub(super) const STARTED: &[Member] =
    &[m("wait", "(): any, any", "What the function gave; or nil and \"failed\" or \"timeout\".")];
