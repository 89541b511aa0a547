//! The effects a peer can ask for, and who carries them out.

use core::time::Duration;

use bytes::Bytes;
use rand_pcg::Pcg32;

use crate::{Address, Link, Object, Peer, Ticket, Time, Timer, Wire};

/// A peer's way out during one input: what time it is, randomness, and the effects it asks for.
pub struct Context<'a, P: Peer> {
    driver: &'a mut (dyn Driver<P> + 'a),
    now: Time,
    seed: u64,
    rng: Option<Pcg32>,
}

impl<P: Peer> core::fmt::Debug for Context<'_, P> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Context").field("now", &self.now).finish_non_exhaustive()
    }
}

impl<'a, P: Peer> Context<'a, P> {
    /// For drivers: the context of one input. `seed` comes from [`input_seed`].
    pub fn new(driver: &'a mut (dyn Driver<P> + 'a), now: Time, seed: u64) -> Self {
        Self { driver, now, seed, rng: None }
    }

    /// The time of this input. It does not advance while the input is handled.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The local address this peer is bound to; behind a NAT, a private one.
    pub fn here(&self) -> Address {
        self.driver.here()
    }

    /// A generator of its own for this input, from the run's seed, the peer's number and the number
    /// of inputs it had: the same inputs draw the same numbers under every driver.
    pub fn rng(&mut self) -> &mut Pcg32 {
        // The stream is the peer's input; `Pcg32::new` makes any stream number odd.
        let seed = self.seed;
        self.rng.get_or_insert_with(|| Pcg32::new(seed, seed.rotate_left(32)))
    }

    /// Queues a message on a link. On a link that is not open it is dropped.
    pub fn send(&mut self, link: Link, message: P::Message) {
        self.driver.send(link, message);
    }

    /// Starts to open a link. Sooner or later it is [`Open`](crate::LinkState::Open) or
    /// [`Closed`](crate::LinkState::Closed).
    pub fn connect(&mut self, to: Address) -> Link {
        self.driver.connect(to)
    }

    /// Closes a link once everything queued on it is sent. Nothing more comes from it: no message,
    /// no [`Closed`](crate::LinkState::Closed). The other side sees
    /// [`Reason::Remote`](crate::Reason::Remote).
    pub fn close(&mut self, link: Link) {
        self.driver.close(link);
    }

    /// What the next bytes from this link are.
    pub fn phase(&mut self, link: Link, phase: <P::Message as Wire>::Phase) {
        self.driver.phase(link, phase);
    }

    /// Asks, once, for [`Writable`](crate::LinkState::Writable) when the link's queue has drained;
    /// at the next tick if it is short already.
    pub fn when_writable(&mut self, link: Link) {
        self.driver.when_writable(link);
    }

    /// Stops (or resumes) taking messages from a link, so that the other side has to wait.
    pub fn pause(&mut self, link: Link, paused: bool) {
        self.driver.pause(link, paused);
    }

    /// Bytes queued on a link and not sent yet.
    pub fn queued(&self, link: Link) -> usize {
        self.driver.queued(link)
    }

    /// Sends a datagram, which may get lost.
    pub fn send_to(&mut self, to: Address, message: P::Message) {
        self.driver.send_to(to, message);
    }

    /// Asks for a [`wake`](Peer::wake) after `delay`, rounded up to the driver's tick, at least one.
    pub fn wake_after(&mut self, delay: Duration, timer: Timer) {
        self.driver.wake_after(delay, timer);
    }

    /// Reads `len` bytes of a stored object. The outcome comes with the ticket.
    pub fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket {
        self.driver.read(object, offset, len)
    }

    /// Writes into a stored object, which is created if it is not there.
    pub fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket {
        self.driver.write(object, offset, bytes)
    }

    /// Tells the peer's user something.
    pub fn emit(&mut self, event: P::Event) {
        self.driver.emit(event);
    }
}

/// What a driver does for the peer it is calling; see the methods of [`Context`] for what each means.
///
/// A driver decodes one message, hands it over, applies the effects, and only then decodes the next:
/// an effect may change the link's [`Phase`](Wire::Phase). Within a tick, links and messages come
/// before timers. Nothing takes effect on another input within the same tick.
#[allow(missing_docs)]
pub trait Driver<P: Peer> {
    fn here(&self) -> Address;
    fn send(&mut self, link: Link, message: P::Message);
    fn connect(&mut self, to: Address) -> Link;
    fn close(&mut self, link: Link);
    fn phase(&mut self, link: Link, phase: <P::Message as Wire>::Phase);
    fn when_writable(&mut self, link: Link);
    fn pause(&mut self, link: Link, paused: bool);
    fn queued(&self, link: Link) -> usize;
    fn send_to(&mut self, to: Address, message: P::Message);
    fn wake_after(&mut self, delay: Duration, timer: Timer);
    fn read(&mut self, object: Object, offset: u64, len: u32) -> Ticket;
    fn write(&mut self, object: Object, offset: u64, bytes: Bytes) -> Ticket;
    fn emit(&mut self, event: P::Event);
}

/// The seed of one input: from the run's seed, the peer's number in it, and how many inputs the peer
/// had before. Every driver derives it with this function, so that a recorded run can be replayed
/// under another one.
#[inline]
pub const fn input_seed(run: u64, peer: u32, input: u64) -> u64 {
    mix(mix(run ^ 0x9e37_79b9_7f4a_7c15).wrapping_add(peer as u64) ^ mix(input))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
#[inline]
const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
