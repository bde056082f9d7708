//! `random`: what nobody can guess, for scripts.

use std::rc::Rc;

use aws_lc_rs::rand;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mlua::{Lua, Table, Value};

use crate::lua::api::Parts;
use crate::lua::api::module::{Arguments, Module, Octets, OrKind, When};
use crate::lua::guard::Guard;

/// Octets that one call gives.
const MOST: i64 = 1024;

/// Opens the module `random`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, _: &Parts) -> mlua::Result<Table> {
    let random = Module::new(lua, guard, "random")?;
    random.function("bytes", When::Always, |_, arguments| octets(count(arguments, 1, None)?).map(Octets))?;
    random.function("token", When::Always, |_, arguments| {
        Ok(URL_SAFE_NO_PAD.encode(octets(count(arguments, 1, Some(16))?)?))
    })?;
    random.function("integer", When::Always, |_, arguments| match (arguments.at(1), arguments.at(2)) {
        (Value::Integer(low), Value::Integer(high)) if low <= high => between(*low, *high),
        _ => Err("the least and the greatest number are wanted, both whole".to_owned()),
    })?;
    random.function("choose", When::Always, |_, arguments| {
        let Value::Table(list) = arguments.at(1) else { return Err("a list is wanted".to_owned()) };
        let length = list.len().map_err(|error| error.to_string())?;
        if length < 1 {
            return Ok(OrKind(Err("none")));
        }
        let item: Value = list.get(between(1, length)?).map_err(|error| error.to_string())?;
        Ok(OrKind(Ok(item)))
    })?;
    Ok(random.finish())
}

/// The number of octets at `place`.
fn count(arguments: &Arguments, place: usize, absent: Option<usize>) -> Result<usize, String> {
    match (arguments.at(place), absent) {
        (Value::Nil, Some(absent)) => Some(absent),
        (Value::Integer(count), _) if (1..=MOST).contains(count) => usize::try_from(*count).ok(),
        _ => None,
    }
    .ok_or_else(|| format!("a number of octets from 1 to {MOST} is wanted"))
}

/// So many octets that nobody can guess.
fn octets(count: usize) -> Result<Vec<u8>, String> {
    let mut octets = vec![0; count];
    rand::fill(&mut octets).map_err(|_| "the system has no randomness to give".to_owned())?;
    Ok(octets)
}

/// A number from `low` to `high`, each as likely as any other.
fn between(low: i64, high: i64) -> Result<i64, String> {
    let span = high.wrapping_sub(low).cast_unsigned();
    let Some(count) = span.checked_add(1) else { return Ok(draw()?.cast_signed()) };
    // Numbers past the last whole multiple would make the first ones likelier.
    let rest = (u64::MAX % count + 1) % count;
    loop {
        let drawn = draw()?;
        if drawn <= u64::MAX - rest {
            return Ok(low.wrapping_add((drawn % count).cast_signed()));
        }
    }
}

fn draw() -> Result<u64, String> {
    let mut octets = [0; 8];
    rand::fill(&mut octets).map_err(|_| "the system has no randomness to give".to_owned())?;
    Ok(u64::from_ne_bytes(octets))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_between_their_bounds_and_reach_both() {
        for (low, high) in [
            (1, 6),
            (-3, 3),
            (5, 5),
            (i64::MIN, i64::MAX),
            (i64::MIN, i64::MIN + 1),
            (i64::MAX - 1, i64::MAX),
        ] {
            let drawn: Vec<i64> = (0..500).map(|_| between(low, high).unwrap()).collect();
            assert!(drawn.iter().all(|number| (low..=high).contains(number)), "{low}..={high}");
            if high.wrapping_sub(low) < 7 && low <= high && high.checked_sub(low).is_some() {
                assert!(drawn.contains(&low) && drawn.contains(&high), "{low}..={high}");
            }
        }
    }
}
