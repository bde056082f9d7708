//! The ledger: whatever a client and a backend do, an acknowledgement that the client hears is one that the backend gave,
//! and the message is there once, octet by octet but for our field.

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use crate::model::{Fault, Stage};
use crate::stand::{Client, Stand, run_as};
use crate::support::floor::settle;

/// One message of a dialogue.
#[derive(Clone, Debug)]
struct Turn {
    way: Way,
    recipients: usize,
    /// Lines of the body.
    lines: Vec<Vec<u8>>,
    /// Octets that the client writes at once.
    piece: usize,
    faults: Vec<(Stage, Fault)>,
    leaves: Option<Leave>,
}

/// How the client speaks.
#[derive(Clone, Copy, Debug)]
enum Way {
    /// Each reply is awaited.
    Stepwise,
    /// MAIL, RCPT and DATA in one write.
    Batch,
    /// BDAT, all chunks in one write.
    Chunks,
}

/// Where the client goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    AfterRecipients,
    WithinContent,
    AfterDot,
    /// It stays, but says RSET in place of the content.
    Reset,
}

#[derive(Clone, Debug)]
struct Plan {
    turns: Vec<Turn>,
    is_plain: bool,
}

fn plan() -> impl Strategy<Value = Plan> {
    let turns = prop::collection::vec(turn(), 1..4);
    (turns, any::<bool>()).prop_map(|(turns, is_plain)| Plan { turns, is_plain })
}

fn turn() -> impl Strategy<Value = Turn> {
    let way = prop_oneof![Just(Way::Stepwise), Just(Way::Batch), Just(Way::Chunks)];
    let octet = prop_oneof![
        4 => any::<u8>().prop_filter("no line ends", |octet| !matches!(octet, b'\r' | b'\n')),
        1 => Just(b'.'),
    ];
    let lines = prop::collection::vec(prop::collection::vec(octet, 0..60), 0..12);
    let leave = prop_oneof![
        Just(Leave::AfterRecipients),
        Just(Leave::WithinContent),
        Just(Leave::AfterDot),
        Just(Leave::Reset),
    ];
    let faults = prop_oneof![2 => Just(0_usize), 3 => Just(1), 1 => Just(2)]
        .prop_flat_map(|count| prop::collection::vec((stage(), fault()), count));
    (way, 1_usize..4, lines, 1_usize..400, faults, prop::option::weighted(0.2, leave)).prop_map(
        |(way, recipients, lines, piece, faults, leaves)| Turn {
            way,
            recipients,
            lines,
            piece,
            faults,
            leaves,
        },
    )
}

fn stage() -> impl Strategy<Value = Stage> {
    prop::sample::select(vec![
        Stage::Greeting,
        Stage::Ehlo,
        Stage::Xclient,
        Stage::SecondEhlo,
        Stage::Mail,
        Stage::Rcpt,
        Stage::Data,
        Stage::Content,
        Stage::Dot,
        Stage::Dot,
    ])
}

fn fault() -> impl Strategy<Value = Fault> {
    prop::sample::select(vec![
        Fault::Close,
        Fault::Reset,
        Fault::Hang,
        Fault::Say("450 4.2.0 Later\r\n"),
        Fault::Say("550 5.7.1 Never\r\n"),
        Fault::Say("354 go on\r\n"),
        Fault::Say("250-2.0.0 Ok\r\n550 5.0.0 No\r\n"),
        Fault::Say("999 2.0.0 Ok\r\n"),
        Fault::Say("150 2.0.0 Ok\r\n"),
        Fault::Say("250 2.0.0 Ok\n"),
        Fault::Say("503 5.5.1 Sequence\r\n"),
        Fault::Say("garbage\r\n"),
        Fault::Last("421 4.3.2 Down\r\n"),
        Fault::Last("250 2.0"),
        Fault::Last("250-2.0.0 Ok\r\n"),
        Fault::Last("452 4.3.1 Full\r\n"),
    ])
}

