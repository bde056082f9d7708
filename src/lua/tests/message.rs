//! `message` in the `header` and `message` hooks, and what `reply`, `outcome` and `closed` are told.

use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;

use crate::lua::tests::support::{Client, Setup, said, worker};
use crate::message::content::Intake;
use crate::message::edit::EditedHeader;
use crate::message::header::Header;
use crate::message::spool::Spool;
use crate::message::view::MessageView;
use crate::policy::event::{
    Disposition, Ending, Event, Origin, Outcome, RecipientOutcome, ReplyEvent, Report,
};
use crate::policy::verdict::Decision;
use crate::smtp::reply::{Code, Reply};
use crate::threads::storage::StoragePool;

const WIRE: &[u8] = b"Received: by x\r\nSubject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\n folded\r\nX-One: 1\r\nx-one: 2\r\n\r\nbody\r\n";

/// The whole message, in memory.
async fn view() -> Rc<MessageView> {
    let spool = Spool::new(std::env::temp_dir(), 1 << 20, 1 << 20, StoragePool::start(1, 1).unwrap());
    let mut intake = Intake::new(&spool, 1 << 16);
    intake.append(WIRE).await.unwrap();
    let content = intake.finish().await.unwrap();
    let header = Header::parse(Bytes::from_static(WIRE));
    let header_size = header.end() as u64;
    let size = WIRE.len() as u64;
    Rc::new(MessageView { header, header_size, size, edits: Vec::new(), content: Some(content) })
}

async fn at_message(client: &Client) -> Decision {
    client.begin().await;
    client.rcpt("<bob@ours.example>").await;
    client.hooks.decide(Event::Message(view().await)).await
}

/// What the client hears from a `message` hook with this body.
fn heard(body: &str) -> String {
    let text =
        format!("return {{ message = function(session, message)\n{body}\nreturn reject('passed')\nend }}");
    worker(async { said(&at_message(&Setup::new().policy("p", &text).client()).await) })
}

#[test]
fn the_header_reads_as_people_read_it() {
    for body in [
        "assert(message.size == 91 and message.header_size == 83, message.size .. ' ' .. message.header_size)",
        "assert(message:header('subject') == 'gr\u{fc}\u{df}e folded', message:header('subject'))",
        "assert(message:raw_header('Subject') == ' =?utf-8?q?gr=C3=BC=C3=9Fe?=\\r\\n folded')",
        "local v, kind = message:header('None') assert(v == nil and kind == 'none')",
        "local v, kind = message:raw_header('None') assert(v == nil and kind == 'none')",
        "local all = message:headers('X-One') assert(#all == 2 and all[1] == '1' and all[2] == '2')",
        "assert(#message:headers('None') == 0)",
        "local n = 0 for field in message:fields() do n = n + 1 assert(field.number == n and field.name and field.raw) end assert(n == 4)",
        "assert(#message:sha256() == 64 and message:sha256():match('^%x+$'))",
        "local ok, problem = pcall(function() return message.subject end) assert(problem:find('not in this version'))",
        "local ok, problem = pcall(message.parts, message) assert(problem:find('not in this version'))",
        "local ok, problem = pcall(message.header, 'x') assert(problem:find('use `:`: message:header'))",
        "local ok, problem = pcall(function() message:add_header('a b', 'x') end) assert(problem:find('p.lua:2: a field name'))",
    ] {
        assert_eq!(heard(body), "550 5.7.1 passed", "{body}");
    }
}

#[test]
fn reads_see_the_edits_made_before_them() {
    for body in [
        "message:add_header('X-One', 3) assert(#message:headers('x-one') == 3)",
        "message:remove_header('X-One') assert(message:header('x-one') == nil)",
        "message:remove_header(3) assert(message:header('x-one') == '2')",
        "message:replace_header('x-one', 'new') assert(message:header('X-One') == 'new')",
        "message:prepend_header('X-Top', 'a\\r\\nb') for f in message:fields() do assert(f.name == 'X-Top' and f.value == 'a  b' and f.number == 0) break end",
        "message:add_header('X-One', 3) assert(message:raw_header('X-One') == ' 1')", // as sent
    ] {
        assert_eq!(heard(body), "550 5.7.1 passed", "{body}");
    }
}

