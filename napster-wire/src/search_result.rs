//! Message 201: one file that a search found.

use crate::cursor::Cursor;
use crate::sink::Sink;
use crate::{Checksum, DecodeError, Extra, IpNumber, LinkSpeed, Quoted, Word};

/// Message 201, from a server: one file that meets a search. Message 202 follows the last one.
///
/// `"<filename>" <md5> <size> <bitrate> <frequency> <length> <nick> <ip> <link-type> [<weight>]`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchResult<'a> {
    /// The file's name.
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
    /// Who has it.
    pub nick: Word<'a>,
    /// Where that user is.
    pub ip: IpNumber,
    /// How fast that user's line is.
    pub link_speed: LinkSpeed,
    /// Whatever follows; some servers sent a [weight](Self::weight).
    pub extra: Extra<'a>,
}

impl<'a> SearchResult<'a> {
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
        cursor.space("nick")?;
        let nick = cursor.word("nick")?;
        cursor.space("address number")?;
        let ip = IpNumber::new(cursor.u64("address number")?);
        cursor.space("link type")?;
        let link_speed = LinkSpeed(cursor.u32("link type")?);
        let extra = cursor.extra()?;
        Ok(Self { name, checksum, size, bitrate, frequency, seconds, nick, ip, link_speed, extra })
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
        out.space();
        out.word(&self.nick);
        out.space();
        out.number(self.ip.value());
        out.space();
        out.number(self.link_speed.0);
        out.extra(&self.extra);
    }

    /// How good the server thinks the match is: positive for better than others, negative for
    /// worse, 0 if it does not say.
    pub fn weight(&self) -> i32 {
        let weight = self.extra.first().and_then(|field| core::str::from_utf8(field).ok());
        weight.and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> SearchResult<'static> {
        SearchResult {
            name: self.name.into_owned(),
            checksum: self.checksum.into_owned(),
            size: self.size,
            bitrate: self.bitrate,
            frequency: self.frequency,
            seconds: self.seconds,
            nick: self.nick.into_owned(),
            ip: self.ip,
            link_speed: self.link_speed,
            extra: self.extra.into_owned(),
        }
    }
}
