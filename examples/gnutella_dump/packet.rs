//! From a captured packet to a TCP segment, with etherparse.

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, LaxNetSlice, LaxSlicedPacket, TransportSlice, ip_number};

/// A segment that one side of a connection sent.
pub struct Segment<'a> {
    pub from: SocketAddr,
    pub to: SocketAddr,
    pub sequence: u32,
    pub syn: bool,
    pub fin: bool,
    pub rst: bool,
    pub payload: &'a [u8],
    /// How many bytes more it had when it was sent: captures can be told to keep only the first bytes
    /// of a packet.
    pub cut: usize,
}

/// What a packet is.
pub enum Packet<'a> {
    Segment(Segment<'a>),
    /// Something that has no bytes of a TCP connection.
    Other,
    /// TCP in several IP fragments, which are not put together.
    Fragment,
    /// TCP, by its IP header, whose own header is not whole.
    Damaged,
    /// A kind of network that is not known here.
    Unsupported,
}

/// Looks into a packet of a network of type `link` (<https://www.tcpdump.org/linktypes.html>).
pub fn read(link: u16, bytes: &[u8]) -> Packet<'_> {
    let after = |length: usize| bytes.get(length..).unwrap_or_default();
    let ether_type = |at: usize| {
        let pair = bytes.get(at..at + 2).unwrap_or(&[0, 0]);
        EtherType(u16::from_be_bytes([pair[0], pair[1]]))
    };
    let sliced = match link {
        // Ethernet.
        1 => LaxSlicedPacket::from_ethernet(bytes).ok(),
        // BSD loopback: four bytes that say which IP, as the IP header does itself.
        0 | 108 => LaxSlicedPacket::from_ip(after(4)).ok(),
        // IP alone.
        12 | 14 | 101 | 228 | 229 => LaxSlicedPacket::from_ip(bytes).ok(),
        // Linux "any", the old and the new form.
        113 => Some(LaxSlicedPacket::from_ether_type(ether_type(14), after(16))),
        276 => Some(LaxSlicedPacket::from_ether_type(ether_type(0), after(20))),
        _ => return Packet::Unsupported,
    };
    sliced.map_or(Packet::Other, |sliced| segment(&sliced))
}

fn segment<'a>(sliced: &LaxSlicedPacket<'a>) -> Packet<'a> {
    let (from, to, payload, declared): (IpAddr, IpAddr, _, usize) = match &sliced.net {
        Some(LaxNetSlice::Ipv4(ip)) => {
            let (header, before) = (ip.header(), ip.header().slice().len());
            let declared = usize::from(header.total_len()).saturating_sub(before);
            (header.source_addr().into(), header.destination_addr().into(), ip.payload(), declared)
        }
        Some(LaxNetSlice::Ipv6(ip)) => {
            let (header, before) = (ip.header(), ip.extensions().slice().len());
            let declared = usize::from(header.payload_length()).saturating_sub(before);
            (header.source_addr().into(), header.destination_addr().into(), ip.payload(), declared)
        }
        _ => return Packet::Other,
    };
    if payload.ip_number != ip_number::TCP {
        return Packet::Other;
    }
    if payload.fragmented {
        return Packet::Fragment;
    }
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else { return Packet::Damaged };
    let cut = if payload.incomplete { declared.saturating_sub(payload.payload.len()) } else { 0 };
    Packet::Segment(Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: tcp.payload(),
        cut,
    })
}
