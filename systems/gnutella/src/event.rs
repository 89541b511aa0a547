//! What a servent tells its user.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use core::net::SocketAddrV4;

use gnutella_wire::Guid;
use overlay_peer::{Address, Link, Reason, StoreError};

/// What a servent tells its user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A neighbour: the handshake is done.
    Linked {
        /// The link.
        link: Link,
        /// The other side's address as seen from here.
        remote: Address,
        /// Whether the other side connected to us.
        inbound: bool,
    },
    /// A neighbour is gone.
    Unlinked {
        /// The link.
        link: Link,
        /// Why it closed; `None` if this servent closed it.
        reason: Option<Reason>,
    },
    /// A web server told hosts; they are in the cache now.
    WebCache {
        /// The server.
        server: Address,
        /// How many.
        hosts: u32,
    },
    /// A web server told none.
    WebCacheFailed {
        /// The server.
        server: Address,
        /// Why.
        reason: WebCacheFailure,
    },
    /// A neighbour takes leave; [`Unlinked`](Self::Unlinked) follows.
    Bye {
        /// The link.
        link: Link,
        /// Why, as a number: 200 and more if all is well, 400 and more because of us, 500 and more
        /// because of itself.
        code: u16,
        /// Why, in words, in whatever encoding it came.
        text: Box<[u8]>,
    },
    /// A file that a search found. One query hit with several results gives several of these.
    Hit {
        /// The search, as the command numbered it.
        search: u32,
        /// How many links away the servent is that has it; 1 for a neighbour.
        hops: u8,
        /// What was found.
        hit: Hit,
    },
    /// A [`SearchBy`](crate::Command::SearchBy) that found enough, or asks no more.
    SearchEnded {
        /// The search, as the command numbered it.
        search: u32,
        /// How many different results were told.
        results: u32,
    },
    /// A search that could not be sent.
    SearchRejected {
        /// The search, as the command numbered it.
        search: u32,
        /// Why.
        reason: SearchRejection,
    },
    /// Somebody searches, as a neighbour says; only with [`Settings::monitor`](crate::Settings::monitor).
    /// Told once for each query.
    Overheard {
        /// The link that brought it first.
        link: Link,
        /// The TTL it came with, cut down to what is accepted.
        ttl: u8,
        /// The hops it came with.
        hops: u8,
        /// The search text, in whatever encoding it came.
        text: Box<[u8]>,
        /// The hash that it asks for, the first if there are several; always `None` in a servent of 0.4.
        sha1: Option<[u8; 20]>,
    },
    /// What an [`Obtain`](crate::Command::Obtain) now fetches.
    Chosen {
        /// The fetch, as the command numbered it.
        fetch: u32,
        /// The file, at its best source.
        hit: Hit,
        /// How many sources it has so far.
        sources: u32,
    },
    /// One of several sources is given up; the fetch goes on with the others, or fails when there is
    /// none.
    SourceLost {
        /// The fetch, as the command numbered it.
        fetch: u32,
        /// The servent.
        servent: Guid,
        /// Why.
        reason: FetchFailure,
    },
    /// A download is complete: every byte is written.
    Fetched {
        /// The fetch, as the command numbered it.
        fetch: u32,
        /// How many bytes were transferred; a resumed fetch does not count what was there.
        bytes: u64,
        /// Whether it took a Push.
        pushed: bool,
    },
    /// A download failed. What was written stays.
    FetchFailed {
        /// The fetch, as the command numbered it.
        fetch: u32,
        /// Why.
        reason: FetchFailure,
    },
    /// A file was sent in full, or the part of it that was asked for.
    Served {
        /// The file's index.
        index: u32,
        /// How many bytes were sent.
        bytes: u64,
    },
    /// The other side of a link did what the protocol does not allow. The link is closed.
    Misbehaved {
        /// The link.
        link: Link,
        /// What it did.
        what: Misbehaviour,
    },
}

/// A file that a servent offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Where the servent says it accepts connections.
    pub address: Address,
    /// The servent says that nobody can connect to it: it has to be asked with a Push.
    pub push: bool,
    /// Names the servent; a Push is sent to it.
    pub servent: Guid,
    /// The file's index there.
    pub index: u32,
    /// The file's size in bytes; `u32::MAX` also stands for everything larger.
    pub size: u32,
    /// The servent's speed in kbit/s, as it says.
    pub speed: u32,
    /// All upload slots of the servent are taken, as it says.
    pub busy: bool,
    /// The servent has uploaded a file before, as it says.
    pub uploaded: bool,
    /// The speed was measured, as the servent says, and not set by its user.
    pub measured: bool,
    /// The SHA-1 of the file, as the servent says; only newer servents tell one (HUGE).
    pub sha1: Option<[u8; 20]>,
    /// The file's name, in whatever encoding it came.
    pub name: Box<[u8]>,
    /// Servents that pass a Push on to it, if it can not be connected to and says so.
    pub proxies: Box<[SocketAddrV4]>,
}

