//! Tests with a web server that the test plays. A real one is in tests/logins.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::lookup::config::Config as Dns;
use crate::lookup::dns::Resolver;
use crate::lookup::host::HostResolver;
use crate::lookup::http::outbox::Outbox;
use crate::smtp::mechanism::Mechanism;
use crate::threads::helper::HelperHandle;

/// Reads a whole request: its head, and its body.
async fn hear(stream: &mut TcpStream) -> Option<(String, String)> {
    let mut input = Vec::new();
    loop {
        if stream.read_buf(&mut input).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8(input.clone()).unwrap();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length =
            head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
        if Some(body.len()) == length {
            return Some((head.to_owned(), body.to_owned()));
        }
    }
}

struct Played {
    listener: TcpListener,
    connections: AtomicUsize,
    http: Arc<Http>,
}

async fn start(settings: &Settings) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/login?key=hidden", listener.local_addr().unwrap()).parse().unwrap();
    let helper = HelperHandle::of_caller().unwrap();
    let hosts = HostResolver::new(Resolver::new(&Dns::default(), helper.clone()).unwrap());
    let prepared = prepare(&url, settings).unwrap();
    let client = HttpClient::new(hosts, prepared.trust.clone(), helper, Outbox::new());
    Played { listener, connections: AtomicUsize::new(0), http: Arc::new(Http::new(prepared, client)) }
}

impl Played {
    /// Answers each request as `answer` says.
    async fn serve(&self, answer: impl Fn(&str, &str) -> Vec<u8>) -> Found {
        loop {
            let (mut stream, _) = self.listener.accept().await.unwrap();
            self.connections.fetch_add(1, Ordering::SeqCst);
            while let Some((head, body)) = hear(&mut stream).await {
                let _ = stream.write_all(&answer(&head, &body)).await;
            }
        }
    }

    async fn log_in(&self, password: &str, answer: impl Fn(&str, &str) -> Vec<u8>) -> Found {
        let attempt = Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap());
        tokio::select! {
            found = async { self.http.password(&attempt, "ann", &Secret::from(password)).await } => found,
            found = self.serve(answer) => found,
        }
    }
}

