//! Requests by datagram: numbered, repeated, and given up.

use alloc::vec::Vec;
use core::time::Duration;

use overlay_peer::{Address, Time, prefetch};
use rand_core::Rng;

use super::tasks::Task;
use super::{Cx, Node, push_exact};
use crate::{Contact, Message};

/// The requests that have no answer yet.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    next: Option<u32>,
    waiting: Vec<Request>,
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    number: u32,
    pub to: Address,
    pub message: Message,
    attempts_left: u8,
    due: Time,
    pub purpose: Purpose,
}

/// What an answer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Purpose {
    /// The state-changing query under way, [`Upkeep`](super::Upkeep)'s.
    Upkeep,
    /// A question on the way to the node that this one will precede.
    Join(Contact),
    /// An operation's step on the way to the key; the node, unless only its address is known.
    Step(u32, Option<Contact>),
    /// How long a node takes that may become a finger.
    Probe(Contact),
    /// A lookup passed on, the user's or another node's; to whom.
    Relay(Contact),
    /// An operation that others pass on: a request of its own, which anyone may answer.
    Routed(u32),
    /// An operation's word with the owner, or with one who stands in for it.
    Owner(u32, Contact),
    /// An operation's copy for a replica.
    Copy(u32, Contact),
    /// An offer of keys; the number is the run's.
    Offer(u32, Contact),
}

impl Request {
    /// How long ago it was sent, last.
    pub fn age(&self, now: Time, timeout: Duration) -> Duration {
        timeout.saturating_sub(self.due.since(now))
    }
}

impl Requests {
    /// Memory in bytes, roughly.
    pub fn bytes(&self) -> usize {
        self.waiting.capacity() * size_of::<Request>()
    }

    /// Asks for the memory of the requests.
    pub fn prefetch(&self) {
        prefetch(self.waiting.as_slice());
    }

    /// Takes the request that this answers.
    fn take(&mut self, number: u32, from: Address) -> Option<Request> {
        let is_it = |r: &Request| {
            let anyone = matches!(r.purpose, Purpose::Routed(_));
            r.number == number && (anyone || r.to == from)
        };
        let at = self.waiting.iter().position(is_it)?;
        Some(self.waiting.remove(at))
    }

    /// Whether this answers a lookup that was passed on.
    pub fn is_relay(&self, number: u32, from: Address) -> bool {
        self.waiting
            .iter()
            .any(|r| r.number == number && r.to == from && matches!(r.purpose, Purpose::Relay(_)))
    }

    /// Whether a question of this kind is under way.
    pub fn any(&self, is: impl Fn(Purpose) -> bool) -> bool {
        self.waiting.iter().any(|request| is(request.purpose))
    }

    /// Forgets the requests made for these purposes.
    pub fn forget(&mut self, unwanted: impl Fn(Purpose) -> bool) {
        self.waiting.retain(|request| !unwanted(request.purpose));
    }
}

impl Node {
    /// Sends a request; `build` gets its number.
    pub(super) fn ask(
        &mut self,
        to: Address,
        purpose: Purpose,
        build: impl FnOnce(u32) -> Message,
        cx: &mut Cx<'_>,
    ) {
        let number = self.next_number(cx);
        let attempts = match purpose {
            Purpose::Upkeep | Purpose::Join(_) | Purpose::Offer(..) => self.config.attempts,
            Purpose::Step(..) | Purpose::Owner(..) | Purpose::Copy(..) | Purpose::Relay(_) => {
                self.config.lookup_attempts
            }
            // Asked twice, nobody knows to which question the answer is.
            Purpose::Routed(_) | Purpose::Probe(_) => 1,
        };
        let message = build(number);
        cx.send_to(to, message.clone());
        let due = cx.now() + self.config.request_timeout;
        let attempts_left = attempts - 1;
        let request = Request { number, to, message, attempts_left, due, purpose };
        push_exact(&mut self.requests.waiting, request);
        self.tasks.within(Task::Requests, self.config.request_timeout, cx);
    }

    /// Waits for an answer from anyone, for ten times as long as a request takes, and sends nothing.
    /// Returns the number that the answer has to have.
    pub(super) fn await_routed(&mut self, operation: u32, here: Address, cx: &mut Cx<'_>) -> u32 {
        let number = self.next_number(cx);
        let delay = self.config.request_timeout * 10;
        let request = Request {
            number,
            to: here,
            message: Message::Nudge,
            attempts_left: 0,
            due: cx.now() + delay,
            purpose: Purpose::Routed(operation),
        };
        push_exact(&mut self.requests.waiting, request);
        self.tasks.within(Task::Requests, delay, cx);
        number
    }

    fn next_number(&mut self, cx: &mut Cx<'_>) -> u32 {
        let number = match self.requests.next {
            Some(number) => number,
            // Others' answers are matched by address and number: start where they can not guess.
            None => cx.rng().next_u32(),
        };
        self.requests.next = Some(number.wrapping_add(1));
        number
    }

    /// How many lookups of others wait to be taken by the next node.
    pub(super) fn relays(&self) -> usize {
        self.requests.waiting.iter().filter(|r| matches!(r.purpose, Purpose::Relay(_))).count()
    }

    /// An answer came: to which request? `None` if to none that waits, as when it was repeated and
    /// answered twice.
    pub(super) fn answered(&mut self, number: u32, from: Address) -> Option<Request> {
        self.requests.take(number, from)
    }

    /// Repeats what waited long enough, and gives up what was repeated often enough.
    pub(super) fn sweep_requests(&mut self, cx: &mut Cx<'_>) {
        let now = cx.now();
        let waiting = core::mem::take(&mut self.requests.waiting);
        let (due, mut waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|r| r.due <= now);
        let mut dead = Vec::new();
        for mut request in due {
            if request.attempts_left > 0 {
                request.attempts_left -= 1;
                request.due = now + self.config.request_timeout;
                self.counters.repeats += 1;
                cx.send_to(request.to, request.message.clone());
                waiting.push(request);
            } else {
                dead.push(request);
            }
        }
        self.requests.waiting = waiting;
        for request in dead {
            self.counters.timeouts += 1;
            self.gave_up(request, cx);
        }
        if let Some(first) = self.requests.waiting.iter().map(|request| request.due).min() {
            let delay = first.since(now).max(Duration::from_micros(1));
            self.tasks.within(Task::Requests, delay, cx);
        }
    }
}
