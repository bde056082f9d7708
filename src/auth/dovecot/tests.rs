//! Tests with a Dovecot that the test plays. A real one is in tests/logins.

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::smtp::mechanism::Mechanism;

const GREETING: &str = "VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nMECH\tCRAM-MD5\nMECH\tEXTERNAL\nSPID\t1\nCUID\t2\nCOOKIE\tab\nDONE\n";

struct Played {
    listener: UnixListener,
    dovecot: Arc<Dovecot>,
    _folder: tempfile::TempDir,
}

fn start() -> Played {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("auth");
    let listener = UnixListener::bind(&path).unwrap();
    let dovecot = Arc::new(Dovecot::start(&path, &HelperHandle::of_caller().unwrap()));
    Played { listener, dovecot, _folder: folder }
}

/// Takes a connection and its handshake.
async fn accept(listener: &UnixListener, greeting: &str) -> BufReader<UnixStream> {
    let (stream, _) = listener.accept().await.unwrap();
    let mut stream = BufReader::new(stream);
    assert_eq!(line(&mut stream).await, "VERSION\t1\t1");
    assert!(line(&mut stream).await.starts_with("CPID\t"));
    say(&mut stream, greeting).await;
    stream
}

async fn line(stream: &mut BufReader<UnixStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).await.unwrap();
    line.trim_end_matches('\n').to_owned()
}

async fn say(stream: &mut BufReader<UnixStream>, text: &str) {
    stream.write_all(text.as_bytes()).await.unwrap();
}

async fn offered(dovecot: &Arc<Dovecot>) -> Mechanisms {
    loop {
        let mechanisms = dovecot.mechanisms();
        if !mechanisms.is_empty() {
            return mechanisms;
        }
        tokio::task::yield_now().await;
    }
}

fn begin(dovecot: &Arc<Dovecot>, mechanism: Mechanism) -> Box<dyn Exchange> {
    dovecot.begin(Attempt::new(mechanism, "192.0.2.1:25".parse().unwrap()))
}

/// The number of a request.
fn id(line: &str) -> &str {
    line.split('\t').nth(1).unwrap()
}

#[tokio::test]
async fn requests_share_one_connection_and_find_their_answers() {
    let played = start();
    let mut stream = accept(&played.listener, GREETING).await;
    assert_eq!(
        offered(&played.dovecot).await,
        [Mechanism::Plain, Mechanism::CramMd5].into_iter().collect(),
        "EXTERNAL would be us"
    );
    let (mut one, mut two) =
        (begin(&played.dovecot, Mechanism::Plain), begin(&played.dovecot, Mechanism::CramMd5));
    let server = async {
        let (first, second) = (line(&mut stream).await, line(&mut stream).await);
        assert!(first.contains("\tPLAIN\t") && first.ends_with("\tresp=AGFubgBw"), "{first}");
        assert!(second.contains("\tCRAM-MD5\t") && !second.contains("resp="), "{second}");
        say(&mut stream, &format!("CONT\t{}\tPDE+\nOK\t{}\tuser=ann\n", id(&second), id(&first))).await;
        let third = line(&mut stream).await;
        assert_eq!(third, format!("CONT\t{}\tYW5uIDA=", id(&second)));
        say(&mut stream, &format!("FAIL\t{}\tuser=ann\n", id(&second))).await;
    };
    let clients = async {
        let (one, asked) = tokio::join!(one.take(Some(Secret::from("\0ann\0p"))), two.take(None));
        assert!(matches!(one, Step::Accepted(user) if user == "ann"));
        assert!(matches!(asked, Step::Challenge(challenge) if challenge.text() == Some("<1>")));
        let two_ended = two.take(Some(Secret::from("ann 0"))).await;
        assert!(matches!(two_ended, Step::Refused(None)));
        assert_eq!(two.claim().unwrap().user, "ann");
    };
    tokio::join!(server, clients);
}

#[tokio::test]
async fn a_lost_connection_is_an_outage_and_the_next_request_makes_a_new_one() {
    let played = start();
    let mut stream = accept(&played.listener, GREETING).await;
    offered(&played.dovecot).await;
    let mut lost = begin(&played.dovecot, Mechanism::Plain);
    let (step, ()) = tokio::join!(lost.take(Some(Secret::from("\0ann\0p"))), async {
        line(&mut stream).await;
        drop(stream);
    });
    assert!(matches!(step, Step::Unavailable(_)));
    let mut next = begin(&played.dovecot, Mechanism::Plain);
    let (step, ()) = tokio::join!(next.take(Some(Secret::from("\0ann\0p"))), async {
        let mut stream = accept(&played.listener, GREETING).await;
        let request = line(&mut stream).await;
        say(&mut stream, &format!("OK\t{}\tuser=ann\n", id(&request))).await;
    });
    assert!(matches!(step, Step::Accepted(_)));
}

#[tokio::test]
async fn a_client_that_leaves_cancels_its_request() {
    let played = start();
    let mut stream = accept(&played.listener, GREETING).await;
    offered(&played.dovecot).await;
    let mut exchange = begin(&played.dovecot, Mechanism::Plain);
    let taken = exchange.take(Some(Secret::from("\0ann\0p")));
    let request = tokio::select! {
        biased;
        _ = taken => unreachable!("nobody has answered"),
        request = line(&mut stream) => request,
    };
    drop(exchange);
    assert_eq!(line(&mut stream).await, format!("CANCEL\t{}", id(&request)));
}

#[tokio::test]
async fn a_dovecot_of_another_version_or_none_is_an_outage() {
    let played = start();
    let (mut exchange, other) =
        (begin(&played.dovecot, Mechanism::Plain), GREETING.replace("\t1\t2", "\t2\t0"));
    let server = accept(&played.listener, &other);
    let (step, _stream) = tokio::join!(exchange.take(Some(Secret::from("\0ann\0p"))), server);
    assert!(matches!(step, Step::Unavailable(_)));
    assert!(played.dovecot.mechanisms().is_empty());
}
