//! `metrics`: a policy's own counters and histograms, on the page for Prometheus. No judgement here.

use std::rc::Rc;
use std::sync::Arc;

use mlua::{Lua, MetaMethod, Table, UserData, UserDataMethods, Value, Variadic};

use crate::lua::api::module::{Arguments, Module, When};
use crate::lua::api::{Parts, raise};
use crate::lua::charge::taken;
use crate::lua::guard::Guard;
use crate::observe::policy_metrics::{Series, Shape};

/// Octets of a metric's name, of a label's name and of a label.
const TEXT: usize = 64;
/// Labels of one metric.
const LABELS: usize = 8;
/// Buckets of one histogram.
const BUCKETS: usize = 32;
/// The buckets of a histogram that names none: seconds, from a quick look-up to one that took too long.
const BOUNDS: [f64; 11] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// Opens the module `metrics`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let module = Module::new(lua, guard, "metrics")?;
    let (watching, made) = (Rc::clone(guard), parts.clone());
    module.function("counter", When::Loading, move |_, arguments| {
        let shape = Shape { labels: labels(arguments)?, bounds: None };
        series(&watching, &made, arguments, shape).map(Counter)
    })?;
    let (watching, made) = (Rc::clone(guard), parts.clone());
    module.function("histogram", When::Loading, move |_, arguments| {
        let shape = Shape { labels: labels(arguments)?, bounds: Some(bounds(arguments)?) };
        series(&watching, &made, arguments, shape).map(Histogram)
    })?;
    Ok(module.finish())
}

/// A counter, as scripts have it.
struct Counter(Arc<Series>);

/// A histogram, as scripts have it.
struct Histogram(Arc<Series>);

/// The metric that the arguments name.
fn series(guard: &Guard, parts: &Parts, arguments: &Arguments, shape: Shape) -> Result<Arc<Series>, String> {
    let name = arguments.text(1, "the metric's name")?;
    // What the page appends by itself.
    let name = name.strip_suffix("_total").unwrap_or(&name);
    if !is_name(name) {
        return Err(format!("'{name}' is no name: letters, digits and `_`, {TEXT} at most"));
    }
    let policy = guard.call().map_or_else(|| "".into(), |call| call.policy.clone());
    parts.metrics().series(&policy, name, shape).map_err(|refused| refused.to_string())
}

fn labels(arguments: &Arguments) -> Result<Vec<String>, String> {
    if arguments.at(2).is_nil() {
        return Ok(Vec::new());
    }
    let labels = arguments.texts(2, "a list of labels' names", LABELS)?;
    match labels.iter().find(|name| !is_name(name) || *name == "le" || *name == "quantile") {
        Some(name) => Err(format!("'{name}' can't be a label's name")),
        None => Ok(labels),
    }
}

/// The upper bounds of the buckets, rising.
fn bounds(arguments: &Arguments) -> Result<Vec<f64>, String> {
    let table = match arguments.at(3) {
        Value::Nil => return Ok(BOUNDS.to_vec()),
        Value::Table(table) => table,
        other => return Err(format!("a list of numbers is wanted, this is {}", other.type_name())),
    };
    let mut bounds: Vec<f64> = Vec::new();
    for value in table.sequence_values::<Value>() {
        let number = match value.map_err(|error| error.to_string())? {
            Value::Integer(whole) => whole as f64,
            Value::Number(number) if number.is_finite() => number,
            other => return Err(format!("a bound is a number, this is {}", other.type_name())),
        };
        if bounds.last().is_some_and(|last| *last >= number) || bounds.len() >= BUCKETS {
            return Err(format!("bounds rise, and there are {BUCKETS} at most"));
        }
        bounds.push(number);
    }
    if bounds.is_empty() { Err("a histogram has a bound at least".to_owned()) } else { Ok(bounds) }
}

fn is_name(name: &str) -> bool {
    let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    begins && name.len() <= TEXT && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

impl UserData for Counter {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_function("add", |lua, arguments: Variadic<Value>| {
            let (this, arguments) = arguments.split_first().unwrap_or((&Value::Nil, &[]));
            let this = this.as_userdata().and_then(|this| this.borrow::<Counter>().ok());
            let counter = this.ok_or_else(|| raise(lua, "use `:`: counter:add(by, labels)"))?;
            let by = match arguments.first() {
                None | Some(Value::Nil) => Some(1.0),
                Some(value) => number(value).filter(|by| *by >= 0.0),
            };
            let by = by.ok_or_else(|| raise(lua, "counter:add: a number that is not negative is wanted"))?;
            add(lua, "counter:add", &counter.0, by, arguments.get(1))
        });
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a counter is read-only"))
        });
    }
}

impl UserData for Histogram {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_function("observe", |lua, arguments: Variadic<Value>| {
            let (this, arguments) = arguments.split_first().unwrap_or((&Value::Nil, &[]));
            let this = this.as_userdata().and_then(|this| this.borrow::<Histogram>().ok());
            let histogram = this.ok_or_else(|| raise(lua, "use `:`: histogram:observe(value, labels)"))?;
            let value = arguments.first().and_then(number);
            let value = value.ok_or_else(|| raise(lua, "histogram:observe: a number is wanted"))?;
            add(lua, "histogram:observe", &histogram.0, value, arguments.get(1))
        });
        methods.add_meta_method(MetaMethod::NewIndex, |lua, _, _: (Value, Value)| -> mlua::Result<()> {
            Err(raise(lua, "a histogram is read-only"))
        });
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(whole) => Some(*whole as f64),
        Value::Number(number) if number.is_finite() => Some(*number),
        _ => None,
    }
}

/// Adds to what has the labels that `named` says: each of the metric's, and no other.
fn add(lua: &Lua, method: &str, series: &Series, value: f64, named: Option<&Value>) -> mlua::Result<()> {
    let wanted = || {
        let names = series.labels().join(" = …, ");
        raise(lua, &format!("{method}: labels are wanted: {{ {names} = … }}"))
    };
    let table = match named {
        None | Some(Value::Nil) if series.labels().is_empty() => {
            series.add(Vec::new(), value);
            return Ok(());
        }
        Some(Value::Table(table)) => table,
        _ => return Err(wanted()),
    };
    let mut labels = Vec::with_capacity(series.labels().len());
    for name in series.labels() {
        let mut label = match table.raw_get::<Value>(name.as_str())? {
            Value::String(text) => taken(lua, &text)?,
            Value::Integer(whole) => whole.to_string(),
            Value::Number(number) => number.to_string(),
            Value::Boolean(truth) => truth.to_string(),
            _ => return Err(wanted()),
        };
        label.truncate(label.floor_char_boundary(TEXT));
        labels.push(label);
    }
    if table.pairs::<Value, Value>().take(labels.len() + 1).count() > labels.len() {
        return Err(wanted());
    }
    series.add(labels, value);
    Ok(())
}
