//! What each call of the store does to an entry. Pure: the entry and the time come in as arguments.

use std::time::Duration;

use crate::store::clock::Moment;
use crate::store::entry::{Datum, Entry, Member};
use crate::store::error::StoreError;
use crate::store::rate::{Judgement, Quota};
use crate::store::value::{Encoded, Value};

/// One thing to do under one key, at once and alone.
#[derive(Clone, Debug, PartialEq)]
pub enum Operation {
    /// Gives the value.
    Get,
    /// Puts the value there, whatever was.
    Set(Encoded, Lifetime),
    /// Puts the value there if there is none.
    Add(Encoded, Lifetime),
    /// Adds to the number, which begins at 0 and lives from then.
    Incr(Value, Lifetime),
    /// Takes it away.
    Delete,
    /// Notes a member, for so long, and counts those that are noted.
    CountDistinct(Member, Lifetime),
    /// Judges an event of this cost; it counts if it is allowed, and is not only looked at.
    Rate {
        /// How often.
        quota: Quota,
        /// How much of it.
        cost: u64,
        /// Whether it is only looked at.
        peek: bool,
    },
    /// Gives back an event that counted.
    Refund(Quota, u64),
    /// Gives what was remembered, and whether it is fresh.
    Recall,
    /// Remembers what a source said: fresh for so long, then stale for so long.
    Remember(Option<Encoded>, Duration, Duration),
}

/// How long an entry lives; none: until it is taken away.
pub type Lifetime = Option<Duration>;

/// What an operation gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// The value, if there is one.
    Value(Option<Encoded>),
    /// Whether something was done.
    Done(bool),
    /// The number that it is now.
    Number(Value),
    /// So many.
    Count(u64),
    /// What the quota says.
    Rate(Judgement),
    /// What was remembered, if anything is.
    Recalled(Option<Recalled>),
}

/// What was remembered.
#[derive(Clone, Debug, PartialEq)]
pub struct Recalled {
    /// None: the source said that there is none.
    pub value: Option<Encoded>,
    /// Whether it need not be asked for again.
    pub is_fresh: bool,
}

/// What became of an operation.
pub struct Applied {
    /// What it gives.
    pub outcome: Result<Outcome, StoreError>,
    /// Whether the entry is another one now.
    pub has_changed: bool,
}

/// Members that one entry holds; the count ends there.
pub const MEMBERS: usize = 4096;

impl Operation {
    /// Does it to what is kept at `now`, none if nothing is. *Changes*: `slot`.
    pub fn apply(self, slot: &mut Option<Entry>, now: Moment) -> Applied {
        let has_expired = slot.take_if(|entry| entry.is_expired(now)).is_some();
        let (outcome, has_changed) = self.run(slot, now);
        Applied { outcome, has_changed: has_changed || has_expired }
    }

    /// Whether what is kept decides what is given: if not, it need not be read first.
    pub fn is_blind(&self) -> bool {
        matches!(self, Self::Set(..) | Self::Remember(..))
    }

    /// Octets by which it makes the store grow at most; none of those that only read or take away.
    pub fn growth(&self) -> Option<usize> {
        match self {
            Self::Get | Self::Delete | Self::Recall | Self::Refund(..) => None,
            Self::Rate { peek, .. } => (!peek).then_some(8),
            Self::Set(value, _) | Self::Add(value, _) => Some(value.as_octets().len()),
            Self::Remember(value, ..) => Some(value.as_ref().map_or(0, |value| value.as_octets().len())),
            Self::Incr(..) | Self::CountDistinct(..) => Some(16),
        }
    }

    fn run(self, slot: &mut Option<Entry>, now: Moment) -> (Result<Outcome, StoreError>, bool) {
        let until = |lifetime: Lifetime| lifetime.map_or(Moment::NEVER, |lifetime| now.plus(lifetime));
        match self {
            Self::Get => (get(slot, now), false),
            Self::Set(value, lifetime) => {
                *slot = Some(Entry { expires: until(lifetime), datum: Datum::Value(value) });
                (Ok(Outcome::Done(true)), true)
            }
            Self::Add(..) if slot.is_some() => (Ok(Outcome::Done(false)), false),
            Self::Add(value, lifetime) => Self::Set(value, lifetime).run(slot, now),
            Self::Incr(by, lifetime) => changed(incr(slot, &by, until(lifetime))),
            Self::Delete => {
                let was = slot.take().is_some();
                (Ok(Outcome::Done(was)), was)
            }
            Self::CountDistinct(member, lifetime) => changed(count(slot, member, until(lifetime), now)),
            Self::Rate { quota, cost, peek } => rate(slot, quota, cost, peek, now),
            Self::Refund(quota, cost) => match known_rate(slot) {
                Ok(None) => (Ok(Outcome::Done(false)), false),
                Ok(known) => {
                    let empty_at = quota.refund(known, now, cost);
                    *slot =
                        (empty_at > now).then_some(Entry { expires: empty_at, datum: Datum::Rate(empty_at) });
                    (Ok(Outcome::Done(true)), true)
                }
                Err(error) => (Err(error), false),
            },
            Self::Recall => (recall(slot, now), false),
            Self::Remember(value, fresh, stale) => {
                let fresh_until = now.plus(fresh);
                let datum = Datum::Remembered { fresh_until, value };
                *slot = Some(Entry { expires: fresh_until.plus(stale), datum });
                (Ok(Outcome::Done(true)), true)
            }
        }
    }
}

