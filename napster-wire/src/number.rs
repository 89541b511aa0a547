//! Decimal numbers in their one canonical form: digits only, no zero in front.

use crate::{DecodeError, DecodeErrorKind};

/// Digits of the largest u64.
pub(crate) const MAX_DIGITS: usize = 20;

/// The digits of `value`, written into `digits`.
pub(crate) fn format(mut value: u64, digits: &mut [u8; MAX_DIGITS]) -> &[u8] {
    let mut at = MAX_DIGITS;
    for slot in digits.iter_mut().rev() {
        // A remainder of ten fits a byte.
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
        at -= 1;
        if value == 0 {
            break;
        }
    }
    &digits[at..]
}

/// How many digits `value` has.
pub(crate) fn width(value: u64) -> usize {
    value.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// The number that all of `text` stands for. `offset` is where `text` starts, for errors.
pub(crate) fn parse(
    text: &[u8],
    max: u64,
    field: &'static str,
    offset: usize,
) -> Result<u64, DecodeError> {
    if text.is_empty() {
        return Err(DecodeErrorKind::Missing { field }.at(offset));
    }
    if let Some(at) = text.iter().position(|byte| !byte.is_ascii_digit()) {
        return Err(DecodeErrorKind::NotANumber { field, found: text[at] }.at(offset + at));
    }
    if text.len() > 1 && text[0] == b'0' {
        return Err(DecodeErrorKind::LeadingZero { field }.at(offset));
    }
    text.iter()
        .try_fold(0_u64, |value, digit| {
            value.checked_mul(10)?.checked_add(u64::from(*digit - b'0'))
        })
        .filter(|value| *value <= max)
        .ok_or(DecodeErrorKind::NumberTooLarge { field, max }.at(offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_what_it_parses() {
        for value in [0, 9, 10, 99, 100, 4_877_911_892, u64::MAX - 1, u64::MAX] {
            let mut digits = [0; MAX_DIGITS];
            let text = format(value, &mut digits);
            assert_eq!(text, alloc::string::ToString::to_string(&value).as_bytes());
            assert_eq!(text.len(), width(value));
            assert_eq!(parse(text, u64::MAX, "number", 0), Ok(value));
        }
    }

    #[test]
    fn refuses_what_it_would_write_differently() {
        let kind = |text: &[u8], max| parse(text, max, "size", 5).expect_err("no number");
        assert_eq!(kind(b"", 9), DecodeErrorKind::Missing { field: "size" }.at(5));
        assert_eq!(kind(b"00", 9), DecodeErrorKind::LeadingZero { field: "size" }.at(5));
        assert_eq!(
            kind(b"1x", 99),
            DecodeErrorKind::NotANumber { field: "size", found: b'x' }.at(6)
        );
        assert_eq!(kind(b"10", 9), DecodeErrorKind::NumberTooLarge { field: "size", max: 9 }.at(5));
        assert_eq!(
            kind(b"18446744073709551616", u64::MAX).kind,
            DecodeErrorKind::NumberTooLarge { field: "size", max: u64::MAX }
        );
    }
}
