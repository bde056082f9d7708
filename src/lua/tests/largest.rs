//! Every function and field that a script can reach, asked without end for the largest that it gives: each such hook
//! ends with its budget, by the machine's clock, however well the engine has reckoned what a call takes.

use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use mlua::{Table, Value};

use crate::lua::budget::SLICE;
use crate::lua::chain::Chain;
use crate::lua::config::OptionData;
use crate::lua::engine::Engine;
use crate::lua::tests::maps::people_of;
use crate::lua::tests::support::{BEYOND, BUDGET, Client, Setup, option, processor, said, worker};
use crate::lua::types;
use crate::lua::types::class::Kind;
use crate::message::header::Header;
use crate::message::view::MessageView;
use crate::policy::event::Event;
use crate::store::calls::Store;
use crate::store::clock::Clock as StoreClock;
use crate::store::memory::{MEMORY, Memory};

const CASES: &str = include_str!("largest.lua");

/// Functions of `base`, of the libraries and modules in it, and of what is in those.
fn functions(base: &Table, before: &str, names: &mut BTreeSet<String>) {
    for pair in base.pairs::<String, Value>() {
        let (name, value) = pair.unwrap();
        match value {
            Value::Function(_) => drop(names.insert(format!("{before}{name}"))),
            Value::Table(view) => {
                let shown = view.metatable().and_then(|metatable| metatable.raw_get::<Table>("__index").ok());
                functions(&shown.unwrap_or(view), &format!("{before}{name}."), names);
            }
            _ => {}
        }
    }
}

/// All that scripts can call or read: `string.rep`, `Mail:skip`, `Session.symbols`.
fn names(engine: &Engine) -> Vec<String> {
    let mut names = BTreeSet::from(["require".to_owned()]);
    functions(&engine.sandbox.base, "", &mut names);
    names.retain(|name| !name.starts_with("waiting."));
    for class in types::all() {
        if class.kind != Kind::Module {
            let methods = class.functions().filter(|one| !one.is_later());
            names.extend(methods.map(|one| format!("{}:{}", class.name, one.name)));
        }
        // Of the others all fields are there from the beginning.
        if matches!(class.name, "Session" | "Transaction" | "Message") {
            names.extend(class.fields().map(|name| format!("{}.{name}", class.name)));
        }
    }
    names.into_iter().collect()
}

/// The policy of the cases, which chooses one of `names`; `count` is 1 for a single call.
fn set_up(names: &[String], cpu: Duration, count: i64) -> Setup {
    let list: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let stages = "local STAGES = { Mail = 'mail', Rcpt = 'rcpt', Transaction = 'rcpt', Message = 'message' }";
    let text = format!("local NAMES = {{ {} }} {stages} {CASES}", list.join(", "));
    let mut setup = Setup::new().configured("p", &text, |policy| {
        policy.budget.cpu = cpu;
        policy.options.push(option("count", 0, OptionData::Integer(count)));
    });
    std::fs::write(setup.folder().join("people"), "ann@a.example friend\n").unwrap();
    let patterns: String = (0..200).map(|number| format!("/^(.*)x{number}$/ $1\n")).collect();
    let patterns = patterns + &"/((?:[a-z]{0,40}){0,40})x/ $1\n".repeat(8);
    std::fs::write(setup.folder().join("patterns"), patterns).unwrap();
    let keeper = Memory::new(MEMORY, StoreClock::standing());
    let store = Store::new(Arc::new(keeper), "", Duration::from_secs(1));
    setup.parts = setup.parts.clone().with_maps(people_of(&setup)).storing(store);
    setup
}

/// A message of many fields, one of them long.
fn message() -> Rc<MessageView> {
    let mut text: String =
        (0..1000).map(|number| format!("X: =?utf-8?q?gr=C3=BC=C3=9Fe?= {number}\r\n")).collect();
    text += &format!("Long: {}\r\n\r\n", "=?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n ".repeat(3000));
    let header = Header::parse(Bytes::from(text.clone()));
    let size = text.len() as u64;
    Rc::new(MessageView { header, header_size: size, size, edits: Vec::new(), content: None })
}

/// What the client heard last in the case of this number, and what processor time that took.
async fn asked(chain: &Rc<Chain>, number: usize, message: &Rc<MessageView>) -> (String, Duration) {
    let client = Client::new(chain.clone());
    let start = processor();
    let name = format!("c{}.example", number + 1);
    let mut heard = said(&client.ehlo(&name).await);
    if heard == "accept" {
        heard = said(&client.mail("<ann@a.example>").await);
    }
    if heard == "accept" {
        heard = said(&client.rcpt("<bob@ours.example>").await);
    }
    if heard == "accept" {
        heard = said(&client.hooks.decide(Event::Message(Rc::clone(message))).await);
    }
    (heard, processor() - start)
}

/// Run with `LARGEST=name`, it says what each case of that name takes.
#[test]
fn every_function_ends_with_the_budget_by_the_machines_clock() {
    let chosen = std::env::var("LARGEST").ok();
    let known = Setup::new().policy("p", "return {}").load().unwrap();
    let names = names(&known);
    // What isn't optimised takes many times longer, the dependencies too: a single call may take more than is allowed
    // for all. What holds there is that hardly another one begins when time is over.
    let single = cfg!(debug_assertions).then(|| set_up(&names, Duration::from_secs(20), 1));
    let looped = set_up(&names, BUDGET, 0);
    worker(async {
        let (single, looped, message) =
            (single.as_ref().map(|setup| setup.timed().1), looped.timed().1, message());
        let (mut wrong, mut worst) = (Vec::new(), Vec::new());
        for (number, name) in names.iter().enumerate() {
            if chosen.as_ref().is_some_and(|chosen| !name.contains(chosen)) {
                continue;
            }
            let (heard, took) = asked(&looped, number, &message).await;
            worst.push((took, name));
            if !heard.contains("4.3.0") {
                wrong.push(format!("{name}: there is no such case, or it ended by itself: {heard}"));
                continue;
            }
            let mut most = BUDGET + BEYOND;
            if let Some(single) = single.as_ref().filter(|_| took > most) {
                most += 3 * asked(single, number, &message).await.1 + SLICE;
            }
            if took > most {
                wrong.push(format!("{name}: took {took:?}, which is more than {most:?}"));
            }
        }
        worst.sort();
        if chosen.is_some() {
            println!("{worst:#?}");
        }
        assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
    });
}
