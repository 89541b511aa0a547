//! Identifiers: points on a ring of 2^m, m up to 160, with just the arithmetic that Chord needs.

use core::cmp::Ordering;
use core::fmt;
use core::hash::Hash;
use core::net::SocketAddr;
use core::str::FromStr;

use sha1::{Digest, Sha1};

use crate::{DecodeError, DecodeErrorKind, message};

#[cfg(feature = "serde")]
mod serde;

/// A point on the identifier ring: an m-bit number, with arithmetic modulo 2^m.
///
/// `Ord` is the order of the numbers, which is the order clockwise from zero.
pub trait Id: Copy + Ord + Hash + fmt::Debug + fmt::Display {
    /// m: how many bits an identifier has. At least 1.
    const BITS: u32;
    /// The point zero.
    const ZERO: Self;
    /// The last point, 2^m − 1; the next one clockwise is zero.
    const MAX: Self;

    /// `self + 2^exponent` modulo 2^m. An exponent of m or more adds nothing, since 2^m is the whole
    /// way around.
    #[must_use]
    fn add_power(self, exponent: u32) -> Self;

    /// How far it is clockwise from here to `to`: `to − self` modulo 2^m. Zero if they are equal.
    #[must_use]
    fn distance(self, to: Self) -> Self;

    /// The position of the highest bit that is set: ⌊log2 self⌋, or `None` for zero.
    fn log2(self) -> Option<u32>;

    /// The first m bits of a hash, taken big-endian: the identifier of whatever was hashed, if its
    /// identifiers shall come from another hash than SHA-1. Bytes that are missing count as zero.
    #[must_use]
    fn from_hash(hash: &[u8]) -> Self;

    /// The highest 64 bits of the m, most significant first; if m is less than 64, zeros follow.
    /// The order of two points is that of their prefixes, unless these are equal: what a table may
    /// compare first.
    fn prefix(self) -> u64;

    /// The next point clockwise.
    #[must_use]
    fn next(self) -> Self {
        self.add_power(0)
    }

    /// The identifier of a key: the first m bits of its SHA-1 (Stoica et al., ToN 2003, section IV-B).
    #[must_use]
    fn of_key(key: &[u8]) -> Self {
        Self::from_hash(&Sha1::digest(key))
    }
}

/// An identifier of `M` bits, 1 ≤ M ≤ 64: for small rings, where the figures of the literature live.
/// Its text form is decimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id64<const M: u32>(u64);

impl<const M: u32> Id64<M> {
    const MASK: u64 = {
        assert!(M >= 1 && M <= 64, "an Id64 has 1 to 64 bits");
        u64::MAX >> (64 - M)
    };

    /// The point `value`, or `None` if it is 2^M or more.
    pub const fn new(value: u64) -> Option<Self> {
        if value <= Self::MASK { Some(Self(value)) } else { None }
    }

    /// The point `value` modulo 2^M.
    pub const fn wrapping(value: u64) -> Self {
        Self(value & Self::MASK)
    }

    /// The number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl<const M: u32> Id for Id64<M> {
    const BITS: u32 = M;
    const ZERO: Self = Self(0);
    const MAX: Self = Self(Self::MASK);

    fn add_power(self, exponent: u32) -> Self {
        if exponent >= M {
            return self;
        }
        Self::wrapping(self.0.wrapping_add(1 << exponent))
    }

    fn distance(self, to: Self) -> Self {
        Self::wrapping(to.0.wrapping_sub(self.0))
    }

    fn log2(self) -> Option<u32> {
        self.0.checked_ilog2()
    }

    fn from_hash(hash: &[u8]) -> Self {
        let mut first = [0; 8];
        let len = hash.len().min(8);
        first[..len].copy_from_slice(&hash[..len]);
        Self(u64::from_be_bytes(first) >> (64 - M))
    }

    fn prefix(self) -> u64 {
        self.0 << (64 - M)
    }
}

impl<const M: u32> fmt::Display for Id64<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// Hexadecimal digits, as few as the number needs.
impl<const M: u32> fmt::LowerHex for Id64<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::LowerHex::fmt(&self.0, f)
    }
}

/// Decimal digits, of a number below 2^M.
impl<const M: u32> FromStr for Id64<M> {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        if let Some((offset, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_digit()) {
            return Err(DecodeError { offset, kind: DecodeErrorKind::NotDecimal { found } });
        }
        let kind = match text.parse() {
            _ if text.is_empty() => DecodeErrorKind::NoDigits,
            Ok(value) if value <= Self::MASK => return Ok(Self(value)),
            // Nothing but digits that does not parse is too large.
            _ => DecodeErrorKind::TooLarge { field: "an identifier", max: Self::MASK },
        };
        Err(DecodeError { offset: 0, kind })
    }
}

