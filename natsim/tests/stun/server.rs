//! The server: what it answers, from where, how long, and what it leaves unanswered.

use std::net::SocketAddr;

use natsim::stun::{
    Addresses, Answer, AttributeType, ChangeRequest, Message, MessageType, Server, Socket,
    TransactionId, Writer,
};

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn addresses() -> Addresses {
    Addresses { primary: address("192.0.2.1:3478"), alternate: address("192.0.2.2:3479") }
}

fn server() -> Server {
    Server::rfc5780(addresses()).expect("they differ").with_software("a server")
}

fn request(id: TransactionId, write: impl FnOnce(&mut Writer<&mut Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, MessageType::BINDING_REQUEST, id);
    write(&mut writer);
    writer.finish().expect("it fits");
    out
}

const ID: TransactionId = TransactionId::new([5; 12]);
const CLASSIC: TransactionId = TransactionId::from_bytes([5; 16]);

fn ask(server: &Server, request: &[u8], at: Socket) -> (Option<Answer>, Vec<u8>) {
    let mut out = Vec::new();
    let answer = server.answer(request, address("198.51.100.7:40000"), at, &mut out);
    assert_eq!(answer.is_none(), out.is_empty());
    assert!(out.len() <= 3 * request.len(), "{} bytes for {}", out.len(), request.len());
    (answer, out)
}

/// The shortest request gets what discovery needs, and not more than three times as much.
#[test]
fn twenty_bytes_get_three_addresses() {
    let (answer, out) = ask(&server(), &request(ID, |_| {}), Socket::PRIMARY);
    let from = answer.expect("an answer").from;
    assert_eq!((from, out.len()), (Socket::PRIMARY, 56));
    let response = Message::decode(&out).expect("a message");
    assert_eq!(response.message_type(), MessageType::BINDING_SUCCESS);
    assert_eq!(response.transaction_id(), ID);
    assert_eq!(response.xor_mapped_address(), Ok(Some(address("198.51.100.7:40000"))));
    assert_eq!(response.other_address(), Ok(Some(address("192.0.2.2:3479"))));
    assert_eq!(response.response_origin(), Ok(Some(address("192.0.2.1:3478"))));
}

#[test]
fn a_longer_request_gets_everything() {
    let padded = request(ID, |writer| {
        writer.software("somebody who pads").fingerprint();
    });
    let (_, out) = ask(&server(), &padded, Socket::PRIMARY);
    let response = Message::decode(&out).expect("a message");
    assert_eq!(response.mapped_address(), Ok(Some(address("198.51.100.7:40000"))));
    assert_eq!(response.software(), Ok(Some("a server")));
    assert_eq!(response.check_fingerprint(), Ok(()));
}

#[test]
fn ipv6_has_room_for_the_other_address() {
    let addresses =
        Addresses { primary: address("[2001:db8::1]:3478"), alternate: address("[2001:db8::2]:1") };
    let server = Server::rfc5780(addresses).expect("they differ");
    let (client, mut out) = (address("[2001:db8::9]:9"), Vec::new());
    server.answer(&request(ID, |_| {}), client, Socket::PRIMARY, &mut out).expect("an answer");
    assert!(out.len() <= 80);
    let response = Message::decode(&out).expect("a message");
    assert_eq!(response.xor_mapped_address(), Ok(Some(client)));
    assert_eq!(response.other_address(), Ok(Some(addresses.alternate)));
}

/// From each socket to each: the answer's origin, and the other address as seen from there.
#[test]
fn change_request_is_obeyed_at_every_socket() {
    for at in Socket::ALL {
        for (ip, port) in [(false, false), (false, true), (true, false), (true, true)] {
            let asked = request(ID, |writer| {
                writer.change_request(ChangeRequest { ip, port });
            });
            let (answer, out) = ask(&server(), &asked, at);
            let from = answer.expect("an answer").from;
            let expected =
                Socket { other_ip: at.other_ip != ip, other_port: at.other_port != port };
            assert_eq!(from, expected);
            let response = Message::decode(&out).expect("a message");
            assert_eq!(response.response_origin(), Ok(Some(addresses().of(from))));
            let other = Socket { other_ip: !at.other_ip, other_port: !at.other_port };
            assert_eq!(response.other_address(), Ok(Some(addresses().of(other))));
        }
    }
}

#[test]
fn classic_requests_get_classic_answers() {
    let (_, out) = ask(&server(), &request(CLASSIC, |_| {}), Socket::PRIMARY);
    let response = Message::decode(&out).expect("a message");
    assert_eq!(response.transaction_id(), CLASSIC);
    assert_eq!(response.mapped_address(), Ok(Some(address("198.51.100.7:40000"))));
    assert_eq!(
        response.address(AttributeType::CHANGED_ADDRESS),
        Ok(Some(address("192.0.2.2:3479")))
    );
    assert_eq!(
        response.address(AttributeType::SOURCE_ADDRESS),
        Ok(Some(address("192.0.2.1:3478")))
    );
    assert_eq!(response.find(AttributeType::XOR_MAPPED_ADDRESS), None);
}

