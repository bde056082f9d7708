//! Asks block lists about an address or a name, all at once, and adds up what they say.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, timeout_at};

use crate::lookup::answer::{Answer, Answers, RecordKind};
use crate::lookup::dns::Resolver;
use crate::lookup::dnsbl_zone::DnsblZone;
use crate::lookup::error::LookupError;
use crate::names::network::reversed_labels;

/// Whom the lists are asked about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Subject {
    /// An address, for lists of addresses.
    Address(IpAddr),
    /// A domain, for lists of domains.
    Name(String),
}

impl Subject {
    /// The address that `text` is, else the name.
    pub fn parse(text: &str) -> Self {
        match text.parse() {
            Ok(address) => Self::Address(address),
            Err(_) => Self::Name(text.strip_suffix('.').unwrap_or(text).to_owned()),
        }
    }

    /// The name that is looked up in `zone` (RFC 5782 §2).
    fn name_in(&self, zone: &str) -> String {
        match self {
            Self::Address(address) => format!("{}.{zone}", reversed_labels(*address)),
            Self::Name(name) => format!("{name}.{zone}"),
        }
    }
}

/// What the lists said.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    /// The weights of all hits together.
    pub score: i32,
    /// The lists with an answer that counts, as they answered.
    pub hits: Vec<Hit>,
    /// The lists of which it isn't known, and why: never a "no".
    pub unknown: Vec<Unknown>,
}

/// A list that lists the subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Hit {
    /// The list's domain.
    pub zone: String,
    /// All its answers, those that don't count too.
    pub codes: Vec<Ipv4Addr>,
    /// Its first TXT record, printable ASCII of at most 255 characters.
    pub text: Option<String>,
    /// What it adds to the score.
    pub weight: i32,
}

/// A list of which it isn't known whether it lists the subject.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unknown {
    /// The list's domain.
    pub zone: String,
    /// `Refused` for an answer in 127.255.255.0/24, which says that we may not ask; `Invalid` for one outside
    /// 127.0.0.0/8, which comes from whoever has taken the list's domain over.
    pub error: LookupError,
}

/// Asks all `zones` about `subject`, within `timeout`.
///
/// Ends early once it is decided whether the score reaches `threshold`, whatever the rest would say; lists not heard
/// by then are neither hits nor unknown. A zone that is named several times, with different patterns, is asked once and
/// its weights are added.
///
/// Source: RFC 5782.
pub async fn query(
    resolver: &Resolver,
    zones: &[DnsblZone],
    subject: &Subject,
    threshold: Option<f64>,
    timeout: Duration,
) -> Listing {
    let deadline = Instant::now() + timeout.min(MAX_TIMEOUT);
    let mut tally = Tally::new(zones);
    let ask = |place, kind, zone: &str| {
        let name = subject.name_in(zone);
        async move { (place, kind, resolver.lookup(&name, kind).await) }
    };
    let mut asking: FuturesUnordered<_> =
        tally.lists.iter().enumerate().map(|(place, list)| ask(place, RecordKind::A, list.zone)).collect();
    let mut texts = 0_usize;
    loop {
        let is_decided = tally.is_decided(threshold);
        if is_decided && texts == 0 {
            break;
        }
        match timeout_at(deadline, asking.next()).await {
            Ok(Some((place, RecordKind::Txt, outcome))) => {
                texts -= 1;
                tally.take_text(place, outcome);
            }
            // What comes in while only texts are awaited changes nothing any more.
            Ok(Some(_)) if is_decided => {}
            Ok(Some((place, _, outcome))) => {
                if let Some(zone) = tally.take_codes(place, outcome) {
                    texts += 1;
                    asking.push(ask(place, RecordKind::Txt, zone));
                }
            }
            Ok(None) => break,
            Err(_) => {
                tally.time_out();
                break;
            }
        }
    }
    tally.listing()
}

/// The lists that are asked, each once, and what is known of each.
struct Tally<'a> {
    lists: Vec<List<'a>>,
    /// Places of the hits, in the order of their answers.
    order: Vec<usize>,
}

struct List<'a> {
    zone: &'a str,
    rules: Vec<&'a DnsblZone>,
    state: State,
}

enum State {
    Pending,
    /// Not listed, or with no answer that counts.
    Clear,
    Listed(Hit),
    Unknown(LookupError),
}

