//! Messages 100 and 102: what a client shares.

use crate::cursor::{Cursor, fits};
use crate::sink::Sink;
use crate::{Checksum, DecodeError, DecodeErrorKind, Extra, Quoted};

/// Message 100, from a client: it shares this file.
///
/// `"<filename>" <md5> <size> <bitrate> <frequency> <time>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share<'a> {
    /// The file's name, often with the path on the user's disk.
    pub name: Quoted<'a>,
    /// The checksum of its beginning.
    pub checksum: Checksum<'a>,
    /// Its size in bytes.
    pub size: u64,
    /// Kilobits a second of sound.
    pub bitrate: u32,
    /// Samples a second of sound, in hertz.
    pub frequency: u32,
    /// How long it plays, in seconds.
    pub seconds: u32,
    /// Whatever follows.
    pub extra: Extra<'a>,
}

impl<'a> Share<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let name = cursor.quoted("file name")?;
        cursor.space("checksum")?;
        let checksum = Checksum::from_word(cursor.word("checksum")?);
        cursor.space("size")?;
        let size = cursor.u64("size")?;
        cursor.space("bitrate")?;
        let bitrate = cursor.u32("bitrate")?;
        cursor.space("frequency")?;
        let frequency = cursor.u32("frequency")?;
        cursor.space("play time")?;
        let seconds = cursor.u32("play time")?;
        let extra = cursor.extra()?;
        Ok(Self { name, checksum, size, bitrate, frequency, seconds, extra })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        out.quoted(&self.name);
        out.space();
        out.word(self.checksum.word());
        out.space();
        out.number(self.size);
        out.space();
        out.number(self.bitrate);
        out.space();
        out.number(self.frequency);
        out.space();
        out.number(self.seconds);
        out.extra(&self.extra);
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> Share<'static> {
        Share {
            name: self.name.into_owned(),
            checksum: self.checksum.into_owned(),
            size: self.size,
            bitrate: self.bitrate,
            frequency: self.frequency,
            seconds: self.seconds,
            extra: self.extra.into_owned(),
        }
    }
}

/// Message 102, from a client: it no longer shares this file.
///
/// `<filename>`, by the protocol's text without quotes; `"<filename>"` is read as well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unshare<'a> {
    /// The file's name as it was shared.
    pub name: Quoted<'a>,
    /// Whether the name stands between double quotes.
    pub quoted: bool,
}

impl<'a> Unshare<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        const FIELD: &str = "file name";
        if cursor.rest().starts_with(b"\"") {
            let name = cursor.quoted(FIELD)?;
            cursor.end()?;
            return Ok(Self { name, quoted: true });
        }
        let name = cursor.rest();
        if let Some(at) = name.iter().position(|byte| *byte == b'"') {
            return Err(DecodeErrorKind::UnexpectedQuote { field: FIELD }.at(cursor.offset() + at));
        }
        fits(name, FIELD, cursor.offset())?;
        Ok(Self { name: Quoted::checked(name), quoted: false })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        if self.quoted {
            out.quoted(&self.name);
        } else {
            out.put(self.name.as_bytes());
        }
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> Unshare<'static> {
        Unshare { name: self.name.into_owned(), quoted: self.quoted }
    }
}
