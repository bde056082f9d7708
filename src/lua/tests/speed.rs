//! How long a session's hooks take: a measurement, not a test. `cargo test --release --lib lua::tests::speed -- --ignored --nocapture`

use std::rc::Rc;

use bytes::Bytes;

use crate::lua::clock::Clock;
use crate::lua::config::OptionData;
use crate::lua::engine::Engine;
use crate::lua::tests::support::{Client, Setup, option, said};
use crate::message::header::Header;
use crate::message::view::MessageView;
use crate::policy::event::Event;
use crate::policy::mode::PolicyUse;

const WIRE: &[u8] = b"Received: from a.example (a.example [192.0.2.1])\r\n\tby mx.example with ESMTP id 12345678;\r\n\tSat, 21 Nov 2026 20:00:00 +0000\r\nReceived: from b.example by a.example\r\nReceived: from c.example by b.example\r\nMessage-ID: <1234567890@a.example>\r\nDate: Sat, 21 Nov 2026 20:00:00 +0000\r\nFrom: Ann <ann@a.example>\r\nTo: Bob <bob@ours.example>\r\nSubject: hello there\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\nX-Mailer: test\r\nList-Id: <x.example>\r\nPrecedence: bulk\r\n";

#[test]
#[ignore = "a measurement"]
fn five_hooks() {
    let text = include_str!("../../../benches/small.lua");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let setup = Setup::new().configured("small", text, |policy| {
            policy.options.push(option("blocked", 1, OptionData::String("198.51.100.0/24".into())));
        });
        let empty = "return { connect = function() end, ehlo = function() end, mail = function() end, rcpt = function() end, header = function() end }";
        let setup = setup.policy("empty", empty);
        let kernel = "local function fib(n) if n < 2 then return n end return fib(n-1) + fib(n-2) end
            return { connect = function() fib(18) local t = {} for i = 1, 20000 do t[i % 64] = i end end }";
        let setup = setup.policy("kernel", kernel);
        let engine = Engine::load(&setup.plan, &setup.parts, Clock::monotonic()).unwrap();
        let chain = engine.chain(&[PolicyUse { name: "kernel".into(), mode: None }]).unwrap();
        let start = cpu();
        for _ in 0..1000 {
            Client::new(chain.clone()).connect().await;
        }
        println!("hooks= kernel: {:?} (1.06 ms in lua-runtime.md)", (cpu() - start) / 1000);
        for name in ["empty", "small"] {
            let chain = engine.chain(&[PolicyUse { name: name.into(), mode: None }]).unwrap();
            let header = Header::parse(Bytes::from_static(WIRE));
            let view = Rc::new(MessageView {
                header,
                header_size: WIRE.len() as u64,
                size: WIRE.len() as u64,
                edits: Vec::new(),
                content: None,
            });
            for hooks in [true, false, true, false] {
                let start = cpu();
                const ROUNDS: u32 = 20_000;
                for _ in 0..ROUNDS {
                    let client = Client::new(chain.clone());
                    if hooks {
                        client.connect().await;
                        client.ehlo("mail.client.example").await;
                        client.mail("<ann@a.example> SIZE=1000 BODY=8BITMIME").await;
                        client.rcpt("<bob@ours.example>").await;
                        assert_eq!(said(&client.hooks.decide(Event::Header(Rc::clone(&view))).await), "accept");
                    }
                }
                println!("{name} hooks={hooks}: {:?} a session, {} KiB", (cpu() - start) / ROUNDS, engine.memory() >> 10);
            }
        }
    });
}

/// Processor time of this thread.
fn cpu() -> std::time::Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    std::time::Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}
