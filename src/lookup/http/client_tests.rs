//! Requests to real servers on loopback: well-behaved ones, over TLS too, and such as lie, stall and lead astray.

use std::convert::Infallible;

use bytes::Bytes;
use futures_util::future::join_all;
use hyper::StatusCode;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::lookup::http::connections::{HEADER_OCTETS, MOST_HEADERS};
use crate::lookup::http::raw_server::{Raw, client, client_with, get, trusting};
use crate::lookup::http::request::{Permit, add_header};
use crate::lookup::http::url::Url;

fn body(reply: Result<Reply, LookupError>) -> Result<String, LookupError> {
    reply.map(|reply| format!("{} {}", reply.status.as_u16(), String::from_utf8_lossy(&reply.body)))
}

#[tokio::test]
async fn a_server_is_asked_and_its_reply_comes_back() {
    let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = server.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = server.accept().await.unwrap();
            tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(
                TokioIo::new(stream),
                service_fn(|asked: hyper::Request<hyper::body::Incoming>| async move {
                    let (head, body) = asked.into_parts();
                    let body = body.collect().await.unwrap().to_bytes();
                    let agent = head.headers.get("user-agent").cloned().unwrap();
                    let said = format!(
                        "{} {} {} token={} {}",
                        head.method,
                        head.uri,
                        head.headers["host"].to_str().unwrap(),
                        head.headers.get("x-token").map_or("", |value| value.to_str().unwrap()),
                        String::from_utf8_lossy(&body),
                    );
                    let reply = hyper::Response::builder().status(201).header("X-Agent", agent);
                    Ok::<_, Infallible>(reply.body(Full::new(Bytes::from(said))).unwrap())
                }),
            ));
        }
    });
    let client = client().await;
    let mut request = get(format!("http://{address}/a%20b?q=1").parse().unwrap());
    request.method = Method::POST;
    request.body = Bytes::from_static(b"some body");
    add_header(&mut request.headers, "X-Token", b"secret").unwrap();
    let reply = client.ask(request).await.unwrap();
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(&*reply.body, format!("POST /a%20b?q=1 {address} token=secret some body").as_bytes());
    assert!(reply.headers["x-agent"].to_str().unwrap().starts_with("gatepost/"));
    assert_eq!(client.in_flight(), 0);
}

/// What the server says to a request with this `head`, by its path.
fn by_path(head: &str) -> Vec<u8> {
    let path = head.split(' ').nth(1).unwrap();
    let text = match path {
        "/plain" => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "/gone" => "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno",
        "/chunked" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
        "/to-the-end" => "HTTP/1.0 200 OK\r\n\r\nuntil it closes",
        "/none" => "HTTP/1.1 204 No Content\r\n\r\n",
        "/cut" => "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
        "/cut-chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nab",
        "/cut-head" => "HTTP/1.1 200 OK\r\nContent-Le",
        "/bad-chunk" => "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n",
        "/huge" => "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
        "/garbage" => "220 mail.example ESMTP\r\n",
        "/two-lengths" => "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc",
        "/space" => "HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n",
        _ => "",
    };
    match path {
        "/grows" => [b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![b'x'; 2048]].concat(),
        "/long-header" => {
            format!("HTTP/1.1 200 OK\r\nX: {}\r\n\r\n", "x".repeat(2 * HEADER_OCTETS)).into_bytes()
        }
        "/many-headers" => {
            format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(MOST_HEADERS + 1)).into_bytes()
        }
        _ => text.as_bytes().to_vec(),
    }
}