impl<const M: u32> fmt::Debug for Id64<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// An identifier of 160 bits: what SHA-1 makes of a key or an address (Stoica et al., ToN 2003,
/// section IV-B). Its text form is 40 hexadecimal digits, most significant first.
///
/// SHA-1 spreads keys evenly here; it does not protect against somebody who chooses what is hashed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Id160([u8; 20]);

impl Ord for Id160 {
    /// As numbers. The first 64 bits nearly always decide, and take one instruction to compare.
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        self.prefix().cmp(&other.prefix()).then_with(|| self.0[8..].cmp(&other.0[8..]))
    }
}

impl PartialOrd for Id160 {
    #[inline]
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Id160 {
    /// The point whose big-endian bytes these are.
    pub const fn from_bytes(bytes: [u8; 20]) -> Self {
        Self(bytes)
    }

    /// The big-endian bytes.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    /// SHA-1 of `bytes`: the identifier of a key, and the name of a blob.
    pub fn hash(bytes: &[u8]) -> Self {
        Self(Sha1::digest(bytes).into())
    }

    /// The identifier of a node at `address`: SHA-1 of the address in its wire form (a byte 4 or 6,
    /// the IP address, the port big-endian).
    pub fn of_address(address: SocketAddr) -> Self {
        let mut bytes = [0; 19];
        let mut rest = &mut bytes[..];
        message::put_address(&mut rest, address);
        let left = rest.len();
        Self::hash(&bytes[..bytes.len() - left])
    }

    /// The low 128 bits and the high 32 bits.
    #[inline]
    fn halves(self) -> (u32, u128) {
        let (high, low) = self.0.split_at(4);
        let mut head = [0; 4];
        let mut tail = [0; 16];
        head.copy_from_slice(high);
        tail.copy_from_slice(low);
        (u32::from_be_bytes(head), u128::from_be_bytes(tail))
    }

    #[inline]
    fn from_halves(high: u32, low: u128) -> Self {
        let mut bytes = [0; 20];
        bytes[..4].copy_from_slice(&high.to_be_bytes());
        bytes[4..].copy_from_slice(&low.to_be_bytes());
        Self(bytes)
    }
}

impl Id for Id160 {
    const BITS: u32 = 160;
    const ZERO: Self = Self([0; 20]);
    const MAX: Self = Self([0xff; 20]);

    #[inline]
    fn add_power(self, exponent: u32) -> Self {
        let (high, low) = self.halves();
        match exponent {
            0..128 => {
                let (low, carry) = low.overflowing_add(1 << exponent);
                Self::from_halves(high.wrapping_add(carry.into()), low)
            }
            128..160 => Self::from_halves(high.wrapping_add(1 << (exponent - 128)), low),
            _ => self,
        }
    }

    #[inline]
    fn distance(self, to: Self) -> Self {
        let (from_high, from_low) = self.halves();
        let (to_high, to_low) = to.halves();
        let (low, borrow) = to_low.overflowing_sub(from_low);
        Self::from_halves(to_high.wrapping_sub(from_high).wrapping_sub(borrow.into()), low)
    }

    #[inline]
    fn log2(self) -> Option<u32> {
        let (high, low) = self.halves();
        high.checked_ilog2().map(|bit| bit + 128).or(low.checked_ilog2())
    }

    fn from_hash(hash: &[u8]) -> Self {
        let mut bytes = [0; 20];
        let len = hash.len().min(20);
        bytes[..len].copy_from_slice(&hash[..len]);
        Self(bytes)
    }

    #[inline]
    fn prefix(self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.0[..8]);
        u64::from_be_bytes(first)
    }
}

impl fmt::Display for Id160 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = [0; 40];
        // Twenty bytes are forty digits, so the buffer always fits.
        hex::encode_to_slice(self.0, &mut text).map_err(|_| fmt::Error)?;
        f.write_str(core::str::from_utf8(&text).map_err(|_| fmt::Error)?)
    }
}

impl fmt::Debug for Id160 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Forty hexadecimal digits of either case.
impl FromStr for Id160 {
    type Err = DecodeError;

    fn from_str(text: &str) -> Result<Self, DecodeError> {
        // Digits first: what is wrong with "xyz" is its first character, not only its length.
        if let Some((offset, found)) = text.char_indices().find(|(_, c)| !c.is_ascii_hexdigit()) {
            return Err(DecodeError { offset, kind: DecodeErrorKind::NotHex { found } });
        }
        let mut bytes = [0; 20];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| DecodeError {
            offset: text.len().min(40),
            kind: DecodeErrorKind::IdLength { digits: text.len() },
        })?;
        Ok(Self(bytes))
    }
}
