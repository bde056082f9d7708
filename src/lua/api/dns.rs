//! `dns`: look-ups for scripts. No judgement here: arguments in, `lookup::dns` and `lookup::dnsbl`, values out.

use std::rc::Rc;
use std::time::Duration;

use mlua::{IntoLua, Lua, Table, Value};

use crate::lookup::answer::{Answer, Answers, Mx, RecordKind};
use crate::lookup::dnsbl::{self, Listing, Subject, Unknown};
use crate::lookup::dnsbl_zone::DnsblZone;
use crate::lookup::error::LookupError;
use crate::lua::api::Parts;
use crate::lua::api::module::{Arguments, Module, OrKind, duration};
use crate::lua::capability::Need;
use crate::lua::guard::Guard;
use crate::names::network::{parse_address, reverse_name};

/// Block lists that one call may ask.
const ZONES: usize = 64;
/// How long block lists may take where a call doesn't say.
const PATIENCE: Duration = Duration::from_secs(5);

/// Opens the module `dns`, which asks the resolver of `parts`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let dns = Module::new(lua, guard, "dns")?;
    for (name, kind) in
        [("a", RecordKind::A), ("aaaa", RecordKind::Aaaa), ("mx", RecordKind::Mx), ("txt", RecordKind::Txt)]
    {
        let asked = parts.clone();
        dns.waiting(name, move |arguments| {
            arguments.allow(&Need::Dns)?;
            Ok(records(asked.clone(), Some(arguments.text(1, "a name")?), kind))
        })?;
    }
    let asked = parts.clone();
    dns.waiting("ptr", move |arguments| {
        arguments.allow(&Need::Dns)?;
        let address = parse_address(&arguments.text(1, "an address")?);
        Ok(records(asked.clone(), address.map(reverse_name), RecordKind::Ptr))
    })?;
    let asked = parts.clone();
    dns.waiting("lookup", move |arguments| {
        arguments.allow(&Need::Dns)?;
        let name = arguments.text(1, "a name")?;
        let kind = arguments.text(2, "a record type")?;
        let kind = kind.parse().map_err(|_| format!("'{kind}' is none of {}", known_kinds()))?;
        Ok(records(asked.clone(), Some(name), kind))
    })?;
    let asked = parts.clone();
    dns.waiting("dnsbl", move |arguments| {
        arguments.allow(&Need::Dns)?;
        let question = Question::read(arguments)?;
        Ok(question.ask(asked.clone()))
    })?;
    Ok(dns.finish())
}

/// The records of `name`; a name that can't be asked for is `invalid`.
async fn records(parts: Parts, name: Option<String>, kind: RecordKind) -> OrKind<Records> {
    let found = match (parts.resolver(), name) {
        (Ok(resolver), Some(name)) => resolver.lookup(&name, kind).await,
        (Ok(_), None) => Err(LookupError::Invalid),
        (Err(error), _) => Err(error),
    };
    OrKind::looked_up(found.map(Records))
}

fn known_kinds() -> String {
    RecordKind::ALL.map(RecordKind::name).join(", ")
}

/// Answers as an array; mail exchangers by preference.
struct Records(Answers);

impl IntoLua for Records {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        let mut answers: Vec<&Answer> = self.0.iter().collect();
        answers.sort_by_key(|answer| if let Answer::Mx(mx) = answer { Some(mx) } else { None });
        let array = lua.create_table_with_capacity(answers.len(), 0)?;
        for answer in answers {
            array.raw_push(record(lua, answer)?)?;
        }
        Ok(Value::Table(array))
    }
}

