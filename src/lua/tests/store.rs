//! `store` and `ratelimit` as scripts use them; what a store does is tested where it is.

use std::sync::Arc;
use std::time::Duration;

use crate::lua::capability::Capabilities;
use crate::lua::tests::support::{Client, Setup, said, worker};
use crate::store::calls::Store;
use crate::store::clock::Clock;
use crate::store::memory::{MEMORY, Memory};

/// A store in memory, and the clock that it reads.
fn store() -> (Store, Clock) {
    let clock = Clock::standing();
    let keeper = Memory::new(MEMORY, clock.clone());
    (Store::new(Arc::new(keeper), "", Duration::from_secs(1)), clock)
}

fn policy(body: &str) -> String {
    format!("return {{ connect = function(session)\n{body}\nend }}")
}

/// What the client hears from a `connect` hook with this body, which ends in a text.
fn heard(body: &str) -> String {
    let mut setup = Setup::new().policy("p", &policy(body));
    setup.parts = setup.parts.storing(store().0);
    worker(async { said(&setup.client().connect().await) })
}

#[test]
fn every_call_gives_what_the_page_says() {
    for (body, want) in [
        (
            "return reject(table.concat({ tostring(store.get('k')), select(2, store.get('k')) }, ' '))",
            "nil none",
        ),
        ("store.set('k', 'v') return reject(store.get('k'))", "v"),
        ("store.set(7, 'v') return reject(store.get('7'))", "v"), // a number is its digits
        ("return reject(tostring(store.set('k', 1, '5m')))", "true"),
        ("store.add('k', 1) return reject(tostring(store.add('k', 2)) .. store.get('k'))", "false1"),
        ("store.incr('k') store.incr('k', 5) return reject(tostring(store.incr('k', -1, 60)))", "5"),
        ("return reject(math.type(store.incr('k')) .. math.type(store.incr('k', 1.0)))", "integerfloat"),
        (
            "store.set('k', 1) return reject(tostring(store.delete('k')) .. tostring(store.delete('k')))",
            "truefalse",
        ),
        ("store.count_distinct('k', 'a') return reject(tostring(store.count_distinct('k', 'b', '1h')))", "2"),
        ("store.shared.set('k', 1) return reject(tostring(store.get('k')) .. store.shared.get('k'))", "nil1"),
        (
            "store.set('k', { 1, 2.0, x = { y = true, [\"\\255\"] = 'o' } })\nlocal t = store.get('k')\n\
             return reject(t[1] .. ' ' .. t[2] .. ' ' .. tostring(t.x.y) .. t.x['\\255'])",
            "1 2.0 trueo",
        ),
        ("store.count_distinct('k', 'a') return reject(select(2, store.get('k')))", "invalid"),
        ("return reject(select(2, store.set('k', ('x'):rep(70000))))", "too_large"),
        ("return reject(select(2, store.get(('x'):rep(70000))))", "too_large"),
        (
            "local t = {} for i = 1, 9000 do t[i] = i end return reject(select(2, store.set('k', t)))",
            "too_large",
        ),
    ] {
        assert_eq!(heard(body), format!("554 5.7.1 {want}"), "{body}");
    }
}

#[test]
fn misuse_raises_at_the_callers_line() {
    for (call, want) in [
        ("store.get()", "store.get: a key is wanted, this is nil"),
        ("store:get('k')", "store.get: use `.`"),
        ("store.shared:get('k')", "store.shared.get: use `.`"),
        ("store.set('k')", "store.set: a value is wanted; store.delete(key) takes one away"),
        ("store.set('k', print)", "store.set: it holds a function; only plain data can be kept"),
        ("store.set('k', session)", "store.set: it holds an object; only plain data can be kept"),
        ("store.set('k', 1, 'soon')", "ttl is a number of seconds, or a duration"),
        ("store.set('k', 1, 0)", "ttl is more than 0"),
        ("store.incr('k', '1')", "store.incr: a number to add is wanted, this is string"),
        ("store.get = nil", "store is read-only"),
        ("store.shared.get = nil", "store.shared is read-only"),
        ("store.remember('k', {}, print)", "store.remember: { ttl = … } is wanted"),
        ("store.remember('k', { tll = 1 }, print)", "'tll' is none of ttl, negative_ttl, stale"),
        ("store.remember('k', { ttl = 1 })", "the third argument is a function that asks the source"),
        (
            "store.remember('k', { ttl = 1 }, function() return print end)",
            "what the function gave can't be kept",
        ),
        (
            "store.remember('k', { ttl = 1 }, function() return store.remember('k', { ttl = 1 }, print) end)",
            "this key is being asked for already, by this function",
        ),
        ("ratelimit.check('r')", "ratelimit.check: { limit = …, per = … } is wanted"),
        ("ratelimit.check('r', 'k', { limit = 0, per = 1 })", "limit is a whole number from 1 to"),
        ("ratelimit.check('r', 'k', { limit = 1, per = 1, cost = 2 })", "that would never be allowed"),
        ("ratelimit.check('r', 'k', { limit = 1, par = 1 })", "'par' is none of limit, per, cost, peek"),
    ] {
        let body = format!("local ok, problem = pcall(function() {call} end) return reject(problem)");
        // What is said to a client is ASCII.
        let (heard, want) = (heard(&body), want.replace('…', "?"));
        assert!(heard.contains(&want), "{call}: {heard}");
        assert!(heard.contains("p.lua:2: "), "{call}: {heard}");
    }
    let setup = Setup::new().policy("p", "store.get('k') return {}");
    assert!(setup.problems().contains("calls that wait can't be made while a policy is loaded"));
}

