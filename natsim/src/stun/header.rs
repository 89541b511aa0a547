//! The first 20 bytes of a message: type, length, transaction.

use core::fmt;

/// Bytes of the header (RFC 8489, section 5).
pub const HEADER_LEN: usize = 20;

/// What stands in bytes 4 to 7 of every message since RFC 5389. A message of RFC 3489 has the first
/// quarter of its transaction id there.
pub const MAGIC_COOKIE: [u8; 4] = [0x21, 0x12, 0xA4, 0x42];

/// What a message is for. 12 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Method(u16);

impl Method {
    /// What address do you see me at?
    pub const BINDING: Self = Self(0x001);

    /// The method of this number; `None` from 0x1000 on.
    pub const fn new(number: u16) -> Option<Self> {
        if number < 0x1000 { Some(Self(number)) } else { None }
    }

    /// Its number, below 0x1000.
    pub const fn number(self) -> u16 {
        self.0
    }
}

impl fmt::Debug for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::BINDING => f.write_str("Binding"),
            Self(number) => write!(f, "{number:#05x}"),
        }
    }
}

/// Which part of an exchange a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Wants an answer.
    Request,
    /// Wants none.
    Indication,
    /// Answers a request.
    Success,
    /// Refuses a request.
    Error,
}

/// Method and class, as they are packed into the first two bytes: 14 bits, the class in bits 4 and 8
/// (RFC 8489, section 5).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MessageType(u16);

impl MessageType {
    /// A Binding request.
    pub const BINDING_REQUEST: Self = Self::new(Method::BINDING, Class::Request);
    /// A Binding indication, such as keeps a mapping alive.
    pub const BINDING_INDICATION: Self = Self::new(Method::BINDING, Class::Indication);
    /// A Binding success response.
    pub const BINDING_SUCCESS: Self = Self::new(Method::BINDING, Class::Success);
    /// A Binding error response.
    pub const BINDING_ERROR: Self = Self::new(Method::BINDING, Class::Error);

    /// This class of this method.
    pub const fn new(method: Method, class: Class) -> Self {
        let Method(m) = method;
        let class = match class {
            Class::Request => 0x000,
            Class::Indication => 0x010,
            Class::Success => 0x100,
            Class::Error => 0x110,
        };
        Self((m & 0xF80) << 2 | (m & 0x070) << 1 | (m & 0x00F) | class)
    }

    /// What these two bytes say; `None` if one of the two upper bits is set, which no message has.
    pub const fn from_bits(bits: u16) -> Option<Self> {
        if bits < 0x4000 { Some(Self(bits)) } else { None }
    }

    /// The first two bytes.
    pub const fn bits(self) -> u16 {
        self.0
    }

    /// What the message is for.
    pub const fn method(self) -> Method {
        let Self(bits) = self;
        Method((bits >> 2 & 0xF80) | (bits >> 1 & 0x070) | (bits & 0x00F))
    }

    /// Which part of an exchange it is.
    pub const fn class(self) -> Class {
        match self.0 & 0x110 {
            0x000 => Class::Request,
            0x010 => Class::Indication,
            0x100 => Class::Success,
            _ => Class::Error,
        }
    }
}

impl fmt::Debug for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {:?}", self.method(), self.class())
    }
}

/// What ties a response to its request: bytes 4 to 19 of the header. Choose it at random: it is what
/// keeps strangers from answering.
///
/// Since RFC 5389 these are [`MAGIC_COOKIE`] and 96 bits; in RFC 3489 all 128 bits are the id.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransactionId([u8; 16]);

impl TransactionId {
    /// An id with the magic cookie before it.
    pub const fn new(id: [u8; 12]) -> Self {
        let mut all = [0; 16];
        let (cookie, rest) = all.split_at_mut(4);
        cookie.copy_from_slice(&MAGIC_COOKIE);
        rest.copy_from_slice(&id);
        Self(all)
    }

    /// All 16 bytes, with the cookie or without it.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// All 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Whether the magic cookie is missing: a message of RFC 3489.
    pub const fn is_classic(&self) -> bool {
        let [a, b, c, d, ..] = self.0;
        u32::from_be_bytes([a, b, c, d]) != u32::from_be_bytes(MAGIC_COOKIE)
    }
}

/// Hexadecimal.
impl fmt::Debug for TransactionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
