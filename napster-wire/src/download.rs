//! The messages that prepare a transfer: which file of whom, and where that user is.

use crate::cursor::Cursor;
use crate::sink::Sink;
use crate::{Checksum, DecodeError, Extra, IpNumber, LinkSpeed, Quoted, Word};

/// The data of messages 203, 206 and 500: a file of a user.
///
/// `<nick> "<filename>"`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileReference<'a> {
    /// The user who shares the file.
    pub nick: Word<'a>,
    /// Its name as that user shared it.
    pub name: Quoted<'a>,
    /// Whatever follows.
    pub extra: Extra<'a>,
}

impl<'a> FileReference<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let nick = cursor.word("nick")?;
        cursor.space("file name")?;
        let name = cursor.quoted("file name")?;
        let extra = cursor.extra()?;
        Ok(Self { nick, name, extra })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        out.word(&self.nick);
        out.space();
        out.quoted(&self.name);
        out.extra(&self.extra);
    }

    /// The same data with their own bytes.
    pub fn into_owned(self) -> FileReference<'static> {
        FileReference {
            nick: self.nick.into_owned(),
            name: self.name.into_owned(),
            extra: self.extra.into_owned(),
        }
    }
}

/// The data of messages 204 and 501: the other end of a transfer. In 204 that is the user who has
/// the file, in 501 the one who wants it.
///
/// `<nick> <ip> <port> "<filename>" <md5> <link-type>`
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileSource<'a> {
    /// The user at the other end.
    pub nick: Word<'a>,
    /// Where that user is.
    pub ip: IpNumber,
    /// The port that user takes transfers on; 0 behind a firewall that lets none in.
    pub port: u16,
    /// The file's name.
    pub name: Quoted<'a>,
    /// The checksum of its beginning.
    pub checksum: Checksum<'a>,
    /// How fast that user's line is.
    pub link_speed: LinkSpeed,
    /// Whatever follows.
    pub extra: Extra<'a>,
}

impl<'a> FileSource<'a> {
    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let nick = cursor.word("nick")?;
        cursor.space("address number")?;
        let ip = IpNumber::new(cursor.u64("address number")?);
        cursor.space("port")?;
        let port = cursor.u16("port")?;
        cursor.space("file name")?;
        let name = cursor.quoted("file name")?;
        cursor.space("checksum")?;
        let checksum = Checksum::from_word(cursor.word("checksum")?);
        cursor.space("link type")?;
        let link_speed = LinkSpeed(cursor.u32("link type")?);
        let extra = cursor.extra()?;
        Ok(Self { nick, ip, port, name, checksum, link_speed, extra })
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        out.word(&self.nick);
        out.space();
        out.number(self.ip.value());
        out.space();
        out.number(self.port);
        out.space();
        out.quoted(&self.name);
        out.space();
        out.word(self.checksum.word());
        out.space();
        out.number(self.link_speed.0);
        out.extra(&self.extra);
    }

    /// The same data with their own bytes.
    pub fn into_owned(self) -> FileSource<'static> {
        FileSource {
            nick: self.nick.into_owned(),
            ip: self.ip,
            port: self.port,
            name: self.name.into_owned(),
            checksum: self.checksum.into_owned(),
            link_speed: self.link_speed,
            extra: self.extra.into_owned(),
        }
    }
}
