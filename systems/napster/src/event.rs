//! What a peer tells its user.

use napster_wire::{Checksum, IpNumber, LinkSpeed, Quoted, Refusal, SearchResult, Word};
use overlay_peer::{Address, Link, Reason, StoreError};

use crate::FileId;

/// What a peer tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// Client: it is logged in.
    Joined {
        /// The server.
        server: Address,
    },
    /// Client: it could not log in.
    Refused {
        /// Why.
        reason: JoinFailure,
    },
    /// Client: the link to the server is gone. Searches failed, and downloads that waited for the
    /// server's answer. A download that waits for the other client to connect, which the server may
    /// have asked for already, goes on waiting.
    Disconnected {
        /// Why.
        reason: Reason,
    },
    /// Client: everything that is shared was handed to the server's link. The protocol has no
    /// acknowledgement.
    Published {
        /// How many files are shared.
        files: usize,
    },
    /// Client: a file was not shared.
    NotShared {
        /// The file.
        file: FileId,
        /// Why.
        reason: NotShared,
    },
    /// Client: a search found a file.
    Hit {
        /// The caller's name for the search.
        search: u32,
        /// The file.
        hit: Hit,
    },
    /// Client: a search is over.
    SearchDone {
        /// The caller's name for the search.
        search: u32,
        /// How many hits it had.
        found: u32,
    },
    /// Client: a search did not come to its end. Hits it had are good.
    SearchFailed {
        /// The caller's name for the search.
        search: u32,
        /// Why.
        reason: SearchFailure,
    },
    /// Client: a download is complete and stored.
    Fetched {
        /// The caller's name for the download.
        fetch: u32,
        /// The size in bytes.
        bytes: u64,
        /// Whether the other client connected to this one (messages 500 and 501).
        alternate: bool,
    },
    /// Client: a download failed. What was written stays.
    FetchFailed {
        /// The caller's name for the download.
        fetch: u32,
        /// Why.
        reason: FetchFailure,
    },
    /// Client: an upload ended.
    Uploaded {
        /// The file.
        file: FileId,
        /// Who has it now, by its own word.
        nick: Word<'static>,
        /// How many bytes were sent.
        bytes: u64,
        /// Whether that was all that was asked for.
        complete: bool,
    },
    /// Client: the size of the network.
    Stats {
        /// Users who are logged in.
        users: u64,
        /// Files they share.
        files: u64,
        /// About how many gigabytes these are.
        gigabytes: u64,
    },
    /// Client: the server said something in words (messages 404 and 316).
    Notice {
        /// The words.
        text: String,
    },
    /// Server: a user logged in.
    UserOnline {
        /// The user.
        nick: Word<'static>,
    },
    /// Server: a user is gone, and the user's files with it.
    UserOffline {
        /// The user.
        nick: Word<'static>,
    },
    /// The other end of a link broke the protocol.
    Misbehaved {
        /// The link, which is closed by now unless the fault was a small one.
        link: Link,
        /// What it did.
        what: Misbehaviour,
    },
}

/// A file that a search found, and all that is needed to fetch it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Who has it.
    pub nick: Word<'static>,
    /// Where that user is, as the server sees it.
    pub ip: IpNumber,
    /// How fast that user's line is, by its own word.
    pub link_speed: LinkSpeed,
    /// The file's name.
    pub name: Quoted<'static>,
    /// Its checksum as announced; see [`Checksum`] for how little it proves.
    pub checksum: Checksum<'static>,
    /// Its size in bytes.
    pub size: u64,
    /// Kilobits a second of sound.
    pub bitrate: u32,
    /// Samples a second of sound, in hertz.
    pub frequency: u32,
    /// How long it plays, in seconds.
    pub seconds: u32,
}

impl Hit {
    pub(crate) fn from_result(result: &SearchResult<'_>) -> Self {
        Self {
            nick: result.nick.clone().into_owned(),
            ip: result.ip,
            link_speed: result.link_speed,
            name: result.name.clone().into_owned(),
            checksum: result.checksum.clone().into_owned(),
            size: result.size,
            bitrate: result.bitrate,
            frequency: result.frequency,
            seconds: result.seconds,
        }
    }
}

/// Why a client could not log in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum JoinFailure {
    /// It is logged in, or about to be.
    #[error("already joined")]
    AlreadyJoined,
    /// The link could not be opened, or closed before the login was done.
    #[error("no link to the server: {0:?}")]
    Link(Reason),
    /// The server did not answer in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The server does not accept such a nick.
    #[error("the server does not accept such a nick")]
    InvalidNick,
    /// The server said no (message 0).
    #[error("the server refused: {0}")]
    Server(String),
}

/// Why a file was not shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotShared {
    /// The catalogue has no such file.
    #[error("no such file in the catalogue")]
    Unknown,
    /// Another file of the same name is shared; the protocol could not tell them apart.
    #[error("another file of this name is shared")]
    SameName,
}

