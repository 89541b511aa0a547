//! A peer: inputs in, effects out.

use bytes::Bytes;

use crate::{Address, Context, Wire};

/// One participant of a peer-to-peer system, as a state machine without I/O, clock or randomness of
/// its own.
///
/// A driver calls one method for each input. The peer changes its state and asks for effects through
/// the [`Context`]; the driver carries them out before it hands over (or even decodes) the next
/// input. The same type runs in a simulator and on sockets.
///
/// What every peer keeps to:
///
/// - it never panics on what another peer sends: misbehaviour becomes an [`Event`](Peer::Event) and
///   usually a closed link;
/// - its state is bounded whatever others send;
/// - it does not iterate over hash maps, or anything else whose order differs between runs;
/// - timers are not cancelled: a peer ignores a wake it no longer needs.
pub trait Peer: Sized {
    /// What peers of this system send each other.
    type Message: Wire;
    /// What the peer's own user asks it to do.
    type Command;
    /// What it tells its own user.
    type Event;

    /// The user asks for something.
    fn command(&mut self, command: Self::Command, cx: &mut Context<'_, Self>);

    /// A link opened, closed, filled up or drained. The first input on any link is
    /// [`LinkState::Open`] (or [`LinkState::Closed`] for a connect that failed), the last is
    /// [`LinkState::Closed`]. A link this peer closed itself gives no further input at all.
    fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Context<'_, Self>);

    /// A message arrived on a link. Messages of one link arrive in the order they were sent.
    fn receive(&mut self, from: Link, message: Self::Message, cx: &mut Context<'_, Self>);

    /// A datagram arrived. `from` is where an answer goes: behind a NAT, the mapped address.
    /// Datagrams get lost, doubled and reordered.
    fn datagram(&mut self, from: Address, message: Self::Message, cx: &mut Context<'_, Self>) {
        let _ = (from, message, cx);
    }

    /// This message will soon arrive on a link. A peer of which there are millions asks here for the
    /// memory that [`receive`](Self::receive) will need, with [`prefetch`](crate::prefetch); it
    /// changes nothing. A driver may leave the calls out, and may not always keep its word.
    ///
    /// There are three calls for a message, at each of which what the one before asked for is there.
    /// In the first that is nothing: this is to ask for the peer's own struct, or the part of it that
    /// matters, without a look into it.
    fn expect(&self, message: &Self::Message, step: Expect) {
        let _ = message;
        if step == Expect::First {
            crate::prefetch(self);
        }
    }

    /// A delay asked for with [`Context::wake_after`] is over.
    fn wake(&mut self, timer: Timer, cx: &mut Context<'_, Self>);

    /// A read or write asked for with [`Context::read`] or [`Context::write`] is done. A finished
    /// write carries no bytes.
    fn stored(
        &mut self,
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
        cx: &mut Context<'_, Self>,
    ) {
        let _ = (ticket, outcome, cx);
    }
}

/// Which of the calls of [`Peer::expect`] it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Nothing is there yet.
    First,
    /// The peer's struct is there: now for what it points to.
    Second,
    /// That is there too.
    Third,
}

/// A peer's name for one of its links (a TCP connection, or what stands for it).
///
/// The numbers are the driver's. A driver does not give the number of a closed link to another one
/// before at least 255 other links used the same slot; a peer purges what it remembers about a link
/// when the link closes all the same, or a stale route would lead to the wrong neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Link(u32);

impl Link {
    /// For drivers: the link with this number.
    pub const fn from_raw(raw: u32) -> Self {
        Self(raw)
    }

    /// The driver's number.
    pub const fn as_raw(self) -> u32 {
        self.0
    }
}

/// What happened to a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// It is up: messages can be sent and will arrive.
    Open {
        /// The other side's address as seen from here: behind a NAT, the mapped one. For an inbound
        /// link its port is usually not one that the other side listens on.
        remote: Address,
        /// Whether the other side connected to us.
        inbound: bool,
    },
    /// More is queued than the driver likes; sending on still works, up to the hard cap where the
    /// link is closed with [`Reason::Slow`].
    Congested,
    /// Asked for with [`Context::when_writable`]: the queue has drained.
    Writable,
    /// It is gone, and what was queued with it. Forget its [`Link`].
    Closed(Reason),
}

/// Why a link closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The other side closed it.
    Remote,
    /// Nobody listens there.
    Refused,
    /// No answer: no such host, or a NAT or firewall drops what is not asked for.
    Unreachable,
    /// The link was up, and the other side stopped answering.
    TimedOut,
    /// The other side reads too slowly and the queue hit its cap.
    Slow,
    /// The other side sent bytes that are no message.
    Malformed,
}

/// A peer's name for a delay; it comes back in [`Peer::wake`]. The peer chooses the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timer(pub u32);

/// Something stored that the peer's user named: a shared file, the target of a download. The user
/// says which number is which; a peer never sees a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object(pub u64);

/// A read or write under way; it comes back in [`Peer::stored`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u32);

/// Why a read or write failed. What was written before stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Nothing is stored under that number.
    #[error("no such object")]
    NotFound,
    /// The range does not lie within the object.
    #[error("range past the end of an object of {size} bytes")]
    OutOfRange {
        /// The object's size in bytes.
        size: u64,
    },
    /// No space is left.
    #[error("storage full")]
    Full,
    /// The device failed.
    #[error("storage failed")]
    Failed,
}
