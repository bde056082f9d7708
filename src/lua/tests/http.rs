//! `http` as scripts use it, with a web server on loopback.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::lookup::config::Config;
use crate::lookup::dns::Resolver;
use crate::lookup::host::HostResolver;
use crate::lookup::http::client::HttpClient;
use crate::lookup::http::connections::Trust;
use crate::lookup::http::outbox::Outbox;
use crate::lookup::map::bounds::Bounds;
use crate::lookup::map::config::{MapConfig, Source, Times};
use crate::lookup::map::maps::{Maps, Reach};
use crate::lookup::map::table::Kind;
use crate::lua::api::Parts;
use crate::lua::capability::Capabilities;
use crate::lua::tests::modules::spoken_as;
use crate::lua::tests::support::{Setup, said};
use crate::net::names::Nowhere;
use crate::threads::helper::HelperHandle;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// What the policy says that has `body` for its connect hook; `URL` in it is the server's, which its `allow` names,
/// unless there are other words for it.
fn heard(body: &str, allow: Option<&[&str]>) -> (String, usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, Arc::clone(&asked)));
        let mut words = vec![format!("http:{url}")];
        if let Some(allow) = allow {
            words = allow.iter().map(|word| (*word).to_owned()).collect();
        }
        let named = words.iter().map(|word| word.parse().unwrap()).collect();
        let mut setup = Setup::new();
        setup.parts = parts();
        let body = body.replace("URL", &format!("'{url}'"));
        let said = spoken_as(setup, "", &body, |policy| {
            policy.allow = Some(Arc::new(Capabilities::only(named)));
        });
        let said = said.await;
        (said, asked.load(Ordering::SeqCst))
    })
}

fn parts() -> Parts {
    let helper = HelperHandle::of_caller().unwrap();
    let config = Config { servers: vec!["127.0.0.1:1".parse().unwrap()], ..Config::default() };
    let resolver = Resolver::new(&config, helper.clone()).unwrap();
    let hosts = HostResolver::new(resolver.clone());
    Parts::new(resolver).with_http(HttpClient::new(hosts, Trust::System, helper, Outbox::new()))
}

/// Answers each request with its own text; `/json` with some, `/slow` not at all.
async fn serve(listener: TcpListener, asked: Arc<AtomicUsize>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let asked = Arc::clone(&asked);
        tokio::spawn(async move {
            let mut request = Vec::new();
            while !is_whole(&request) {
                if stream.read_buf(&mut request).await.unwrap_or(0) == 0 {
                    return;
                }
            }
            asked.fetch_add(1, Ordering::SeqCst);
            let text = String::from_utf8_lossy(&request).into_owned();
            let body = match text.split(' ').nth(1).unwrap() {
                "/json" => "{\"a\":[1,{}]}".to_owned(),
                "/slow" => return std::future::pending().await,
                _ => text.to_lowercase().replace("\r\n", "|"),
            };
            let head = format!(
                "HTTP/1.1 201 Made\r\nX-One: a\r\nx-one: b\r\nX-Two: c\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
                body.len()
            );
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        });
    }
}

/// Whether the head, and the body that it speaks of, are there.
fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request).to_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    body.len() >= length.map_or(0, |length| length.parse().unwrap())
}

#[test]
fn requests_are_made_and_answers_read() {
    for (body, parts) in [
        (
            "local a = http.get(URL .. 'x?y=1') return reject(show(a.status, a.body))",
            &["[201,", "get /x?y=1 http/1.1|"][..],
        ),
        (
            "local a = http.get(URL) return reject(show(a.headers['x-one'], a.headers['x-two']))",
            &["[\"a, b\",\"c\"]"],
        ),
        ("return reject(show(http.get(URL .. 'json'):json()))", &["{\"a\":[1,{}]}"]),
        ("return reject(show(http.get(URL):json()))", &["[null,\"invalid\"]"]),
        (
            "return reject(http.post(URL, { json = { b = 1, a = 'x' } }).body)",
            &["post / ", "content-type: application/json|", "||{\"a\":\"x\",\"b\":1}"],
        ),
        (
            "return reject(http.post(URL, { form = { b = 1, a = 'x y&\\u{fc}' } }).body)",
            &["application/x-www-form-urlencoded|", "||a=x%20y%26%c3%bc&b=1"],
        ),
        (
            "return reject(http.post(URL, { body = 'abc', headers = { ['Content-Type'] = 'text/plain', ['X-N'] = 5 } }).body)",
            &["content-type: text/plain|", "x-n: 5|", "||abc"],
        ),
        ("return reject(http.request({ url = URL, method = 'DELETE' }).body)", &["delete / "]),
        ("return reject(show(http.get(URL .. 'slow', { timeout = 0.05 })))", &["[null,\"timeout\"]"]),
        ("return reject(show(http.get(URL, { max_size = 10 })))", &["[null,\"too_large\"]"]),
        // What came from outside is never an error of the policy's.
        ("return reject(show(http.get('nonsense')))", &["[null,\"invalid\"]"]),
        ("return reject(show(http.get('ftp://a.example/')))", &["[null,\"invalid\"]"]),
        (
            "return reject(show(http.get(URL, { headers = { ['X-A'] = 'a\\r\\nb' } })))",
            &["[null,\"invalid\"]"],
        ),
        ("return reject(show(http.post(URL, { json = { a = '\\xff' } })))", &["[null,\"invalid\"]"]),
        ("return reject(show(http.post(URL, { body = ('x'):rep(2000000) })))", &["[null,\"too_large\"]"]),
    ] {
        let (heard, _) = heard(body, None);
        for part in parts {
            assert!(heard.replace("\\/", "/").contains(part), "{body}: {heard}");
        }
    }
}

