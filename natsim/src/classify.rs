//! What does the NAT between here and a STUN server do? Found out without I/O, and without guessing.
//!
//! [`Classifier`] runs the tests of RFC 5780, [`Lifetime`] finds out how long a silent mapping lives.
//! Both are [`Discovery`] machines: whoever has the sockets and the clock sends what they say, hands in
//! what arrives, and wakes them. Every answer is [`Verdict::Known`] or [`Verdict::Unknown`] with the
//! [`Reason`].
//!
//! # Why an answer can be believed
//! - *Sockets are not used again* for a test that an earlier one would spoil. What was sent to the
//!   server's other address opens the filter for it, so the filter's tests come first, and a socket
//!   that sent there ([`Fresh`], then asked, then opened) can not be given to them: the types differ.
//! - *Silence proves something only with a control.* Beside each request whose answer may be filtered
//!   goes one whose answer can not be, in random order. How many of those are lost says how much the
//!   silence means; until losing all of them by chance is less likely than one in ten thousand, the
//!   answer is [`Reason::Loss`].
//! - *A silent server is no filter.* That the server answers from its other address at all is seen
//!   through a door that was opened before.
//! - *Answers count from where they have to come from.* A source that was not asked, and was not named
//!   as the other address, is no evidence ([`Reason::UnexpectedSource`]).
//! - *What must not change is asked twice*: a mapping that moves under one destination says nothing
//!   about two.
//!
//! # Time
//! A classification takes one to eleven seconds, at most [`Classifier::LONGEST`], whatever the server
//! does. A lifetime takes several times itself.

mod allocation;
mod classifier;
mod destinations;
mod exchange;
mod learn;
mod lifetime;
mod report;
mod series;
mod silence;
mod socket;
mod verdict;

pub use classifier::{Classifier, Settings};
pub use exchange::{Discovery, Transmit};
pub use lifetime::Lifetime;
pub use report::{Collision, Report};
pub use socket::{Fresh, SocketId};
pub use verdict::{Reason, Verdict};
