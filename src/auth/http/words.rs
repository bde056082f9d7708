//! What a web server is asked about a login, and what it says: JSON, without I/O.

use serde_json::Value;

use crate::auth::check::Found;
use crate::auth::verifier::Attempt;
use crate::smtp::secret::Secret;

/// What a login shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shown<'a> {
    Password(&'a Secret),
    Token(&'a Secret),
}

/// The question about `user`, who shows `shown`; nothing if that is no text. Wiped when it is dropped.
pub(super) fn question(attempt: &Attempt, user: &str, shown: Shown<'_>) -> Option<Secret> {
    let (key, secret) = match shown {
        Shown::Password(secret) => ("password", secret),
        Shown::Token(secret) => ("token", secret),
    };
    let mut json = Secret::from("{");
    member(&mut json, "mechanism", Some(attempt.mechanism.as_str()));
    member(&mut json, "user", Some(user));
    member(&mut json, key, Some(secret.text()?));
    member(&mut json, "session", Some(&attempt.session));
    member(&mut json, "listener", Some(&attempt.listener));
    name(&mut json, "client");
    json.push(b"{");
    member(&mut json, "ip", Some(&attempt.client.ip().to_string()));
    name(&mut json, "port");
    json.push(attempt.client.port().to_string().as_bytes());
    member(&mut json, "ehlo", attempt.ehlo.as_deref());
    json.push(b"}");
    name(&mut json, "tls");
    match &attempt.tls {
        Some(tls) => {
            json.push(b"{");
            member(&mut json, "version", Some(tls.version));
            member(&mut json, "cipher", Some(tls.cipher));
            member(&mut json, "sni", tls.sni.as_deref());
            json.push(b"}");
        }
        None => json.push(b"null"),
    }
    json.push(b"}");
    Some(json)
}

/// A member whose value is text, or null.
fn member(json: &mut Secret, key: &str, value: Option<&str>) {
    name(json, key);
    match value {
        Some(text) => quote(json, text),
        None => json.push(b"null"),
    }
}

/// The name of a member, behind a comma unless it is the first.
fn name(json: &mut Secret, key: &str) {
    if !json.octets().ends_with(b"{") {
        json.push(b",");
    }
    quote(json, key);
    json.push(b":");
}

/// Source: RFC 8259 §7.
fn quote(json: &mut Secret, text: &str) {
    json.push(b"\"");
    let mut octets = [0; 4];
    for c in text.chars() {
        match c {
            '"' => json.push(b"\\\""),
            '\\' => json.push(b"\\\\"),
            c if c.is_control() => json.push(format!("\\u{:04x}", u32::from(c)).as_bytes()),
            c => json.push(c.encode_utf8(&mut octets).as_bytes()),
        }
    }
    json.push(b"\"");
}

/// What an answer with `status` and `body` says of `typed`, whose password was asked about; none if it was a token,
/// which is whoever's it is, whatever name was typed beside it. `has_token` tells whether we have shown one of our own.
pub(super) fn judge(status: u16, body: &[u8], typed: Option<&str>, has_token: bool) -> Found {
    let unavailable = |why: &str| Found::Unavailable(why.to_owned());
    match status {
        200 => {}
        // It may be us whom it doesn't know; nobody's password is wrong then.
        401 | 403 if has_token => {
            return Found::Unavailable(format!("it answered {status}, which may mean our own token"));
        }
        401 | 403 => return Found::Nobody,
        status => return Found::Unavailable(format!("it answered {status}")),
    }
    let Ok(Value::Object(answer)) = serde_json::from_slice(body) else {
        return unavailable("its answer is no JSON object");
    };
    match (answer.get("ok"), answer.get("user")) {
        (Some(Value::Bool(false)), _) => Found::Nobody,
        (Some(Value::Bool(true)), None | Some(Value::Null)) => match typed {
            Some(typed) => Found::User(typed.to_owned()),
            None => unavailable("it doesn't say whose the token is: `user` is missing"),
        },
        (Some(Value::Bool(true)), Some(Value::String(user))) => Found::User(user.clone()),
        (Some(Value::Bool(true)), Some(_)) => unavailable("`user` in its answer is no text"),
        _ => unavailable("`ok` in its answer is neither true nor false"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::verifier::Tls;
    use crate::smtp::mechanism::Mechanism;

    fn attempt() -> Attempt {
        let tls = Tls { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", sni: None };
        Attempt {
            session: "3Q7M2K9D4X8W1Z5V".to_owned(),
            listener: "submission".to_owned(),
            ehlo: Some("client.a.example".to_owned()),
            tls: Some(tls),
            ..Attempt::new(Mechanism::Plain, "203.0.113.9:4711".parse().unwrap())
        }
    }

    /// As docs/auth.md shows it.
    #[test]
    fn all_that_is_told_is_this() {
        let asked = question(&attempt(), "ann", Shown::Password(&Secret::from("pencil"))).unwrap();
        let want = serde_json::json!({
            "mechanism": "PLAIN", "user": "ann", "password": "pencil", "session": "3Q7M2K9D4X8W1Z5V",
            "listener": "submission",
            "client": { "ip": "203.0.113.9", "port": 4711, "ehlo": "client.a.example" },
            "tls": { "version": "TLSv1.3", "cipher": "TLS_AES_128_GCM_SHA256", "sni": null }
        });
        assert_eq!(asked.text().unwrap(), want.to_string());
        let plain = Attempt::new(Mechanism::Xoauth2, "[2001:db8::1]:25".parse().unwrap());
        let asked = question(&plain, "", Shown::Token(&Secret::from("tok"))).unwrap();
        let want = serde_json::json!({
            "mechanism": "XOAUTH2", "user": "", "token": "tok", "session": "", "listener": "",
            "client": { "ip": "2001:db8::1", "port": 25, "ehlo": null }, "tls": null
        });
        assert_eq!(asked.text().unwrap(), want.to_string());
    }

    #[test]
    fn no_name_and_no_password_is_more_than_a_text() {
        for text in ["\"", "\\", "a\",\"ok\":true,\"b\":\"", "\n\t\u{7f}\u{85}", "Åsa 🔑", "\\u0022", "{}"]
        {
            let asked = question(&attempt(), text, Shown::Password(&Secret::from(text))).unwrap();
            let read: Value = serde_json::from_slice(asked.octets()).unwrap();
            assert_eq!((read["user"].as_str(), read["password"].as_str()), (Some(text), Some(text)));
            assert_eq!(read.as_object().unwrap().len(), 7, "{text:?}");
        }
        assert!(question(&attempt(), "ann", Shown::Password(&Secret::from(&b"\xff"[..]))).is_none());
    }

    #[test]
    fn only_a_clear_answer_counts() {
        let user = |name: &str| Ok(Found::User(name.to_owned()));
        for (status, body, has_token, want) in [
            (200, r#"{"ok":true}"#, false, user("ann")),
            (200, r#"{"ok":true,"user":null}"#, false, user("ann")),
            (200, r#"{"ok":true,"user":"ann@a.example","more":[1]}"#, true, user("ann@a.example")),
            (200, r#"{"ok":false}"#, false, Ok(Found::Nobody)),
            (200, r#"{"ok":false,"user":"ann"}"#, false, Ok(Found::Nobody)),
            (401, "", false, Ok(Found::Nobody)),
            (403, "", false, Ok(Found::Nobody)),
            (403, "", true, Err("it answered 403, which may mean our own token")),
            (401, "", true, Err("it answered 401, which may mean our own token")),
            (200, "", false, Err("its answer is no JSON object")),
            (200, "true", false, Err("its answer is no JSON object")),
            (200, r#"{"ok":true"#, false, Err("its answer is no JSON object")),
            (200, r#"{"ok":"true"}"#, false, Err("`ok` in its answer is neither true nor false")),
            (200, r#"{"ok":1}"#, false, Err("`ok` in its answer is neither true nor false")),
            (200, r#"{"user":"ann"}"#, false, Err("`ok` in its answer is neither true nor false")),
            (200, r#"{"ok":true,"user":7}"#, false, Err("`user` in its answer is no text")),
            (204, "", false, Err("it answered 204")),
            (201, r#"{"ok":true}"#, false, Err("it answered 201")),
            (302, r#"{"ok":true}"#, false, Err("it answered 302")),
            (404, r#"{"ok":false}"#, false, Err("it answered 404")),
            (429, "", false, Err("it answered 429")),
            (500, r#"{"ok":false}"#, false, Err("it answered 500")),
        ] {
            let found = judge(status, body.as_bytes(), Some("ann"), has_token);
            let want = want.unwrap_or_else(|why| Found::Unavailable(why.to_owned()));
            assert_eq!(found, want, "{status} {body}");
        }
    }

    /// What is typed beside a token is shown by nothing.
    #[test]
    fn a_token_is_whose_the_server_says_it_is() {
        let nobody_said =
            || Found::Unavailable("it doesn't say whose the token is: `user` is missing".to_owned());
        for (body, want) in [
            (r#"{"ok":true}"#, nobody_said()),
            (r#"{"ok":true,"user":null}"#, nobody_said()),
            (r#"{"ok":true,"user":"ann"}"#, Found::User("ann".to_owned())),
            (r#"{"ok":false}"#, Found::Nobody),
        ] {
            assert_eq!(judge(200, body.as_bytes(), None, false), want, "{body}");
        }
    }
}
