//! `gnutella_dump --pcap`, on captures made here byte by byte.

use std::fs;
use std::net::{IpAddr, SocketAddr};

use serde_json::Value;

use super::{
    bye, deflated, good, lines, offsets, opening, path, ping, pong, program, query, text, types,
    unknown,
};

// --- packets -------------------------------------------------------------------------------------

const A: &str = "192.0.2.1:4000";
const B: &str = "192.0.2.2:6346";
const A_TO_B: &str = "192.0.2.1:4000 -> 192.0.2.2:6346";
const B_TO_A: &str = "192.0.2.2:6346 -> 192.0.2.1:4000";

const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;
const ACK: u8 = 16;

/// An IP packet with a TCP segment.
fn segment(from: &str, to: &str, sequence: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let from: SocketAddr = from.parse().expect("an address");
    let to: SocketAddr = to.parse().expect("an address");
    let mut tcp = [from.port().to_be_bytes(), to.port().to_be_bytes()].concat();
    tcp.extend(sequence.to_be_bytes());
    tcp.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    tcp.extend(payload);
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            let length = u16::try_from(20 + tcp.len()).expect("a short packet");
            let mut ip = vec![0x45, 0];
            ip.extend(length.to_be_bytes());
            ip.extend([0, 0, 0, 0, 64, 6, 0, 0]);
            ip.extend([from.octets(), to.octets()].concat());
            [ip, tcp].concat()
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            let length = u16::try_from(tcp.len()).expect("a short packet");
            let mut ip = vec![0x60, 0, 0, 0];
            ip.extend(length.to_be_bytes());
            ip.extend([6, 64]);
            ip.extend([from.octets(), to.octets()].concat());
            [ip, tcp].concat()
        }
        _ => panic!("one of each"),
    }
}

fn ether_type(packet: &[u8]) -> [u8; 2] {
    if packet[0] >> 4 == 4 { [0x08, 0x00] } else { [0x86, 0xdd] }
}

fn ethernet(packet: &[u8]) -> Vec<u8> {
    [[2; 12].as_slice(), &ether_type(packet), packet].concat()
}

/// A capture of packets, the old format.
pub fn pcap(link: u32, packets: &[Vec<u8>]) -> Vec<u8> {
    let mut out = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
    out.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0]);
    out.extend(link.to_le_bytes());
    for (index, packet) in packets.iter().enumerate() {
        let length = u32::try_from(packet.len()).expect("a short packet").to_le_bytes();
        let time = u32::try_from(index).expect("few packets").to_le_bytes();
        out.extend([time, [0; 4], length, length].concat());
        out.extend(packet);
    }
    out
}

fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let padding = vec![0; body.len().next_multiple_of(4) - body.len()];
    let length = u32::try_from(12 + body.len() + padding.len()).expect("a short block");
    let length = length.to_le_bytes();
    [kind.to_le_bytes().as_slice(), &length, body, &padding, &length].concat()
}

/// A capture of interfaces (their link types) and packets (interface and bytes), the new format.
fn pcapng(links: &[u16], packets: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let section = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    let mut out = block(0x0a0d_0d0a, &section);
    for link in links {
        let [low, high] = link.to_le_bytes();
        out.extend(block(1, &[low, high, 0, 0, 0, 0, 4, 0]));
    }
    for (interface, packet) in packets {
        let length = u32::try_from(packet.len()).expect("a short packet").to_le_bytes();
        let header = [interface.to_le_bytes(), [0; 4], [0; 4], length, length].concat();
        out.extend(block(6, &[header.as_slice(), packet].concat()));
    }
    out
}

