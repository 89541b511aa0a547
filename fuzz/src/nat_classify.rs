//! The classifier and the lifetime search, fed hostile answers: they end in time, ask no more than
//! they may, do not panic, and know nothing from answers that are nobody's.
//!
//! The input is a script: each request is answered as the next bytes say, late or never, from anywhere,
//! with anything; when the bytes are used up they start again. Each script runs three times: as it is;
//! with other people's answers among its own, which must change nothing; and with nothing but those,
//! which must teach nothing.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use natsim::classify::{
    Classifier, Discovery, Fresh, Lifetime, Report, Settings, SocketId, Transmit, Verdict,
};
use natsim::stun::{AttributeType, ErrorCode, Message, MessageType, TransactionId, Writer};
use overlay_peer::Time;

/// Runs the script; its first byte says against what.
pub fn check(data: &[u8]) {
    count(data);
}

/// The same; how many answers were handed in.
pub fn count(data: &[u8]) -> u64 {
    let Some((&mode, bytes)) = data.split_first() else { return 0 };
    let [plain, noisy, foreign] = [Manner::Plain, Manner::Noisy, Manner::Foreign]
        .map(|manner| discover(mode, &mut Script::new(bytes, manner)));
    assert_eq!(plain.found, noisy.found, "other people's answers changed something");
    assert!(!foreign.found.knows(), "learned from other people's answers: {:?}", foreign.found);
    plain.fed + noisy.fed + foreign.fed
}

/// How the script's answers arrive.
#[derive(Clone, Copy, PartialEq)]
enum Manner {
    Plain,
    /// Between copies with another transaction id.
    Noisy,
    /// With another transaction id, or from an address that nobody asked or named.
    Foreign,
}

#[derive(Debug, PartialEq)]
enum Found {
    Report(Box<Report>),
    Lifetime(Option<Verdict<Duration>>),
}

impl Found {
    fn knows(&self) -> bool {
        match self {
            Self::Report(report) => {
                let flags = [report.nat, report.hairpin, report.port_preservation, report.parity];
                report.mapped.is_some()
                    || flags.iter().any(|flag| flag.known().is_some())
                    || report.mapping.known().is_some()
                    || report.filtering.known().is_some()
                    || report.stride.known().is_some()
                    || report.collision.known().is_some()
            }
            Self::Lifetime(verdict) => verdict.is_some_and(|verdict| verdict.known().is_some()),
        }
    }
}

/// What came of a run.
struct Run {
    found: Found,
    fed: u64,
}

fn discover(mode: u8, script: &mut Script<'_>) -> Run {
    let settings = Settings {
        server: server(),
        alternate: (mode & 1 != 0).then(|| ([198, 51, 100, 20], 3478).into()),
        classic: mode & 2 != 0,
        seed: [mode; 16],
    };
    let socket = |number: u16| Fresh::new(SocketId(number), local(number));
    let start = Time::from_secs(5);
    let found = if mode & 4 == 0 {
        let sockets = (0..u16::from(mode >> 4)).map(socket).collect();
        let pair = (mode & 8 != 0).then(|| [socket(100), socket(101)]);
        let mut classifier = Classifier::new(settings, sockets, pair, start);
        let end = run(&mut classifier, script, start, 1_500);
        assert!(end - start <= Classifier::LONGEST, "{:?}", end - start);
        let report = *classifier.report();
        assert!(report.mapping.known().is_none() || report.mapped.is_some());
        let _ = report.rfc3489();
        Found::Report(Box::new(report))
    } else {
        let sockets = (0..u16::from(mode >> 3)).map(socket).collect();
        let longest = Duration::from_secs(60);
        let mut lifetime = Lifetime::new(settings, sockets, longest, start);
        let end = run(&mut lifetime, script, start, 1_500);
        assert!(end - start <= longest * 10, "{:?}", end - start);
        let found = lifetime.verdict().and_then(|verdict| verdict.known());
        assert!(found.is_none_or(|found| found < longest));
        Found::Lifetime(lifetime.verdict())
    };
    Run { found, fed: script.fed }
}

fn server() -> SocketAddr {
    ([192, 0, 2, 1], 3478).into()
}

fn local(number: u16) -> SocketAddr {
    ([10, 0, 0, 2], 40_000 + number).into()
}

/// Until it is done, which takes no more than `most` requests.
fn run(discovery: &mut impl Discovery, script: &mut Script<'_>, start: Time, most: usize) -> Time {
    let (mut now, mut sent) = (start, 0);
    // Answers that are not there yet.
    let mut late: VecDeque<(Time, SocketId, SocketAddr, Vec<u8>)> = VecDeque::new();
    loop {
        while let Some(request) = discovery.transmit(now) {
            sent += 1;
            assert!(sent <= most, "it asks without end");
            let delay = Duration::from_millis(u64::from(script.byte()) * 4);
            for (socket, from, answer) in script.answers(&request) {
                late.push_back((now + delay, socket, from, answer));
            }
        }
        if discovery.is_done() {
            return now;
        }
        let wake = discovery.wake();
        let next = late.front().map_or(Time::MAX, |(at, ..)| *at);
        if next <= wake {
            let (at, socket, from, answer) = late.pop_front().expect("it is there");
            now = now.max(at);
            for (from, answer) in script.arriving(from, answer) {
                script.fed += 1;
                discovery.receive(now, socket, from, &answer);
            }
        } else {
            assert!(wake < Time::MAX, "it sleeps for ever");
            now = now.max(wake);
        }
    }
}

