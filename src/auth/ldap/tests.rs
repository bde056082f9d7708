//! Tests with a directory that the test plays. A real one is in tests/logins.

use std::net::{IpAddr, SocketAddr};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::ldap::ber::{
    self, ENUMERATED, INTEGER, OCTETS, SEQUENCE, element, expect, number, read_number, take,
};
use crate::net::names::{self, ClientName};
use crate::smtp::mechanism::Mechanism;

struct Loopback;

impl Names for Loopback {
    fn client_name(&self, _: IpAddr) -> names::Pending<ClientName> {
        Box::pin(async { ClientName::None })
    }

    fn addresses(&self, _: &str, port: u16) -> names::Pending<Result<Vec<SocketAddr>, String>> {
        Box::pin(async move { Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]) })
    }
}

struct Played {
    listener: TcpListener,
    ldap: Arc<Ldap>,
}

async fn start(settings: Settings) -> Played {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Server::Tcp { host: "localhost".into(), port, is_ldaps: false };
    let helper = HelperHandle::of_caller().unwrap();
    let ldap = Arc::new(Ldap::new(server, settings, Arc::new(Loopback), helper).unwrap());
    Played { listener, ldap }
}

fn by_dn() -> Settings {
    Settings { bind_dn: Some("uid={user},dc=a".parse().unwrap()), ..Settings::default() }
}

fn by_search() -> Settings {
    let filter = "(mail={user})".parse().unwrap();
    let search = Search { base: "dc=a".into(), filter, is_one_level: false, account: None };
    Settings { search: Some(search), ..Settings::default() }
}

const UNBIND: u8 = 0x42;

/// What the directory is asked: the number of the request, its tag and what is in it.
struct Asked {
    id: u32,
    tag: u8,
    inside: Vec<u8>,
}

impl Asked {
    /// The DN and the password of a bind.
    fn bind(&self) -> (String, String) {
        assert_eq!(self.tag, 0x60);
        let mut inside = self.inside.as_slice();
        expect(&mut inside, INTEGER).unwrap();
        let [dn, password] = [OCTETS, 0x80].map(|tag| expect(&mut inside, tag).unwrap().to_vec());
        (String::from_utf8(dn).unwrap(), String::from_utf8(password).unwrap())
    }
}

async fn hear(stream: &mut TcpStream) -> Option<Asked> {
    let mut input = Vec::new();
    loop {
        if let Some(length) = ber::whole(&input, 10_000).unwrap()
            && input.len() >= length
        {
            let mut inside = expect(&mut input.as_slice(), SEQUENCE).unwrap();
            let id = read_number(expect(&mut inside, INTEGER).unwrap()).unwrap();
            let (tag, inside) = take(&mut inside).unwrap();
            return Some(Asked { id, tag, inside: inside.to_vec() });
        }
        // Octet by octet: the next request stays where it is.
        input.push(stream.read_u8().await.ok()?);
    }
}

/// An answer with that code.
fn result(id: u32, tag: u8, code: u32) -> Vec<u8> {
    let empty = element(OCTETS, &[]);
    let inside = element(tag, &[number(ENUMERATED, code).octets(), empty.octets(), empty.octets()]);
    element(SEQUENCE, &[number(INTEGER, id).octets(), inside.octets()]).octets().to_vec()
}

fn bound(id: u32, code: u32) -> Vec<u8> {
    result(id, 0x61, code)
}

fn done(id: u32, code: u32) -> Vec<u8> {
    result(id, 0x65, code)
}

fn entry(id: u32, dn: &str, attribute: &str, values: &[&str]) -> Vec<u8> {
    let text = |text: &str| element(OCTETS, &[text.as_bytes()]);
    let values: Vec<Secret> = values.iter().map(|value| text(value)).collect();
    let set = element(0x31, &values.iter().map(Secret::octets).collect::<Vec<_>>());
    let attribute = element(SEQUENCE, &[text(attribute).octets(), set.octets()]);
    let attributes = element(SEQUENCE, &[attribute.octets()]);
    let inside = element(0x64, &[text(dn).octets(), attributes.octets()]);
    element(SEQUENCE, &[number(INTEGER, id).octets(), inside.octets()]).octets().to_vec()
}

