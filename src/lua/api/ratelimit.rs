//! `ratelimit`: how often something may happen. No judgement here: arguments in, `store::calls`, values out.

use std::rc::Rc;

use mlua::{IntoLua, Lua, Table, Value};

use crate::lua::api::Parts;
use crate::lua::api::drawer::{Drawer, Found, Owner, or_kind, positive};
use crate::lua::api::module::{Arguments, Module, OrKind};
use crate::lua::guard::Guard;
use crate::store::rate::{Judgement, LIMIT, LONGEST, Quota};

/// Opens the module `ratelimit`.
pub(super) fn open(lua: &Lua, guard: &Rc<Guard>, parts: &Parts) -> mlua::Result<Table> {
    let module = Module::new(lua, guard, "ratelimit")?;
    let drawer = Drawer::new(guard, parts, Owner::Policy);
    let at = drawer.clone();
    module.waiting("check", move |arguments| {
        let event = Event::read(arguments)?;
        Ok(check(at.find_rate(arguments)?, event))
    })?;
    module.waiting("refund", move |arguments| {
        let event = Event::read(arguments)?;
        Ok(refund(drawer.find_rate(arguments)?, event))
    })?;
    Ok(module.finish())
}

async fn check(found: Found, event: Event) -> OrKind<Judged> {
    let judgement = async {
        let (store, key) = found?;
        store.check(key, event.quota, event.cost, event.peek).await
    };
    or_kind(judgement.await.map(Judged))
}

async fn refund(found: Found, event: Event) -> OrKind<bool> {
    let done = async {
        let (store, key) = found?;
        store.refund(key, event.quota, event.cost).await
    };
    or_kind(done.await)
}

/// What happens, by the third argument.
struct Event {
    quota: Quota,
    cost: u64,
    peek: bool,
}

impl Event {
    fn read(arguments: &Arguments) -> Result<Self, String> {
        let (mut limit, mut per, mut cost, mut peek) = (None, None, 1, false);
        for (name, value) in arguments.named(3, "the third argument")? {
            match name.as_str() {
                "limit" => limit = Some(whole("limit", &value)?),
                "per" => per = Some(positive("per", &value)?),
                "cost" => cost = whole("cost", &value)?,
                "peek" => peek = value.as_boolean().ok_or("peek is true or false")?,
                other => return Err(format!("'{other}' is none of limit, per, cost, peek")),
            }
        }
        let (Some(limit), Some(per)) = (limit, per) else {
            return Err("{ limit = …, per = … } is wanted".to_owned());
        };
        let quota = Quota::new(limit, per);
        let quota = quota.ok_or_else(|| {
            let days = LONGEST.as_secs() / 86_400;
            format!("limit is a whole number from 1 to {LIMIT}, per is at most {days} days")
        })?;
        match cost > limit {
            true => Err("cost is more than limit: that would never be allowed".to_owned()),
            false => Ok(Self { quota, cost, peek }),
        }
    }
}

fn whole(name: &str, value: &Value) -> Result<u64, String> {
    let number = match value {
        Value::Integer(number) => u64::try_from(*number).ok(),
        Value::Number(number) if number.fract() == 0.0 && (0.0..1e15).contains(number) => {
            Some(*number as u64)
        }
        _ => None,
    };
    number.ok_or_else(|| format!("{name} is a whole number, not negative"))
}

/// What a quota says, as scripts see it.
struct Judged(Judgement);

impl IntoLua for Judged {
    fn into_lua(self, lua: &Lua) -> mlua::Result<Value> {
        let facts = lua.create_table_with_capacity(0, 3)?;
        facts.raw_set("allowed", self.0.allowed)?;
        facts.raw_set("remaining", self.0.remaining)?;
        facts.raw_set("retry_after", self.0.retry_after.as_secs_f64())?;
        Ok(Value::Table(facts))
    }
}