#[test]
fn misuse_is_told_at_the_callers_line() {
    for (call, want) in [
        ("http.get()", "http.get: a URL is wanted, this is nil"),
        ("http:get(URL)", "http.get: use `.`"),
        ("http.get(URL, { tiemout = 1 })", "http.get: 'tiemout' is none of headers, timeout"),
        ("http.get(URL, { timeout = 'soon' })", "timeout is a number of seconds"),
        ("http.get(URL, { timeout = 0 })", "timeout is more than nothing"),
        ("http.get(URL, { redirects = 6 })", "redirects is a number from 0 to 5"),
        ("http.get(URL, { max_size = '1 GB' })", "max_size is a size of at most 2 MiB"),
        ("http.get(URL, { headers = { Host = 'x' } })", "header 'Host': this header is the client's own"),
        ("http.get(URL, { headers = { ['a b'] = 'x' } })", "header 'a b': no header has such a name"),
        ("http.request { method = 'GET' }", "http.request: url is wanted"),
        ("http.request { url = URL, method = 'TRACE' }", "'TRACE' is none of GET, HEAD, POST"),
        ("http.post(URL, { form = 'a=b' })", "form is a table"),
    ] {
        let body = format!("local ok, problem = pcall(function() {call} end) return reject(problem)");
        let (heard, asked) = heard(&body, None);
        assert!(heard.contains(want), "{call}: {heard}");
        assert_eq!(asked, 0, "{call}");
    }
    let problems = Setup::new()
        .policy("p", "return { setup = function() http.send { url = 'http://a.example/' } end }")
        .problems();
    assert!(problems.contains("p.lua:1: http.send is for hooks"), "{problems}");
}

#[test]
fn a_server_that_is_not_allowed_is_not_asked() {
    let get = "local ok, problem = pcall(function() http.get(URL) end) return reject(problem)";
    for allow in [&["dns"][..], &[], &["http"], &["http:http://127.0.0.1:1/"], &["http:https://api.example/"]]
    {
        let (heard, asked) = heard(get, Some(allow));
        assert!(
            heard.contains("http.get: this policy is not allowed \"http:http://127.0.0.1:"),
            "{allow:?}: {heard}"
        );
        assert_eq!(asked, 0);
    }
    // A name tells nothing yet: what it leads to is known later, and is no error of the policy's.
    let (heard, _) = heard("return reject(show(http.get('http://localhost/')))", Some(&["http"]));
    assert_eq!(heard, "[null,\"refused\"]");
}

#[test]
fn what_is_sent_is_not_waited_for() {
    let body = "local sent, kind = http.send { url = URL .. 'slow', json = { a = 1 } }
        return reject(show(sent, kind or 'none', (http.send { url = 'nonsense' }) or 'not sent'))";
    assert_eq!(heard(body, None).0, "[true,\"none\",\"not sent\"]");
}

#[test]
fn a_map_on_a_web_server_is_waited_for_in_hooks_alone() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let source = format!("http://{}/{{key}}", listener.local_addr().unwrap()).parse().unwrap();
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, Arc::clone(&asked)));
        let config = MapConfig {
            name: "m".into(),
            source: Source::Http(source),
            kind: Kind::Hash,
            times: Times::default(),
            bounds: Bounds::default(),
        };
        let parts = parts();
        let reach = Reach {
            http: parts.http().unwrap().clone(),
            names: Arc::new(Nowhere),
            helper: HelperHandle::of_caller().unwrap(),
            stubs: None,
        };
        let parts = parts.with_maps(Maps::read(&[config], Some(&reach)).unwrap());
        let set_up = |text: &str| {
            let mut setup = Setup::new().policy("p", text);
            setup.parts = parts.clone();
            setup
        };
        // Any status but 200 and "there is none" is not known, and never a "no".
        let text = "local m = map.get 'm'
            return { connect = function()
              local value, kind = m:get('ann')
              local there, why = m:contains('ann')
              return reject(tostring(value) .. kind .. tostring(there) .. why)
            end }";
        let local = tokio::task::LocalSet::new();
        let heard = local.run_until(async { said(&set_up(text).client().connect().await) }).await;
        assert_eq!(heard, "554 5.7.1 nilservfailnilservfail");
        assert_eq!(asked.load(Ordering::SeqCst), 2);
        let problems = set_up("map.get('m'):get('ann') return {}").problems();
        assert!(problems.contains("calls that wait can't be made while a policy is loaded"), "{problems}");
    });
}