async fn log_in(ldap: &Arc<Ldap>, user: &str, password: &str) -> Found {
    let attempt = Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap());
    ldap.password(&attempt, user, &Secret::from(password)).await
}

/// A login while the directory answers each request on one connection as `answer` says.
async fn played(settings: Settings, answer: impl Fn(&Asked) -> Vec<u8>) -> Found {
    let Played { listener, ldap } = start(settings).await;
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        while let Some(asked) = hear(&mut stream).await.filter(|asked| asked.tag != UNBIND) {
            let _ = stream.write_all(&answer(&asked)).await;
        }
        std::future::pending().await
    };
    tokio::select! {
        found = log_in(&ldap, "ann", "pencil") => found,
        () = serve => Found::Nobody,
    }
}

fn why(found: Found) -> String {
    match found {
        Found::Unavailable(why) => why,
        other => panic!("{other:?}"),
    }
}

/// RFC 4513 §5.1.3; everything that is neither yes nor no is an outage.
#[tokio::test]
async fn only_success_and_invalid_credentials_say_anything() {
    // 32 and 34 are about the DN, which was typed: é in an attribute that has none, or a user who isn't there.
    let nobody = [(49, Found::Nobody), (32, Found::Nobody), (34, Found::Nobody)];
    for (code, want) in [(0, Found::User("ann".into()))].into_iter().chain(nobody) {
        let found = played(by_dn(), |asked| {
            assert_eq!(asked.bind(), ("uid=ann,dc=a".to_owned(), "pencil".to_owned()));
            bound(asked.id, code)
        });
        assert_eq!(found.await, want, "{code}");
    }
    for (code, said) in [
        (10, "10 (referral)"),
        (48, "48 (inappropriateAuthentication)"),
        (51, "51 (busy)"),
        (53, "53 (unwillingToPerform)"),
        (4096, "4096"),
    ] {
        let why = why(played(by_dn(), |asked| bound(asked.id, code)).await);
        assert!(why.ends_with(&format!("the bind was answered by {said}")), "{why}");
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_outage() {
    let deep: Vec<u8> = [0x30, 0x82, 0xff, 0xff].into_iter().chain([0x30, 0x80].repeat(40_000)).collect();
    for (answer, want) in [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec(), "no LDAP, or too much of it"),
        ([0x30, 0x84, 0x7f, 0xff, 0xff, 0xff].to_vec(), "no LDAP, or too much of it"),
        (deep, "no LDAP, or too much of it"),
        (bound(9, 0), "the server says what nobody has asked"),
        (done(1, 0), "the server says what nobody has asked"),
        (result(0, 0x78, 52), "the connection is lost: the server has ended it by 52 (unavailable)"),
        (Vec::new(), "no answer within 50ms"),
    ] {
        let settings = Settings { timeout: Duration::from_millis(50), ..by_dn() };
        let why = why(played(settings, |_| answer.clone()).await);
        assert!(why.ends_with(want), "{why}");
    }
}

#[tokio::test]
async fn nothing_is_asked_without_a_password_or_for_a_name_that_fits_nowhere() {
    let Played { listener, ldap } =
        start(Settings { bind_dn: Some("uid={local},dc={domain}".parse().unwrap()), ..Settings::default() })
            .await;
    for (user, password) in [("ann@a", ""), ("ann", "pencil"), ("@a", "pencil"), ("ann@", "pencil")] {
        tokio::select! {
            found = log_in(&ldap, user, password) => assert_eq!(found, Found::Nobody, "{user}"),
            _ = listener.accept() => panic!("{user}: the directory is asked"),
        }
    }
}

#[tokio::test]
async fn a_user_is_searched_then_bound_as() {
    let answer = |count: usize, code: u32, bind: u32| {
        move |asked: &Asked| match asked.tag {
            0x63 => {
                let mut said = Vec::new();
                for number in 0..count {
                    said.extend(entry(asked.id, &format!("cn={number},dc=a"), "x", &[]));
                }
                said.extend(done(asked.id, code));
                said
            }
            _ => {
                assert_eq!(asked.bind(), ("cn=0,dc=a".to_owned(), "pencil".to_owned()));
                bound(asked.id, bind)
            }
        }
    };
    for (count, code, bind, want) in [
        (1, 0, 0, Ok(Found::User("ann".into()))),
        (1, 0, 49, Ok(Found::Nobody)),
        (0, 0, 0, Ok(Found::Nobody)),
        (2, 0, 0, Err("several entries fit the name: make `filter` narrower")),
        (2, 4, 0, Err("several entries fit the name: make `filter` narrower")),
        (1, 0, 53, Err("the bind was answered by 53 (unwillingToPerform)")),
        (1, 0, 32, Err("the bind was answered by 32 (noSuchObject)")), // what it has found itself
        (0, 32, 0, Err("the search was answered by 32 (noSuchObject)")),
        (0, 10, 0, Err("the search was answered by 10 (referral)")),
        (1, 3, 0, Err("the search was answered by 3 (timeLimitExceeded)")),
    ] {
        let found = played(by_search(), answer(count, code, bind)).await;
        match want {
            Ok(want) => assert_eq!(found, want, "{count} {code} {bind}"),
            Err(want) => assert!(why(found).ends_with(want), "{count} {code} {bind}"),
        }
    }
}

/// The root of a directory, as an entry, would let anybody in: a bind as nobody succeeds.
#[tokio::test]
async fn an_entry_without_a_dn_is_no_user() {
    let found = played(by_search(), |asked| match asked.tag {
        0x63 => [entry(asked.id, "", "x", &[]), done(asked.id, 0)].concat(),
        _ => bound(asked.id, 0),
    });
    assert!(why(found.await).ends_with("proves nothing"));
}

#[tokio::test]
async fn the_account_that_searches_must_be_let_in() {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "service\n").unwrap();
    let mut settings = by_search();
    settings.search.as_mut().unwrap().account = Some(("cn=s".into(), file.path().to_owned()));
    let found = played(settings.clone(), |asked| bound(asked.id, 49)).await;
    assert!(why(found).ends_with("the bind as `search_dn` was answered by 49 (invalidCredentials)"));
    let found = played(settings.clone(), |asked| match asked.tag {
        0x63 => [entry(asked.id, "cn=ann", "x", &[]), done(asked.id, 0)].concat(),
        _ => match asked.bind().0.as_str() {
            "cn=s" => {
                assert_eq!(asked.bind().1, "service");
                bound(asked.id, 0)
            }
            _ => bound(asked.id, 0),
        },
    });
    assert_eq!(found.await, Found::User("ann".into()));
    settings.search.as_mut().unwrap().account = Some(("cn=s".into(), "absent".into()));
    let helper = HelperHandle::of_caller().unwrap();
    let made = Ldap::new(Server::Unix("ldapi".into()), settings, Arc::new(Loopback), helper);
    assert!(made.unwrap_err().to_string().starts_with("absent: "));
}