/// The segments of one direction, of these lengths, after a SYN with sequence number `first`.
fn direction(from: &str, to: &str, first: u32, bytes: &[u8], lengths: &[usize]) -> Vec<Vec<u8>> {
    let mut packets = vec![segment(from, to, first, SYN, &[])];
    let (mut sequence, mut rest) = (first.wrapping_add(1), bytes);
    for length in lengths.iter().copied().chain([usize::MAX]) {
        let (payload, after) = rest.split_at(length.min(rest.len()));
        if !payload.is_empty() {
            packets.push(segment(from, to, sequence, ACK, payload));
        }
        sequence = sequence.wrapping_add(u32::try_from(payload.len()).expect("few bytes"));
        rest = after;
    }
    packets.push(segment(from, to, sequence, ACK | FIN, &[]));
    packets
}

fn framed(packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
    packets.iter().map(|packet| ethernet(packet)).collect()
}

/// The messages of a capture, with what is said about it.
fn dumped(capture: &[u8], status: i32) -> (Vec<Value>, String) {
    lines(&["-", "--json", "--pcap"], capture, status)
}

/// The lines of one stream, without its name.
fn of_stream(lines: &[Value], stream: &str) -> Vec<Value> {
    let own = lines.iter().filter(|line| line["stream"] == stream).cloned();
    own.map(|mut line| {
        line.as_object_mut().expect("an object").remove("stream");
        line
    })
    .collect()
}

/// A request with confirmation and three messages.
fn a_to_b() -> Vec<u8> {
    [opening(false), three()].concat()
}

fn three() -> Vec<u8> {
    [ping(), query(b"blue train"), bye()].concat()
}

#[test]
fn both_directions_are_streams_of_their_own_each_deflated_or_not() {
    let answer = b"GNUTELLA/0.6 200 OK\r\nContent-Encoding: deflate\r\n\r\n".as_slice();
    let pong = pong(&[]);
    let (first, second) = (ping(), unknown(&[7; 300]));
    let b_to_a = [answer, &deflated(&[&first, &pong, &second])].concat();
    let mut packets = Vec::new();
    let ways = [
        direction(A, B, 100, &a_to_b(), &[40, 1, 60, 20]),
        direction(B, A, u32::MAX - 20, &b_to_a, &[10, 10, 50]),
    ];
    // In turns.
    for index in 0..ways[0].len().max(ways[1].len()) {
        packets.extend(ways.iter().filter_map(|way| way.get(index).cloned()));
    }
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 0);
    assert_eq!(stderr, "");
    assert_eq!(of_stream(&lines, A_TO_B), good(&three()));
    assert_eq!(of_stream(&lines, B_TO_A), good(&[first, pong, second].concat()));
    assert_eq!(lines.len(), 6);
}

#[test]
fn segments_are_put_in_order_also_across_the_end_of_the_sequence_numbers() {
    let bytes = a_to_b();
    let lengths = [30, 30, 30, 10, 10, 10, 10, 10, 10, 10, 10];
    for first in [7, u32::MAX - 1, u32::MAX - 50, u32::MAX - 101, 1 << 31] {
        let sent = direction(A, B, first, &bytes, &lengths);
        let last = sent.len() - 1;
        // Backwards, all but the SYN; twice; and in steps of four.
        let backwards: Vec<_> = [0].into_iter().chain((1..=last).rev()).collect();
        let twice: Vec<_> = (0..=last).flat_map(|index| [index, index.saturating_sub(3)]).collect();
        let steps: Vec<_> =
            [0].into_iter().chain((0..4).flat_map(|step| (1 + step..=last).step_by(4))).collect();
        for order in [backwards, twice, steps] {
            let packets: Vec<_> = order.iter().map(|index| sent[*index].clone()).collect();
            let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 0);
            assert_eq!(stderr, "", "{first}: {order:?}");
            assert_eq!(of_stream(&lines, A_TO_B), good(&three()), "{first}: {order:?}");
        }
    }
}

