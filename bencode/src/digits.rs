//! Decimal digits, eight at a time.

/// Digits that fit 64 bits whatever they are.
pub(crate) const SHORT: usize = 19;

/// How many digits a canonical number of at most seven has that stands before an `e` at the start of
/// this text; `None` for everything else, and where fewer than eight bytes are left.
#[inline(always)]
pub(crate) fn short_integer_len(text: &[u8]) -> Option<usize> {
    let eight: &[u8; 8] = text.first_chunk()?;
    let len = (first_other(u64::from_le_bytes(*eight) ^ (0x30 * LOW)) / 8) as usize;
    let is_canonical = eight[0] != b'0' || len == 1;
    (len > 0 && eight.get(len) == Some(&b'e') && is_canonical).then_some(len)
}

/// A byte of each value 1.
const LOW: u64 = 0x0101_0101_0101_0101;

/// The number of the top bit of the first byte that is greater than 9, or 64.
#[inline(always)]
fn first_other(word: u64) -> u32 {
    // The top bit of the first such byte, and perhaps of some behind it.
    let others = (word.wrapping_add(0x76 * LOW) | word) & (0x80 * LOW);
    others.trailing_zeros()
}

/// The number at the start of this text, if it has at most nineteen digits, and how many it has.
#[inline(always)]
pub(crate) fn leading_digits(text: &[u8]) -> Option<(u64, usize)> {
    let word = u64::from_le_bytes(*text.first_chunk()?) ^ (0x30 * LOW);
    match first_other(word) / 8 {
        0 => None,
        8 => more_digits(eight_digits(word), text),
        len => Some((eight_digits(word << (64 - 8 * len)), len as usize)),
    }
}

/// The number whose digits are this word's bytes, the first of them in the lowest.
#[inline(always)]
fn eight_digits(word: u64) -> u64 {
    // Neighbours are joined to pairs, then pairs to fours and fours to eight.
    let pairs = word.wrapping_mul(10).wrapping_add(word >> 8);
    let low = (pairs & 0x0000_00ff_0000_00ff).wrapping_mul(100 + (1_000_000 << 32));
    let high = (pairs >> 16 & 0x0000_00ff_0000_00ff).wrapping_mul(1 + (10_000 << 32));
    low.wrapping_add(high) >> 32
}

/// Goes on behind the first eight digits.
#[inline(never)]
fn more_digits(mut number: u64, text: &[u8]) -> Option<(u64, usize)> {
    for (place, byte) in text.iter().enumerate().skip(8) {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return Some((number, place));
        }
        if place >= SHORT {
            return None;
        }
        number = number * 10 + u64::from(digit);
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_short_integer_is_canonical_and_ends(text in "[0-9]{0,9}[0-9e:/-]{8}") {
            let bytes = text.as_bytes();
            let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit()).count();
            let canonical = digits == 1 || bytes[0] != b'0';
            let short = (1..8).contains(&digits) && bytes[digits] == b'e' && canonical;
            prop_assert_eq!(short_integer_len(bytes), short.then_some(digits));
        }

        #[test]
        fn digits_are_read_as_one_by_one(text in "[0-9]{0,21}([0-9e:/-]{0,9}|[\\x00-\\x7f]{8})") {
            let digits = text.bytes().take_while(u8::is_ascii_digit).count();
            let read = leading_digits(text.as_bytes());
            // Fewer than eight bytes, or no end of the digits in sight, are for the slow way.
            let may_be_left = text.len() < 8 || digits == text.len();
            match read {
                Some((number, len)) => {
                    prop_assert_eq!(len, digits);
                    prop_assert_eq!(Ok(number), text[..digits].parse());
                }
                None => prop_assert!(digits == 0 || digits > SHORT || may_be_left),
            }
        }
    }
}
