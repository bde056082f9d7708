//! The addresses in a From field, and the field with other ones.

use mail_parser::parsers::MessageStream;
use mail_parser::{Address, HeaderValue};

use crate::message::header::unfold;

/// The addresses in a field's raw value, as they stand there. Source: RFC 5322 §3.4.
pub fn addresses(raw_value: &[u8]) -> Vec<String> {
    let mut line = unfold(raw_value);
    line.extend_from_slice(b"\r\n");
    let HeaderValue::Address(found) = MessageStream::new(&line).parse_address() else { return Vec::new() };
    let all: Vec<_> = match found {
        Address::List(list) => list,
        Address::Group(groups) => groups.into_iter().flat_map(|group| group.addresses).collect(),
    };
    all.into_iter().filter_map(|one| one.address).map(|address| address.into_owned()).collect()
}

/// The value with `own` in the place of each address of `foreign`; `own` alone if they can't all be found there, or if
/// it isn't the only address then.
pub fn with_address(raw_value: &[u8], foreign: &[&str], own: &str) -> String {
    let alone = format!("<{own}>");
    let Ok(mut value) = String::from_utf8(unfold(raw_value)) else { return alone };
    if foreign.is_empty() {
        return alone;
    }
    for address in foreign {
        value = value.replace(address, own);
    }
    let left = addresses(value.as_bytes());
    if left == [own] { value.trim().to_owned() } else { alone }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_in_every_form() {
        for (value, want) in [
            (&b" ann@a.example\r\n"[..], &["ann@a.example"][..]),
            (b" Ann <ann@a.example>\r\n", &["ann@a.example"]),
            (b" \"x@y.example\" <ann@a.example>\r\n", &["ann@a.example"]),
            (b" Ann\r\n <ann@a.example>, bob@b.example\r\n", &["ann@a.example", "bob@b.example"]),
            (b" ours: ann@a.example, bob@b.example;\r\n", &["ann@a.example", "bob@b.example"]),
            (b" =?utf-8?q?x=40y.example?= <ann@a.example>\r\n", &["ann@a.example"]),
            (b" nobody\r\n", &[]),
            (b"\r\n", &[]),
        ] {
            let found = addresses(value);
            let found: Vec<&str> = found.iter().map(String::as_str).filter(|one| one.contains('@')).collect();
            assert_eq!(found, want, "{}", value.escape_ascii());
        }
    }

    #[test]
    fn a_name_stays_with_another_address() {
        for (value, foreign, want) in [
            (&b" Ann <ann@x.example>\r\n"[..], &["ann@x.example"][..], "Ann <ann@a.example>"),
            (b" ann@x.example\r\n", &["ann@x.example"], "ann@a.example"),
            (b" Ann <ann@x.example>, b@x.example\r\n", &["ann@x.example", "b@x.example"], "<ann@a.example>"),
            (b" nobody\r\n", &[], "<ann@a.example>"),
            (b" \xFF <ann@x.example>\r\n", &["ann@x.example"], "<ann@a.example>"),
        ] {
            assert_eq!(with_address(value, foreign, "ann@a.example"), want, "{}", value.escape_ascii());
        }
    }
}
