//! A world's messages as a capture of packets.

use std::collections::BTreeMap;

use bytes::BytesMut;
use overlay_peer::{Address, Peer, Reason, Time, Wire};

use crate::pcap::{ACK, DATAGRAM, FIN, PSH, PcapWriter, SEGMENT, SYN, Segment};
use crate::{Store, World};

type Sink = Box<dyn FnMut(&[u8]) + Send>;

/// A peer and its number for a link.
type End = (u32, u32);

pub(crate) struct Capture {
    writer: PcapWriter<Sink>,
    streams: BTreeMap<u32, Stream>,
    /// Which stream, and whether it is the side that was connected to.
    ends: BTreeMap<End, (u32, usize)>,
    next: u32,
    bytes: BytesMut,
}

/// Two sides each: the connecting one first.
struct Stream {
    ends: [End; 2],
    addresses: [Address; 2],
    /// The number of each side's next byte.
    sequence: [u32; 2],
}

impl<P: Peer, S: Store> World<P, S> {
    /// Writes everything that arrives from now on as a pcap file, which Wireshark opens: `sink` gets
    /// the file's bytes in order. What arrives is written at its time, as a sniffer before each
    /// receiver's door would; what gets lost is not.
    ///
    /// - Links are TCP connections, from their handshakes on if they are opened after this call, with
    ///   numbers that let their bytes be put together again; they end with `FIN`, or, where the
    ///   other end vanishes, without a word. Messages are cut in segments of 1,460 bytes.
    /// - A host in the world connects from the port it listens at; here the connecting side has a port
    ///   of its own from 49,152 on, as an operating system would choose.
    /// - Addresses are as seen from outside a NAT.
    /// - Datagrams are cut off at 65,507 bytes, the most that UDP can carry.
    ///
    /// Costs an encoding of each message, and memory for each link. A clone of the world does not
    /// capture.
    pub fn capture(&mut self, sink: impl FnMut(&[u8]) + Send + 'static) {
        self.core.capture = Some(Box::new(Capture {
            writer: PcapWriter::new(Box::new(sink)),
            streams: BTreeMap::new(),
            ends: BTreeMap::new(),
            next: 0,
            bytes: BytesMut::new(),
        }));
    }

    /// Ends the capture, and drops the sink.
    pub fn stop_capture(&mut self) {
        self.core.capture = None;
    }

    pub(crate) fn capture_message(&mut self, receiver: u32, link: u32, message: &P::Message) {
        let now = self.core.now();
        let host = |host: u32| self.core.hosts.address(host);
        let Some(edge) = self.core.edge(receiver, link) else { return };
        let (sender, addresses) =
            ((edge.other(), edge.other_link()), [host(receiver), host(edge.other())]);
        let Some(capture) = &mut self.core.capture else { return };
        let known = capture.ends.get(&(receiver, link)).copied();
        let (stream, side) = known.unwrap_or_else(|| {
            // Opened before the capture: who connected is not known any more.
            (capture.open([(receiver, link), sender], addresses), 0)
        });
        let mut bytes = core::mem::take(&mut capture.bytes);
        bytes.clear();
        message.encode(&mut bytes);
        let mut segments = bytes.chunks(SEGMENT).peekable();
        while let Some(segment) = segments.next() {
            let push = if segments.peek().is_none() { PSH } else { 0 };
            capture.segment(now, stream, 1 - side, ACK | push, segment);
        }
        capture.bytes = bytes;
    }

    pub(crate) fn capture_datagram(&mut self, from: Address, to: Address, message: &P::Message) {
        let now = self.core.now();
        let Some(capture) = &mut self.core.capture else { return };
        let mut bytes = core::mem::take(&mut capture.bytes);
        bytes.clear();
        message.encode(&mut bytes);
        capture.writer.udp(now, from, to, &bytes[..bytes.len().min(DATAGRAM)]);
        capture.bytes = bytes;
    }
}

impl Capture {
    fn open(&mut self, ends: [End; 2], mut addresses: [Address; 2]) -> u32 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        addresses[0].set_port(49_152 + (number % 16_384) as u16);
        // Far apart, so that no number of a port used again is taken for one of the stream before.
        let first = number.wrapping_mul(0x9e37_79b9);
        let sequence = [first, first ^ 0x5555_5555];
        for (side, &end) in ends.iter().enumerate() {
            self.ends.insert(end, (number, side));
        }
        self.streams.insert(number, Stream { ends, addresses, sequence });
        number
    }

    /// A connect has reached the other side.
    pub(crate) fn connected(&mut self, at: Time, ends: [End; 2], addresses: [Address; 2]) {
        let stream = self.open(ends, addresses);
        self.segment(at, stream, 0, SYN, &[]);
    }

    /// The answer has come back.
    pub(crate) fn accepted(&mut self, at: Time, connecting: End) {
        if let Some(&(stream, _)) = self.ends.get(&connecting) {
            self.segment(at, stream, 1, SYN | ACK, &[]);
            self.segment(at, stream, 0, ACK, &[]);
        }
    }

    /// One end learns that the link is gone.
    pub(crate) fn closed(&mut self, at: Time, receiver: End, reason: Reason) {
        let Some(&(stream, side)) = self.ends.get(&receiver) else { return };
        match reason {
            // The sending side gives up; the other will be told.
            Reason::Slow => return,
            Reason::Remote => {
                self.segment(at, stream, 1 - side, FIN | ACK, &[]);
                self.segment(at, stream, side, FIN | ACK, &[]);
                self.segment(at, stream, 1 - side, ACK, &[]);
            }
            _ => {}
        }
        if let Some(stream) = self.streams.remove(&stream) {
            for end in stream.ends {
                self.ends.remove(&end);
            }
        }
    }

    /// One side sends a segment.
    fn segment(&mut self, at: Time, stream: u32, side: usize, flags: u8, payload: &[u8]) {
        let Some(stream) = self.streams.get_mut(&stream) else { return };
        let [from, to] = [stream.addresses[side], stream.addresses[1 - side]];
        let acknowledgement = if flags & ACK == 0 { 0 } else { stream.sequence[1 - side] };
        let sequence = stream.sequence[side];
        let segment = Segment { from, to, sequence, acknowledgement, flags };
        self.writer.tcp(at, &segment, payload);
        let takes = payload.len() as u32 + u32::from(flags & (SYN | FIN) != 0);
        stream.sequence[side] = sequence.wrapping_add(takes);
    }
}
