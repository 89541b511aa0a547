//! Captures, read back with pcap-parser and etherparse, and put together again.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::puppet::{Blob, Closed, Do, Puppet, Saw, address, pair};
use bytes::BufMut;
use etherparse::{NetHeaders, PacketHeaders, TransportHeader};
use overlay_peer::{Address, Decoded, Time, Wire};
use overlay_sim::pcap::{PcapWriter, Segment};
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, World};
use pcap_parser::traits::PcapReaderIterator;
use pcap_parser::{LegacyPcapReader, Linktype, PcapBlockOwned, PcapError};
use proptest::prelude::*;

struct Packet {
    at: Time,
    from: Address,
    to: Address,
    transport: TransportHeader,
    payload: Vec<u8>,
}

/// All packets of a capture; panics unless all lengths and checksums are right.
fn parse(file: &[u8]) -> Vec<Packet> {
    let mut reader = LegacyPcapReader::new(1 << 17, file).expect("a header");
    let mut packets = Vec::new();
    loop {
        match reader.next() {
            Ok((length, block)) => {
                match block {
                    PcapBlockOwned::LegacyHeader(header) => {
                        assert_eq!(header.network, Linktype::RAW);
                    }
                    PcapBlockOwned::Legacy(block) => {
                        assert_eq!(block.origlen, block.caplen);
                        let micros = u64::from(block.ts_sec) * 1_000_000 + u64::from(block.ts_usec);
                        packets.push(packet(Time::from_micros(micros), block.data));
                    }
                    PcapBlockOwned::NG(_) => panic!("not the classic format"),
                }
                reader.consume(length);
            }
            Err(PcapError::Eof) => return packets,
            Err(PcapError::Incomplete(_)) => reader.refill().expect("memory to read"),
            Err(error) => panic!("{error:?}"),
        }
    }
}

fn packet(at: Time, data: &[u8]) -> Packet {
    let headers = PacketHeaders::from_ip_slice(data).expect("an IP packet");
    let payload = headers.payload.slice().to_vec();
    let transport = headers.transport.expect("TCP or UDP");
    let (from, to): (IpAddr, IpAddr) = match headers.net.expect("IP") {
        NetHeaders::Ipv4(ip, _) => {
            assert_eq!(ip.header_checksum, ip.calc_header_checksum());
            match &transport {
                TransportHeader::Tcp(tcp) => {
                    assert_eq!(Ok(tcp.checksum), tcp.calc_checksum_ipv4(&ip, &payload));
                }
                TransportHeader::Udp(udp) => {
                    assert_eq!(Ok(udp.checksum), udp.calc_checksum_ipv4(&ip, &payload));
                }
                other => panic!("{other:?}"),
            }
            (ip.source.into(), ip.destination.into())
        }
        NetHeaders::Ipv6(ip, _) => {
            match &transport {
                TransportHeader::Tcp(tcp) => {
                    assert_eq!(Ok(tcp.checksum), tcp.calc_checksum_ipv6(&ip, &payload));
                }
                TransportHeader::Udp(udp) => {
                    assert_eq!(Ok(udp.checksum), udp.calc_checksum_ipv6(&ip, &payload));
                }
                other => panic!("{other:?}"),
            }
            (ip.source.into(), ip.destination.into())
        }
        other => panic!("{other:?}"),
    };
    let (from_port, to_port) = match &transport {
        TransportHeader::Tcp(tcp) => (tcp.source_port, tcp.destination_port),
        TransportHeader::Udp(udp) => (udp.source_port, udp.destination_port),
        other => panic!("{other:?}"),
    };
    let (from, to) = (SocketAddr::new(from, from_port), SocketAddr::new(to, to_port));
    Packet { at, from, to, transport, payload }
}

/// One direction of a connection.
#[derive(Default)]
struct Direction {
    next: u32,
    bytes: Vec<u8>,
    syn: bool,
    fin: bool,
}

/// Puts streams together; panics if a byte is missing, comes twice, or follows the end, or if one
/// side acknowledges what the other has not sent.
fn streams(packets: &[Packet]) -> BTreeMap<(Address, Address), Direction> {
    let mut streams: BTreeMap<(Address, Address), Direction> = BTreeMap::new();
    for packet in packets {
        let TransportHeader::Tcp(tcp) = &packet.transport else { continue };
        let other = streams.get(&(packet.to, packet.from)).map(|other| other.next);
        if tcp.ack {
            assert_eq!(Some(tcp.acknowledgment_number), other);
        }
        let direction = streams.entry((packet.from, packet.to)).or_default();
        assert!(!direction.fin || packet.payload.is_empty() && !tcp.fin, "after the end");
        if tcp.syn {
            assert!(!direction.syn);
            direction.syn = true;
            direction.next = tcp.sequence_number.wrapping_add(1);
            continue;
        }
        assert!(direction.syn, "before the start");
        assert_eq!(tcp.sequence_number, direction.next);
        direction.bytes.extend(&packet.payload);
        direction.fin |= tcp.fin;
        let takes = packet.payload.len() as u32 + u32::from(tcp.fin);
        direction.next = direction.next.wrapping_add(takes);
    }
    streams
}

