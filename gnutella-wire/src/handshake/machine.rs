//! Both sides of a handshake as state machines: heads in, heads out.

use core::net::SocketAddr;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::{Connect, Local, Offer, Reply, Role, Version, roles_fit};
use crate::{DecodeError, Decoded, Head, HeadBuilder, Limits, OwnedHead};

/// One handshake. It holds no bytes and does no I/O: hand it what was received
/// ([`receive`](Self::receive)), send what it returns.
///
/// | | opened the connection | accepted it |
/// |---|---|---|
/// | start | [`connect`](Self::connect) → send | [`accept`](Self::accept) |
/// | receive | `GNUTELLA/0.6 200` → send, up; or refused | `GNUTELLA CONNECT/0.6` → [`HandshakeEvent::Offered`] |
/// | decide | | [`welcome`](Self::welcome) or [`refuse`](Self::refuse) → send |
/// | receive | | `GNUTELLA/0.6 200` → up; or refused |
///
/// In 0.4 both sides say one line: [`connect_v04`](Self::connect_v04), and a `CONNECT/0.4` that is
/// welcomed is answered with `GNUTELLA OK`.
#[derive(Clone, Debug)]
pub struct Handshake {
    local: Local,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// We said `CONNECT`.
    Connecting,
    /// We wait for a `CONNECT`.
    Accepting,
    /// It came, and we have not answered.
    Offered { version: Version, theirs: Role, inflates: bool },
    /// We answered 200 and wait for the last head.
    Welcomed { theirs: Role, deflates: bool },
    /// Up or refused.
    Over,
}

/// What a head means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HandshakeEvent {
    /// Someone wants a link: look at what it says, then [`Handshake::welcome`] or
    /// [`Handshake::refuse`] it.
    Offered,
    /// The link is up; what follows is descriptors.
    Up {
        /// What was agreed on.
        link: Link,
        /// To be sent first, if there is something.
        send: Option<OwnedHead>,
    },
    /// There will be no link.
    Refused {
        /// Why.
        refusal: Refusal,
        /// To be sent before the connection is closed, if there is something.
        send: Option<OwnedHead>,
    },
}

/// What was agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// [`Version::V04`] or [`Version::V06`].
    pub version: Version,
    /// What we are on this link.
    pub ours: Role,
    /// What the other servent is.
    pub theirs: Role,
    /// Whether what we receive is deflated.
    pub inflate: bool,
    /// Whether what we send must be deflated.
    pub deflate: bool,
}

/// Why there is no link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code, if there was one: 503 usually, and ours if we refuse.
    pub code: Option<u32>,
    /// Other ultrapeers to try, as the refusal named them.
    pub try_ultrapeers: Vec<SocketAddr>,
    /// Other hosts.
    pub try_hosts: Vec<SocketAddr>,
}

/// A handshake that can not go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// What was received is no head of a handshake.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A head came when none is expected: before we answered, or after the end.
    #[error("a head out of turn")]
    OutOfTurn,
}

impl Handshake {
    /// Opens a handshake of 0.6; the head is to be sent.
    pub fn connect(local: Local) -> (Self, OwnedHead) {
        let head = local.describe(local.role, OwnedHead::build(b"GNUTELLA CONNECT/0.6")).finish();
        (Self { local, state: State::Connecting }, head)
    }

    /// Opens a handshake of 0.4, for who closes the connection on 0.6.
    pub fn connect_v04(local: Local) -> (Self, OwnedHead) {
        (Self { local, state: State::Connecting }, Connect::v04())
    }

    /// Waits for the other side to begin.
    pub fn accept(local: Local) -> Self {
        Self { local, state: State::Accepting }
    }

    /// From now on an ultrapeer stays one whatever it is told: other links came to depend on it while this
    /// handshake was under way.
    pub fn keep_role(&mut self) {
        self.local.may_become_leaf = false;
    }

    /// Takes one head from the start of `bytes`, if it is there; what follows it is not touched.
    ///
    /// # Errors
    /// As [`Head::decode_prefix`] and [`receive`](Self::receive).
    pub fn receive_prefix(
        &mut self,
        bytes: &[u8],
        limits: &Limits,
    ) -> Result<Decoded<HandshakeEvent>, HandshakeError> {
        Ok(match Head::decode_prefix(bytes, limits)? {
            Decoded::Complete { value, consumed } => {
                Decoded::Complete { value: self.receive(value)?, consumed }
            }
            Decoded::Partial { needed } => Decoded::Partial { needed },
        })
    }

    /// Takes one head.
    ///
    /// # Errors
    /// It is no `CONNECT` where one is expected, or nothing is expected.
    pub fn receive(&mut self, head: Head<'_>) -> Result<HandshakeEvent, HandshakeError> {
        match self.state {
            State::Connecting => Ok(self.answered(head)),
            State::Accepting => {
                let version = Connect::parse(head)?.version;
                let offer = Offer::of(head);
                let old = version < Version::V06;
                self.state = State::Offered {
                    version: if old { Version::V04 } else { Version::V06 },
                    theirs: if old { Role::Plain } else { offer.role() },
                    inflates: !old && offer.accepts_deflate(),
                };
                Ok(HandshakeEvent::Offered)
            }
            State::Welcomed { theirs, deflates } => Ok(self.confirmed(head, theirs, deflates)),
            State::Offered { .. } | State::Over => Err(HandshakeError::OutOfTurn),
        }
    }

