//! Packets in the file format of tcpdump and Wireshark.

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use overlay_peer::{Address, Time};

/// The `FIN` flag of a TCP segment: the sender has nothing more to say.
pub const FIN: u8 = 1;
/// The `SYN` flag: the first segment of its direction.
pub const SYN: u8 = 2;
/// The `RST` flag: the connection is over.
pub const RST: u8 = 4;
/// The `PSH` flag: the last segment of what was written at once.
pub const PSH: u8 = 8;
/// The `ACK` flag: the acknowledgement number counts.
pub const ACK: u8 = 16;

/// The most bytes in a segment, as on an Ethernet.
pub const SEGMENT: usize = 1460;
/// The most bytes in a datagram: an IP packet's 65,535 less the headers of IPv4 and UDP.
pub const DATAGRAM: usize = 65_507;

/// Makes a capture file of TCP segments and UDP datagrams, and hands its bytes to a sink as they come,
/// a packet at a time.
///
/// The file is in the classic pcap format, with time stamps in microseconds and little-endian
/// numbers; its packets start with their IP headers (`LINKTYPE_RAW`, 101). See
/// draft-ietf-opsawg-pcap, RFC 791 and 8200 (IP), RFC 9293 (TCP), RFC 768 (UDP), RFC 1071
/// (checksums).
pub struct PcapWriter<F> {
    sink: F,
    packet: Vec<u8>,
    /// Of the next IPv4 packet.
    identification: u16,
}

impl<F> core::fmt::Debug for PcapWriter<F> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PcapWriter").finish_non_exhaustive()
    }
}

/// One direction of a connection at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The sender.
    pub from: Address,
    /// The receiver.
    pub to: Address,
    /// The number of the segment's first byte.
    pub sequence: u32,
    /// The number of the next byte the sender expects.
    pub acknowledgement: u32,
    /// [`SYN`], [`ACK`] and so on.
    pub flags: u8,
}

impl<F: FnMut(&[u8])> PcapWriter<F> {
    /// Starts a file.
    pub fn new(mut sink: F) -> Self {
        let mut header = Vec::with_capacity(24);
        header.extend(0xa1b2_c3d4u32.to_le_bytes());
        header.extend([2u16, 4].map(u16::to_le_bytes).as_flattened());
        // Zone, accuracy, the longest packet, and the type of link.
        header.extend([0u32, 0, 65_535 + 40, 101].map(u32::to_le_bytes).as_flattened());
        sink(&header);
        Self { sink, packet: Vec::new(), identification: 0 }
    }

    /// Adds a TCP segment.
    ///
    /// # Panics
    /// If the payload is longer than [`DATAGRAM`].
    pub fn tcp(&mut self, at: Time, segment: &Segment, payload: &[u8]) {
        let Segment { from, to, .. } = *segment;
        self.start(at, from, to, 6, 20 + payload.len());
        let header = self.packet.len();
        self.packet.extend([from.port(), to.port()].map(u16::to_be_bytes).as_flattened());
        self.packet.extend(segment.sequence.to_be_bytes());
        self.packet.extend(segment.acknowledgement.to_be_bytes());
        // Five words of header, the flags, the largest window, then checksum and urgent pointer.
        self.packet.extend([5 << 4, segment.flags, 0xff, 0xff, 0, 0, 0, 0]);
        self.packet.extend(payload);
        self.finish(header, 16, 6);
    }

    /// Adds a UDP datagram.
    ///
    /// # Panics
    /// If the payload is longer than [`DATAGRAM`].
    pub fn udp(&mut self, at: Time, from: Address, to: Address, payload: &[u8]) {
        let length = 8 + payload.len();
        self.start(at, from, to, 17, length);
        let header = self.packet.len();
        let fields = [from.port(), to.port(), length as u16, 0];
        self.packet.extend(fields.map(u16::to_be_bytes).as_flattened());
        self.packet.extend(payload);
        self.finish(header, 6, 17);
    }

    /// The header of the record, and that of IP.
    fn start(&mut self, at: Time, from: Address, to: Address, protocol: u8, length: usize) {
        assert!(length <= DATAGRAM + 20, "a packet of {length} bytes");
        self.packet.clear();
        let ip = match (from.ip(), to.ip()) {
            (IpAddr::V4(_), IpAddr::V4(_)) => 20,
            _ => 40,
        };
        let captured = (ip + length) as u32;
        let (seconds, micros) = (at.as_micros() / 1_000_000, at.as_micros() % 1_000_000);
        let record = [seconds as u32, micros as u32, captured, captured];
        self.packet.extend(record.map(u32::to_le_bytes).as_flattened());
        match (from.ip(), to.ip()) {
            (IpAddr::V4(from), IpAddr::V4(to)) => self.ipv4(from, to, protocol, length),
            (from, to) => self.ipv6(in_ipv6(from), in_ipv6(to), protocol, length),
        }
    }

    fn ipv4(&mut self, from: Ipv4Addr, to: Ipv4Addr, protocol: u8, length: usize) {
        let header = self.packet.len();
        // Version and length of the header, type of service; total length, identification, "don't
        // fragment"; time to live, protocol.
        self.packet.extend([0x45, 0]);
        let fields = [(20 + length) as u16, self.identification, 0x4000];
        self.packet.extend(fields.map(u16::to_be_bytes).as_flattened());
        self.packet.extend([64, protocol, 0, 0]);
        self.packet.extend(from.octets());
        self.packet.extend(to.octets());
        self.identification = self.identification.wrapping_add(1);
        let sum = checksum(sum(&self.packet[header..]));
        self.packet[header + 10..header + 12].copy_from_slice(&sum.to_be_bytes());
    }

    fn ipv6(&mut self, from: Ipv6Addr, to: Ipv6Addr, protocol: u8, length: usize) {
        self.packet.extend([0x60, 0, 0, 0]);
        self.packet.extend((length as u16).to_be_bytes());
        self.packet.extend([protocol, 64]);
        self.packet.extend(from.octets());
        self.packet.extend(to.octets());
    }

    /// Puts in the checksum, over the addresses, protocol and length, too, and hands over the packet.
    fn finish(&mut self, header: usize, checksum_at: usize, protocol: u8) {
        let length = self.packet.len() - header;
        // After the record's 16 bytes, whichever header of IP it is, the addresses end it.
        let addresses = if header - 16 == 20 { header - 8 } else { header - 32 };
        let pseudo = sum(&self.packet[addresses..]) + u64::from(protocol) + length as u64;
        let sum = match (checksum(pseudo), protocol) {
            // In UDP, no checksum at all is 0.
            (0, 17) => 0xffff,
            (sum, _) => sum,
        };
        self.packet[header + checksum_at..][..2].copy_from_slice(&sum.to_be_bytes());
        (self.sink)(&self.packet);
    }
}

fn in_ipv6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The sum of 16-bit words, an odd byte padded with a zero.
fn sum(bytes: &[u8]) -> u64 {
    let (pairs, odd) = bytes.as_chunks::<2>();
    let words: u64 = pairs.iter().map(|&pair| u64::from(u16::from_be_bytes(pair))).sum();
    words + odd.first().map_or(0, |&byte| u64::from(byte) << 8)
}

/// The complement of the sum in ones' complement arithmetic.
fn checksum(mut sum: u64) -> u16 {
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
