//! Says whether a text is the name of a host, and nothing that could be mistaken for something else on a command line.

/// Whether `name` is a host name: letters, digits, hyphens (and, as they are in use, underscores), no dot at the end.
///
/// Names from the DNS may hold any octet, line ends and spaces among them; a name that is to be written into a command,
/// a header field or a log is asked this first.
///
/// Source: RFC 1123 §2.1, RFC 5321 §2.3.5, and Postfix's rule that the last label isn't a number.
pub fn is_host_name(name: &str) -> bool {
    name.len() <= MAX_NAME
        && name.split('.').all(is_label)
        && name.rsplit('.').next().is_some_and(|last| !last.bytes().all(|octet| octet.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Octets of a label and of a name, without the dot at the end (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;
const MAX_NAME: usize = 253;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_host_names_are_host_names() {
        for (name, want) in [
            ("mail.example.org", true),
            ("localhost", true),
            ("xn--bcher-kva.example", true),
            ("my_host.example", true), // seen in reverse zones, Postfix takes it
            ("3com.example", true),
            ("a.b.c.1.example", true),
            ("", false),
            (".", false),
            ("example.org.", false),
            ("a..b", false),
            ("-a.example", false),
            ("a-.example", false),
            ("192.0.2.1", false), // an address, not a name
            ("example.1", false),
            ("a b.example", false),
            ("a\r\nMAIL FROM:<x>.example", false), // CVE-2026-28753
            ("a\n.example", false),
            ("a\0.example", false),
            ("a\\013.example", false),
            ("[192.0.2.1]", false),
            ("bücher.example", false),
        ] {
            assert_eq!(is_host_name(name), want, "name {name:?}");
        }
        assert!(is_host_name(&format!("{}.example", "a".repeat(63))));
        assert!(!is_host_name(&format!("{}.example", "a".repeat(64))));
        assert!(!is_host_name(&format!("{}a", "a.".repeat(127))));
    }
}