impl<'a> Tally<'a> {
    fn new(zones: &'a [DnsblZone]) -> Self {
        let mut lists: Vec<List<'a>> = Vec::new();
        for rule in zones {
            match lists.iter_mut().find(|list| list.zone == rule.name) {
                Some(list) => list.rules.push(rule),
                None => lists.push(List { zone: &rule.name, rules: vec![rule], state: State::Pending }),
            }
        }
        Self { lists, order: Vec::new() }
    }

    /// Whether what is pending can't change any more on which side of `threshold` the score lies.
    fn is_decided(&self, threshold: Option<f64>) -> bool {
        let pending = || self.lists.iter().filter(|list| matches!(list.state, State::Pending));
        if pending().next().is_none() {
            return true;
        }
        let Some(threshold) = threshold else { return false };
        let weights = || pending().flat_map(|list| list.rules.iter().map(|rule| rule.weight));
        let score = self.score();
        let least = score + weights().filter(|weight| *weight < 0).sum::<i32>();
        let most = score + weights().filter(|weight| *weight > 0).sum::<i32>();
        f64::from(least) >= threshold || f64::from(most) < threshold
    }

    fn score(&self) -> i32 {
        let weight = |list: &List<'_>| if let State::Listed(hit) = &list.state { hit.weight } else { 0 };
        self.lists.iter().map(weight).sum()
    }

    /// Takes the answer of a list; gives its zone if it is a hit, whose text is then worth asking for.
    fn take_codes(&mut self, place: usize, outcome: Result<Answers, LookupError>) -> Option<&'a str> {
        let list = self.lists.get_mut(place)?;
        list.state = list.judge(outcome);
        if !matches!(list.state, State::Listed(_)) {
            return None;
        }
        self.order.push(place);
        Some(list.zone)
    }

    fn take_text(&mut self, place: usize, outcome: Result<Answers, LookupError>) {
        let Some(State::Listed(hit)) = self.lists.get_mut(place).map(|list| &mut list.state) else { return };
        let Ok(answers) = outcome else { return };
        hit.text = answers.iter().find_map(|answer| match answer {
            Answer::Txt(text) => Some(printable(text)),
            _ => None,
        });
    }

    fn time_out(&mut self) {
        for list in &mut self.lists {
            if matches!(list.state, State::Pending) {
                list.state = State::Unknown(LookupError::Timeout);
            }
        }
    }

    fn listing(self) -> Listing {
        let mut listing = Listing { score: self.score(), ..Listing::default() };
        let mut hits: Vec<Option<Hit>> = Vec::new();
        for list in self.lists {
            hits.push(match list.state {
                State::Listed(hit) => Some(hit),
                State::Unknown(error) => {
                    listing.unknown.push(Unknown { zone: list.zone.to_owned(), error });
                    None
                }
                State::Pending | State::Clear => None,
            });
        }
        listing.hits = self.order.iter().filter_map(|place| hits.get_mut(*place)?.take()).collect();
        listing
    }
}

impl List<'_> {
    fn judge(&self, outcome: Result<Answers, LookupError>) -> State {
        let answers = match outcome {
            Ok(answers) => answers,
            Err(LookupError::Absent) => return State::Clear,
            Err(error) => return State::Unknown(error),
        };
        let code = |answer: &Answer| if let Answer::A(code) = answer { Some(*code) } else { None };
        let codes: Vec<Ipv4Addr> = answers.iter().filter_map(code).collect();
        if codes.iter().any(|code| !code.is_loopback()) {
            return State::Unknown(LookupError::Invalid);
        }
        if codes.iter().any(|code| code.octets().starts_with(&[127, 255, 255])) {
            return State::Unknown(LookupError::Refused);
        }
        let counting = || self.rules.iter().filter(|rule| codes.iter().any(|code| rule.counts(*code)));
        if counting().next().is_none() {
            return State::Clear;
        }
        let weight = counting().map(|rule| rule.weight).sum();
        State::Listed(Hit { zone: self.zone.to_owned(), codes, text: None, weight })
    }
}

fn printable(text: &[u8]) -> String {
    let shown =
        |octet: &u8| if octet.is_ascii_graphic() || *octet == b' ' { char::from(*octet) } else { '?' };
    text.iter().take(MAX_TEXT).map(shown).collect()
}

/// Characters of a list's text that are kept.
const MAX_TEXT: usize = 255;

/// The longest that anything may wait for lists.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);

#[cfg(test)]
#[path = "dnsbl_tests.rs"]
mod tests;