#[test]
fn only_what_allow_names_is_reached() {
    let names = ["store:grey", "ratelimit:r"].map(|word| word.parse().unwrap());
    let allow = Arc::new(Capabilities::only(names.to_vec()));
    for (call, want) in [
        ("store.set('grey:1', 1)", ""),
        ("task.start(function() store.set('grey', 1) end):wait()", ""),
        ("store.get('black')", "this policy is not allowed \"store:black\""),
        ("store.shared.get('grey')", "this policy is not allowed \"store.shared:grey\""),
        ("store.remember('black', { ttl = 1 }, print)", "this policy is not allowed \"store:black\""),
        ("ratelimit.check('r', 'k', { limit = 1, per = 1 })", ""),
        ("ratelimit.check('s', 'k', { limit = 1, per = 1 })", "this policy is not allowed \"ratelimit:s\""),
        (
            "error(task.start(function() return select(2, pcall(store.get, 'black')) end):wait(), 0)",
            "\"store:black\"",
        ),
    ] {
        let body =
            format!("local ok, problem = pcall(function() {call} end) return reject(tostring(problem))");
        let mut setup =
            Setup::new().configured("p", &policy(&body), |policy| policy.allow = Some(Arc::clone(&allow)));
        setup.parts = setup.parts.storing(store().0);
        let heard = worker(async { said(&setup.client().connect().await) });
        match want {
            "" => assert_eq!(heard, "554 5.7.1 nil", "{call}"),
            want => assert!(heard.contains(want), "{call}: {heard}"),
        }
    }
}

#[test]
fn without_a_store_every_call_is_unavailable() {
    let setup = Setup::new().policy("p", &policy("return reject(select(2, store.get('k')))"));
    assert_eq!(worker(async { said(&setup.client().connect().await) }), "554 5.7.1 unavailable");
    let body = "return reject(select(2, ratelimit.check('r', 'k', { limit = 1, per = 1 })))";
    let setup = Setup::new().policy("p", &policy(body));
    assert_eq!(worker(async { said(&setup.client().connect().await) }), "554 5.7.1 unavailable");
}

#[test]
fn entries_are_a_policys_own_and_those_of_all_sessions() {
    let (store, clock) = store();
    let counting = policy("return reject(tostring(store.incr('k', 1, 60)))");
    let mut setup = Setup::new().policy("p", &counting);
    setup.parts = setup.parts.storing(store.clone());
    worker(async {
        // Each client is of another Lua state, as on another worker.
        assert_eq!(said(&setup.client().connect().await), "554 5.7.1 1");
        assert_eq!(said(&setup.client().connect().await), "554 5.7.1 2");
        clock.advance(Duration::from_secs(60));
        assert_eq!(said(&setup.client().connect().await), "554 5.7.1 1");
        let mut other = Setup::new().policy("q", &counting);
        other.parts = other.parts.storing(store);
        assert_eq!(said(&other.client().connect().await), "554 5.7.1 1");
    });
}

#[test]
fn a_rate_is_exact_over_states_and_tells_when_to_come_again() {
    let (store, clock) = store();
    let body = "local rate = { limit = 3, per = '30s' }
        if ratelimit.check('r', session.client.ip, { limit = 3, per = '30s', peek = true }).remaining == 0 then
          ratelimit.refund('r', 'nobody', rate)
        end
        local r = ratelimit.check('r', session.client.ip, rate)
        return reject(('%s %d %g'):format(r.allowed, r.remaining, r.retry_after))";
    let mut setup = Setup::new().policy("p", &policy(body));
    setup.parts = setup.parts.storing(store);
    worker(async {
        for want in ["true 2 0", "true 1 0", "true 0 0", "false 0 10"] {
            assert_eq!(said(&setup.client().connect().await), format!("554 5.7.1 {want}"));
        }
        clock.advance(Duration::from_secs(10));
        assert_eq!(said(&setup.client().connect().await), "554 5.7.1 true 0 0");
        assert_eq!(said(&setup.client_at("192.0.2.8").connect().await), "554 5.7.1 true 2 0");
    });
}

/// A policy that counts how often its source is asked; the source says what `gives` says after a second.
fn remembering(terms: &str, gives: &str) -> String {
    policy(&format!(
        "local value, kind = store.remember('k', {terms}, function(key)
           assert(key == 'k')
           store.incr('asked')
           waiting.seconds(1)
           {gives}
         end)
         return reject(('%s %s %d'):format(value, kind, store.get('asked')))"
    ))
}

