//! The attributes after the header: type, length, value, padding.

use core::fmt;

/// The type of an attribute: 16 bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttributeType(pub u16);

macro_rules! attribute_types {
    ($($(#[$doc:meta])* $constant:ident = $number:literal, $name:literal;)*) => {
        impl AttributeType {
            $($(#[$doc])* pub const $constant: Self = Self($number);)*

            /// Its name in the registry; `None` of one that this crate does not know.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some($name),)*
                    _ => None,
                }
            }
        }
    };
}

attribute_types! {
    /// An address, plain (RFC 8489, section 14.1).
    MAPPED_ADDRESS = 0x0001, "MAPPED-ADDRESS";
    /// Send the response elsewhere. RFC 3489 only; nobody should honour it.
    RESPONSE_ADDRESS = 0x0002, "RESPONSE-ADDRESS";
    /// Answer from another address or port (RFC 5780, section 7.2).
    CHANGE_REQUEST = 0x0003, "CHANGE-REQUEST";
    /// Where the response was sent from. RFC 3489 only.
    SOURCE_ADDRESS = 0x0004, "SOURCE-ADDRESS";
    /// The server's other address and port. RFC 3489 only.
    CHANGED_ADDRESS = 0x0005, "CHANGED-ADDRESS";
    /// Text, less than 509 bytes (RFC 8489, section 14.3).
    USERNAME = 0x0006, "USERNAME";
    /// RFC 3489 only.
    PASSWORD = 0x0007, "PASSWORD";
    /// HMAC-SHA1 of all before it (RFC 8489, section 14.5).
    MESSAGE_INTEGRITY = 0x0008, "MESSAGE-INTEGRITY";
    /// Number and reason (RFC 8489, section 14.8).
    ERROR_CODE = 0x0009, "ERROR-CODE";
    /// What made an error 420 (RFC 8489, section 14.13).
    UNKNOWN_ATTRIBUTES = 0x000A, "UNKNOWN-ATTRIBUTES";
    /// Who asked for the response to be sent here. RFC 3489 only.
    REFLECTED_FROM = 0x000B, "REFLECTED-FROM";
    /// Text (RFC 8489, section 14.9).
    REALM = 0x0014, "REALM";
    /// Text (RFC 8489, section 14.10).
    NONCE = 0x0015, "NONCE";
    /// HMAC-SHA256 of all before it (RFC 8489, section 14.6).
    MESSAGE_INTEGRITY_SHA256 = 0x001C, "MESSAGE-INTEGRITY-SHA256";
    /// Which hash makes the key (RFC 8489, section 14.12).
    PASSWORD_ALGORITHM = 0x001D, "PASSWORD-ALGORITHM";
    /// SHA-256 of user name and realm (RFC 8489, section 14.4).
    USERHASH = 0x001E, "USERHASH";
    /// An address, hidden from NATs that rewrite what looks like one (RFC 8489, section 14.2).
    XOR_MAPPED_ADDRESS = 0x0020, "XOR-MAPPED-ADDRESS";
    /// A candidate's priority (RFC 8445).
    PRIORITY = 0x0024, "PRIORITY";
    /// The candidate is chosen (RFC 8445).
    USE_CANDIDATE = 0x0025, "USE-CANDIDATE";
    /// Bytes to make a message long (RFC 5780, section 7.6).
    PADDING = 0x0026, "PADDING";
    /// Send the response to this port (RFC 5780, section 7.5).
    RESPONSE_PORT = 0x0027, "RESPONSE-PORT";
    /// Hashes that can make the key (RFC 8489, section 14.11).
    PASSWORD_ALGORITHMS = 0x8002, "PASSWORD-ALGORITHMS";
    /// (RFC 8489, section 14.16)
    ALTERNATE_DOMAIN = 0x8003, "ALTERNATE-DOMAIN";
    /// Who wrote the message (RFC 8489, section 14.14).
    SOFTWARE = 0x8022, "SOFTWARE";
    /// Ask that server (RFC 8489, section 14.15).
    ALTERNATE_SERVER = 0x8023, "ALTERNATE-SERVER";
    /// How long an answer stays true (RFC 5780, section 7.1).
    CACHE_TIMEOUT = 0x8027, "CACHE-TIMEOUT";
    /// CRC-32 of all before it, last (RFC 8489, section 14.7).
    FINGERPRINT = 0x8028, "FINGERPRINT";
    /// (RFC 8445)
    ICE_CONTROLLED = 0x8029, "ICE-CONTROLLED";
    /// (RFC 8445)
    ICE_CONTROLLING = 0x802A, "ICE-CONTROLLING";
    /// Where the response was sent from (RFC 5780, section 7.3).
    RESPONSE_ORIGIN = 0x802B, "RESPONSE-ORIGIN";
    /// The server's other address and port (RFC 5780, section 7.4).
    OTHER_ADDRESS = 0x802C, "OTHER-ADDRESS";
}

impl AttributeType {
    /// Whether who does not know it must refuse the message: all below 0x8000 (RFC 8489, section 14).
    pub const fn is_comprehension_required(self) -> bool {
        self.0 < 0x8000
    }
}

/// The name, or the number of one that has none here.
impl fmt::Display for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "{:#06x}", self.0),
        }
    }
}

impl fmt::Debug for AttributeType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// One attribute of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// Its type.
    pub kind: AttributeType,
    /// Where in the message its value begins.
    pub offset: usize,
    /// Its value, without padding.
    pub value: &'a [u8],
    /// None to three bytes that mean nothing, so that the next one begins at a multiple of four. Any
    /// bytes are allowed.
    pub padding: &'a [u8],
}

/// The attributes of a message, in order. Made by [`Message::attributes`](super::Message::attributes).
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    /// The whole message, or what of it is to be seen; checked.
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Attributes<'a> {
    /// Those between `at` and the end of `bytes`, which must have been walked before.
    #[inline]
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// The first of this type from here on. Looks at nothing but headers on the way.
    #[inline]
    pub(super) fn find_kind(mut self, wanted: AttributeType) -> Option<Attribute<'a>> {
        loop {
            let (kind, len) = self.header()?;
            if kind == wanted {
                return self.next();
            }
            self.at += 4 + padded(len);
        }
    }

    /// Type and length of the attribute that comes next.
    #[inline]
    fn header(&self) -> Option<(AttributeType, u16)> {
        self.bytes.get(self.at..)?.first_chunk().copied().map(split_header)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    #[inline]
    fn next(&mut self) -> Option<Attribute<'a>> {
        let (kind, len) = self.header()?;
        let offset = self.at + 4;
        // Both are there: the walk of `decode` saw them.
        let (value, padding) =
            self.bytes.get(offset..offset + padded(len))?.split_at_checked(usize::from(len))?;
        self.at = offset + padded(len);
        Some(Attribute { kind, offset, value, padding })
    }

    #[inline]
    fn count(mut self) -> usize {
        let mut count = 0;
        while let Some((_, len)) = self.header() {
            self.at += 4 + padded(len);
            count += 1;
        }
        count
    }
}

impl core::iter::FusedIterator for Attributes<'_> {}

/// Type and length, from the four bytes that an attribute begins with.
#[inline]
pub(super) fn split_header(bytes: [u8; 4]) -> (AttributeType, u16) {
    let both = u32::from_be_bytes(bytes);
    (AttributeType((both >> 16) as u16), both as u16)
}

/// How many bytes a value of this length takes with its padding.
#[inline]
pub(super) fn padded(len: u16) -> usize {
    (usize::from(len) + 3) & !3
}
