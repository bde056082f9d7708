//! How long a search for a pattern may take, reckoned before it begins.
//!
//! A search is quick as long as a state machine can be made of the pattern as it goes. Where that can't be, each octet
//! of the text is held against each state of the pattern: linear in the text, and yet seconds for some.

use std::ops::Range;
use std::sync::OnceLock;

use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex::Regex as Machine;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

/// What searching for one pattern takes.
#[derive(Debug)]
pub struct Effort {
    pattern: Box<str>,
    states: usize,
    /// What searches long texts; none if there is nothing of the kind for the pattern. Made when
    /// it is wanted first.
    machine: OnceLock<Option<Box<Machine>>>,
}

/// Octets of one compiled pattern, and of what its search may keep.
pub const COMPILED: usize = 256 << 10;
/// Octets that a search may keep.
pub const CACHE: usize = 1 << 20;
/// Octets that a search of a long text may keep: to fill them takes some milliseconds.
const KEPT: usize = 256 << 10;
/// Octets times states that are searched in some milliseconds in whatever way.
const BORNE: usize = 1_000_000;
/// Octets times states that are one step: most searches take less, and none more than half a microsecond.
const STEP: usize = 16;
/// Steps of a search that may be as long as one can be: who pays them looks at the clock.
const LONG: usize = 4096;

/// A text is too long to be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long to be searched for this pattern")]
pub struct TooLong;

impl Effort {
    /// That of `pattern`, which is one.
    pub fn of(pattern: &str) -> Self {
        let nfa = thompson::NFA::compiler().syntax(syntax()).configure(thompson()).build(pattern);
        // It has been compiled once, so that this doesn't fail.
        let states = nfa.map_or(COMPILED, |nfa| nfa.states().len());
        Effort { pattern: pattern.into(), states, machine: OnceLock::new() }
    }

    fn machine(&self) -> Option<Box<Machine>> {
        let dfa = dfa::Config::new()
            .cache_capacity(KEPT)
            .skip_cache_capacity_check(true)
            .unicode_word_boundary(true)
            // Filled once in vain, it shows that each octet has a state of its own.
            .minimum_cache_clear_count(Some(1))
            .minimum_bytes_per_state(Some(10));
        let mut builder = Machine::builder();
        let machine = builder.syntax(syntax()).thompson(thompson()).dfa(dfa).build(&self.pattern);
        machine.ok().map(Box::new)
    }

    /// Where it is found in `text` first, in some milliseconds at most; `search` looks for it in what is so short that any
    /// search will do.
    ///
    /// *Errors*: this text can't be searched so quickly.
    pub fn find(
        &self,
        text: &[u8],
        search: impl FnOnce() -> Option<Range<usize>>,
    ) -> Result<Option<Range<usize>>, TooLong> {
        if text.len().saturating_mul(self.states) <= BORNE {
            return Ok(search());
        }
        let machine = self.machine.get_or_init(|| self.machine()).as_ref().ok_or(TooLong)?;
        // Not that of an earlier search: it would remember in vain what was searched for then.
        let found = machine.try_search(&mut machine.create_cache(), &text.into());
        found.map(|found| found.map(|found| found.range())).map_err(|_| TooLong)
    }

    /// What a search of so many octets costs, in steps of some nanoseconds each.
    pub fn steps(&self, octets: usize) -> usize {
        (octets.saturating_mul(self.states) / STEP).min(LONG)
    }

    /// Whether the groups can be looked for in a match of so many octets.
    pub fn bears_groups(&self, octets: usize) -> bool {
        octets.saturating_mul(self.states) <= BORNE
    }
}

/// Why a pattern is none: the last line of the error says it, those above draw the pattern.
pub fn words(error: &regex::Error) -> String {
    let words = error.to_string();
    let last = words.lines().last().unwrap_or_default();
    last.strip_prefix("error: ").unwrap_or(last).to_owned()
}

fn syntax() -> syntax::Config {
    syntax::Config::new().utf8(false)
}

fn thompson() -> thompson::Config {
    thompson::Config::new().utf8(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_searched_that_a_machine_can_search() {
        for (pattern, text, want, why) in [
            ("(a|b)+c", "ab".repeat(100_000), true, "a machine of few states"),
            ("(?-u)((?:[a-z]{0,40}){0,40})x", "a".repeat(100), true, "a short text"),
            (
                "(?-u)((?:[a-z]{0,40}){0,40})x",
                "a".repeat(100_000),
                false,
                "a state of its own for each octet",
            ),
            ("(?-u)(a{0,2000})$b", "a".repeat(100_000), false, "the same"),
            (r"\bab", "ab ".repeat(50_000), true, "words of ASCII"),
            (r"\bab", "\u{fc}b ".repeat(100), true, "other words, which no machine knows, in a short text"),
            (r"\bab", "\u{fc}b ".repeat(100_000), false, "the same in a long one"),
        ] {
            let found = Effort::of(pattern).find(text.as_bytes(), || None);
            assert_eq!(found.is_ok(), want, "{pattern}: {why}");
        }
    }
}