#[test]
fn an_acknowledgement_that_a_client_hears_is_one_that_the_backend_gave() {
    let number = |name: &str| std::env::var(name).ok().and_then(|value| value.parse::<u32>().ok());
    let cases = number("GATEPOST_SOAK").unwrap_or(300);
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let mut seed = [47; 32];
    seed[..4].copy_from_slice(&number("GATEPOST_SOAK_SEED").unwrap_or(47).to_le_bytes());
    let mut runner = TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed));
    let outcome = runner.run(&plan(), |plan| {
        run_as(format!("{plan:?}"), play(plan));
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

async fn play(plan: Plan) {
    let stand = Stand::new().await;
    stand.model.is_plain.set(plan.is_plain);
    let mut client = None;
    for (number, turn) in plan.turns.iter().enumerate() {
        stand.model.faults.borrow_mut().extend(turn.faults.iter().cloned());
        let mut speaker = match client.take() {
            Some(client) => client,
            None => stand.greeted().await,
        };
        let id = format!("X-Id: {number}\r\n\r\n");
        let content = [id.as_bytes(), &turn.lines.join(&b"\r\n"[..]), b"\r\n"].concat();
        let speaking = async {
            let heard = speak(&mut speaker, turn, &content).await;
            if turn.leaves.is_some_and(|leave| leave != Leave::Reset) {
                drop(speaker);
                stand.proxy.emptied().await;
                return (heard, None);
            }
            (heard, Some(speaker))
        };
        let (heard, speaker) = tokio::select! {
            outcome = speaking => outcome,
            never = stand.pass_on() => match never {},
        };
        judge(&stand, &id, &content, heard.as_deref());
        // What did not happen in this transaction is not to happen in the next.
        stand.model.faults.borrow_mut().clear();
        if heard.as_deref().is_some_and(|heard| heard.starts_with("451 4.4.1")) {
            settle().await;
            tokio::time::advance(std::time::Duration::from_secs(31)).await;
        }
        if let Some(mut speaker) = speaker {
            // RSET in any state: what is open is over.
            if speaker.ask("RSET").await.starts_with("250") {
                client = Some(speaker);
            }
        }
    }
    drop(client);
    stand.proxy.emptied().await;
    stand.assert_balance(stand.model.acknowledged());
    assert_eq!(stand.proxy.admission.sessions(), 0);
    assert_eq!(stand.proxy.house.spool.used(), 0);
}

/// Compares what the client has heard of the message with `id` with what the backend has of it.
fn judge(stand: &Stand, id: &str, content: &[u8], heard: Option<&str>) {
    let messages = stand.model.messages.borrow();
    let copies: Vec<_> = messages.iter().filter(|message| holds(&message.content, id.as_bytes())).collect();
    let acknowledged = copies.iter().filter(|copy| copy.is_acknowledged).count();
    let whole: Vec<_> = copies.iter().filter(|copy| copy.is_whole).collect();
    assert!(whole.len() <= 1, "a message is sent whole once");
    match heard {
        Some(heard) => {
            let is_positive = heard.starts_with('2');
            assert_eq!(acknowledged, usize::from(is_positive), "{heard}");
        }
        None => assert!(acknowledged <= 1),
    }
    for copy in whole {
        assert!(copy.content.starts_with(b"Received: "));
        assert!(copy.content.ends_with(content), "octet by octet");
        let ours = &copy.content[..copy.content.len() - content.len()];
        let lines = ours.split(|octet| *octet == b'\n').filter(|line| !line.is_empty());
        assert!(lines.skip(1).all(|line| line[0] == b'\t'), "one field of ours");
    }
}

fn holds(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

/// Says one message as `turn` wants it; the reply to it, or nothing if the client did not wait for one.
async fn speak(client: &mut Client, turn: &Turn, content: &[u8]) -> Option<String> {
    let mut envelope = vec!["MAIL FROM:<ann@a.example> BODY=8BITMIME".to_owned()];
    envelope.extend((0..turn.recipients).map(|number| format!("RCPT TO:<bob{number}@b.example>")));
    let is_batch = matches!(turn.way, Way::Batch) && turn.leaves.is_none();
    if is_batch {
        let lines = envelope.join("\r\n") + "\r\nDATA\r\n";
        send(client, lines.as_bytes(), turn.piece).await;
    }
    let mut accepted = 0;
    for line in &envelope {
        let reply = if is_batch { client.hear().await } else { client.ask(line).await };
        accepted += usize::from(reply.starts_with("250"));
    }
    if accepted < 2 {
        return Some(if is_batch { client.hear().await } else { "no recipient".to_owned() });
    }
    match turn.leaves {
        Some(Leave::AfterRecipients) => return None,
        Some(Leave::Reset) => return Some(format!("reset {}", client.ask("RSET").await)),
        _ => {}
    }
    if matches!(turn.way, Way::Chunks) {
        return speak_chunks(client, turn, content).await;
    }
    let go = if is_batch { client.hear().await } else { client.ask("DATA").await };
    if !go.starts_with("354") {
        return Some(go);
    }
    let mut wire = Vec::new();
    for line in content.split_inclusive(|octet| *octet == b'\n') {
        wire.extend_from_slice(if line.starts_with(b".") { b"." } else { b"" });
        wire.extend_from_slice(line);
    }
    if turn.leaves == Some(Leave::WithinContent) {
        send(client, &wire[..wire.len() / 2], turn.piece).await;
        return None;
    }
    wire.extend_from_slice(b".\r\n");
    send(client, &wire, turn.piece).await;
    if turn.leaves == Some(Leave::AfterDot) { None } else { Some(client.hear().await) }
}

async fn speak_chunks(client: &mut Client, turn: &Turn, content: &[u8]) -> Option<String> {
    let mut wire = Vec::new();
    let mut chunks = 0;
    let size = content.len().div_ceil(3);
    let mut rest = content;
    while !rest.is_empty() {
        let (chunk, later) = rest.split_at(size.min(rest.len()));
        let last = if later.is_empty() { " LAST" } else { "" };
        wire.extend_from_slice(format!("BDAT {}{last}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        chunks += 1;
        rest = later;
    }
    if turn.leaves == Some(Leave::WithinContent) {
        send(client, &wire[..wire.len() / 2], turn.piece).await;
        return None;
    }
    send(client, &wire, turn.piece).await;
    if turn.leaves == Some(Leave::AfterDot) {
        return None;
    }
    let mut reply = String::new();
    for _ in 0..chunks {
        reply = client.hear().await;
    }
    Some(reply)
}

/// Sends `octets` in pieces.
async fn send(client: &mut Client, octets: &[u8], piece: usize) {
    for part in octets.chunks(piece) {
        client.0.send(part).await;
        tokio::task::yield_now().await;
    }
}
