//! Requests that wait for answers, and the contract between a test and who has the sockets.

use core::net::SocketAddr;
use core::time::Duration;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;

use overlay_peer::{Pcg32, Time};
use rand_core::Rng;

use super::{Reason, SocketId};
use crate::stun::{
    AttributeType, ChangeRequest, Class, Due, Message, MessageType, Method, Retransmission,
    Schedule, TransactionId, Writer,
};

/// A test as a state machine: no socket, no clock.
///
/// The driver sends everything [`transmit`](Self::transmit) gives, then waits until
/// [`wake`](Self::wake) or for a datagram, which it hands to [`receive`](Self::receive), and starts
/// again, until [`is_done`](Self::is_done).
pub trait Discovery {
    /// The next datagram to be sent now. Ask until there is none.
    fn transmit(&mut self, now: Time) -> Option<Transmit>;

    /// A datagram arrived at a socket. Any bytes from anybody will do.
    fn receive(&mut self, now: Time, socket: SocketId, from: SocketAddr, datagram: &[u8]);

    /// When to call [`transmit`](Self::transmit) again at the latest.
    fn wake(&self) -> Time;

    /// Whether it is over.
    fn is_done(&self) -> bool;
}

/// A datagram to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmit {
    /// From this socket.
    pub socket: SocketId,
    /// To this address.
    pub to: SocketAddr,
    /// The datagram.
    pub datagram: Vec<u8>,
}

/// What a request asks beyond who the server sees.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Ask {
    pub(super) change: ChangeRequest,
    pub(super) response_port: Option<u16>,
}

impl Ask {
    pub(super) const PLAIN: Self =
        Self { change: ChangeRequest { ip: false, port: false }, response_port: None };

    pub(super) const fn change(ip: bool, port: bool) -> Self {
        Self { change: ChangeRequest { ip, port }, response_port: None }
    }
}

/// A request that was sent, by its transaction.
pub(super) type ProbeId = TransactionId;

#[derive(Debug)]
struct Probe {
    datagram: Vec<u8>,
    socket: SocketId,
    to: SocketAddr,
    sent: Time,
    heard: Vec<Heard>,
}

/// Something with a request's transaction id arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) on: SocketId,
    pub(super) from: SocketAddr,
    pub(super) what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Success {
        mapped: Option<SocketAddr>,
        other: Option<SocketAddr>,
    },
    Refused {
        code: u16,
    },
    /// The request itself, by way of the NAT.
    Request,
}

/// What an answer, or the own request, may have below 0x8000.
const UNDERSTOOD: [AttributeType; 11] = [
    AttributeType::MAPPED_ADDRESS,
    AttributeType::CHANGE_REQUEST,
    AttributeType::SOURCE_ADDRESS,
    AttributeType::CHANGED_ADDRESS,
    AttributeType::ERROR_CODE,
    AttributeType::UNKNOWN_ATTRIBUTES,
    AttributeType::REFLECTED_FROM,
    AttributeType::REALM,
    AttributeType::NONCE,
    AttributeType::XOR_MAPPED_ADDRESS,
    AttributeType::PADDING,
];

/// So many different answers to one request are kept.
const ANSWERS: usize = 4;

/// All requests of a discovery.
#[derive(Debug)]
pub(super) struct Exchanges {
    rng: Pcg32,
    classic: bool,
    probes: BTreeMap<ProbeId, Probe>,
    outbox: VecDeque<Transmit>,
    /// The longest an answer took.
    slowest: Duration,
}

