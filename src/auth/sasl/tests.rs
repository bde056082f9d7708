//! Tests of our own mechanisms, over a check that knows one user.

use super::*;
use crate::auth::coding;
use crate::auth::scram::{Record, sign};

/// Knows ann, whose password is "pencil" and whose token is "tok"; for anyone else nobody can tell.
struct Ann;

impl Check for Ann {
    fn mechanisms(&self) -> Mechanisms {
        Mechanisms::ALL
    }

    fn password<'a>(&'a self, _: &'a Attempt, user: &'a str, password: &'a Secret) -> Pending<'a, Found> {
        Box::pin(async move {
            match (user, password.text()) {
                ("ann", Some("pencil")) => Found::User("ann@ours.example".to_owned()),
                ("ann", _) => Found::Nobody,
                _ => Found::Unavailable("away".to_owned()),
            }
        })
    }

    fn token<'a>(&'a self, _: &'a Attempt, user: &'a str, token: &'a Secret) -> Pending<'a, Found> {
        Box::pin(async move {
            if token.text() == Some("tok") { Found::User(user.to_owned()) } else { Found::Nobody }
        })
    }

    fn record<'a>(&'a self, _: &'a str) -> Pending<'a, Result<Record, String>> {
        Box::pin(async { Ok(record("pencil")) })
    }
}

fn record(password: &str) -> Record {
    Record::of(&Secret::from(password), b"salt".to_vec(), 1.try_into().unwrap())
}

fn begin(mechanism: Mechanism) -> Box<dyn Exchange> {
    let at = "192.0.2.1:25".parse().unwrap();
    Sasl::new(Rc::new(Ann)).begin(Attempt::new(mechanism, at))
}

/// The last step of an exchange in which the client gives these answers; challenges before it as text.
async fn play(mechanism: Mechanism, answers: &[Option<&str>]) -> (Vec<String>, Step) {
    let mut exchange = begin(mechanism);
    let mut challenges = Vec::new();
    for answer in answers {
        match exchange.take(answer.map(Secret::from)).await {
            Step::Challenge(challenge) | Step::RefusedAfter(challenge) => {
                challenges.push(challenge.text().unwrap().to_owned())
            }
            step => return (challenges, step),
        }
    }
    (challenges, Step::Challenge(Secret::default()))
}

fn name(step: &Step) -> &str {
    match step {
        Step::Challenge(_) | Step::RefusedAfter(_) => "challenge",
        Step::Accepted(user) => user,
        Step::Refused(_) => "refused",
        Step::Unavailable(_) => "unavailable",
        Step::Malformed => "malformed",
    }
}

#[tokio::test]
async fn each_mechanism_ends_as_it_should() {
    use Mechanism::{Login, OauthBearer, Plain, Xoauth2};
    let some = Some;
    let right = some("\0ann\0pencil");
    for (mechanism, answers, challenges, end) in [
        (Plain, &[right][..], &[][..], "ann@ours.example"),
        (Plain, &[None, right], &[""], "ann@ours.example"),
        (Plain, &[some("\0ann\0wrong")], &[], "refused"),
        (Plain, &[some("\0bob\0pencil")], &[], "unavailable"),
        (Plain, &[some("")], &[], "malformed"),
        (Login, &[None, some("ann"), some("pencil")], &["Username:", "Password:"], "ann@ours.example"),
        (Login, &[some("ann"), some("pencil")], &["Password:"], "ann@ours.example"),
        (Login, &[None, some("ann"), some("")], &["Username:", "Password:"], "malformed"),
        (Login, &[None, some("")], &["Username:"], "malformed"),
        (Xoauth2, &[some("user=ann\x01auth=Bearer tok\x01\x01")], &[], "ann"),
        (
            Xoauth2,
            &[some("user=ann\x01auth=Bearer old\x01\x01"), some("")],
            &["{\"status\":\"401\",\"schemes\":\"bearer\",\"scope\":\"\"}"],
            "refused",
        ),
        (
            OauthBearer,
            &[some("n,a=ann,\x01auth=Bearer old\x01\x01"), some("\x01")],
            &["{\"status\":\"invalid_token\"}"],
            "refused",
        ),
        (OauthBearer, &[some("x")], &[], "malformed"),
    ] {
        let (said, step) = play(mechanism, answers).await;
        assert_eq!((&said[..], name(&step)), (&challenges.map_owned()[..], end), "{mechanism} {answers:?}");
    }
}

trait MapOwned {
    fn map_owned(&self) -> Vec<String>;
}

impl MapOwned for &[&str] {
    fn map_owned(&self) -> Vec<String> {
        self.iter().map(|text| (*text).to_owned()).collect()
    }
}

/// A whole exchange as a client leads it, with `password`; how it ends.
async fn scram(password: &str) -> String {
    let mut exchange = begin(Mechanism::ScramSha256);
    let Step::Challenge(first) = exchange.take(Some(Secret::from("n,,n=ann,r=abc"))).await else { panic!() };
    let first = first.text().unwrap().to_owned();
    let nonce = first.split(',').next().unwrap();
    let (record, client_key) = (record(password), client_key(password));
    let spoken = format!("n=ann,r=abc,{first},c=biws,{nonce}");
    let signature = sign(&record.stored_key, spoken.as_bytes());
    let proof: Vec<u8> = client_key.iter().zip(signature).map(|(one, other)| one ^ other).collect();
    let last = format!("c=biws,{nonce},p={}", coding::encode(&proof).text().unwrap());
    match exchange.take(Some(Secret::from(last.as_str()))).await {
        Step::Challenge(shown) => {
            let ours = coding::encode(&sign(&record.server_key, spoken.as_bytes()));
            assert_eq!(shown.text().unwrap(), format!("v={}", ours.text().unwrap()));
            assert_eq!(exchange.claim().unwrap().user, "ann");
            name(&exchange.take(Some(Secret::default())).await).to_owned()
        }
        step => name(&step).to_owned(),
    }
}

fn client_key(password: &str) -> [u8; 32] {
    let mut salted = [0; 32];
    let rounds = 1.try_into().unwrap();
    let algorithm = aws_lc_rs::pbkdf2::PBKDF2_HMAC_SHA256;
    aws_lc_rs::pbkdf2::derive(algorithm, rounds, b"salt", password.as_bytes(), &mut salted);
    sign(&salted, b"Client Key")
}

#[tokio::test]
async fn scram_goes_through_from_the_first_message_to_the_last() {
    assert_eq!(scram("pencil").await, "ann");
    assert_eq!(scram("pen").await, "refused");
}

#[tokio::test]
async fn an_exchange_that_is_over_takes_nothing_more() {
    let mut exchange = begin(Mechanism::Plain);
    exchange.take(Some(Secret::from("\0ann\0wrong"))).await;
    let claim = exchange.claim().unwrap();
    assert_eq!((claim.user, claim.secret), ("ann", &b"wrong"[..]));
    assert!(begin(Mechanism::Plain).claim().is_none(), "nothing is left for the next");
}
