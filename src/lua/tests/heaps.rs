//! States in which a policy holds much: no step of Lua's is long for that, and none of its collector's.

use std::rc::Rc;
use std::time::Duration;

use crate::lua::chain::Chain;
use crate::lua::clock::Clock;
use crate::lua::engine::Engine;
use crate::lua::tests::support::{Client, Setup, processor, said, worker};
use crate::policy::mode::PolicyUse;

const BUDGET: Duration = Duration::from_millis(10);
/// What a hook may take beyond its budget.
const BEYOND: Duration = Duration::from_millis(20);
/// So many calls, during which the collector goes through all that there is at least once.
const CALLS: usize = 40;

/// The longest of many calls of a hook with this body, by the processor's clock.
fn longest(top: &str, body: &str) -> Duration {
    worker(async {
        let text = format!("{top}\nreturn {{ connect = function(session)\n{body}\nend }}");
        let setup = Setup::new().configured("p", &text, |policy| policy.budget.cpu = BUDGET);
        let engine = Engine::load(&setup.plan, &setup.parts, Clock::monotonic()).unwrap();
        let chain = Rc::new(Chain::new(&engine, &[PolicyUse { name: "p".into(), mode: None }]).unwrap());
        let mut longest = Duration::ZERO;
        for _ in 0..CALLS {
            let client = Client::new(chain.clone());
            let start = processor();
            said(&client.connect().await);
            longest = longest.max(processor() - start);
        }
        longest
    })
}

#[test]
fn no_step_is_long_for_what_is_held() {
    let tables = "local t = {} for i = 1, 4 do t[i] = {} for j = 1, 150000 do t[i][j] = {} end end";
    let numbers = "local t = {} for i = 1, 12 do t[i] = {} for j = 1, 260000 do t[i][j] = j end end";
    let texts = "local t = {} for i = 1, 4 do t[i] = {} for j = 1, 60000 do t[i][j] = i .. 'x' .. j end end";
    let emptied = "local t = {} for i = 1, 131072 do t[i + 0.5] = i end for k in pairs(t) do t[k] = nil end";
    for (top, body) in [
        (tables, "while true do local x = {} end"),
        (tables, "while true do local x = ('x'):rep(1000000) end"),
        (tables, "for i = 1, 4 do for j = 1, 1000 do t[i][j] = {} end end"),
        (numbers, "while true do for i = 1, 12 do t[i][1] = {} end end"),
        (texts, "local u = {} for i = 1, 1e9 do u[i] = i .. 'y' end"),
        (emptied, "while true do next(t) end"),
        (emptied, "while true do json.encode(t) end"),
        (emptied, "while true do session.vars.x = t end"),
    ] {
        let took = longest(top, body);
        assert!(took <= BUDGET + BEYOND, "{took:?} for {body}");
    }
}

#[test]
fn what_died_is_freed_bit_by_bit() {
    // All of it lies in front in Lua's list of what there is.
    let took = longest("local n = 0", "n = n + 1 local u = {} for i = 1, 100000 do u[i] = {} end");
    assert!(took <= BUDGET + BEYOND, "{took:?}");
}