/// The messages of a stream, which has to be whole.
fn blobs(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut blobs = Vec::new();
    while !bytes.is_empty() {
        match Blob::decode(Closed(false), bytes) {
            Ok(Decoded::Complete { value: Blob(blob), consumed }) => {
                blobs.push(blob);
                bytes = &bytes[consumed..];
            }
            other => panic!("{other:?}"),
        }
    }
    blobs
}

fn capture(world: &mut World<Puppet, NoStore>) -> Arc<Mutex<Vec<u8>>> {
    let file = Arc::new(Mutex::new(Vec::new()));
    let sink = file.clone();
    world.capture(move |bytes| sink.lock().expect("not poisoned").extend_from_slice(bytes));
    file
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 4))]

    /// The bytes of each stream of the capture are the encodings of the messages that its receiver
    /// got, whole and in order; so are the datagrams.
    #[test]
    fn streams_are_the_messages_encodings(
        script in proptest::collection::vec(
            (0u8..4, 0u8..4, 0usize..4_000, 0u64..90, 0u8..8), 1..60
        ),
    ) {
        let mut world = World::new(Config { checked: true, ..Config::default() }, NoStore);
        for number in 0..4 {
            world.add(Puppet { bounces: number == 1, ..Puppet::default() }, Host::open(address(number)));
        }
        let file = capture(&mut world);
        for (number, &(peer, to, length, wait, what)) in script.iter().enumerate() {
            let blob = [vec![(number % 5) as u8], vec![number as u8; length]].concat();
            let command = match what {
                0 | 1 => Do::Connect(address(to)),
                2 => Do::Close,
                3 => Do::Datagram(address(to), blob),
                _ => Do::Send(blob),
            };
            world.command(PeerIndex(peer.into()), command, Cause(1));
            world.run_for(Duration::from_millis(wait));
        }
        world.run_for(Duration::from_secs(30));
        let packets = parse(&file.lock().unwrap());
        prop_assert!(packets.is_sorted_by_key(|packet| packet.at));

        let (mut captured, mut datagrams) = (BTreeMap::new(), BTreeMap::new());
        for ((from, to), direction) in &streams(&packets) {
            // The connecting side is the one with a port from 49,152 on.
            prop_assert!((from.port() >= 49_152) != (to.port() >= 49_152));
            let received: &mut Vec<_> = captured.entry(to.ip()).or_default();
            received.extend(blobs(&direction.bytes));
        }
        for packet in &packets {
            if let TransportHeader::Udp(_) = packet.transport {
                let received: &mut Vec<_> = datagrams.entry(packet.to).or_default();
                received.push((packet.from, blobs(&packet.payload).remove(0)));
            }
        }
        let (mut seen, mut seen_datagrams) = (BTreeMap::new(), BTreeMap::new());
        for (_, peer, saw) in world.drain_events() {
            let to = address(peer.0 as u8);
            match saw {
                Saw::Blob(blob) => seen.entry(to.ip()).or_insert_with(Vec::new).push(blob),
                Saw::Datagram(from, blob) => {
                    seen_datagrams.entry(to).or_insert_with(Vec::new).push((from, blob));
                }
                _ => {}
            }
        }
        captured.retain(|_, received| !received.is_empty());
        for all in [&mut captured, &mut seen] {
            all.values_mut().for_each(|received| received.sort());
        }
        prop_assert_eq!(captured, seen);
        prop_assert_eq!(datagrams, seen_datagrams);
    }

    /// Whatever addresses and payloads there are, independent parsers agree with every field.
    #[test]
    fn packets_are_well_formed(
        from in any::<IpAddr>(),
        to in any::<IpAddr>(),
        ports in any::<(u16, u16)>(),
        numbers in any::<(u32, u32)>(),
        payload in proptest::collection::vec(any::<u8>(), 0..2_000),
        flags in 0u8..32,
        micros in 0u64..1 << 50,
    ) {
        let micros = micros % (u64::from(u32::MAX) * 1_000_000);
        let (from, to) = (SocketAddr::new(from, ports.0), SocketAddr::new(to, ports.1));
        let mut file = Vec::new();
        let mut writer = PcapWriter::new(|bytes: &[u8]| file.extend_from_slice(bytes));
        let (sequence, acknowledgement) = numbers;
        let segment = Segment { from, to, sequence, acknowledgement, flags };
        writer.tcp(Time::from_micros(micros), &segment, &payload);
        writer.udp(Time::from_micros(micros), from, to, &payload);
        let packets = parse(&file);
        prop_assert_eq!(packets.len(), 2);
        for packet in packets {
            let mixed = from.is_ipv4() != to.is_ipv4();
            let mapped = |address: SocketAddr| match address.ip() {
                IpAddr::V4(ip) if mixed => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
                _ => address,
            };
            prop_assert_eq!((packet.from, packet.to), (mapped(from), mapped(to)));
            prop_assert_eq!(packet.at, Time::from_micros(micros));
            prop_assert_eq!(&packet.payload, &payload);
            if let TransportHeader::Tcp(tcp) = packet.transport {
                prop_assert_eq!(tcp.sequence_number, sequence);
                prop_assert_eq!(tcp.acknowledgment_number, acknowledgement);
                let found = [tcp.fin, tcp.syn, tcp.rst, tcp.psh, tcp.ack];
                prop_assert_eq!(found, [0, 1, 2, 3, 4].map(|bit| flags >> bit & 1 == 1));
            }
        }
    }
}