impl Exchanges {
    pub(super) fn new(seed: [u8; 16], classic: bool) -> Self {
        let (state, stream) = seed.split_at(8);
        let number = |half: &[u8]| half.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte));
        Self {
            rng: Pcg32::new(number(state), number(stream)),
            classic,
            probes: BTreeMap::new(),
            outbox: VecDeque::new(),
            slowest: Duration::ZERO,
        }
    }

    pub(super) fn pop(&mut self) -> Option<Transmit> {
        self.outbox.pop_front()
    }

    pub(super) fn slowest(&self) -> Duration {
        self.slowest
    }

    /// A new request.
    pub(super) fn send(
        &mut self,
        now: Time,
        socket: SocketId,
        to: SocketAddr,
        ask: Ask,
    ) -> ProbeId {
        let mut id = [0; 16];
        self.rng.fill_bytes(&mut id);
        let [_, _, _, _, rest @ ..] = id;
        let id =
            if self.classic { TransactionId::from_bytes(id) } else { TransactionId::new(rest) };

        let mut datagram = Vec::with_capacity(64);
        let mut writer = Writer::new(&mut datagram, MessageType::BINDING_REQUEST, id);
        if ask.change != ChangeRequest::default() {
            writer.change_request(ask.change);
        }
        if let Some(port) = ask.response_port {
            // Four bytes, as coturn wants them; RFC 5780 says two.
            let [high, low] = port.to_be_bytes();
            writer.attribute(AttributeType::RESPONSE_PORT, &[high, low, 0, 0]);
        }
        let written = writer.finish();
        debug_assert!(written.is_ok(), "a short request fits");
        let probe = Probe { datagram, socket, to, sent: now, heard: Vec::new() };
        self.probes.insert(id, probe);
        self.again(id);
        id
    }

    /// The same request once more.
    pub(super) fn again(&mut self, id: ProbeId) {
        if let Some(Probe { datagram, socket, to, .. }) = self.probes.get(&id) {
            let transmit = Transmit { socket: *socket, to: *to, datagram: datagram.clone() };
            self.outbox.push_back(transmit);
        }
    }

    /// Whether this says something new about a request.
    pub(super) fn receive(
        &mut self,
        now: Time,
        on: SocketId,
        from: SocketAddr,
        datagram: &[u8],
    ) -> bool {
        let Ok(message) = Message::decode(datagram) else { return false };
        let damaged = message.has_fingerprint() && message.check_fingerprint().is_err();
        // Whoever does not understand what must be understood ignores the message (RFC 8489, 6.3.3).
        let strange = message.unknown_required(&UNDERSTOOD).next().is_some();
        if message.method() != Method::BINDING || damaged || strange {
            return false;
        }
        let Some(probe) = self.probes.get_mut(&message.transaction_id()) else { return false };
        let what = match message.class() {
            Class::Indication => return false,
            Class::Request => What::Request,
            Class::Error => {
                let Ok(Some(error)) = message.error_code() else { return false };
                What::Refused { code: error.code }
            }
            Class::Success => {
                let (Ok(xored), Ok(plain)) =
                    (message.xor_mapped_address(), message.mapped_address())
                else {
                    return false;
                };
                let mapped = xored.or(plain).map(canonical);
                What::Success {
                    mapped,
                    other: message.other_address().ok().flatten().map(canonical),
                }
            }
        };
        let heard = Heard { on, from: canonical(from), what };
        let new = probe.heard.len() < ANSWERS && !probe.heard.contains(&heard);
        if new {
            probe.heard.push(heard);
            self.slowest = self.slowest.max(now - probe.sent);
        }
        new
    }

    pub(super) fn heard(&self, id: ProbeId) -> &[Heard] {
        self.probes.get(&id).map_or(&[], |probe| &probe.heard)
    }

    /// The first answer of a plain request: on its socket, from where it was sent.
    pub(super) fn answer(&self, id: ProbeId) -> Option<What> {
        let probe = self.probes.get(&id)?;
        let proper = |heard: &&Heard| {
            heard.on == probe.socket && heard.from == probe.to && heard.what != What::Request
        };
        probe.heard.iter().find(proper).map(|heard| heard.what)
    }

    /// Some random bit.
    pub(super) fn coin(&mut self) -> bool {
        self.rng.next_u32() & 1 == 1
    }

    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            let other = self.rng.next_u32() as usize % (end + 1);
            items.swap(end, other);
        }
    }
}

/// Address and port alone, an IPv4 address in IPv6's form as what it is.
pub(super) fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

/// A plain request that is sent until it is answered.
#[derive(Debug)]
pub(super) struct Exchange {
    pub(super) to: SocketAddr,
    socket: SocketId,
    probe: Option<ProbeId>,
    retransmission: Retransmission,
}

/// How it stands with an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Waiting(Time),
    /// The address the server sees, and its other address.
    Answered {
        mapped: SocketAddr,
        other: Option<SocketAddr>,
    },
    Failed(Reason),
}

impl Exchange {
    /// What is sent where an answer is expected: quickly, and often enough for one of two packets to
    /// be lost.
    pub(super) const QUICK: Schedule = Schedule {
        first: Duration::from_millis(100),
        longest: Duration::from_millis(250),
        sends: 12,
        last: Duration::from_millis(600),
    };

    pub(super) fn new(socket: SocketId, to: SocketAddr, schedule: Schedule, start: Time) -> Self {
        let retransmission = Retransmission::new(schedule, start);
        Self { to, socket, probe: None, retransmission }
    }

    pub(super) fn poll(&mut self, net: &mut Exchanges, now: Time) -> Standing {
        match self.probe.and_then(|probe| net.answer(probe)) {
            Some(What::Success { mapped: Some(mapped), other }) => {
                return Standing::Answered { mapped, other };
            }
            Some(What::Success { mapped: None, .. }) => {
                return Standing::Failed(Reason::NoMappedAddress);
            }
            Some(What::Refused { code }) => return Standing::Failed(Reason::Refused { code }),
            Some(What::Request) | None => {}
        }
        loop {
            match self.retransmission.poll(now) {
                Due::Wait(until) => return Standing::Waiting(until),
                Due::Failed => return Standing::Failed(self.failure(net)),
                Due::Send => match self.probe {
                    None => self.probe = Some(net.send(now, self.socket, self.to, Ask::PLAIN)),
                    Some(probe) => {
                        net.again(probe);
                        // Where every second packet is lost, it must not be the same one each time.
                        if self.retransmission.sent() > 2 && net.coin() {
                            net.again(probe);
                        }
                    }
                },
            }
        }
    }

    /// Why there is no answer.
    pub(super) fn failure(&self, net: &Exchanges) -> Reason {
        let heard = self.probe.and_then(|probe| net.heard(probe).first());
        match heard {
            Some(&Heard { from, what: What::Success { .. } | What::Refused { .. }, .. }) => {
                Reason::UnexpectedSource { from }
            }
            _ => Reason::AlternateSilent { address: self.to },
        }
    }
}
