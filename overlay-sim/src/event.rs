//! What is queued for a peer.

use bytes::Bytes;
use overlay_peer::{Address, Reason, StoreError, Ticket};

use crate::Cause;
use crate::link::{GENERATION_BITS, NO_LINK, SLOT_BITS, slot};

/// Something that happens to a peer at some tick. 24 bytes with a message of 16: it is what most of a
/// busy world's memory traffic is.
#[derive(Clone, Debug)]
pub(crate) struct Event<M> {
    pub(crate) key: Key,
    pub(crate) body: Body<M>,
}

/// Who an event is for, on which link, and because of what, in one number that sorts as events are
/// handled:
///
/// ```text
/// 63            38 37          16 15           8 7      0
/// receiver (26)  | link slot (22) | generation   | cause
/// ```
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key(u64);

const CAUSE_BITS: u32 = 8;
const PLACE_SHIFT: u32 = CAUSE_BITS + GENERATION_BITS;
const RECEIVER_SHIFT: u32 = PLACE_SHIFT + SLOT_BITS;

/// How many peers a world has room for.
pub(crate) const MAX_PEERS: usize = 1 << (64 - RECEIVER_SHIFT);

impl Key {
    #[inline]
    pub(crate) fn new(receiver: u32, link: u32, cause: Cause) -> Self {
        let generation = u64::from(link >> SLOT_BITS);
        Self(
            u64::from(receiver) << RECEIVER_SHIFT
                | u64::from(slot(link)) << PLACE_SHIFT
                | generation << CAUSE_BITS
                | u64::from(cause.0),
        )
    }

    #[inline]
    pub(crate) fn receiver(self) -> u32 {
        (self.0 >> RECEIVER_SHIFT) as u32
    }

    #[inline]
    pub(crate) fn link(self) -> u32 {
        let slot = (self.0 >> PLACE_SHIFT) as u32 & slot(u32::MAX);
        let generation = (self.0 >> CAUSE_BITS) as u32 & ((1 << GENERATION_BITS) - 1);
        generation << SLOT_BITS | slot
    }

    #[inline]
    pub(crate) fn cause(self) -> Cause {
        Cause(self.0 as u8)
    }

    /// Where the event has its place within a tick, in 48 bits: receiver, then slot.
    pub(crate) fn place(self) -> u64 {
        self.0 >> PLACE_SHIFT
    }

    /// Whether it belongs to no link; such events of one receiver go in the order of their senders.
    #[inline]
    pub(crate) fn has_no_link(self) -> bool {
        self.link() == NO_LINK
    }
}

#[derive(Clone, Debug, Default)]
pub(crate) enum Body<M> {
    Message(M),
    Control(Box<Control<M>>),
    /// It has been handled.
    #[default]
    Done,
}

#[derive(Clone, Debug)]
pub(crate) enum Control<M> {
    /// A connect reaches the other side (or its NAT).
    Connect {
        from: u32,
        from_link: u32,
        source: Address,
        to: Address,
        give_up: u64,
    },
    Accepted {
        other: u32,
        other_link: u32,
        to: Address,
    },
    Failed(Reason),
    Closed(Reason),
    /// What has passed its receiver's downlink.
    Arrived(Body<M>),
    Congested,
    Writable,
    /// A pause is over.
    Resume,
    Datagram {
        from: u32,
        source: Address,
        to: Address,
        message: M,
    },
    Stored {
        ticket: Ticket,
        outcome: Result<Bytes, StoreError>,
    },
}

impl<M> Event<M> {
    /// Of an event without a link: the peer it comes from.
    #[inline]
    fn sender(&self) -> u32 {
        match &self.body {
            Body::Control(control) => match **control {
                Control::Connect { from, .. } | Control::Datagram { from, .. } => from,
                _ => self.key.receiver(),
            },
            _ => self.key.receiver(),
        }
    }
}

/// The order in which a tick's events are handled: by receiver, then by link, and what belongs to no
/// link by sender. What comes from one sender on one way stays in the order it was sent.
#[derive(Clone, Debug, Default)]
pub(crate) struct Order {
    /// Receiver, slot and index of each event in one number, as long as slots and indices are small:
    ///
    /// ```text
    /// 63            38 37       24 23      0
    /// receiver (26)  | slot (14)  | index
    /// ```
    keys: Vec<u64>,
    /// The same when they are not: place and index.
    wide: Vec<(u64, u32)>,
}

const INDEX_BITS: u32 = 24;
/// What stands for no link in a key.
const NO_SLOT: u32 = (1 << (RECEIVER_SHIFT - INDEX_BITS)) - 1;

