//! Integers on their way to a type.

use ::serde::de::Visitor;

use super::reader::Result;

/// An integer of up to 128 bits, as small as it can be.
pub(super) enum Int {
    Unsigned(u64),
    Negative(i64),
    WideUnsigned(u128),
    WideNegative(i128),
}

impl Int {
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let (negative, digits) = match text {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let magnitude = digits.iter().try_fold(0u128, |number, byte| {
            number.checked_mul(10)?.checked_add(u128::from(byte - b'0'))
        })?;
        Some(if negative && magnitude > 0 {
            let number = 0i128.checked_sub_unsigned(magnitude)?;
            i64::try_from(number).map_or(Self::WideNegative(number), Self::Negative)
        } else {
            u64::try_from(magnitude).map_or(Self::WideUnsigned(magnitude), Self::Unsigned)
        })
    }

    #[inline]
    pub(super) fn visit<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value> {
        match self {
            Self::Unsigned(number) => visitor.visit_u64(number),
            Self::Negative(number) => visitor.visit_i64(number),
            Self::WideUnsigned(number) => visitor.visit_u128(number),
            Self::WideNegative(number) => visitor.visit_i128(number),
        }
    }
}