/// An outcome that changed something unless it failed.
fn changed(outcome: Result<Outcome, StoreError>) -> (Result<Outcome, StoreError>, bool) {
    let has_changed = outcome.is_ok();
    (outcome, has_changed)
}

fn get(slot: &Option<Entry>, now: Moment) -> Result<Outcome, StoreError> {
    let value = match slot.as_ref().map(|entry| &entry.datum) {
        None => None,
        Some(Datum::Value(value)) => Some(value.clone()),
        Some(Datum::Remembered { fresh_until, value }) => value.clone().filter(|_| *fresh_until > now),
        Some(Datum::Members(_) | Datum::Rate(_)) => return Err(StoreError::Invalid),
    };
    Ok(Outcome::Value(value))
}

fn incr(slot: &mut Option<Entry>, by: &Value, expires: Moment) -> Result<Outcome, StoreError> {
    let (known, expires) = match slot {
        None => (Value::Integer(0), expires),
        // The lifetime is that of the first.
        Some(Entry { expires, datum: Datum::Value(value) }) => {
            (value.decode().ok_or(StoreError::Invalid)?, *expires)
        }
        Some(_) => return Err(StoreError::Invalid),
    };
    let sum = sum(&known, by).ok_or(StoreError::Invalid)?;
    *slot = Some(Entry { expires, datum: Datum::Value(sum.encode()?) });
    Ok(Outcome::Number(sum))
}

/// The sum: whole of whole numbers. None past what a number holds, and of what is none.
fn sum(one: &Value, other: &Value) -> Option<Value> {
    let float = |value: &Value| match value {
        Value::Integer(whole) => Some(*whole as f64),
        Value::Number(number) => Some(*number),
        _ => None,
    };
    match (one, other) {
        (Value::Integer(one), Value::Integer(other)) => one.checked_add(*other).map(Value::Integer),
        _ => Some(float(one)? + float(other)?).filter(|sum| sum.is_finite()).map(Value::Number),
    }
}

fn count(
    slot: &mut Option<Entry>,
    member: Member,
    until: Moment,
    now: Moment,
) -> Result<Outcome, StoreError> {
    let entry = slot.get_or_insert_with(|| Entry { expires: until, datum: Datum::Members(Vec::new()) });
    let Datum::Members(members) = &mut entry.datum else { return Err(StoreError::Invalid) };
    members.retain(|(other, until)| *other != member && *until > now);
    if members.len() >= MEMBERS {
        // The one that would go next makes room, so that the count stays where it ends.
        let next = members.iter().enumerate().min_by_key(|(_, (_, until))| *until).map(|(at, _)| at);
        next.map(|at| members.swap_remove(at));
    }
    members.push((member, until));
    entry.expires = members.iter().map(|(_, until)| *until).max().unwrap_or(until);
    Ok(Outcome::Count(u64::try_from(members.len()).unwrap_or(u64::MAX)))
}

fn known_rate(slot: &Option<Entry>) -> Result<Option<Moment>, StoreError> {
    match slot.as_ref().map(|entry| &entry.datum) {
        None => Ok(None),
        Some(Datum::Rate(empty_at)) => Ok(Some(*empty_at)),
        Some(_) => Err(StoreError::Invalid),
    }
}

fn rate(
    slot: &mut Option<Entry>,
    quota: Quota,
    cost: u64,
    peek: bool,
    now: Moment,
) -> (Result<Outcome, StoreError>, bool) {
    let known = match known_rate(slot) {
        Ok(known) => known,
        Err(error) => return (Err(error), false),
    };
    let (judgement, empty_at) = quota.judge(known, now, cost);
    let counts = judgement.allowed && !peek && empty_at > now;
    if counts {
        *slot = Some(Entry { expires: empty_at, datum: Datum::Rate(empty_at) });
    }
    (Ok(Outcome::Rate(judgement)), counts)
}

fn recall(slot: &Option<Entry>, now: Moment) -> Result<Outcome, StoreError> {
    let recalled = match slot {
        None => None,
        Some(Entry { datum: Datum::Remembered { fresh_until, value }, .. }) => {
            Some(Recalled { value: value.clone(), is_fresh: *fresh_until > now })
        }
        // What a policy has set there itself is as good as what a source says.
        Some(Entry { datum: Datum::Value(value), .. }) => {
            Some(Recalled { value: Some(value.clone()), is_fresh: true })
        }
        Some(_) => return Err(StoreError::Invalid),
    };
    Ok(Outcome::Recalled(recalled))
}
