//! FINGERPRINT: tells STUN from other protocols on the same port (RFC 8489, section 14.7).

/// What is XORed into the checksum, "STUN" in ASCII, so that it differs from checksums of other layers.
const XOR: u32 = 0x5354_554E;

/// The value for a message whose bytes before the attribute are these, its length in the header with
/// the attribute counted.
pub(super) fn fingerprint(before: &[u8]) -> [u8; 4] {
    (crc32fast::hash(before) ^ XOR).to_be_bytes()
}