#[test]
fn segments_that_overlap_count_once() {
    let bytes = a_to_b();
    let at = |range: std::ops::Range<usize>| {
        let sequence = 101 + u32::try_from(range.start).expect("few bytes");
        segment(A, B, sequence, ACK, &bytes[range])
    };
    let packets = [
        segment(A, B, 100, SYN, &[]),
        at(0..50),
        at(20..60),
        // Early ones that overlap each other, the first byte of a probe, and what fills the hole and
        // more.
        at(80..100),
        at(90..bytes.len() - 10),
        at(59..60),
        at(70..95),
        at(55..85),
        at(0..bytes.len()),
        segment(A, B, 100, SYN, &[]),
        segment(A, B, 101 + u32::try_from(bytes.len()).expect("few bytes"), FIN | ACK, &[]),
        at(10..20),
    ];
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 0);
    assert_eq!(stderr, "");
    assert_eq!(of_stream(&lines, A_TO_B), good(&three()));
}

#[test]
fn a_lost_segment_ends_its_stream_and_no_other() {
    let bytes = a_to_b();
    let head = opening(false).len();
    let mut packets = direction(A, B, 100, &bytes, &[head + 23, 10, 20]);
    packets.remove(2);
    packets.extend(direction("192.0.2.3:1", B, 5, &bytes, &[]));
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 1);
    assert_eq!(of_stream(&lines, "192.0.2.3:1 -> 192.0.2.2:6346"), good(&three()));
    assert_eq!(types(&of_stream(&lines, A_TO_B)), ["ping"]);
    let after = head + 23;
    let expected = format!(
        "error: {A_TO_B}: offset 23: 10 bytes of the connection are missing in the capture after \
         byte {after}\n"
    );
    assert_eq!(stderr, expected);

    // The last one, by the FIN behind it.
    let mut packets = direction(A, B, 100, &bytes, &[head + 23]);
    packets.remove(2);
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 1);
    assert_eq!(types(&lines), ["ping"]);
    assert!(stderr.contains(&format!("missing in the capture after byte {after}")), "{stderr}");

    // The first one: that it was Gnutella's is known by the other direction.
    let mut packets = direction(B, A, 100, b"GNUTELLA/0.6 200 OK\r\n\r\n", &[]);
    let mut lossy = direction(A, B, 100, &bytes, &[10]);
    lossy.remove(1);
    packets.extend(lossy);
    let (_, stderr) = dumped(&pcap(1, &framed(&packets)), 1);
    assert_eq!(
        stderr,
        format!(
            "error: {A_TO_B}: offset 0: 10 bytes of the connection are missing in the capture after \
             byte 0\n"
        )
    );
}

#[test]
fn a_packet_that_was_cut_when_captured_is_a_gap() {
    let head = opening(false).len();
    let mut packets = framed(&direction(A, B, 100, &a_to_b(), &[head + 23 + 30]));
    let length = packets[1].len();
    packets[1].truncate(length - 30);
    let (lines, stderr) = dumped(&pcap(1, &packets), 1);
    assert_eq!(types(&lines), ["ping"]);
    let expected = format!(
        "error: {A_TO_B}: offset 23: 30 bytes of the connection are missing in the capture after \
         byte {}\n",
        head + 23
    );
    assert_eq!(stderr, expected);
    // Cut within the headers: nothing of it is left.
    packets[1].truncate(14 + 20 + 8);
    packets.truncate(2);
    packets.extend(framed(&direction("192.0.2.3:1", B, 5, &a_to_b(), &[])));
    let (lines, stderr) = dumped(&pcap(1, &packets), 0);
    assert_eq!(lines.len(), 3);
    assert!(stderr.contains("note: standard input: 1 packets passed over"), "{stderr}");
}

