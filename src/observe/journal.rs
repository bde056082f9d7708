//! A line of the log as systemd's journal takes it: fields with lengths, so that no value can end one.

/// Where the journal listens.
pub(super) const SOCKET: &str = "/run/systemd/journal/socket";

/// Appends a field whose name the journal defines.
///
/// Source: systemd, "Native Journal Protocol": name, line feed, length as 64 bits in little endian, value, line feed.
pub(super) fn append(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    to.extend_from_slice(name.as_bytes());
    to.push(b'\n');
    let length = u64::try_from(value.len()).unwrap_or(0);
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(value);
    to.push(b'\n');
}

/// Appends a field of ours, as `GATEPOST_NAME`.
pub(super) fn append_own(to: &mut Vec<u8>, name: &str, value: &[u8]) {
    let is_letter = |c: &char| c.is_ascii_alphanumeric();
    let letters = name.chars().map(|c| if is_letter(&c) { c.to_ascii_uppercase() } else { '_' });
    // The journal takes names of at most 64 characters.
    let name: String = "GATEPOST_".chars().chain(letters).take(64).collect();
    append(to, &name, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_with_line_ends_stays_one_field() {
        let mut to = Vec::new();
        append_own(&mut to, "note.a b", b"x\nPRIORITY=0");
        assert_eq!(to, b"GATEPOST_NOTE_A_B\n\x0c\0\0\0\0\0\0\0x\nPRIORITY=0\n");
    }
}