#[tokio::test]
async fn an_attribute_says_who_the_user_is() {
    for (values, want) in [
        (&["ann@a.example"][..], Ok("ann@a.example")),
        (&["x@a.example", "ANN"], Ok("ANN")), // as typed, in the directory's letters
        (&[], Err("the user's entry has no `mail`")),
        (&["x@a.example", "y@a.example"], Err("the user's entry has several `mail`, none as typed")),
    ] {
        for settings in [by_dn(), by_search()] {
            let settings = Settings { user_attribute: Some("mail".into()), ..settings };
            let found = played(settings, |asked| match asked.tag {
                0x63 => [entry(asked.id, "uid=ann,dc=a", "MAIL", values), done(asked.id, 0)].concat(),
                _ => bound(asked.id, 0),
            });
            match (found.await, want) {
                (found, Ok(want)) => assert_eq!(found, Found::User(want.into())),
                (found, Err(want)) => assert!(why(found).ends_with(want)),
            }
        }
    }
}

/// One connection serves one login after the other; one that was lost meanwhile is made anew, and nobody notices.
#[tokio::test]
async fn connections_are_kept_and_made_anew() {
    let Played { listener, ldap } = start(by_dn()).await;
    let serve = async {
        for logins in [2, 1] {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..logins {
                let asked = hear(&mut stream).await.unwrap();
                stream.write_all(&bound(asked.id, 0)).await.unwrap();
            }
        }
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = hear(&mut stream).await.unwrap();
        stream.write_all(&bound(asked.id, 49)).await.unwrap();
    };
    let logins = async {
        for _ in 0..3 {
            assert_eq!(log_in(&ldap, "ann", "pencil").await, Found::User("ann".into()));
        }
        assert_eq!(log_in(&ldap, "ann", "pen").await, Found::Nobody);
    };
    tokio::join!(serve, logins);
}

