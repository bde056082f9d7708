//! Clients that leave while a hook waits or computes for them: the hook and what it waits for are dropped at once, and
//! memory is back to base.
//!
//! One test, alone in its process. `GATEPOST_SOAK=N` sends N clients.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic
)]
#![allow(dead_code, unreachable_pub, reason = "support/ is for several tests; none uses all of it")]

mod support;

#[path = "faults/heap.rs"]
mod heap;
#[path = "faults/model.rs"]
mod model;
#[path = "faults/stand.rs"]
mod stand;

use std::net::UdpSocket;
use std::time::Duration;

use stand::{Stand, run};
use support::floor::{on_still_clock, settle};
use tokio::task::yield_now;

/// What a hook does when its client leaves is in the client's name.
const POLICY: &str = "
local closed = 0
local ways = {
  plain = function() dns.a('plain.example') end,
  coroutine = function() coroutine.wrap(function() dns.mx('coroutine.example') end)() end,
  iterator = function()
    for _ in coroutine.wrap(function() coroutine.yield(1) dns.txt('iterator.example') end) do end
  end,
  deep = function()
    pcall(function() coroutine.wrap(function() xpcall(function() coroutine.wrap(dns.a)('deep.example') end, print) end)() end)
  end,
  list = function() dns.dnsbl({ 'one.example', 'two.example' }, '192.0.2.1') end,
  computes = function() for _ = 1, 1e9 do end end,
  matches = function() (('x'):rep(100000)):find(('.-'):rep(9) .. 'y') end,
}
return {
  ehlo = function(session, ehlo)
    local way = ways[ehlo.name:match('^%a+')]
    local kept <close> = setmetatable({}, { __close = function() closed = closed + 1 end })
    session.vars.kept = ('x'):rep(1000) .. session.id
    if way then way() end
  end,
  mail = function() return reject(tostring(closed)) end,
}
";
const WAYS: [&str; 7] = ["plain", "coroutine", "iterator", "deep", "list", "computes", "matches"];

/// Turns of the runtime in which a hook begins.
const BEGINNING: usize = 10;

/// One client that leaves in the midst of a hook; half of them by a reset.
async fn leave(stand: &Stand, number: usize) {
    let mut client = stand.client().await;
    client.hear().await;
    client.0.send(format!("EHLO {}.example\r\n", WAYS[number % WAYS.len()]).as_bytes()).await;
    // Enough for the hook to begin: that each has, its `<close>` tells in the end. One that computes takes a slice a turn.
    for _ in 0..BEGINNING {
        yield_now().await;
    }
    assert_eq!(stand.proxy.sessions(), 1, "the hook has not ended");
    if number.is_multiple_of(2) {
        client.0.reset();
    } else {
        drop(client);
    }
    // The clock stands still: nothing that the hook waits for comes to an end.
    stand.proxy.emptied().await;
}

#[test]
fn hooks_of_clients_that_have_left_leave_nothing_behind() {
    // The long form takes longer than tests may.
    match std::env::var("GATEPOST_SOAK").ok().and_then(|count| count.parse().ok()) {
        Some(clients) => on_still_clock(leaving(clients)),
        None => run(leaving(210)),
    }
}

async fn leaving(clients: usize) {
    let policy = tempfile::NamedTempFile::with_suffix(".lua").unwrap();
    std::fs::write(policy.path(), POLICY).unwrap();
    // Nobody answers here.
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let rest = format!(
        "[policies]\nbudget = {{ cpu = \"60s\" }}\n[policy.waits]\nscript = \"{}\"\n[dns]\nservers = [\"{}\"]\ntimeout = \"5s\"\n",
        policy.path().display(),
        silent.local_addr().unwrap()
    );
    let stand = Stand::with("", "limits.connection_rate = \"none\"\npolicies = [\"waits\"]", &rest).await;
    let round = async |from: usize, to: usize| {
        for number in from..to {
            leave(&stand, number).await;
            if number % 70 == 69 {
                // The questions run out by themselves.
                tokio::time::advance(Duration::from_secs(30)).await;
                settle().await;
            }
        }
        tokio::time::advance(Duration::from_secs(30)).await;
        settle().await;
    };
    round(0, 70).await;
    let base = heap::held();
    round(0, clients).await;
    let grown = heap::held() - base;
    assert!(grown < 256 * 1024, "{grown} octets more than before");
    let mut client = stand.greeted().await;
    let heard = client.ask("MAIL FROM:<ann@a.example>").await;
    let closed = format!("550 5.7.1 {}", 70 + clients + 1);
    assert!(heard.starts_with(&closed), "each hook was closed: {heard}, not {closed}");
}
