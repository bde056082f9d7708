//! How long a search for a pattern may take, reckoned before it begins.
//!
//! A search is quick as long as a state machine can be made of the pattern as it goes. Where that can't be, each octet
//! of the text is held against each state of the pattern: linear in the text, and yet seconds for some.

use regex_automata::hybrid::dfa;
use regex_automata::hybrid::regex::Regex as Machine;
use regex_automata::nfa::thompson;
use regex_automata::util::syntax;

/// What searching for one pattern takes.
#[derive(Debug)]
pub(super) struct Effort {
    states: usize,
    /// Shows whether a long text can be searched quickly; none if there is nothing of the kind for the pattern.
    machine: Option<Box<Machine>>,
}

/// Octets of one compiled pattern, and of what its search may keep.
pub(super) const COMPILED: usize = 256 << 10;
pub(super) const CACHE: usize = 1 << 20;
/// Octets times states that are searched in some milliseconds in whatever way.
const BORNE: usize = 1_000_000;

impl Effort {
    /// That of `pattern`, which is one.
    pub(super) fn of(pattern: &str) -> Self {
        let (syntax, thompson) = (syntax::Config::new().utf8(false), thompson::Config::new().utf8(false));
        let dfa = dfa::Config::new()
            .cache_capacity(CACHE)
            .skip_cache_capacity_check(true)
            .unicode_word_boundary(true)
            // As the searches themselves have it.
            .minimum_cache_clear_count(Some(3))
            .minimum_bytes_per_state(Some(10));
        let machine = Machine::builder().syntax(syntax).thompson(thompson.clone()).dfa(dfa).build(pattern);
        let nfa = thompson::NFA::compiler().syntax(syntax).configure(thompson).build(pattern);
        // It has been compiled once, so that this doesn't fail.
        let states = nfa.map_or(COMPILED, |nfa| nfa.states().len());
        Effort { states, machine: machine.ok().map(Box::new) }
    }

    /// Whether `text` can be searched within some milliseconds.
    pub(super) fn bears(&self, text: &[u8]) -> bool {
        if text.len().saturating_mul(self.states) <= BORNE {
            return true;
        }
        let Some(machine) = &self.machine else { return false };
        machine.try_search(&mut machine.create_cache(), &text.into()).is_ok()
    }

    /// Whether the groups can be looked for in a match of so many octets.
    pub(super) fn bears_groups(&self, octets: usize) -> bool {
        octets.saturating_mul(self.states) <= BORNE
    }
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
            assert_eq!(Effort::of(pattern).bears(text.as_bytes()), want, "{pattern}: {why}");
        }
    }
}