/// It would send answers to whom a forger likes.
#[test]
fn response_address_is_refused() {
    let asked = request(CLASSIC, |writer| {
        writer.address(AttributeType::RESPONSE_ADDRESS, address("203.0.113.1:53"));
    });
    let (answer, out) = ask(&server(), &asked, Socket::PRIMARY);
    assert_eq!(answer.map(|answer| answer.to), Some(address("198.51.100.7:40000")));
    assert_eq!(refusal(&out), (420, vec![AttributeType::RESPONSE_ADDRESS]));
}

#[test]
fn one_address_refuses_to_change() {
    let asked = request(ID, |writer| {
        writer.change_request(ChangeRequest { ip: true, port: true });
    });
    let server = Server::new(address("192.0.2.1:3478"));
    let (answer, out) = ask(&server, &asked, Socket::PRIMARY);
    assert_eq!(answer.map(|answer| answer.from), Some(Socket::PRIMARY));
    assert_eq!(refusal(&out), (420, vec![AttributeType::CHANGE_REQUEST]));
    let (_, out) = ask(&server, &request(ID, |_| {}), Socket::PRIMARY);
    let response = Message::decode(&out).expect("a message");
    assert_eq!(response.other_address(), Ok(None));
}

#[test]
fn unknown_attributes_are_listed() {
    let asked = request(ID, |writer| {
        writer.attribute(AttributeType(0x7777), b"").attribute(AttributeType(0xF777), b"");
        writer.attribute(AttributeType(0x0777), b"");
    });
    let (_, out) = ask(&server(), &asked, Socket::PRIMARY);
    assert_eq!(refusal(&out), (420, vec![AttributeType(0x7777), AttributeType(0x0777)]));
}

#[test]
fn response_port_is_obeyed_but_not_with_padding() {
    let asked = request(ID, |writer| {
        writer.response_port(50_000);
    });
    let (answer, _) = ask(&server(), &asked, Socket::PRIMARY);
    assert_eq!(answer.map(|answer| answer.to), Some(address("198.51.100.7:50000")));

    let asked = request(ID, |writer| {
        writer.response_port(50_000).padding(100);
    });
    let (answer, out) = ask(&server(), &asked, Socket::PRIMARY);
    assert_eq!(answer.map(|answer| answer.to), Some(address("198.51.100.7:40000")));
    assert_eq!(refusal(&out), (400, vec![]));

    let asked = request(ID, |writer| {
        writer.padding(1_400);
    });
    let (_, out) = ask(&server(), &asked, Socket::PRIMARY);
    let response = Message::decode(&out).expect("a message");
    let padding = response.find(AttributeType::PADDING).expect("it is padded");
    assert_eq!(padding.value.len(), 1_400);
}

#[test]
fn what_is_not_answered() {
    let mut wrong_fingerprint = request(ID, |writer| {
        writer.fingerprint();
    });
    wrong_fingerprint[27] ^= 1;
    let mut response = request(ID, |_| {});
    response[0] = 1;
    let mut indication = request(ID, |_| {});
    indication[1] = 0x11;
    let mut allocate = request(ID, |_| {});
    allocate[1] = 3;
    for datagram in [&b""[..], b"hello", &wrong_fingerprint, &response, &indication, &allocate] {
        assert_eq!(ask(&server(), datagram, Socket::PRIMARY).0, None);
    }
    let no_port = address("198.51.100.7:0");
    let answer = server().answer(&request(ID, |_| {}), no_port, Socket::PRIMARY, &mut Vec::new());
    assert_eq!(answer, None);
}

#[test]
fn addresses_must_differ_in_both() {
    let primary = address("192.0.2.1:3478");
    for alternate in ["192.0.2.1:3479", "192.0.2.2:3478", "[2001:db8::1]:3479"] {
        let addresses = Addresses { primary, alternate: address(alternate) };
        assert!(Server::rfc5780(addresses).is_none(), "{alternate}");
    }
}

/// Code and unknown attributes of an error response.
fn refusal(bytes: &[u8]) -> (u16, Vec<AttributeType>) {
    let response = Message::decode(bytes).expect("a message");
    assert_eq!(response.message_type(), MessageType::BINDING_ERROR);
    let error = response.error_code().expect("a code").expect("it is there");
    let unknown = response.unknown_attributes().expect("a list");
    (error.code, unknown.map_or(vec![], Iterator::collect))
}
