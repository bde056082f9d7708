//! CRC32C, by which a header of version 2 shows that it came whole.

/// The checksum of `octets`. Source: RFC 4960 appendix B.
pub(super) fn crc32c(octets: impl IntoIterator<Item = u8>) -> u32 {
    let step = |crc: u32, _: u8| crc >> 1 ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
    !octets.into_iter().fold(!0, |crc, octet| (0..8).fold(crc ^ u32::from(octet), step))
}

/// Castagnoli's, reflected.
const POLYNOMIAL: u32 = 0x82F6_3B78;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_that_of_rfc3720_b_4() {
        for (octets, want) in [
            (b"123456789".to_vec(), 0xE306_9283),
            (vec![0; 32], 0x8A91_36AA),
            (vec![0xFF; 32], 0x62A8_AB43),
            ((0..32).collect(), 0x46DD_794E),
            (Vec::new(), 0),
        ] {
            assert_eq!(crc32c(octets.clone()), want, "{octets:?}");
        }
    }
}