    /// Answers an offer with `200 OK` and our fields. To who can not have a link with us, because both
    /// are leaves, it is a refusal instead. In 0.4 the link is up with that.
    ///
    /// # Errors
    /// There is no offer.
    pub fn welcome(&mut self) -> Result<(OwnedHead, Option<Link>), HandshakeError> {
        let State::Offered { version, theirs, inflates } = self.state else {
            return Err(HandshakeError::OutOfTurn);
        };
        let ours = self.local.role;
        if !roles_fit(ours, theirs) {
            return Ok((self.refuse(503, "Shielded leaf node", &[])?, None));
        }
        if version == Version::V04 {
            self.state = State::Over;
            let link = Link { version, ours, theirs, inflate: false, deflate: false };
            return Ok((Reply::v04(), Some(link)));
        }
        let mut head = self.local.describe(ours, OwnedHead::build(b"GNUTELLA/0.6 200 OK"));
        if ours == Role::Ultrapeer && theirs == Role::Ultrapeer {
            let needed = if self.local.ultrapeers_needed { "True" } else { "False" };
            head = head.field("X-Ultrapeer-Needed", needed);
        }
        let deflates = inflates && self.local.deflates;
        if deflates {
            head = head.field("Content-Encoding", "deflate");
        }
        self.state = State::Welcomed { theirs, deflates };
        Ok((head.finish(), None))
    }

    /// Answers an offer with a refusal, and with hosts to try instead. In 0.4 there is no refusal: say
    /// nothing of what this returns, or say it and close.
    ///
    /// # Errors
    /// There is no offer.
    pub fn refuse(
        &mut self,
        code: u32,
        reason: &str,
        try_ultrapeers: &[SocketAddr],
    ) -> Result<OwnedHead, HandshakeError> {
        let State::Offered { .. } = self.state else { return Err(HandshakeError::OutOfTurn) };
        self.state = State::Over;
        Ok(self.refusal(code, reason, try_ultrapeers))
    }

    fn refusal(&self, code: u32, reason: &str, try_ultrapeers: &[SocketAddr]) -> OwnedHead {
        let line = alloc::format!("GNUTELLA/0.6 {code} {reason}");
        let mut head: HeadBuilder = OwnedHead::build(line.as_bytes());
        for (name, value) in &self.local.fields {
            head = head.field(name, value);
        }
        if !try_ultrapeers.is_empty() {
            let hosts: Vec<String> = try_ultrapeers.iter().map(ToString::to_string).collect();
            head = head.field("X-Try-Ultrapeers", hosts.join(","));
        }
        head.finish()
    }

    /// The answer to our `CONNECT`.
    fn answered(&mut self, head: Head<'_>) -> HandshakeEvent {
        self.state = State::Over;
        let offer = Offer::of(head);
        let (mut ours, theirs) = (self.local.role, offer.role());
        match Reply::parse(head) {
            Reply::AcceptedV04 => {
                let version = Version::V04;
                let theirs = Role::Plain;
                let link = Link { version, ours, theirs, inflate: false, deflate: false };
                HandshakeEvent::Up { link, send: None }
            }
            Reply::Refused { code, .. } => refused(code, offer),
            Reply::Accepted { .. } => {
                let guided = theirs == Role::Ultrapeer && offer.ultrapeer_needed() == Some(false);
                if ours == Role::Ultrapeer && guided && self.local.may_become_leaf {
                    ours = Role::Leaf;
                }
                if !roles_fit(ours, theirs) {
                    let send = Some(self.refusal(503, "Shielded leaf node", &[]));
                    let refusal = Refusal {
                        code: Some(503),
                        try_ultrapeers: offer.try_ultrapeers().collect(),
                        try_hosts: offer.try_hosts().collect(),
                    };
                    return HandshakeEvent::Refused { refusal, send };
                }
                let deflate = self.local.deflates && offer.accepts_deflate();
                let mut head = OwnedHead::build(b"GNUTELLA/0.6 200 OK");
                if ours != self.local.role {
                    head = head.field("X-Ultrapeer", "False");
                }
                if deflate {
                    head = head.field("Content-Encoding", "deflate");
                }
                let inflate = offer.sends_deflate();
                let link = Link { version: Version::V06, ours, theirs, inflate, deflate };
                HandshakeEvent::Up { link, send: Some(head.finish()) }
            }
        }
    }

    /// The last head, after our `200 OK`.
    fn confirmed(&mut self, head: Head<'_>, offered: Role, deflate: bool) -> HandshakeEvent {
        self.state = State::Over;
        let offer = Offer::of(head);
        match Reply::parse(head) {
            Reply::Refused { code, .. } => refused(code, offer),
            Reply::Accepted { .. } | Reply::AcceptedV04 => {
                // An ultrapeer that takes our guidance says so here.
                let theirs = match offer.role() {
                    Role::Plain => offered,
                    changed => changed,
                };
                let ours = self.local.role;
                let inflate = offer.sends_deflate();
                let link = Link { version: Version::V06, ours, theirs, inflate, deflate };
                HandshakeEvent::Up { link, send: None }
            }
        }
    }
}

fn refused(code: Option<u32>, offer: Offer<'_>) -> HandshakeEvent {
    let try_ultrapeers = offer.try_ultrapeers().collect();
    let try_hosts = offer.try_hosts().collect();
    HandshakeEvent::Refused { refusal: Refusal { code, try_ultrapeers, try_hosts }, send: None }
}
