//! The trailer of a query hit ("EQHD", the extended query hit descriptor that BearShare began).

use bytes::BufMut;
use nom::bytes::complete::take;
use nom::number::complete::u8;

use crate::read::run;
use crate::{BuildError, DecodeError, DecodeErrorKind, Extensions, Xml};

/// Who made the servent, what everybody may read (flags), and what only that vendor understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trailer<'a> {
    vendor: [u8; 4],
    open: &'a [u8],
    private: &'a [u8],
}

/// Bits of the two flag bytes.
const PUSH: u8 = 0x01;
const BUSY: u8 = 0x04;
const UPLOADED: u8 = 0x08;
const SPEED: u8 = 0x10;
const GGEP: u8 = 0x20;

impl<'a> Trailer<'a> {
    /// A trailer of these parts.
    ///
    /// # Errors
    /// The open data is empty or longer than 255 bytes.
    pub fn new(vendor: [u8; 4], open: &'a [u8], private: &'a [u8]) -> Result<Self, BuildError> {
        match open.len() {
            1..=255 => Ok(Self { vendor, open, private }),
            size => Err(BuildError::OpenDataSize { size }),
        }
    }

    /// The open data that says whether a servent must be asked with a [`Push`](crate::Push), and
    /// whether it is busy; both always defined.
    pub const fn open_data(push: bool, busy: bool) -> [u8; 2] {
        // The push bit is the reversed one: defined in the second byte, set in the first.
        [if push { PUSH | BUSY } else { BUSY }, if busy { PUSH | BUSY } else { PUSH }]
    }

    /// Reads a whole trailer.
    ///
    /// # Errors
    /// It is shorter than 5 bytes, or the open data is empty or longer than what follows.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let ((vendor, size), after) = run(bytes, 0, (take(4_usize), u8))?;
        let open_size = usize::from(size);
        if open_size == 0 || open_size > after.len() {
            let kind = DecodeErrorKind::OpenDataSize { size, left: after.len() };
            return Err(DecodeError { offset: 4, kind });
        }
        let (open, private) = after.split_at(open_size);
        Ok(Self { vendor: vendor.try_into().unwrap_or_default(), open, private })
    }

    /// The vendor's four letters, as written.
    pub fn vendor(&self) -> [u8; 4] {
        self.vendor
    }

    /// The open data: two flag bytes, then usually the size of an XML part.
    pub fn open(&self) -> &'a [u8] {
        self.open
    }

    /// What follows: GGEP blocks, XML, or only the vendor knows what.
    pub fn private(&self) -> &'a [u8] {
        self.private
    }

    /// The XML at the end of the private data, with whose length the open data goes on after the
    /// flags. `None` without that length, and if it is 0 or 1 (a NUL alone), or more than there is.
    pub fn xml(&self) -> Option<Xml<'a>> {
        let (_, xml) = self.parts();
        xml.map(Xml::of)
    }

    /// What stands before the XML, as extensions. LimeWire's and Shareaza's private data begins with
    /// a byte that [`chat`](Self::chat) reads.
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions::of(self.parts().0)
    }

    /// Whether one can chat with the servent; `None` if its vendor does not say.
    pub fn chat(&self) -> Option<bool> {
        let says =
            [b"LIME", b"RAZA"].iter().any(|vendor| self.vendor.eq_ignore_ascii_case(*vendor));
        self.parts().0.first().filter(|_| says).map(|byte| byte & 1 != 0)
    }

    /// The private data before the XML, and the XML without its NUL.
    fn parts(&self) -> (&'a [u8], Option<&'a [u8]>) {
        let size = match *self.open {
            [_, _, low, high, ..] => u16::from_le_bytes([low, high]).into(),
            _ => 0,
        };
        match self.private.len().checked_sub(size) {
            Some(start) if size > 1 => {
                let (before, xml) = self.private.split_at(start);
                (before, Some(xml.strip_suffix(&[0]).unwrap_or(xml)))
            }
            _ => (self.private, None),
        }
    }

    /// Whether the servent can not be connected to; `None` if it does not say. For this one bit, the
    /// second flag byte says whether it means something and the first what.
    pub fn push(&self) -> Option<bool> {
        if let Some(flags) = self.napshare() {
            return Some(flags & PUSH != 0);
        }
        let (value, enable) = self.flags()?;
        (enable & PUSH != 0).then_some(value & PUSH != 0)
    }

    /// Whether all upload slots are taken; `None` if it does not say.
    pub fn busy(&self) -> Option<bool> {
        match self.napshare() {
            Some(flags) => Some(flags & BUSY != 0),
            None => self.flag(BUSY),
        }
    }

    /// NapShare's only flag byte, which says what is and not what it knows.
    fn napshare(&self) -> Option<u8> {
        match (&self.vendor, self.open) {
            (b"NAPS", [flags]) => Some(*flags),
            _ => None,
        }
    }

    /// Whether it ever uploaded a file; `None` if it does not say.
    pub fn uploaded(&self) -> Option<bool> {
        self.flag(UPLOADED)
    }

    /// Whether the speed was measured rather than set by the user; `None` if it does not say.
    pub fn measured_speed(&self) -> Option<bool> {
        self.flag(SPEED)
    }

    /// Whether the private data has a GGEP block; `None` if it does not say.
    pub fn ggep(&self) -> Option<bool> {
        self.flag(GGEP)
    }

    fn flag(&self, bit: u8) -> Option<bool> {
        let (enable, value) = self.flags()?;
        (enable & bit != 0).then_some(value & bit != 0)
    }

    fn flags(&self) -> Option<(u8, u8)> {
        self.open.first().copied().zip(self.open.get(1).copied())
    }

    /// The exact number of bytes [`encode`](Self::encode) appends.
    pub fn encoded_len(&self) -> usize {
        5 + self.open.len() + self.private.len()
    }

    /// Appends the trailer's bytes.
    pub fn encode(&self, out: &mut impl BufMut) {
        out.put_slice(&self.vendor);
        // Both constructors keep it between 1 and 255.
        out.put_u8(self.open.len().to_le_bytes()[0]);
        out.put_slice(self.open);
        out.put_slice(self.private);
    }
}