#[test]
fn a_syn_on_the_same_ports_begins_a_stream() {
    let (first, second) = (a_to_b(), [opening(false), pong(&[])].concat());
    let mut packets = direction(A, B, 100, &first, &[50]);
    packets.extend(direction(A, B, 90_000, &second, &[50]));
    // The third is cut off by a reset.
    let cut = &first[..first.len() - 3];
    let mut reset = direction(A, B, 50, cut, &[]);
    reset.pop();
    let after = 51 + u32::try_from(cut.len()).expect("few bytes");
    reset.push(segment(A, B, after, RST, &[]));
    packets.extend(reset);
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 1);
    assert_eq!(of_stream(&lines, A_TO_B), good(&three()));
    assert_eq!(of_stream(&lines, &format!("{A_TO_B} #2")), good(&pong(&[])));
    assert_eq!(types(&of_stream(&lines, &format!("{A_TO_B} #3"))), ["ping", "query"]);
    assert!(stderr.starts_with(&format!("error: {A_TO_B} #3: offset")), "{stderr}");
    assert!(stderr.contains("input ends inside a message"), "{stderr}");
}

#[test]
fn only_what_is_gnutella_is_dumped() {
    // Descriptors of a connection whose beginning was not captured; a web page; noise; too little.
    let noise: Vec<u8> = (0..200_u8).map(|byte| byte.wrapping_mul(37) ^ 0x5a).collect();
    let mut packets = vec![segment(A, B, 1_000, ACK, &ping()), segment(A, B, 1_023, ACK, &bye())];
    packets.extend(direction("192.0.2.9:80", A, 5, b"HTTP/1.1 200 OK\r\n\r\nhello, world", &[3]));
    packets.extend(direction("192.0.2.8:443", A, 5, &noise, &[]));
    packets.extend(direction("192.0.2.7:443", A, 5, &[0; 300], &[]));
    packets.extend(direction("192.0.2.6:443", A, 5, &ping()[..20], &[]));
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets)), 0);
    assert_eq!(stderr, "");
    assert_eq!(of_stream(&lines, A_TO_B), good(&[ping(), bye()].concat()));
    assert_eq!(lines.len(), 2);
    let (lines, stderr) = dumped(&pcap(1, &framed(&packets[2..])), 0);
    assert!(lines.is_empty());
    assert!(stderr.contains("no stream of Gnutella"), "{stderr}");
}

#[test]
fn every_kind_of_link_and_ip_is_read() {
    let v6 = ("[2001:db8::1]:4000", "[2001:db8::2]:6346");
    for (from, to) in [(A, B), v6] {
        let packets = direction(from, to, 100, &a_to_b(), &[50]);
        let with = |before: fn(&[u8]) -> Vec<u8>| -> Vec<Vec<u8>> {
            packets.iter().map(|packet| [before(packet), packet.clone()].concat()).collect()
        };
        let vlan = |packet: &[u8]| {
            let [high, low] = ether_type(packet);
            [[2; 12].as_slice(), &[0x88, 0xa8, 0, 5, 0x81, 0x00, 0, 9, high, low]].concat()
        };
        let sll = |packet: &[u8]| [[0; 14].as_slice(), &ether_type(packet)].concat();
        let sll2 = |packet: &[u8]| [ether_type(packet).as_slice(), &[0; 18]].concat();
        for (link, packets) in [
            (1, framed(&packets)),
            (1, with(vlan)),
            (0, with(|_| vec![2, 0, 0, 0])),
            (101, packets.clone()),
            (113, with(sll)),
            (276, with(sll2)),
        ] {
            let (lines, stderr) = dumped(&pcap(link, &packets), 0);
            assert_eq!(stderr, "", "link type {link}");
            assert_eq!(of_stream(&lines, &format!("{from} -> {to}")), good(&three()), "{link}");
        }
    }
}

#[test]
fn an_interface_of_an_unknown_kind_does_not_hide_the_others() {
    let packets = direction(A, B, 100, &a_to_b(), &[50]);
    let mut mixed: Vec<(u32, Vec<u8>)> = Vec::new();
    for (index, packet) in packets.iter().enumerate() {
        mixed.push((0, vec![0xab; 40]));
        let raw = index % 2 == 0;
        mixed.push(if raw { (1, packet.clone()) } else { (2, ethernet(packet)) });
    }
    mixed.push((9, packets[0].clone()));
    let (lines, stderr) = dumped(&pcapng(&[147, 101, 1], &mixed), 0);
    assert_eq!(of_stream(&lines, A_TO_B), good(&three()));
    assert!(stderr.contains("4 packets passed over: networks of link type 147"), "{stderr}");
    assert!(stderr.contains("1 packets passed over: their headers"), "{stderr}");
    // With nothing else there is nothing to see.
    let (lines, stderr) = dumped(&pcap(147, &packets), 1);
    assert!(lines.is_empty());
    assert!(stderr.contains("error: ") && stderr.contains("link type 147"), "{stderr}");
}