#[tokio::test]
async fn whatever_a_server_says_is_a_value_or_a_kind() {
    let server = Raw::start(by_path).await;
    let client = client().await;
    let mut wrong = Vec::new();
    for (path, want) in [
        ("/plain", Ok("200 ok")),
        ("/gone", Ok("404 no")), // an answer
        ("/chunked", Ok("200 abcde")),
        ("/to-the-end", Ok("200 until it closes")),
        ("/none", Ok("204 ")),
        ("/cut", Err(LookupError::Unreachable)),
        ("/cut-chunk", Err(LookupError::Unreachable)),
        ("/cut-head", Err(LookupError::Unreachable)),
        ("/bad-chunk", Err(LookupError::Invalid)),
        ("/huge", Err(LookupError::TooLarge)),
        ("/grows", Err(LookupError::TooLarge)), // and never said how long it would be
        ("/garbage", Err(LookupError::Invalid)),
        ("/two-lengths", Err(LookupError::Invalid)),
        ("/space", Err(LookupError::Invalid)),
        ("/long-header", Err(LookupError::TooLarge)),
        ("/many-headers", Err(LookupError::TooLarge)),
        ("/silent", Err(LookupError::Timeout)),
    ] {
        let mut request = get(server.url(path));
        request.largest = 1024;
        if path == "/silent" {
            request.timeout = Duration::from_millis(50);
        }
        let said = body(client.ask(request).await);
        if said != want.map(str::to_owned) {
            wrong.push((path, said, want));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(client.in_flight(), 0);
}

#[tokio::test]
async fn redirects_are_followed_as_far_as_was_said_and_no_further() {
    let other = Raw::start(|head| {
        let keeps = if head.contains("x-token") { "secret" } else { "nothing" };
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{keeps}", keeps.len()).into_bytes()
    })
    .await;
    let there = other.url("/").to_string();
    let server = Raw::start(move |head| {
        let to = match head.split(' ').nth(1).unwrap() {
            "/loop" => "/loop",
            "/one" => "/loop",
            "/away" => &there,
            "/bad" => "ftp://a.example/",
            "/end" => return b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nend".to_vec(),
            _ => "end",
        };
        let head = format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n");
        head.into_bytes()
    })
    .await;
    let client = client().await;
    for (path, redirects, want) in [
        ("/x", 0, Ok("302 ")), // none unless it was said
        ("/x", 1, Ok("200 end")),
        ("/loop", 5, Ok("302 ")),
        ("/away", 1, Ok("200 nothing")), // what was meant for one server isn't told to another
        ("/bad", 1, Err(LookupError::Invalid)),
    ] {
        let mut request = get(server.url(path));
        request.redirects = redirects;
        add_header(&mut request.headers, "X-Token", b"secret").unwrap();
        assert_eq!(body(client.ask(request).await), want.map(str::to_owned), "{path}");
    }
    let mut post = get(server.url("/x"));
    (post.method, post.redirects) = (Method::POST, 5);
    assert_eq!(body(client.ask(post).await), Ok("302 ".to_owned()), "nothing is posted twice");
}

#[tokio::test]
async fn no_way_leads_into_the_site_without_leave() {
    let inside = Raw::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret".to_vec()).await;
    let port = inside.address.port();
    let zone = "rebound.example A 127.0.0.1
        mapped.example AAAA ::ffff:127.0.0.1
        metadata.example A 169.254.169.254
        nat64.example AAAA 64:ff9b::7f00:1";
    let (client, _server) = client_with(zone, &trusting(RootCertStore::empty())).await;
    for (host, access) in [
        ("127.0.0.1", Access::Public),
        ("[::1]", Access::Public),
        ("[::ffff:127.0.0.1]", Access::Public),
        ("localhost", Access::Public),
        ("rebound.example", Access::Public), // a public name, an address within
        ("mapped.example", Access::Public),
        ("nat64.example", Access::Public),
        ("0.0.0.0", Access::Site),
        ("169.254.169.254", Access::Site), // not even with leave
        ("metadata.example", Access::Site),
        ("127.0.0.1", Access::None),
    ] {
        let url: Url = format!("http://{host}:{port}/").parse().unwrap();
        let request = Request::get(url, Arc::new(move |_| access));
        assert_eq!(client.ask(request).await, Err(LookupError::Refused), "{host}");
    }
    assert_eq!(inside.connections(), 0);
    // A connection that one policy may have is none for another.
    let request = get(format!("http://rebound.example:{port}/").parse().unwrap());
    assert_eq!(body(client.ask(request.clone()).await), Ok("200 secret".to_owned()));
    let request = Request { permit: Arc::new(|_| Access::Public), ..request };
    assert_eq!(client.ask(request).await, Err(LookupError::Refused));
    assert_eq!(inside.connections(), 1);
}

#[tokio::test]
async fn a_redirect_into_the_site_is_not_followed() {
    let inside = Raw::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecret".to_vec()).await;
    let to = inside.url("/");
    let server = Raw::start(move |_| {
        format!("HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    })
    .await;
    let client = client().await;
    let first = server.url("/").origin();
    for other in [Access::Public, Access::None] {
        let first = first.clone();
        let permit: Permit = Arc::new(move |url| if url.origin() == first { Access::Site } else { other });
        let request = Request { redirects: 3, ..Request::get(server.url("/"), permit) };
        assert_eq!(client.ask(request).await, Err(LookupError::Refused));
    }
    assert_eq!((server.connections(), inside.connections()), (2, 0));
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_name_the_host() {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["secure.example".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let mut head = Vec::new();
            let _ = stream.read_buf(&mut head).await;
            let to = format!(
                "HTTP/1.1 302 Found\r\nLocation: http://secure.example:{port}/\r\nContent-Length: 2\r\n\r\nok"
            );
            let _ = stream.write_all(to.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    });
    let zone = "secure.example A 127.0.0.1\nother.example A 127.0.0.1";
    let mut roots = RootCertStore::empty();
    roots.add(cert.der().clone()).unwrap();
    let (trusting_client, _one) = client_with(zone, &trusting(roots)).await;
    let (stranger, _two) = client_with(zone, &trusting(RootCertStore::empty())).await;
    let at = |host: &str| get(format!("https://{host}:{port}/").parse().unwrap());
    assert_eq!(body(trusting_client.ask(at("secure.example")).await), Ok("302 ok".to_owned()));
    assert_eq!(trusting_client.ask(at("other.example")).await, Err(LookupError::Invalid));
    assert_eq!(stranger.ask(at("secure.example")).await, Err(LookupError::Invalid));
    // What was asked in secret isn't asked again in the open.
    let request = Request { redirects: 1, ..at("secure.example") };
    assert_eq!(trusting_client.ask(request).await, Err(LookupError::Refused));
}

#[tokio::test]
async fn hosts_that_cannot_be_asked_have_their_kind() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (client, _server) = client_with("broken.example SERVFAIL", &trusting(RootCertStore::empty())).await;
    for (host, want) in [
        (closed.to_string(), LookupError::Unreachable),
        ("nowhere.example".to_owned(), LookupError::Unreachable), // "none" would be an answer
        ("broken.example".to_owned(), LookupError::ServFail),
    ] {
        let url: Url = format!("http://{host}/").parse().unwrap();
        assert_eq!(client.ask(get(url)).await, Err(want), "{host}");
    }
}

#[tokio::test]
async fn a_dead_server_answers_at_once_and_no_other_suffers() {
    let (dead, well) = (
        Raw::start(|_| Vec::new()).await,
        Raw::start(|_| b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n".to_vec()).await,
    );
    let client = client().await;
    let asked =
        (0..10).map(|_| client.ask(Request { timeout: Duration::from_millis(50), ..get(dead.url("/")) }));
    assert!(join_all(asked).await.into_iter().all(|outcome| outcome == Err(LookupError::Timeout)));
    let before = dead.connections();
    assert_eq!(client.ask(get(dead.url("/"))).await, Err(LookupError::Unavailable));
    assert_eq!(dead.connections(), before);
    assert!(client.ask(get(well.url("/"))).await.is_ok());
}

#[tokio::test]
async fn requests_past_the_bound_are_not_made() {
    let server = Raw::start(|_| Vec::new()).await;
    let client = client().await;
    let request = || Request { timeout: Duration::from_millis(200), ..get(server.url("/")) };
    let outcomes = join_all((0..IN_FLIGHT_EACH + 5).map(|_| client.ask(request()))).await;
    let refused = outcomes.iter().filter(|outcome| **outcome == Err(LookupError::Unavailable)).count();
    assert_eq!(refused, 5);
    assert_eq!(client.in_flight(), 0);
}

#[tokio::test]
async fn what_is_sent_goes_out_once_and_nobody_waits() {
    let arrived = Arc::new(Notify::new());
    let told = Arc::clone(&arrived);
    let server = Raw::start(move |head| {
        told.notify_one();
        let status = if head.starts_with("POST /bad") { "500 No" } else { "200 OK" };
        format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n").into_bytes()
    })
    .await;
    let client = client().await;
    for path in ["/", "/bad"] {
        let request =
            Request { method: Method::POST, body: Bytes::from_static(b"x"), ..get(server.url(path)) };
        assert!(client.send(request));
        arrived.notified().await;
    }
    let posted = || client.outbox.posted();
    while posted().sent + posted().failed < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!((posted().sent, posted().failed, posted().dropped), (1, 1, 0));
    assert_eq!(server.connections(), 2, "nothing is tried again");
}
