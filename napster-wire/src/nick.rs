//! Which nicks the official servers took.

/// Whether every byte is of the official servers' alphabet (napster.txt, message 10): letters,
/// digits and `_[]{}-@^!$`, and there is at least one.
pub fn is_official_nick(nick: &[u8]) -> bool {
    !nick.is_empty()
        && nick.iter().all(|byte| byte.is_ascii_alphanumeric() || b"_[]{}-@^!$".contains(byte))
}