impl Order {
    pub(crate) fn arrange<M>(&mut self, events: &[Event<M>]) {
        self.wide.clear();
        if !self.arrange_narrow(events) {
            self.keys.clear();
            self.arrange_wide(events);
        }
    }

    /// Whether all slots and indices are small enough.
    fn arrange_narrow<M>(&mut self, events: &[Event<M>]) -> bool {
        self.keys.clear();
        if events.len() >> INDEX_BITS != 0 {
            return false;
        }
        let (mut without_link, mut too_wide) = (false, false);
        self.keys.extend((0u64..).zip(events).map(|(index, event)| {
            let none = event.key.has_no_link();
            let slot = if none { NO_SLOT } else { slot(event.key.link()) };
            without_link |= none;
            too_wide |= !none && slot >= NO_SLOT;
            let receiver = u64::from(event.key.receiver()) << RECEIVER_SHIFT;
            receiver | u64::from(slot) << INDEX_BITS | index
        }));
        if too_wide {
            return false;
        }
        // The index is part of what is sorted: the order is stable.
        self.keys.sort_unstable();
        if without_link {
            let index = |key: u64| (key & ((1 << INDEX_BITS) - 1)) as usize;
            let same = |a: &u64, b: &u64| a >> INDEX_BITS == b >> INDEX_BITS;
            for run in self.keys.chunk_by_mut(same).filter(|run| run.len() > 1) {
                if events[index(run[0])].key.has_no_link() {
                    run.sort_by_key(|&key| events[index(key)].sender());
                }
            }
        }
        true
    }

    fn arrange_wide<M>(&mut self, events: &[Event<M>]) {
        self.wide.extend((0..).zip(events).map(|(index, event)| (event.key.place(), index)));
        self.wide.sort_unstable();
        if events.iter().any(|event| event.key.has_no_link()) {
            let same = |a: &(u64, u32), b: &(u64, u32)| a.0 == b.0;
            for run in self.wide.chunk_by_mut(same).filter(|run| run.len() > 1) {
                if events[run[0].1 as usize].key.has_no_link() {
                    run.sort_by_key(|&(_, index)| events[index as usize].sender());
                }
            }
        }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.keys.len().max(self.wide.len())
    }

    /// The index of the event that is handled as the `at`-th, and its receiver.
    #[inline]
    pub(crate) fn nth(&self, at: usize) -> (usize, usize) {
        if let Some(&key) = self.keys.get(at) {
            return ((key & ((1 << INDEX_BITS) - 1)) as usize, (key >> RECEIVER_SHIFT) as usize);
        }
        let (place, index) = self.wide[at];
        (index as usize, (place >> SLOT_BITS) as usize)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_key_keeps_its_parts(
            receiver in 0..MAX_PEERS as u32,
            link in 0..=NO_LINK,
            cause: u8,
        ) {
            let key = Key::new(receiver, link, Cause(cause));
            prop_assert_eq!(key.receiver(), receiver);
            prop_assert_eq!(key.link(), link);
            prop_assert_eq!(key.cause(), Cause(cause));
        }

        /// The simple path: a stable sort by receiver, link, sender.
        #[test]
        fn same_order_as_a_stable_sort(
            events in proptest::collection::vec((0u32..4, 0u32..3, 0u8..3, 0u32..3), 0..60),
            first_slot in prop_oneof![Just(0), NO_SLOT - 2..NO_SLOT + 2, Just(NO_LINK - 9)],
        ) {
            let event = |(receiver, link, cause, from)| {
                let link = if link == 2 { NO_LINK } else { first_slot + link };
                let nowhere = Address::from(([0, 0, 0, 0], 0));
                let to = nowhere;
                let control = Control::Datagram { from, source: nowhere, to, message: () };
                let body = match link {
                    NO_LINK => Body::Control(Box::new(control)),
                    _ => Body::Message(()),
                };
                Event { key: Key::new(receiver, link, Cause(cause)), body }
            };
            let events: Vec<Event<()>> = events.into_iter().map(event).collect();
            let mut expected: Vec<usize> = (0..events.len()).collect();
            expected.sort_by_key(|&index| {
                let event = &events[index];
                let sender = if event.key.has_no_link() { event.sender() } else { 0 };
                (event.key.receiver(), slot(event.key.link()), sender)
            });
            let mut order = Order::default();
            order.arrange(&events);
            let got: Vec<usize> = (0..order.len()).map(|at| order.nth(at).0).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