fn said(status: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

#[tokio::test]
async fn a_login_is_posted_and_the_answer_counts() {
    let token = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(token.path(), "our-own\n").unwrap();
    let settings = Settings { token_file: Some(token.path().to_owned()), ..Settings::default() };
    let played = start(&settings).await;
    let found = played.log_in("pencil", |head, body| {
        assert!(head.starts_with("POST /login?key=hidden HTTP/1.1\r\n"), "{head}");
        let head = head.to_lowercase();
        assert!(head.contains("\r\nauthorization: bearer our-own"), "{head}");
        assert!(head.contains("\r\ncontent-type: application/json"), "{head}");
        assert!(body.starts_with(r#"{"mechanism":"PLAIN","user":"ann","password":"pencil","#), "{body}");
        said("200 OK", r#"{"ok":true,"user":"ann@a.example"}"#)
    });
    assert_eq!(found.await, Found::User("ann@a.example".into()));
    let found = played.log_in("pen", |_, _| said("200 OK", r#"{"ok":false}"#)).await;
    assert_eq!(found, Found::Nobody);
    for status in ["401 No", "403 Forbidden"] {
        // It may be us whom it doesn't know.
        assert!(matches!(played.log_in("pen", |_, _| said(status, "")).await, Found::Unavailable(_)));
    }
}

#[tokio::test]
async fn all_else_is_an_outage_that_shows_no_secret() {
    let settings = Settings { timeout: Duration::from_millis(200), ..Settings::default() };
    let redirect = b"HTTP/1.1 307 Elsewhere\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n".to_vec();
    let large = said("200 OK", &format!("{{\"ok\":true,\"x\":\"{}\"}}", "x".repeat(LARGEST)));
    for (answer, want) in [
        (said("500 Oh", r#"{"ok":true}"#), "it answered 500"),
        (redirect, "it answered 307"),
        (large, "the answer is too large"),
        (said("200 OK", "<html>"), "its answer is no JSON object"),
        (b"220 mail.example ESMTP\r\n".to_vec(), "what it speaks is no HTTP, or no TLS that can be trusted"),
        (Vec::new(), "no answer in time"),
    ] {
        let found = start(&settings).await.log_in("pencil", |_, _| answer.clone()).await;
        let Found::Unavailable(why) = found else { panic!("{found:?}") };
        assert!(why.starts_with("http://127.0.0.1:") && why.ends_with(want), "{why}\nwanted {want}");
        assert!(!why.contains("pencil") && !why.contains("hidden") && !why.contains("ann"), "{why}");
    }
    let Played { listener, http, .. } = start(&settings).await;
    drop(listener);
    let shown = format!("{http:?}");
    assert!(shown.contains("127.0.0.1") && !shown.contains("hidden"), "{shown}");
    let attempt = Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap());
    let found = http.password(&attempt, "ann", &Secret::from("pencil")).await;
    assert!(
        matches!(&found, Found::Unavailable(why) if why.ends_with("the server can't be reached")),
        "{found:?}"
    );
}

#[tokio::test]
async fn connections_are_kept_from_one_login_to_the_next() {
    let played = start(&Settings::default()).await;
    let attempt = Attempt::new(Mechanism::OauthBearer, "192.0.2.1:25".parse().unwrap());
    let logins = async {
        for _ in 0..5 {
            let token = Secret::from("tok");
            let found = played.http.token(&attempt, "bob", &token).await;
            assert_eq!(found, Found::User("ann".into()));
        }
        Found::Nobody
    };
    let serve = played.serve(|_, body| {
        assert!(body.contains(r#""token":"tok""#), "{body}");
        said("200 OK", r#"{"ok":true,"user":"ann"}"#)
    });
    tokio::select! {
        _ = logins => {}
        _ = serve => {}
    }
    assert_eq!(played.connections.load(Ordering::SeqCst), 1);
}

/// A connection that was kept may have been lost meanwhile; what a new one comes to is said once.
#[tokio::test]
async fn only_a_kept_connection_that_was_lost_is_made_anew() {
    let played = start(&Settings::default()).await;
    let attempt = Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap());
    let serve = async {
        for answers in [0, 1, 1] {
            let (mut stream, _) = played.listener.accept().await.unwrap();
            for _ in 0..answers {
                hear(&mut stream).await.unwrap();
                stream.write_all(&said("200 OK", r#"{"ok":true}"#)).await.unwrap();
            }
            hear(&mut stream).await; // and is closed without an answer
        }
        Found::Nobody
    };
    let password = Secret::from("pencil");
    let logins = async {
        for want in [false, true, true] {
            let found = played.http.password(&attempt, "ann", &password).await;
            assert_eq!(matches!(found, Found::User(_)), want, "{found:?}");
        }
        Found::Nobody
    };
    tokio::select! {
        _ = logins => {}
        _ = serve => panic!("there were too many connections"),
    }
}

/// RFC 4616 §2: passwords are UTF-8.
#[tokio::test]
async fn a_password_that_is_no_text_is_nobodys_and_not_told() {
    let played = start(&Settings::default()).await;
    let attempt = Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap());
    let found = played.http.password(&attempt, "ann", &Secret::from(&b"\xff"[..])).await;
    assert_eq!(found, Found::Nobody);
}

#[test]
fn files_that_cant_be_used_are_told() {
    let url = "https://a.example/".parse().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "a\u{7}b\n").unwrap();
    let absent = folder.path().join("absent");
    for (settings, want) in [
        (Settings { token_file: Some(absent.clone()), ..Settings::default() }, "absent: No such file"),
        (Settings { token_file: Some(file.clone()), ..Settings::default() }, "octets that no header has"),
        (Settings { ca: Some(absent), ..Settings::default() }, "absent: No such file"),
        (Settings { ca: Some(file), ..Settings::default() }, "there is no certificate in it"),
    ] {
        let Err(error) = prepare(&url, &settings) else { panic!("{want}") };
        assert!(error.to_string().contains(want), "{error}");
    }
}