impl Hit {
    /// The name as text; what is not UTF-8 becomes U+FFFD.
    pub fn name_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.name)
    }

    /// The file's exact size, if the protocol could tell it.
    pub fn exact_size(&self) -> Option<u64> {
        (self.size != u32::MAX).then_some(self.size.into())
    }
}

/// Why a search was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SearchRejection {
    /// The text has no letter and no digit.
    #[error("no keyword in the text")]
    NoKeyword,
    /// The text is too long.
    #[error("text of {length} bytes, expected at most {max}")]
    TooLong {
        /// Its length in bytes.
        length: usize,
        /// The most allowed.
        max: usize,
    },
    /// The text contains a NUL byte, which would end it.
    #[error("NUL byte in the text")]
    ContainsNul,
}

/// Why a web server told no hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WebCacheFailure {
    /// It was asked a while ago only.
    #[error("asked not long ago")]
    TooSoon,
    /// As many servers as allowed were asked lately.
    #[error("{max} servers were asked, no more are allowed")]
    TooMany {
        /// The most allowed.
        max: usize,
    },
    /// A path that is too long, or has a blank in it.
    #[error("a path too long or with a blank in it")]
    BadPath,
    /// The server answered with another status code than 200.
    #[error("refused with status {code}")]
    Refused {
        /// The code.
        code: u32,
    },
    /// The server's answer makes no sense.
    #[error("response that makes no sense")]
    BadResponse,
    /// No connection to it, or one that ended too soon.
    #[error("no answer ({0:?})")]
    Closed(Reason),
    /// The user told the servent to leave.
    #[error("left the network")]
    Left,
}

/// Why a download failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FetchFailure {
    /// As many fetches as allowed are under way.
    #[error("{max} fetches are under way, no more are allowed")]
    TooMany {
        /// The most allowed.
        max: usize,
    },
    /// An other fetch of this number is under way, and goes on; this one was not begun.
    #[error("a fetch of this number is under way")]
    NumberInUse,
    /// The search could not be sent.
    #[error("not searched: {0}")]
    Search(SearchRejection),
    /// The search found nothing that could be fetched.
    #[error("nothing found")]
    NothingFound,
    /// No source was named.
    #[error("no source")]
    NoSource,
    /// A file whose size could not be told, and so can not be shared out.
    #[error("size not known")]
    SizeUnknown,
    /// The source sent other bytes than others did.
    #[error("bytes that differ from other sources'")]
    Differs,
    /// The source was slower than the others; one of them took over.
    #[error("too slow")]
    TooSlow,
    /// Neither side can connect to the other.
    #[error("both sides are firewalled")]
    BothFirewalled,
    /// The servent can not be connected to, and no Push could be sent instead.
    #[error("no connection to the servent ({0:?}), and no way for a Push")]
    Unreachable(Reason),
    /// No hit of this servent passed here lately, so no neighbour is known that leads to it.
    #[error("no route to the servent for a Push")]
    NoRoute,
    /// The Push was sent, and no `GIV` came.
    #[error("no answer to the Push")]
    PushUnanswered,
    /// All upload slots of the servent are taken.
    #[error("the servent is busy")]
    Busy,
    /// The servent does not have the file any more.
    #[error("no such file at the servent")]
    NotFound,
    /// The servent answered with another status code.
    #[error("refused with status {code}")]
    Refused {
        /// The code.
        code: u32,
    },
    /// The servent's answer makes no sense.
    #[error("response that makes no sense")]
    BadResponse,
    /// The servent would send another number of bytes than its hit promised.
    #[error("body of {announced} bytes, expected {expected}")]
    WrongLength {
        /// How many bytes it would send.
        announced: u64,
        /// How many are missing from the file.
        expected: u64,
    },
    /// The link closed before the file was complete.
    #[error("interrupted after {bytes} bytes ({reason:?})")]
    Interrupted {
        /// How many bytes of this fetch were written: an other fetch can start there.
        bytes: u64,
        /// Why the link closed.
        reason: Reason,
    },
    /// The transfer made no progress for too long.
    #[error("no progress after {bytes} bytes")]
    TimedOut {
        /// How many bytes of this fetch were written.
        bytes: u64,
    },
    /// Writing failed.
    #[error("writing failed: {0}")]
    Store(StoreError),
    /// The user told the servent to leave.
    #[error("left the network")]
    Left,
}

/// What the other side of a link did wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// A message that has no place on this link, such as a request within a handshake.
    #[error("message out of place")]
    OutOfPlace,
    /// A handshake, request, response or `GIV` that makes no sense.
    #[error("head that makes no sense")]
    BadHead,
    /// Messages of a query routing table that can not be right.
    #[error("query routing table that can not be right")]
    BadTable,
    /// A `GIV` that nobody asked for.
    #[error("GIV without a Push")]
    UnaskedGiv,
}
