//! Operations: a lookup, and what is to be done with the owner it finds.

use alloc::boxed::Box;
use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use overlay_peer::Address;

use super::{Cx, Event, Failure, Node, push_exact};
use crate::{Contact, Id160, Lookup, Publication, Traffic};

/// The operations under way, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Operations {
    next: u32,
    /// In the order they began; most of the time none or one. Boxed, so that they are found fast.
    under_way: Vec<(u32, Box<Operation>)>,
}

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub kind: Kind,
    pub lookup: Lookup<Contact>,
    /// Addresses to ask when no contact is left; of these the identifiers are not known.
    pub seeds: Vec<Address>,
    /// The owner and those who stand in for it, once the lookup is done.
    pub owners: Vec<Contact>,
    /// Which of them it is the turn of.
    pub at: usize,
    /// How many questions were put to owners.
    pub asked: u32,
    /// Whether the owner itself is out of reach or has not all, so that a replica has to do.
    pub copy: bool,
    /// How often it was sent elsewhere.
    pub redirects: u32,
    /// How many questions on the way to the key are under way.
    pub steps: u8,
}

/// What an operation is for.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Lookup {
        request: u32,
    },
    Put {
        request: u32,
        publication: Publication,
        replicas: u32,
        waiting: u32,
    },
    Get {
        request: u32,
        values: BTreeSet<Publication>,
        /// Bytes of their values.
        bytes: usize,
        /// Whether there were more than there is room for.
        cut: bool,
        /// Nodes that gave all they have.
        holders: usize,
        /// Where the present one's next page begins.
        cursor: Option<u64>,
        /// Pages so far.
        pages: usize,
    },
    /// Refreshing the finger with this number.
    Finger(u32),
    /// Finding the successor to be; for a client, a member.
    Join,
    /// Finding the owner of keys that are not this node's business any more.
    Return,
}

impl Kind {
    /// The user's number for it.
    fn request(&self) -> Option<u32> {
        match self {
            Self::Lookup { request } | Self::Put { request, .. } | Self::Get { request, .. } => {
                Some(*request)
            }
            Self::Finger(_) | Self::Join | Self::Return => None,
        }
    }
}

impl Operation {
    pub fn new(kind: Kind, key: Id160) -> Self {
        Self {
            kind,
            lookup: Lookup::new(key),
            seeds: Vec::new(),
            owners: Vec::new(),
            at: 0,
            asked: 0,
            copy: false,
            redirects: 0,
            steps: 0,
        }
    }

    /// The owner whose turn it is is of no use: the next one's turn. It may own the key now, or a node
    /// that joined before it and is not heard of yet: it is asked as an owner is, and says so.
    pub fn pass(&mut self) {
        self.at += 1;
    }

    pub fn traffic(&self) -> Traffic {
        if self.kind.request().is_some() { Traffic::User } else { Traffic::Upkeep }
    }
}

impl Operations {
    /// Memory in bytes, roughly.
    pub fn bytes(&self) -> usize {
        let gathered = |operation: &Operation| match &operation.kind {
            Kind::Get { values, bytes, .. } => values.len() * size_of::<Publication>() + bytes,
            _ => 0,
        };
        self.under_way.len() * size_of::<(u32, Operation)>()
            + self.under_way.iter().map(|(_, operation)| gathered(operation)).sum::<usize>()
    }

    pub fn get(&mut self, number: u32) -> Option<&mut Operation> {
        let at = self.place(number)?;
        Some(&mut self.under_way[at].1)
    }

    pub fn add(&mut self, operation: Operation) -> u32 {
        let mut number = self.next;
        while self.place(number).is_some() {
            number = number.wrapping_add(1);
        }
        self.next = number.wrapping_add(1);
        push_exact(&mut self.under_way, (number, Box::new(operation)));
        number
    }

    pub fn remove(&mut self, number: u32) -> Option<Operation> {
        let at = self.place(number)?;
        Some(*self.under_way.remove(at).1)
    }

    fn place(&self, number: u32) -> Option<usize> {
        self.under_way.iter().position(|(other, _)| *other == number)
    }

    /// Whether one of the upkeep's operations of this sort is under way.
    pub fn any(&self, sort: impl Fn(&Kind) -> bool) -> bool {
        self.under_way.iter().any(|(_, operation)| sort(&operation.kind))
    }

    /// Forgets the upkeep's operations.
    pub fn drop_upkeep(&mut self) {
        self.under_way.retain(|(_, operation)| operation.traffic() == Traffic::User);
    }
}

impl Node {
    /// Starts one of the user's operations, if the node is in a position to.
    pub(super) fn begin_for_user(&mut self, request: u32, operation: Operation, cx: &mut Cx<'_>) {
        let max = self.config.limits.operations;
        let reason = if !self.is_joined() {
            Failure::NotJoined
        } else if self.operations.under_way.len() >= max {
            Failure::TooMuch { max }
        } else {
            return self.begin(operation, cx);
        };
        cx.emit(Event::Failed { request, reason });
    }

    /// An operation did not work.
    pub(super) fn operation_failed(&mut self, number: u32, reason: Failure, cx: &mut Cx<'_>) {
        let Some(operation) = self.operations.remove(number) else { return };
        match operation.kind {
            Kind::Lookup { request } | Kind::Put { request, .. } | Kind::Get { request, .. } => {
                cx.emit(Event::Failed { request, reason });
            }
            Kind::Join => self.join_stuck(reason, cx),
            Kind::Finger(finger) => self.finger_failed(finger),
            Kind::Return => {}
        }
    }

    /// None of the user's operations can work any more.
    pub(super) fn fail_operations(&mut self, reason: Failure, cx: &mut Cx<'_>) {
        let under_way = core::mem::take(&mut self.operations.under_way);
        for request in under_way.iter().filter_map(|(_, operation)| operation.kind.request()) {
            cx.emit(Event::Failed { request, reason });
        }
    }

    /// Counts a lookup of the user's that found the owner.
    pub(super) fn count_lookup(&mut self, hops: u32) {
        self.counters.lookups += 1;
        self.counters.lookup_hops += u64::from(hops);
    }
}