#[test]
fn a_capture_that_is_cut_or_none_is_said_after_its_messages() {
    let packets = framed(&direction(A, B, 100, &a_to_b(), &[50]));
    let whole = pcap(1, &packets);
    let (lines, stderr) = dumped(&whole[..whole.len() - 60], 1);
    assert_eq!(lines.len(), 3);
    assert!(stderr.contains("input ends inside a block of the capture"), "{stderr}");
    let with_ng =
        pcapng(&[1], &packets.iter().map(|packet| (0, packet.clone())).collect::<Vec<_>>());
    let (lines, stderr) = dumped(&with_ng[..with_ng.len() - 5], 1);
    assert_eq!(offsets(&lines), [0, 23, 23 + 23 + 2 + 11 + 41]);
    assert!(stderr.contains("input ends inside a block of the capture"), "{stderr}");
    for none in [b"".as_slice(), b"GNUTELLA CONNECT/0.6\r\n\r\n", &whole[..10]] {
        let (lines, stderr) = dumped(none, 1);
        assert!(lines.is_empty());
        assert!(stderr.starts_with("error: standard input: "), "{stderr}");
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
    }
}

#[test]
fn one_connection_after_the_other_a_capture_takes_little_memory() {
    // More streams than are kept at a time, none of which ends.
    let mut packets = Vec::new();
    let bytes = a_to_b();
    for index in 0..4_200_u16 {
        let from = format!("192.0.2.1:{}", 1_000 + index);
        packets.push(segment(&from, B, 1, SYN, &[]));
        packets.push(segment(&from, B, 2, ACK, &bytes));
    }
    let (lines, stderr) = dumped(&pcap(101, &packets), 1);
    assert_eq!(lines.len(), 3 * 4_200);
    assert_eq!(stderr.lines().count(), 4_200 - 4_096);
    assert!(stderr.starts_with("error: 192.0.2.1:1000 -> 192.0.2.2:6346: offset"), "{stderr}");
    assert!(stderr.contains("silent for longest"), "{stderr}");
}

#[test]
fn bytes_far_ahead_of_a_lost_one_are_not_waited_for() {
    let head = opening(false);
    let bytes = [head.clone(), unknown(&[1; 1_000]).repeat(1_400)].concat();
    let lengths = [1_000; 1_500];
    let mut packets = direction(A, B, 100, &bytes, &lengths);
    packets.remove(200);
    packets.extend(direction(B, A, 100, &a_to_b(), &[]));
    let (lines, stderr) = dumped(&pcap(101, &packets), 1);
    assert_eq!(of_stream(&lines, A_TO_B).len(), (199_000 - head.len()) / 1_023);
    assert_eq!(of_stream(&lines, B_TO_A).len(), 3);
    assert!(stderr.contains("missing in the capture after byte 199000"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn a_capture_can_be_a_file_and_written_again() {
    let input = path("capture", "input.pcap");
    let out = path("capture", "out");
    let packets = direction(A, B, 100, &a_to_b(), &[50]);
    fs::write(&input, pcap(101, &packets)).expect("a file");
    let output = program()
        .args([text(&input), "--pcap", "--reencode", text(&out)])
        .output()
        .expect("it runs");
    assert!(output.status.success());
    let stdout = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(stdout.lines().all(|line| line.starts_with(A_TO_B)), "{stdout}");
    assert_eq!(fs::read(&out).expect("a file"), three());
}
