//! What a client's user asks it to do.

use napster_wire::Search;
use overlay_peer::{Address, Object};

use crate::{FileId, Hit};

/// What a [`Client`](crate::Client)'s user asks it to do. A [`Server`](crate::Server) has no user
/// and ignores commands.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Command {
    /// Log in at the index server. Ends in [`Joined`](crate::Event::Joined) or
    /// [`Refused`](crate::Event::Refused). What is shared already is announced again.
    Join {
        /// Where the server listens.
        server: Address,
    },
    /// Log out: close the link to the server, which drops the client's files. Transfers go on.
    Leave,
    /// Share these files of the catalogue, from now on and after each login.
    Publish {
        /// The files. Those that are shared already stay so.
        files: Vec<FileId>,
    },
    /// No longer share these.
    Unshare {
        /// The files.
        files: Vec<FileId>,
    },
    /// No longer share anything.
    UnshareAll,
    /// Search. The protocol has one search at a time on a link: others wait for its end.
    Search {
        /// The caller's name for the search, in its [`Hit`](crate::Event::Hit)s and its end.
        search: u32,
        /// What to look for; [`Search::words`] makes the usual one.
        query: Search<'static>,
    },
    /// Download a file that a search found. Ends in [`Fetched`](crate::Event::Fetched) or
    /// [`FetchFailed`](crate::Event::FetchFailed).
    Fetch {
        /// The caller's name for the download, unique among those under way.
        fetch: u32,
        /// Which file, and whose.
        hit: Hit,
        /// What the driver writes it to.
        into: Object,
    },
    /// Ask the server how large the network is.
    Stats,
}