/// One record: text where it is a single thing, else a table of the names that the RFC gives its parts.
fn record(lua: &Lua, answer: &Answer) -> mlua::Result<Value> {
    let facts = lua.create_table()?;
    match answer {
        Answer::A(address) => return address.to_string().into_lua(lua),
        Answer::Aaaa(address) => return address.to_string().into_lua(lua),
        Answer::Name(name) => return name.as_str().into_lua(lua),
        Answer::Txt(text) => return Ok(Value::String(lua.create_string(text)?)),
        Answer::Mx(Mx { preference, exchange }) => {
            facts.raw_set("preference", *preference)?;
            facts.raw_set("exchange", exchange.as_str())?;
        }
        Answer::Srv { priority, weight, port, target } => {
            facts.raw_set("priority", *priority)?;
            facts.raw_set("weight", *weight)?;
            facts.raw_set("port", *port)?;
            facts.raw_set("target", target.as_str())?;
        }
        Answer::Soa { primary, mailbox, serial } => {
            facts.raw_set("primary", primary.as_str())?;
            facts.raw_set("mailbox", mailbox.as_str())?;
            facts.raw_set("serial", *serial)?;
        }
        Answer::Tlsa { usage, selector, matching, data } => {
            facts.raw_set("usage", *usage)?;
            facts.raw_set("selector", *selector)?;
            facts.raw_set("matching", *matching)?;
            facts.raw_set("data", lua.create_string(data)?)?;
        }
    }
    Ok(Value::Table(facts))
}

/// What `dns.dnsbl` is asked.
struct Question {
    zones: Vec<DnsblZone>,
    subject: Subject,
    threshold: Option<f64>,
    timeout: Duration,
}

impl Question {
    /// `(zones, ip or name, { threshold, timeout })`.
    fn read(arguments: &Arguments) -> Result<Self, String> {
        let zones = arguments.texts(1, "a list of zones", ZONES)?;
        let zones = zones.iter().map(|zone| zone.parse().map_err(|error| format!("{zone}: {error}")));
        let subject = Subject::parse(&arguments.text(2, "an address or a name")?);
        let mut question =
            Question { zones: zones.collect::<Result<_, _>>()?, subject, threshold: None, timeout: PATIENCE };
        for (name, value) in arguments.named(3, "{ threshold, timeout }")? {
            match (name.as_str(), &value) {
                ("threshold", Value::Integer(whole)) => question.threshold = Some(*whole as f64),
                ("threshold", Value::Number(number)) if !number.is_nan() => {
                    question.threshold = Some(*number)
                }
                ("threshold", _) => return Err("threshold is a number".to_owned()),
                ("timeout", value) => question.timeout = duration("timeout", value)?,
                _ => return Err(format!("'{name}' is none of threshold, timeout")),
            }
        }
        Ok(question)
    }

    async fn ask(self, parts: Parts) -> Found {
        let Question { zones, subject, threshold, timeout } = self;
        let unknown = |error| move |zone: DnsblZone| Unknown { zone: zone.name, error };
        Found(match parts.resolver() {
            Ok(resolver) => dnsbl::query(resolver, &zones, &subject, threshold, timeout).await,
            Err(error) => {
                Listing { unknown: zones.into_iter().map(unknown(error)).collect(), ..Listing::default() }
            }
        })
    }
}

/// `{ score, hits, unknown }`.
struct Found(Listing);

impl IntoLua for Found {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        let hits = lua.create_table()?;
        for hit in self.0.hits {
            let facts = lua.create_table()?;
            let codes = hit.codes.iter().map(ToString::to_string);
            facts.raw_set("codes", lua.create_sequence_from(codes)?)?;
            facts.raw_set("text", hit.text)?;
            facts.raw_set("weight", hit.weight)?;
            hits.raw_set(hit.zone, facts)?;
        }
        let unknown = lua.create_table()?;
        for list in self.0.unknown {
            unknown.raw_set(list.zone, list.error.kind())?;
        }
        let found = lua.create_table()?;
        found.raw_set("score", self.0.score)?;
        found.raw_set("hits", hits)?;
        found.raw_set("unknown", unknown)?;
        Ok(Value::Table(found))
    }
}
