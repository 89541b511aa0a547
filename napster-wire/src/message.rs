//! All messages between client and server.

use alloc::borrow::Cow;

use bytes::BufMut;

use crate::cursor::Cursor;
use crate::sink::{Count, Out, Sink};
use crate::{
    DecodeError, DecodeErrorKind, Decoded, FileReference, FileSource, Frame, HEADER, Limits, Login,
    Registration, Search, SearchResult, Share, Stats, Text, Unshare, Word,
};

/// A message between client and server: the data of one [`Frame`], by type.
///
/// It borrows from the bytes it was read from; [`into_owned`](Self::into_owned) makes its owned
/// twin, [`OwnedMessage`]. What was decoded is encoded to the same bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Message<'a> {
    /// 0, server: the login failed, with the reason.
    LoginError(Text<'a>),
    /// 2, client.
    Login(Login<'a>),
    /// 3, server: the login succeeded; the electronic mail address it has for the user.
    LoginAck(Text<'a>),
    /// 6, client.
    Register(Registration<'a>),
    /// 7, client: is this nick registered? The answer is 8, 9 or 10.
    NickCheck(Word<'a>),
    /// 8, server: the nick is free.
    NickFree,
    /// 9, server: the nick is registered already.
    NickTaken,
    /// 10, server: no such nick is possible.
    NickInvalid,
    /// 100, client.
    Share(Share<'a>),
    /// 102, client.
    Unshare(Unshare<'a>),
    /// 110, client: it no longer shares anything.
    UnshareAll,
    /// 200, client.
    Search(Search<'a>),
    /// 201, server.
    SearchResult(SearchResult<'a>),
    /// 202, server: these were all results.
    SearchEnd,
    /// 203, client: it wants this file of this user. The answer is 204 or 206.
    DownloadRequest(FileReference<'a>),
    /// 204, server: where the user is who has the file.
    DownloadAck(FileSource<'a>),
    /// 206, server: the file can not be had.
    GetError(FileReference<'a>),
    /// 214 without data, client: how large is the network?
    StatsRequest,
    /// 214 with data, server.
    Stats(Stats<'a>),
    /// 218, client: a download begins.
    DownloadStart,
    /// 219, client: a download is over.
    DownloadEnd,
    /// 220, client: an upload begins.
    UploadStart,
    /// 221, client: an upload is over.
    UploadEnd,
    /// 316, server, with data `0`: it is about to close the connection.
    Disconnect(Text<'a>),
    /// 404, server: something went wrong, in words.
    Error(Text<'a>),
    /// 500, client: it wants this file of this user, who is to connect to it.
    AlternateRequest(FileReference<'a>),
    /// 501, server, to the user who has the file: where the one is who wants it.
    AlternateAck(FileSource<'a>),
    /// 626, client: the data port of this user can not be reached. The server passes it on with the
    /// sender's nick in place of the user's.
    DataPortError(Word<'a>),
    /// Anything else, as it is.
    Raw(Raw<'a>),
}

/// A [`Message`] with its own bytes.
pub type OwnedMessage = Message<'static>;

/// A message kept as it is: of a type this crate has no shape for or, from the lossless decoder
/// only, with data that do not fit the type.
///
/// [`Message::from_parts`] makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct Raw<'a> {
    type_number: u16,
    data: Cow<'a, [u8]>,
}

impl Raw<'_> {
    /// The message type.
    pub fn type_number(&self) -> u16 {
        self.type_number
    }

    /// The data.
    pub fn data(&self) -> &[u8] {
        &self.data
    }
}

/// The data as text, whatever is not printable ASCII escaped.
impl core::fmt::Debug for Raw<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Raw({} \"{}\")", self.type_number, self.data.escape_ascii())
    }
}

impl<'a> Message<'a> {
    /// Reads one message that is all of `bytes`, of any length.
    ///
    /// # Errors
    /// The bytes are not exactly one frame, or its data do not fit its type.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        match Self::decode_prefix(bytes, &Limits::WIDEST)? {
            Decoded::Complete { value, consumed } if consumed == bytes.len() => Ok(value),
            Decoded::Complete { consumed, .. } => {
                Err(DecodeErrorKind::Trailing { extra: bytes.len() - consumed }.at(consumed))
            }
            Decoded::Partial { needed } => {
                Err(DecodeErrorKind::Truncated { needed }.at(bytes.len()))
            }
        }
    }

    /// Reads one message from the start of `bytes`.
    ///
    /// # Errors
    /// The frame is too long, or its data do not fit its type.
    pub fn decode_prefix(bytes: &'a [u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        Ok(match Frame::decode_prefix(bytes, limits)? {
            Decoded::Complete { value, consumed } => {
                Decoded::Complete { value: Self::from_frame(value)?, consumed }
            }
            Decoded::Partial { needed } => Decoded::Partial { needed },
        })
    }

    /// Reads one message from the start of `bytes`; data that do not fit their type become
    /// [`Raw`](Self::Raw) instead of an error.
    ///
    /// # Errors
    /// The frame is too long.
    pub fn decode_prefix_lossless(
        bytes: &'a [u8],
        limits: &Limits,
    ) -> Result<Decoded<Self>, DecodeError> {
        Ok(Frame::decode_prefix(bytes, limits)?.map(Self::from_frame_lossless))
    }

    /// The message in a frame.
    ///
    /// # Errors
    /// The frame's data do not fit its type. The offset counts from the frame's first byte.
    pub fn from_frame(frame: Frame<'a>) -> Result<Self, DecodeError> {
        let data = frame.data();
        let cursor = Cursor::new(data, HEADER);
        Ok(match frame.type_number() {
            0 => Self::LoginError(Text::checked(data)),
            2 => Self::Login(Login::read(cursor)?),
            3 => Self::LoginAck(Text::checked(data)),
            6 => Self::Register(Registration::read(cursor)?),
            7 => Self::NickCheck(only_word(cursor)?),
            8 => empty(Self::NickFree, data)?,
            9 => empty(Self::NickTaken, data)?,
            10 => empty(Self::NickInvalid, data)?,
            100 => Self::Share(Share::read(cursor)?),
            102 => Self::Unshare(Unshare::read(cursor)?),
            110 => empty(Self::UnshareAll, data)?,
            200 => Self::Search(Search::read(cursor)?),
            201 => Self::SearchResult(SearchResult::read(cursor)?),
            202 => empty(Self::SearchEnd, data)?,
            203 => Self::DownloadRequest(FileReference::read(cursor)?),
            204 => Self::DownloadAck(FileSource::read(cursor)?),
            206 => Self::GetError(FileReference::read(cursor)?),
            214 if data.is_empty() => Self::StatsRequest,
            214 => Self::Stats(Stats::read(cursor)?),
            218 => empty(Self::DownloadStart, data)?,
            219 => empty(Self::DownloadEnd, data)?,
            220 => empty(Self::UploadStart, data)?,
            221 => empty(Self::UploadEnd, data)?,
            316 => Self::Disconnect(Text::checked(data)),
            404 => Self::Error(Text::checked(data)),
            500 => Self::AlternateRequest(FileReference::read(cursor)?),
            501 => Self::AlternateAck(FileSource::read(cursor)?),
            626 => Self::DataPortError(only_word(cursor)?),
            type_number => Self::Raw(Raw { type_number, data: data.into() }),
        })
    }

    /// The message in a frame; data that do not fit their type become [`Raw`](Self::Raw).
    ///
    /// A server can so answer one unreadable message and go on with the next.
    pub fn from_frame_lossless(frame: Frame<'a>) -> Self {
        Self::from_frame(frame).unwrap_or_else(|_| {
            Self::Raw(Raw { type_number: frame.type_number(), data: frame.data().into() })
        })
    }

    /// The message of this type with these data, or `None` for more than 65,535 bytes. It is
    /// [`Raw`](Self::Raw) if this crate has no shape for the type, or the data do not fit it.
    pub fn from_parts(type_number: u16, data: &'a [u8]) -> Option<Self> {
        Frame::new(type_number, data).map(Self::from_frame_lossless)
    }

    /// The message type.
    pub fn type_number(&self) -> u16 {
        match self {
            Self::LoginError(_) => 0,
            Self::Login(_) => 2,
            Self::LoginAck(_) => 3,
            Self::Register(_) => 6,
            Self::NickCheck(_) => 7,
            Self::NickFree => 8,
            Self::NickTaken => 9,
            Self::NickInvalid => 10,
            Self::Share(_) => 100,
            Self::Unshare(_) => 102,
            Self::UnshareAll => 110,
            Self::Search(_) => 200,
            Self::SearchResult(_) => 201,
            Self::SearchEnd => 202,
            Self::DownloadRequest(_) => 203,
            Self::DownloadAck(_) => 204,
            Self::GetError(_) => 206,
            Self::StatsRequest | Self::Stats(_) => 214,
            Self::DownloadStart => 218,
            Self::DownloadEnd => 219,
            Self::UploadStart => 220,
            Self::UploadEnd => 221,
            Self::Disconnect(_) => 316,
            Self::Error(_) => 404,
            Self::AlternateRequest(_) => 500,
            Self::AlternateAck(_) => 501,
            Self::DataPortError(_) => 626,
            Self::Raw(raw) => raw.type_number,
        }
    }

    /// Bytes of the frame, header and data.
    pub fn encoded_len(&self) -> usize {
        let mut count = Count(HEADER);
        self.write(&mut count);
        count.0
    }

    /// Appends the frame, header and data.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        // Fields are held to lengths that fit 16 bits together.
        out.put_u16_le((self.encoded_len() - HEADER) as u16);
        out.put_u16_le(self.type_number());
        self.write(&mut Out(out));
    }

    /// The same message with its own bytes.
    pub fn into_owned(self) -> OwnedMessage {
        match self {
            Self::LoginError(text) => Message::LoginError(text.into_owned()),
            Self::Login(login) => Message::Login(login.into_owned()),
            Self::LoginAck(text) => Message::LoginAck(text.into_owned()),
            Self::Register(registration) => Message::Register(registration.into_owned()),
            Self::NickCheck(nick) => Message::NickCheck(nick.into_owned()),
            Self::NickFree => Message::NickFree,
            Self::NickTaken => Message::NickTaken,
            Self::NickInvalid => Message::NickInvalid,
            Self::Share(share) => Message::Share(share.into_owned()),
            Self::Unshare(unshare) => Message::Unshare(unshare.into_owned()),
            Self::UnshareAll => Message::UnshareAll,
            Self::Search(search) => Message::Search(search.into_owned()),
            Self::SearchResult(result) => Message::SearchResult(result.into_owned()),
            Self::SearchEnd => Message::SearchEnd,
            Self::DownloadRequest(file) => Message::DownloadRequest(file.into_owned()),
            Self::DownloadAck(source) => Message::DownloadAck(source.into_owned()),
            Self::GetError(file) => Message::GetError(file.into_owned()),
            Self::StatsRequest => Message::StatsRequest,
            Self::Stats(stats) => Message::Stats(stats.into_owned()),
            Self::DownloadStart => Message::DownloadStart,
            Self::DownloadEnd => Message::DownloadEnd,
            Self::UploadStart => Message::UploadStart,
            Self::UploadEnd => Message::UploadEnd,
            Self::Disconnect(text) => Message::Disconnect(text.into_owned()),
            Self::Error(text) => Message::Error(text.into_owned()),
            Self::AlternateRequest(file) => Message::AlternateRequest(file.into_owned()),
            Self::AlternateAck(source) => Message::AlternateAck(source.into_owned()),
            Self::DataPortError(nick) => Message::DataPortError(nick.into_owned()),
            Self::Raw(raw) => Message::Raw(Raw {
                type_number: raw.type_number,
                data: Cow::Owned(raw.data.into_owned()),
            }),
        }
    }

    fn write(&self, out: &mut impl Sink) {
        match self {
            Self::LoginError(text)
            | Self::LoginAck(text)
            | Self::Disconnect(text)
            | Self::Error(text) => out.text(text),
            Self::Login(login) => login.write(out),
            Self::Register(registration) => registration.write(out),
            Self::NickCheck(nick) | Self::DataPortError(nick) => out.word(nick),
            Self::Share(share) => share.write(out),
            Self::Unshare(unshare) => unshare.write(out),
            Self::Search(search) => search.write(out),
            Self::SearchResult(result) => result.write(out),
            Self::DownloadRequest(file) | Self::GetError(file) | Self::AlternateRequest(file) => {
                file.write(out);
            }
            Self::DownloadAck(source) | Self::AlternateAck(source) => source.write(out),
            Self::Stats(stats) => stats.write(out),
            Self::Raw(raw) => out.put(&raw.data),
            Self::NickFree
            | Self::NickTaken
            | Self::NickInvalid
            | Self::UnshareAll
            | Self::SearchEnd
            | Self::StatsRequest
            | Self::DownloadStart
            | Self::DownloadEnd
            | Self::UploadStart
            | Self::UploadEnd => {}
        }
    }
}

/// What the protocol's text calls a message type that this crate has a shape for.
pub fn type_name(type_number: u16) -> Option<&'static str> {
    Some(match type_number {
        0 => "login error",
        2 => "login",
        3 => "login ack",
        6 => "new user login",
        7 => "nick check",
        8 => "nickname not registered",
        9 => "nickname already registered",
        10 => "invalid nickname",
        100 => "share",
        102 => "unshare",
        110 => "unshare all",
        200 => "search",
        201 => "search result",
        202 => "end of search",
        203 => "download request",
        204 => "download ack",
        206 => "get error",
        214 => "server stats",
        218 => "downloading file",
        219 => "download complete",
        220 => "uploading file",
        221 => "upload complete",
        316 => "disconnect",
        404 => "error",
        500 => "alternate download request",
        501 => "alternate download ack",
        626 => "data port error",
        _ => return None,
    })
}

fn only_word(mut cursor: Cursor<'_>) -> Result<Word<'_>, DecodeError> {
    let nick = cursor.word("nick")?;
    cursor.end()?;
    Ok(nick)
}

fn empty<'a>(message: Message<'a>, data: &[u8]) -> Result<Message<'a>, DecodeError> {
    match data.len() {
        0 => Ok(message),
        len => Err(DecodeErrorKind::UnexpectedData { len }.at(HEADER)),
    }
}
