//! Readers of the page, kind and hostile.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use super::*;
use crate::observe::metrics::tests::little;

/// A page that is shown for as long as the set lives.
fn shown() -> (SocketAddr, JoinSet<io::Result<()>>) {
    let page = MetricsPage::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = page.address().unwrap();
    let mut server = JoinSet::new();
    server.spawn(page.serve(Arc::new(little())));
    (address, server)
}

/// What the server says to `request` until it closes.
async fn ask(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // A server that has heard enough may close in the middle of it.
    let _ = stream.write_all(request).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn the_page_is_at_metrics_and_nowhere_else() {
    let (address, _server) = shown();
    for (request, status, end) in [
        ("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200", "# EOF\n"),
        ("GET /metrics?x=1 HTTP/1.0\r\n\r\n", "200", "# EOF\n"),
        ("HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "200", "\r\n\r\n"),
        ("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "405", "\r\n\r\n"),
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404", "The page is /metrics\n"),
        ("GET /metrics/../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", "404", "The page is /metrics\n"),
    ] {
        let answer = ask(address, request.as_bytes()).await;
        assert_eq!(answer.split(' ').nth(1), Some(status), "{request}\n{answer}");
        assert!(answer.ends_with(end), "{request}\n{answer}");
    }
    let answer = ask(address, b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").await;
    assert!(
        answer.contains("content-type: application/openmetrics-text; version=1.0.0; charset=utf-8\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_bounded() {
    let (address, _server) = shown();
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(1_000_000));
    let many = format!("GET /metrics HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(1000));
    for request in ["EHLO mail.example\r\n\r\n", "\0\0\0\0\r\n\r\n", long.as_str(), many.as_str()] {
        let answer = ask(address, request.as_bytes()).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
        assert!(!answer.contains("gatepost_sessions"), "{answer}");
    }
    assert!(ask(address, b"GET /metrics HTTP/1.0\r\n\r\n").await.ends_with("# EOF\n"));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_says_nothing_is_closed_in_time() {
    let (address, _server) = shown();
    let begin = Instant::now();
    for words in ["", "GET /metrics HT"] {
        let answer = ask(address, words.as_bytes()).await;
        assert!(!answer.contains("gatepost"), "{answer}");
    }
    assert!(begin.elapsed() <= PATIENCE * 3);
}

#[tokio::test(start_paused = true)]
async fn silent_clients_hold_the_page_up_for_a_moment_only() {
    let (address, _server) = shown();
    let mut silent = Vec::new();
    for _ in 0..CONNECTIONS * 2 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    let begin = Instant::now();
    assert!(ask(address, b"GET /metrics HTTP/1.0\r\n\r\n").await.ends_with("# EOF\n"));
    assert!(begin.elapsed() <= PATIENCE * 3);
}

#[test]
fn a_page_in_use_cannot_be_bound_again() {
    let first = MetricsPage::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let error = MetricsPage::bind(first.address().unwrap()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}
