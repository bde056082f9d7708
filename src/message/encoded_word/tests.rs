//! Tests of encoded words, both ways.

use proptest::prelude::*;

use super::*;

#[test]
fn text_is_what_people_read() {
    for (raw, want, why) in [
        (&b" plain text\r\n"[..], "plain text", "nothing to decode"),
        (b" a\r\n b\r\n", "a b", "folded"),
        (b" =?utf-8?q?gr=C3=BC=C3=9Fe?= x\r\n", "gr\u{fc}\u{df}e x", "quoted-printable"),
        (
            b" =?utf-8?B?w7xi?=\r\n =?utf-8?B?ZXI=?=\r\n",
            "\u{fc}ber",
            "white space between encoded words is none",
        ),
        (b" =?iso-8859-1?q?caf=E9?=\r\n", "caf\u{e9}", "another character set"),
        (b" =?broken\r\n", "=?broken", "not an encoded word"),
        ("gr\u{fc}n\r\n".as_bytes(), "gr\u{fc}n", "UTF-8 as it is (RFC 6532)"),
        (b"\r\n", "", "empty"),
    ] {
        assert_eq!(decode(raw), want, "{why}");
    }
}

#[test]
fn what_is_not_ascii_is_written_in_encoded_words() {
    for (name, value, want, why) in [
        ("X-A", "plain", "plain", "nothing to encode"),
        ("X-A", "\u{fc}", "=?utf-8?Q?=C3=BC?=", "one word"),
        (
            "Subject",
            "[x] gr\u{fc}n \u{fc}ber y",
            "[x] =?utf-8?Q?gr=C3=BCn_=C3=BCber?= y",
            "neighbours together",
        ),
        ("Subject", "\u{65e5}\u{672c}\u{8a9e}", "=?utf-8?B?5pel5pys6Kqe?=", "most of it would be escapes"),
        ("Subject", "\"\u{fc}\"", "=?utf-8?Q?=22=C3=BC=22?=", "quotes are text"),
        ("From", "J\u{f6}rg <j@a.example>", "=?utf-8?Q?J=C3=B6rg?= <j@a.example>", "the address stays"),
        (
            "From",
            "\"M\u{fc}ller, J\\\"\"<j@a.example>",
            "=?utf-8?Q?M=C3=BCller=2C_J=22?= <j@a.example>",
            "a name without its quotes",
        ),
        ("To", "\"a b\"@a.example", "\"a b\"@a.example", "a quoted local part stays"),
        ("To", "\"\u{fc}", "=?utf-8?B?IsO8?=", "a quote without end"),
    ] {
        assert_eq!(encode(name, value), want, "{why}");
    }
}

#[test]
fn no_encoded_word_is_too_long() {
    for (name, text) in
        [("X", "\u{fc}"), ("Subject", "\u{65e5}"), ("X-Name-That-Is-Longer-Than-Most", "a\u{1f600}")]
    {
        let encoded = encode(name, &text.repeat(200));
        let first = encoded.split(' ').next().unwrap();
        assert!(name.len() + 2 + first.len() <= 76, "{first}");
        assert!(encoded.split(' ').all(|word| word.len() <= 75 && word.starts_with("=?utf-8?")), "{encoded}");
    }
}

proptest! {
    #[test]
    fn what_is_encoded_is_read_as_before(text in "([a-z\u{e0}-\u{ff}\u{65e5}\u{1f600}\"(<,;_?=.]{1,30} ?){0,6}") {
        let text = text.trim();
        prop_assume!(!text.contains("=?"));
        let encoded = encode("Subject", text);
        prop_assert!(encoded.is_ascii());
        prop_assert_eq!(decode(encoded.as_bytes()), text);
    }
}
