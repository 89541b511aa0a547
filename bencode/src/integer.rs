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

    /// Hands the decimal digits over.
    pub(crate) fn with_digits<T>(&self, take: impl FnOnce(&[u8]) -> T) -> T {
        match &self.0 {
            Repr::Small(small) => {
                let mut buffer = [0; 20];
                take(decimal(*small < 0, small.unsigned_abs(), &mut buffer))
            }
            Repr::Big(digits) => take(digits.as_bytes()),
        }
    }
}

/// Writes a number's digits, and its sign, at the end of the buffer.
pub(crate) fn decimal(negative: bool, mut magnitude: u64, buffer: &mut [u8; 20]) -> &[u8] {
    let mut start = buffer.len();
    loop {
        start -= 1;
        buffer[start] = b'0' + (magnitude % 10) as u8;
        magnitude /= 10;
        if magnitude == 0 {
            break;
        }
    }
    // Twenty digits have no sign: that is beyond i64.
    if negative && start > 0 {
        start -= 1;
        buffer[start] = b'-';
    }
    &buffer[start..]
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