#[test]
fn a_connection_begins_and_ends_as_tcp_does() {
    let mut world = World::new(Config::default(), NoStore);
    let a = world.add(Puppet::default(), Host::open(address(1)));
    world.add(Puppet::default(), Host::open(address(2)));
    let file = capture(&mut world);
    world.command(a, Do::Connect(address(2)), Cause(1));
    world.run_for(Duration::from_secs(1));
    world.command(a, Do::Send(vec![0; 2_000]), Cause(1));
    world.command(a, Do::Close, Cause(1));
    world.run_for(Duration::from_secs(1));
    let flags: Vec<_> = parse(&file.lock().unwrap())
        .iter()
        .map(|packet| {
            let TransportHeader::Tcp(tcp) = &packet.transport else { panic!("a datagram") };
            let names = [(tcp.syn, 'S'), (tcp.fin, 'F'), (tcp.psh, 'P'), (tcp.ack, '.')];
            let names: String = names.iter().filter(|(set, _)| *set).map(|(_, c)| *c).collect();
            (packet.from.ip() == address(1).ip(), names, packet.payload.len())
        })
        .collect();
    let expected = [
        (true, "S", 0),
        (false, "S.", 0),
        (true, ".", 0),
        (true, ".", 1_460),
        (true, "P.", 542),
        (true, "F.", 0),
        (false, "F.", 0),
        (true, ".", 0),
    ];
    assert_eq!(flags, expected.map(|(from_a, flags, length)| (from_a, flags.to_string(), length)));
}

#[test]
fn capturing_changes_nothing_and_can_be_stopped() {
    let play = |captures: bool| {
        let (mut world, a, _) = pair(Config::default());
        let file = capture(&mut world);
        if !captures {
            world.stop_capture();
        }
        world.command(a, Do::Send(vec![3; 100]), Cause(1));
        world.run_for(Duration::from_secs(1));
        let length = file.lock().unwrap().len();
        (world.trace_hash(), length)
    };
    let ((with, bytes), (without, header)) = (play(true), play(false));
    assert_eq!(with, without);
    assert_eq!(header, 24);
    // The link was there before the capture: one segment, without a handshake.
    assert_eq!(bytes, 24 + 16 + 20 + 20 + 102);
}

#[test]
fn datagrams_are_cut_off_at_what_udp_carries() {
    let (mut world, a, _) = pair(Config::default());
    let file = capture(&mut world);
    let blob = vec![1; 65_530];
    world.command(a, Do::Datagram(address(2), blob.clone()), Cause(1));
    world.run_for(Duration::from_secs(1));
    let packets = parse(&file.lock().unwrap());
    let mut whole = bytes::BytesMut::new();
    whole.put_u16(65_530);
    whole.put_slice(&blob);
    assert_eq!(packets[0].payload, whole[..65_507]);
}

/// The sender gives a slow link up at once, which no packet says; its `FIN` is on the wire when the
/// other side learns of it. Of a crash nothing is on the wire at all.
#[test]
fn a_slow_link_ends_and_a_crashed_peers_just_stops() {
    let fins = |slow: bool| {
        let config = Config { queue_limit: 50_000, ..Config::default() };
        let mut world = World::new(config, NoStore);
        let a = world.add(Puppet::default(), Host::open(address(1)).with_upload(10_000));
        world.add(Puppet::default(), Host::open(address(2)));
        let file = capture(&mut world);
        world.command(a, Do::Connect(address(2)), Cause(1));
        world.run_for(Duration::from_secs(1));
        match slow {
            true => (0..100).for_each(|_| world.command(a, Do::Send(vec![0; 1_000]), Cause(1))),
            false => world.fail(a),
        }
        world.run_for(Duration::from_secs(90));
        let packets = parse(&file.lock().expect("not poisoned"));
        let is_fin = |packet: &&Packet| match &packet.transport {
            TransportHeader::Tcp(tcp) => tcp.fin,
            _ => false,
        };
        let fins: Vec<_> = packets.iter().filter(is_fin).map(|packet| packet.from.ip()).collect();
        fins
    };
    assert_eq!(fins(true), [address(1).ip(), address(2).ip()]);
    assert!(fins(false).is_empty());
}