/// Why a search did not come to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchFailure {
    /// The client is not logged in.
    #[error("not joined")]
    NotJoined,
    /// Too many searches wait already.
    #[error("{max} searches wait already")]
    TooMany {
        /// [`ClientLimits::searches`](crate::ClientLimits::searches).
        max: usize,
    },
    /// The query does not fit the frames that servers accept.
    #[error("the query takes {len} bytes, at most {max} are accepted")]
    TooLong {
        /// The query's length in bytes.
        len: usize,
        /// The most that servers accept.
        max: usize,
    },
    /// The end did not come in time.
    #[error("the server did not answer in time")]
    TimedOut,
    /// The link to the server closed.
    #[error("the link to the server closed")]
    Disconnected,
}

/// Why a download failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchFailure {
    /// The client is not logged in.
    #[error("not joined")]
    NotJoined,
    /// A download of this name is under way.
    #[error("a download of this number is under way")]
    SameNumber,
    /// Too many downloads are under way.
    #[error("{max} downloads are under way already")]
    TooMany {
        /// [`ClientLimits::fetches`](crate::ClientLimits::fetches).
        max: usize,
    },
    /// The hit is one of the client's own files.
    #[error("the file is the client's own")]
    OwnFile,
    /// The request does not fit the frames that servers accept.
    #[error("the request takes {len} bytes, at most {max} are accepted")]
    TooLong {
        /// The request's length in bytes.
        len: usize,
        /// The most that servers accept.
        max: usize,
    },
    /// The server says that the file can not be had: its owner is gone or no longer shares it.
    #[error("the file can no longer be had")]
    Unavailable,
    /// The server's number for the other client's address is no address.
    #[error("{0} is no IPv4 address")]
    BadAddress(IpNumber),
    /// Neither client takes links from outside.
    #[error("both clients are behind firewalls")]
    BothFirewalled,
    /// The other client can not be connected to, and this one takes no links from outside.
    #[error("the other client can not be reached: {0:?}")]
    Unreachable(Reason),
    /// The other client refused.
    #[error("the other client refused: {0}")]
    Refused(Refusal),
    /// The file has another size than the search told, by the answer to `GET`.
    ///
    /// Nothing separates that answer from the file, so it is read for as many digits as the size in
    /// the hit has (see [`SizeAnswer`](napster_wire::SizeAnswer)): `actual` is then the beginning of
    /// the true size if that has more digits, and if it has fewer, digits that the file begins with
    /// may be behind it. A true size whose beginning is the size in the hit, as 50 for 5, is not seen
    /// here; it ends as [`Surplus`](Self::Surplus). An offer (`SEND`) of another size does not end
    /// the download: anyone could make it.
    #[error("the file has {actual} bytes, not {expected}")]
    SizeChanged {
        /// The size in the hit.
        expected: u64,
        /// The size the other client sent.
        actual: u64,
    },
    /// The other client sent more than the file's size in the hit: the file is another one by now.
    /// What was written is not the file.
    ///
    /// Bytes that come only after the whole file is stored, when the link is closed, are not seen.
    #[error("more came than the file's {expected} bytes")]
    Surplus {
        /// The size in the hit.
        expected: u64,
    },
    /// The link closed before the end.
    #[error("the link closed after {received} bytes: {reason:?}")]
    Cut {
        /// How much had arrived.
        received: u64,
        /// Why it closed.
        reason: Reason,
    },
    /// Nothing came for too long.
    #[error("nothing came for too long, after {received} bytes")]
    TimedOut {
        /// How much had arrived.
        received: u64,
    },
    /// The server's link closed while the server was needed.
    #[error("the link to the server closed")]
    Disconnected,
    /// The file could not be written.
    #[error("the file could not be stored: {0}")]
    Storage(StoreError),
}

/// How the other end of a link broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// The bytes are no message.
    #[error("bytes that are no message")]
    Malformed,
    /// The data of a message do not fit its type.
    #[error("the data of a message of type {type_number} do not fit it")]
    Unreadable {
        /// The message type.
        type_number: u16,
    },
    /// A message that this end does not send, or not now.
    #[error("a message of kind {kind} that is out of place")]
    OutOfPlace {
        /// [`Wire::kind`](overlay_peer::Wire::kind) of the message.
        kind: u8,
    },
    /// Something before the login.
    #[error("a message of type {type_number} before the login")]
    NotLoggedIn {
        /// The message type.
        type_number: u16,
    },
    /// Nothing within the time allowed.
    #[error("nothing within the time allowed")]
    Silent,
    /// More than is allowed at once.
    #[error("more than {max} at once")]
    TooMany {
        /// The limit.
        max: usize,
    },
    /// An address that can not be connected to.
    #[error("an address that can not be connected to")]
    BadAddress,
}
