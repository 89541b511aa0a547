//! The four questions every system answers: Join, Publish, Search, Fetch.

use overlay_peer::{Address, Peer};

use crate::{FileId, SystemName};

/// A host that takes part, as its own user knows it.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// Its number, the same in every system.
    pub number: u32,
    /// The address it is bound to; behind a NAT, a private one.
    pub local: Address,
    /// The address at which it can be reached from outside, as a NAT probe would have told it;
    /// `None` behind a NAT that lets no stranger in.
    pub reachable: Option<Address>,
    /// The files it will publish.
    pub files: &'a [FileId],
}

/// One system under the four primitives: how they become commands to its peers, and how its peers'
/// events become outcomes. It holds what the user of a peer would hold, never the state of a peer.
pub trait System: Clone {
    /// A member of the system.
    type Peer: Peer + Clone;
    /// A search result: enough to fetch the file from one source.
    type Hit: Clone;
    /// What it is called.
    const NAME: SystemName;

    /// The peer of a member. Member 0 is the well-known one: the index server where there is one,
    /// otherwise an ordinary peer that is there first.
    fn peer(&mut self, member: &Member<'_>) -> Self::Peer;

    /// Join: enter the system. `introducers` are addresses of members that are in it and can be
    /// reached, the well-known one first; empty for the first member.
    fn join(&mut self, member: u32, introducers: &[Address]) -> Vec<Command<Self>>;

    /// Publish: announce these files, from now on.
    fn publish(&mut self, member: u32, files: &[FileId]) -> Vec<Command<Self>>;

    /// Search: find files that have all of these keywords in their name.
    fn search(&mut self, member: u32, search: u32, keywords: &[&str]) -> Vec<Command<Self>>;

    /// Fetch: retrieve a file from the source of a hit, into
    /// [`Stored::Download`](crate::Stored::Download) of this number.
    fn fetch(&mut self, member: u32, fetch: u32, hit: &Self::Hit) -> Vec<Command<Self>>;

    /// A member's peer told its user something.
    fn observe(
        &mut self,
        member: u32,
        event: <Self::Peer as Peer>::Event,
    ) -> Vec<Reaction<Command<Self>, Self::Hit>>;

    /// How much a peer remembers on behalf of the system.
    fn footprint(peer: &Self::Peer) -> Footprint;
}

/// What a [`System`]'s peers are commanded with.
pub type Command<S> = <<S as System>::Peer as Peer>::Command;

/// What follows from a peer's event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reaction<C, H> {
    /// A primitive came to something.
    Outcome(Outcome<H>),
    /// It goes on with another command to the same peer.
    Command(C),
}

/// What a primitive came to.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Outcome<H> {
    /// The member is in.
    Joined,
    /// It is not, or no longer.
    NotJoined,
    /// A search found a file.
    Found {
        /// The search's number.
        search: u32,
        /// The file.
        file: FileId,
        /// The member that has it.
        source: u32,
        /// Overlay hops from the searching peer to the one that answered.
        hops: u32,
        /// For fetching it.
        hit: H,
    },
    /// A whole file has arrived.
    Fetched {
        /// The fetch's number.
        fetch: u32,
        /// Content bytes.
        bytes: u64,
        /// How the two ends came together.
        route: Route,
    },
    /// A fetch came to nothing.
    NotFetched {
        /// The fetch's number.
        fetch: u32,
        /// Why.
        why: Failure,
    },
    /// Somebody broke the protocol.
    Misbehaved,
}

/// How the two ends of a fetch came together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Route {
    /// The fetching peer connected to the source.
    Direct,
    /// The source, asked through the overlay, connected to the fetching peer: Gnutella's push,
    /// Napster's alternate download.
    Reversed,
}

/// Why a fetch came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// Neither end can open a link to the other, or the source is gone.
    Unreachable,
    /// Anything else: refused, cut off, not stored, of the wrong bytes.
    Failed,
}

/// What a peer remembers on behalf of its system: routes, contacts, links, an index; not the files
/// it shares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Footprint {
    /// Table entries.
    pub entries: u64,
    /// Bytes they take.
    pub bytes: u64,
}