/// What is answered, byte by byte and round and round; silence where there are no bytes.
struct Script<'a> {
    bytes: &'a [u8],
    at: usize,
    manner: Manner,
    /// How many answers were handed in.
    fed: u64,
    /// Seen so far: most interesting are those that were asked.
    addresses: Vec<SocketAddr>,
}

impl<'a> Script<'a> {
    fn new(bytes: &'a [u8], manner: Manner) -> Self {
        Self { bytes, at: 0, manner, fed: 0, addresses: vec![server(), local(0)] }
    }

    fn byte(&mut self) -> u8 {
        let byte = self.bytes.get(self.at).copied().unwrap_or_default();
        self.at = if self.at + 1 < self.bytes.len() { self.at + 1 } else { 0 };
        byte
    }

    /// An answer as it arrives, and what arrives around it.
    fn arriving(&self, from: SocketAddr, answer: Vec<u8>) -> Vec<(SocketAddr, Vec<u8>)> {
        let mut other = answer.clone();
        // A bit of the transaction id.
        let (byte, bit) = (4 + self.fed as usize % 16, self.fed / 16 % 8);
        if let Some(byte) = other.get_mut(byte) {
            *byte ^= 1 << bit;
        }
        match self.manner {
            Manner::Plain => vec![(from, answer)],
            Manner::Noisy => vec![(from, other.clone()), (from, answer), (from, other)],
            Manner::Foreign if self.fed.is_multiple_of(2) => vec![(from, other)],
            Manner::Foreign => vec![(([203, 0, 113, 7], 3478).into(), answer)],
        }
    }

    /// One that was seen, or another.
    fn address(&mut self) -> SocketAddr {
        match self.byte() {
            byte @ 0..=199 => self.addresses[usize::from(byte) % self.addresses.len()],
            byte @ 200..=219 => ([192, 0, 2, byte], 3479).into(),
            220..=229 => ([0, 0, 0, 0], u16::from(self.byte())).into(),
            byte => ([u16::from(byte); 8], u16::from(self.byte())).into(),
        }
    }

    fn answers(&mut self, request: &Transmit) -> Vec<(SocketId, SocketAddr, Vec<u8>)> {
        if self.addresses.len() < 64 && !self.addresses.contains(&request.to) {
            self.addresses.push(request.to);
        }
        let asked = Message::decode(&request.datagram).expect("it writes messages");
        let id = asked.transaction_id();
        let kind = self.byte();
        // Nothing, one, or two.
        (0..kind % 3).map(|_| self.answer(request, id, kind)).collect()
    }

    fn answer(
        &mut self,
        request: &Transmit,
        id: TransactionId,
        kind: u8,
    ) -> (SocketId, SocketAddr, Vec<u8>) {
        let socket =
            if kind & 0x80 == 0 { request.socket } else { SocketId(u16::from(self.byte())) };
        let from = if kind & 0x40 == 0 { request.to } else { self.address() };
        let mut out = Vec::new();
        match self.byte() {
            // As good as it gets: somewhere, and where else.
            0..=149 => {
                let mapped = self.address();
                let other = self.address();
                if mapped.is_ipv4() && self.addresses.len() < 64 {
                    self.addresses.push(other);
                }
                let mut writer = Writer::new(&mut out, MessageType::BINDING_SUCCESS, id);
                if id.is_classic() {
                    writer.address(AttributeType::MAPPED_ADDRESS, mapped);
                    writer.address(AttributeType::CHANGED_ADDRESS, other);
                } else {
                    writer.xor_mapped_address(mapped);
                    writer.address(AttributeType::OTHER_ADDRESS, other);
                }
                writer.finish().expect("it fits");
            }
            150..=179 => {
                let code = 300 + u16::from(self.byte());
                let mut writer = Writer::new(&mut out, MessageType::BINDING_ERROR, id);
                writer.error_code(ErrorCode { code, reason: b"" });
                writer.finish().expect("it fits");
            }
            180..=199 => out.clone_from(&request.datagram),
            200..=229 => {
                // Some attribute with some bytes.
                let kind = AttributeType(u16::from_be_bytes([self.byte() & 0x80, self.byte()]));
                let value: Vec<u8> = (0..self.byte() % 24).map(|_| self.byte()).collect();
                let mut writer = Writer::new(&mut out, MessageType::BINDING_SUCCESS, id);
                writer.attribute(kind, &value);
                writer.finish().expect("it fits");
            }
            len => out.extend((0..len % 40).map(|_| self.byte())),
        }
        (socket, from, out)
    }
}