#[tokio::test]
async fn no_more_log_in_at_once_than_there_may_be_connections() {
    let settings = Settings { connections: 1, timeout: Duration::from_millis(50), ..by_dn() };
    let Played { listener, ldap } = start(settings).await;
    let (one, other) = tokio::join!(log_in(&ldap, "ann", "pencil"), log_in(&ldap, "bob", "pencil"));
    let mut told = [why(one), why(other)];
    told.sort();
    assert!(
        told[0].ends_with("no answer within 50ms") && told[1].ends_with("too many logins at once"),
        "{told:?}"
    );
    listener.accept().await.unwrap();
    let connection = timeout(Duration::from_millis(1), listener.accept()).await;
    assert!(connection.is_err(), "there were two connections");
}

/// `ann@1` and `ann@2` are one user where nothing but the local part counts.
#[tokio::test]
async fn failures_count_under_whom_the_directory_is_asked_about() {
    let by_dn = |dn: &str| Settings { bind_dn: Some(dn.parse().unwrap()), ..Settings::default() };
    for (settings, want) in [
        (by_dn("uid={local},dc=a"), "ann"),
        (by_dn("uid={user},dc=a"), "ann@1"),
        (by_dn("uid={local},dc={domain}"), "ann@1"),
        (by_search(), "ann@1"),
    ] {
        assert_eq!(start(settings).await.ldap.counted_as("ann@1"), want);
    }
}

/// Those who guess have half of the turns, so that the others find one.
#[tokio::test]
async fn who_guesses_leaves_turns_to_the_others() {
    let Played { listener, ldap } = start(Settings { connections: 2, ..by_dn() }).await;
    let attempt = |is_suspect| Attempt {
        is_suspect,
        ..Attempt::new(Mechanism::Plain, "192.0.2.1:25".parse().unwrap())
    };
    let (guess, other, password) = (attempt(true), attempt(false), Secret::from("pencil"));
    let guesses =
        async { tokio::join!(ldap.password(&guess, "a", &password), ldap.password(&guess, "b", &password)) };
    let serve = async {
        let (_silent, _) = listener.accept().await.unwrap();
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = hear(&mut stream).await.unwrap();
        assert_eq!(asked.bind().0, "uid=ann,dc=a");
        stream.write_all(&bound(asked.id, 0)).await.unwrap();
        std::future::pending::<()>().await;
    };
    let found = async {
        while ldap.turns.available_permits() == 2 {
            tokio::task::yield_now().await;
        }
        ldap.password(&other, "ann", &password).await
    };
    tokio::select! {
        found = found => assert_eq!(found, Found::User("ann".into())),
        _ = guesses => panic!("nobody has answered them"),
        () = serve => {}
    }
}

#[tokio::test]
async fn nothing_of_it_shows_a_secret() {
    let Played { listener, ldap } = start(by_dn()).await;
    let shown = format!("{ldap:?}");
    assert!(shown.contains("localhost"), "{shown}");
    drop(listener);
    let why = why(log_in(&ldap, "ann", "pencil").await);
    assert!(why.contains("Connection refused") && !why.contains("pencil") && !why.contains("ann"), "{why}");
}
