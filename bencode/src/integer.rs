//! Integers of any size.

use alloc::boxed::Box;
use alloc::string::ToString;
use core::fmt;

/// An owned integer. Bencode sets no bound: what fits 64 bits is kept as a number, anything beyond
/// as its decimal digits.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Integer(Repr);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Repr {
    Small(i64),
    /// Canonical digits of a number that does not fit `i64`.
    Big(Box<str>),
}

impl Integer {
    /// From decimal digits, with a minus sign if there is one. Zeros in front are dropped, and minus
    /// zero is zero. `None` if there is no digit, or anything else.
    pub fn from_digits(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        if let Ok(small) = text.parse::<i64>() {
            return Some(Self(Repr::Small(small)));
        }
        let digits = digits.trim_start_matches('0');
        let sign = if negative { "-" } else { "" };
        Some(Self(Repr::Big([sign, digits].concat().into())))
    }

    /// As `i64`; `None` if it does not fit.
    pub fn as_int(&self) -> Option<i64> {
        match &self.0 {
            Repr::Small(small) => Some(*small),
            Repr::Big(_) => None,
        }
    }

    /// As `u64`; `None` if it does not fit.
    pub fn as_uint(&self) -> Option<u64> {
        match &self.0 {
            Repr::Small(small) => u64::try_from(*small).ok(),
            Repr::Big(digits) => digits.parse().ok(),
        }
    }

    /// Whether it is negative, and its magnitude, if that fits 64 bits.
    #[inline]
    pub(crate) fn small(&self) -> Option<(bool, u64)> {
        match &self.0 {
            Repr::Small(small) => Some((*small < 0, small.unsigned_abs())),
            Repr::Big(_) => None,
        }
    }

    /// How many digits it has, with the minus sign.
    pub(crate) fn digits_len(&self) -> usize {
        match &self.0 {
            Repr::Small(small) => usize::from(*small < 0) + decimal_len(small.unsigned_abs()),
            Repr::Big(digits) => digits.len(),
        }
    }
}

/// How many decimal digits a number has.
#[inline]
pub(crate) fn decimal_len(number: u64) -> usize {
    number.checked_ilog10().map_or(1, |log| log as usize + 1)
}

/// `00`, `01`, … `99`: dividing by a hundred is half as often as dividing by ten.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Writes a number's digits at the start of `to`, which has room for twenty, and tells how many.
#[inline]
pub(crate) fn put_decimal(mut number: u64, to: &mut [u8]) -> usize {
    let len = decimal_len(number);
    let mut digits = &mut to[..len];
    while let [rest @ .., tens, ones] = digits {
        [*tens, *ones] = PAIRS[(number % 100) as usize];
        number /= 100;
        digits = rest;
    }
    if let [first] = digits {
        *first = b'0' + (number % 10) as u8;
    }
    len
}

impl From<i64> for Integer {
    fn from(number: i64) -> Self {
        Self(Repr::Small(number))
    }
}

impl From<u64> for Integer {
    fn from(number: u64) -> Self {
        match i64::try_from(number) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(number.to_string().into())),
        }
    }
}

impl From<i128> for Integer {
    fn from(number: i128) -> Self {
        match i64::try_from(number) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(number.to_string().into())),
        }
    }
}

impl From<u128> for Integer {
    fn from(number: u128) -> Self {
        match i64::try_from(number) {
            Ok(small) => Self(Repr::Small(small)),
            Err(_) => Self(Repr::Big(number.to_string().into())),
        }
    }
}

impl From<u32> for Integer {
    fn from(number: u32) -> Self {
        Self(Repr::Small(number.into()))
    }
}

impl From<i32> for Integer {
    fn from(number: i32) -> Self {
        Self(Repr::Small(number.into()))
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Small(small) => small.fmt(f),
            Repr::Big(digits) => f.write_str(digits),
        }
    }
}

impl fmt::Debug for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