#[test]
fn edits_come_with_the_decision_and_later_policies_see_them() {
    worker(async {
        let first = "return { message = function(_, message) message:add_header('X-Seen', 'first') end }";
        let raises =
            "return { message = function(_, message) message:add_header('X-Lost', 'x') error('oh') end }";
        let observer = "return { message = function(_, message) message:remove_header('X-Seen') end }";
        let second = "return { message = function(_, message) message:replace_header('X-Seen', message:header('X-Seen') .. ' second') end }";
        let client = Setup::new()
            .policy("first", first)
            .configured("raises", raises, |policy| policy.on_error = crate::lua::config::OnError::Skip)
            .configured("observer", observer, |policy| policy.mode = crate::policy::mode::Mode::Observe)
            .policy("second", second)
            .client();
        let decision = at_message(&client).await;
        assert_eq!(said(&decision), "accept");
        assert_eq!(decision.edits.len(), 2);
        let header = Header::parse(Bytes::from_static(WIRE));
        let edited = EditedHeader::new(&header, &decision.edits);
        assert_eq!(edited.fields.len(), 5);
    });
}

#[test]
fn a_message_is_gone_after_its_stage() {
    worker(async {
        let text = "local kept
            return { message = function(_, message) kept = message end,
                     rcpt = function() if kept then kept:header('Subject') end end }";
        let client = Setup::new().policy("p", text).client();
        at_message(&client).await;
        assert!(said(&client.rcpt("<bob@ours.example>").await).starts_with("451 4.3.0"));
    });
}

#[test]
fn a_reply_hook_may_only_disconnect() {
    for (words, want) in [
        (
            "if reply.code == 550 and reply.status == '5.1.1' and reply.from == 'backend' then return disconnect('enough') end",
            "421 4.7.0 enough",
        ),
        (
            "assert(reply.verb == 'RCPT' and reply.argument == 'TO:<x>' and reply.text == 'No such user')",
            "accept",
        ),
        ("return reject('no')", "accept"), // logged, and nothing else
        ("error('oh')", "accept"),
    ] {
        let text = format!("return {{ reply = function(session, reply) {words} end }}");
        worker(async {
            let client = Setup::new().policy("p", &text).client();
            let reply = Reply::new(550, (5, 1, 1), "No such user");
            let event =
                ReplyEvent { verb: "RCPT".into(), argument: "TO:<x>".into(), reply, from: Origin::Backend };
            assert_eq!(said(&client.hooks.decide(Event::Reply(&event)).await), want, "{words}");
        });
    }
}

fn outcome() -> Report {
    Report::Outcome(Rc::new(Outcome {
        disposition: Disposition::Relayed,
        stage: "message",
        policy: None,
        reply: Some(Reply::new(250, (2, 0, 0), "queued as 1")),
        size: 94,
        reverse_path: "ann@a.example".into(),
        recipients: vec![RecipientOutcome {
            address: "bob@ours.example".into(),
            backend: Some("mta1".into()),
            code: Code::new(250).unwrap(),
            status: None,
        }],
        score: 0.0,
        symbols: Vec::new(),
    }))
}

#[test]
fn an_outcome_still_has_its_transactions_vars() {
    worker(async {
        let text = "local seen
            return { mail = function(session, mail) session.transaction.vars.from = mail.address end,
              outcome = function(session, outcome)
                assert(outcome.disposition == 'relayed' and outcome.reply.code == 250 and outcome.recipients[1].backend == 'mta1')
                assert(outcome.policy == nil and outcome.size == 94)
                seen = session.transaction.vars.from .. ' ' .. tostring(session.transaction.mail and session.transaction.mail.address)
              end,
              rcpt = function() return reject(tostring(seen)) end }";
        let client = Setup::new().policy("p", text).client();
        client.begin().await;
        client.session.borrow_mut().abort();
        let told = client.hooks.tell(outcome());
        // The next transaction begins before the hooks of the last one run.
        client.mail("<second@b.example>").await;
        told.await;
        let decision = client.rcpt("<bob@ours.example>").await;
        assert_eq!(said(&decision), "550 5.7.1 ann@a.example ann@a.example");
    });
}

#[test]
fn closed_is_told_how_the_session_ended() {
    worker(async {
        let text = "local seen = 'nothing'
            return { closed = function(session, ending)
                seen = ending.reason .. ' ' .. ending.by .. ' ' .. ending.last_verb .. ' ' .. ending.messages .. ' ' .. ending.seconds end,
              connect = function() return reject(seen) end }";
        let client = Setup::new().policy("p", text).client();
        let ending = Ending {
            reason: "quit",
            by: "client",
            last_verb: Some("QUIT".into()),
            duration: Duration::from_millis(1500),
            messages: 2,
            octets: 10,
        };
        client.hooks.tell(Report::Closed(Rc::new(ending))).await;
        let next = Client::new(client.policies.clone());
        assert_eq!(said(&next.connect().await), "554 5.7.1 quit client QUIT 2 1.5");
    });
}