async fn all_hear(clients: &[Client], want: &str) {
    let all = clients.iter().map(|client| async { said(&client.connect().await) });
    for heard in futures_util::future::join_all(all).await {
        assert_eq!(heard, format!("554 5.7.1 {want}"));
    }
}

#[test]
fn equal_questions_are_asked_once_for_all_states() {
    for (terms, gives, first, again) in [
        ("{ ttl = 60 }", "return 'v'", "v nil 1", "v nil 1"),
        ("{ ttl = 60, negative_ttl = 5 }", "return nil", "nil none 1", "nil none 1"),
        ("{ ttl = 60 }", "return nil, 'none'", "nil none 1", "nil none 2"),
        ("{ ttl = 60, negative_ttl = 5 }", "return nil, 'servfail'", "nil servfail 1", "nil servfail 2"),
    ] {
        let mut setup = Setup::new().policy("p", &remembering(terms, gives));
        setup.parts = setup.parts.storing(store().0);
        worker(async {
            let clients: Vec<_> = (0..20).map(|_| setup.client()).collect();
            let start = tokio::time::Instant::now();
            all_hear(&clients, first).await;
            assert_eq!(start.elapsed().as_secs(), 1, "{gives}");
            all_hear(&[setup.client()], again).await;
        });
    }
}

#[test]
fn a_source_that_hangs_serves_what_is_stale() {
    let (store, clock) = store();
    let gives = "if store.get('is_dead') then return nil, 'timeout' end return 'v'";
    let mut setup = Setup::new().policy("p", &remembering("{ ttl = 60, stale = '10m' }", gives));
    setup.parts = setup.parts.storing(store.clone());
    worker(async {
        all_hear(&[setup.client()], "v nil 1").await;
        clock.advance(Duration::from_secs(61));
        let key = store.key(crate::store::key::Space::Policy("p"), b"is_dead").unwrap();
        store.set(key, crate::store::value::Value::Boolean(true).encode().unwrap(), None).await.unwrap();
        // One asks and waits; those that come meanwhile have the stale value at once.
        let clients: Vec<_> = (0..20).map(|_| setup.client()).collect();
        let mut ends = futures_util::future::join_all(clients.iter().map(|client| async {
            let start = tokio::time::Instant::now();
            assert_eq!(said(&client.connect().await), "554 5.7.1 v stale 2");
            start.elapsed().as_secs()
        }))
        .await;
        ends.sort_unstable();
        assert_eq!((ends[..19].iter().sum::<u64>(), ends[19]), (0, 1));
        clock.advance(Duration::from_secs(600));
        all_hear(&[setup.client()], "nil timeout 3").await;
    });
}

#[test]
fn who_asks_and_fails_or_leaves_does_not_hold_the_others() {
    let mut setup = Setup::new().policy("p", &remembering("{ ttl = 60 }", "error('the source is mad')"));
    setup.parts = setup.parts.storing(store().0);
    worker(async {
        let (first, second) = (setup.client(), setup.client());
        let both = futures_util::future::join(first.connect(), second.connect()).await;
        assert!(said(&both.0).starts_with("421 4.3.0"), "who asked has the error");
        assert_eq!(said(&both.1), "554 5.7.1 nil unavailable 1", "the other has none");
    });
    let mut setup = Setup::new().policy("p", &remembering("{ ttl = 60 }", "return 'v'"));
    setup.parts = setup.parts.storing(store().0);
    worker(async {
        let (first, second) = (setup.client(), setup.client());
        let mut leaving = Box::pin(first.connect());
        assert!(futures_util::poll!(&mut leaving).is_pending());
        let mut staying = Box::pin(second.connect());
        assert!(futures_util::poll!(&mut staying).is_pending());
        drop(leaving); // its client has gone
        assert_eq!(said(&staying.await), "554 5.7.1 v nil 2", "the next asks in its place");
    });
}

#[test]
fn the_greylist_of_the_examples_lets_pass_who_comes_again() {
    let (store, clock) = store();
    let mut setup = Setup::new()
        .policy("greylist", include_str!("../../../examples/greylisting/greylist.lua"))
        .policy("rates", include_str!("../../../examples/greylisting/rates.lua"));
    setup.parts = setup.parts.storing(store);
    worker(async {
        let comes = async |address: &str, recipient: &str| {
            let client = setup.client_at(address);
            client.begin().await;
            said(&client.rcpt(&format!("<{recipient}@ours.example>")).await)
        };
        let greylisted = "451 4.7.1 Greylisted: come again in a few minutes";
        assert_eq!(comes("192.0.2.7", "bob").await, greylisted);
        clock.advance(Duration::from_secs(60));
        assert_eq!(comes("192.0.2.8", "bob").await, greylisted, "too soon");
        clock.advance(Duration::from_secs(241));
        assert_eq!(comes("192.0.2.9", "bob").await, "accept", "from the same network");
        assert_eq!(comes("192.0.2.9", "eve").await, "accept", "it is no stranger any more");
        assert_eq!(comes("198.51.100.7", "bob").await, greylisted, "another network is");
        clock.advance(Duration::from_secs(35 * 86_400));
        assert_eq!(comes("192.0.2.7", "bob").await, greylisted, "long unseen it is one again");
    });
}
