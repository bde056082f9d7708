//! One chunk of BDAT: takes exactly the octets that it announced, in any cut, whether they are wanted or not.
//!
//! What is in them is judged by `data_encoder::Stuffer`, which lives over all chunks of a transaction.

/// The octets of one BDAT command that are still to come.
///
/// They must always be taken, also after an error: else they would be run as commands.
/// Source: RFC 3030 §2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chunk {
    remaining: u64,
    last: bool,
}

impl Chunk {
    /// A chunk of `size` octets; `last` if the command said LAST.
    pub fn new(size: u64, last: bool) -> Chunk {
        Chunk { remaining: size, last }
    }

    /// The chunk's next octets, cut from the front of `input`.
    pub fn take<'a>(&mut self, input: &mut &'a [u8]) -> &'a [u8] {
        let wanted = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(input.len());
        let (taken, rest) = input.split_at_checked(wanted).unwrap_or((*input, b""));
        *input = rest;
        self.remaining = self.remaining.saturating_sub(u64::try_from(taken.len()).unwrap_or(u64::MAX));
        taken
    }

    /// Octets still to come.
    pub fn remaining(&self) -> u64 {
        self.remaining
    }

    /// Whether all octets were taken: the command's reply is due.
    pub fn is_done(&self) -> bool {
        self.remaining == 0
    }

    /// Whether the content ends with this chunk.
    pub fn is_last(&self) -> bool {
        self.last
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_chunk_of_zero_octets_is_done_at_once() {
        let mut input: &[u8] = b"QUIT\r\n";
        let mut chunk = Chunk::new(0, true);
        assert!(chunk.is_done() && chunk.is_last());
        assert_eq!(chunk.take(&mut input), b"");
        assert_eq!(input, b"QUIT\r\n");
    }

    #[test]
    fn a_chunk_of_the_largest_size_takes_what_there_is() {
        let mut input: &[u8] = b".\r\n";
        let mut chunk = Chunk::new(u64::MAX, false);
        assert_eq!(chunk.take(&mut input), b".\r\n");
        assert_eq!(chunk.remaining(), u64::MAX - 3);
        assert!(!chunk.is_done() && !chunk.is_last() && input.is_empty());
    }

    proptest! {
        #[test]
        fn exactly_its_octets_are_taken_in_any_cut(
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..9), 0..9), size in 0_u64..40,
        ) {
            let all = pieces.concat();
            let due = usize::try_from(size).unwrap().min(all.len());
            let mut chunk = Chunk::new(size, false);
            let (mut taken, mut left) = (Vec::new(), Vec::new());
            for piece in &pieces {
                let mut input = piece.as_slice();
                taken.extend_from_slice(chunk.take(&mut input));
                left.extend_from_slice(input);
            }
            prop_assert_eq!(&taken, &all[..due]);
            prop_assert_eq!(&left, &all[due..]);
            prop_assert_eq!(chunk.is_done(), all.len() as u64 >= size);
        }
    }
}
