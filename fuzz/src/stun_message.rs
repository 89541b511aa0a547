//! STUN messages: read as the plainest code reads them, written again attribute by attribute to the same
//! bytes, and answered by a server within its bound on amplification.

use std::net::SocketAddr;
use std::sync::LazyLock;

use natsim::stun::{
    Addresses, AttributeType, DecodeErrorKind, Key, Message, Server, Socket, Writer,
};
use overlay_peer::Decoded;

static KEY: LazyLock<Key> = LazyLock::new(|| Key::short_term(b"VOkJxbRl1RmTxUk/WvJxBt"));
static SERVERS: LazyLock<[Server; 2]> = LazyLock::new(|| {
    let primary = SocketAddr::from(([192, 0, 2, 1], 3478));
    let alternate = SocketAddr::from(([192, 0, 2, 2], 3479));
    let both = Server::rfc5780(Addresses { primary, alternate }).expect("they differ");
    [both.with_software("fuzzed"), Server::new(primary)]
});

/// Decodes the bytes as a whole message and as the start of a stream, looks at everything, and asks
/// servers with them.
pub fn check(data: &[u8]) {
    let whole = Message::decode(data);
    plainly(data, whole.as_ref().ok());
    match Message::decode_prefix(data) {
        Ok(Decoded::Complete { value, consumed }) => {
            assert_eq!(value.as_bytes(), &data[..consumed]);
            match whole {
                Ok(whole) => assert_eq!(whole, value),
                Err(error) => {
                    let extra = data.len() - consumed;
                    assert_eq!(error.kind, DecodeErrorKind::Trailing { extra });
                }
            }
            message(&value);
        }
        Ok(Decoded::Partial { needed }) => {
            let error = whole.expect_err("it is not whole");
            assert_eq!(error.kind, DecodeErrorKind::Truncated { needed });
            assert!(needed >= 1);
        }
        Err(error) => assert!(whole.is_err() && error.offset <= data.len()),
    }
    answers(data);
}

/// The same found out in the plainest way: the attributes, and which of them count.
fn plainly(data: &[u8], message: Option<&Message<'_>>) {
    let mut found = Vec::new();
    let number = |at: usize| usize::from(data[at]) << 8 | usize::from(data[at + 1]);
    let fits = data.len() >= 20 && data[0] < 0x40 && data.len() == 20 + number(2);
    let mut at = 20;
    while fits && at + 4 <= data.len() {
        found.push((number(at), at + 4, number(at + 2)));
        at += 4 + number(at + 2).div_ceil(4) * 4;
    }
    let good = fits && at == data.len();
    assert_eq!(message.is_some(), good);
    let Some(message) = message else { return };
    let read = message.attributes().map(|one| (one.kind.0.into(), one.offset, one.value.len()));
    assert!(read.eq(found.iter().copied()));
    let first = |kinds: &[usize]| {
        let is = |(kind, ..): &(usize, usize, usize)| kinds.contains(kind);
        found.iter().position(is).unwrap_or(found.len())
    };
    let [integrity, sha256, fingerprint] = [0x0008, 0x001C, 0x8028].map(|kind| first(&[kind]));
    assert_eq!(message.has_integrity(), integrity < sha256.min(fingerprint));
    assert_eq!(message.has_integrity_sha256(), sha256 < fingerprint);
    assert_eq!(message.has_fingerprint(), fingerprint < found.len());
    let counting = first(&[0x0008, 0x001C, 0x8028]);
    assert_eq!(message.content().count(), counting);
    for (index, (kind, offset, _)) in found.iter().enumerate().take(8) {
        let sought = message.find(AttributeType(*kind as u16)).map(|one| one.offset);
        let before = first(&[*kind]) < index;
        assert!(before || sought == (index < counting).then_some(*offset));
    }
}

/// Everything that can be asked of a message; most of what is asked is refused.
fn message(message: &Message<'_>) {
    let bytes = message.as_bytes();
    let mut end = 20;
    for one in message.attributes() {
        assert_eq!(one.offset, end + 4);
        end = one.offset + one.value.len() + one.padding.len();
        let _ = message.address(one.kind).map_err(|error| assert!(error.offset <= bytes.len()));
        let _ = message.text(one.kind).map_err(|error| assert!(error.offset <= bytes.len()));
        let _ = message.number(one.kind).map_err(|error| assert!(error.offset <= bytes.len()));
    }
    assert_eq!(end, bytes.len(), "the attributes fill the message");
    let _ = message.xor_mapped_address();
    let _ = message.error_code();
    let _ = message.unknown_attributes().map(|list| list.map(Iterator::count));
    let _ = message.change_request();
    let _ = message.response_port();
    let _ = message.userhash();
    let fingerprint = message.check_fingerprint().is_ok();
    if message.has_integrity() {
        let _ = message.check_integrity(&KEY);
    }
    if message.has_integrity_sha256() {
        let _ = message.check_integrity_sha256(&KEY);
    }
    again(message, fingerprint);
}

/// The writer makes the same bytes, where padding is zero and nothing follows the protection.
fn again(message: &Message<'_>, fingerprint: bool) {
    let plain = message.attributes().all(|one| one.padding.iter().all(|byte| *byte == 0));
    let protected = message.has_integrity() || message.has_integrity_sha256();
    let hidden = message.content().count() + usize::from(message.has_fingerprint());
    if !plain || protected || hidden != message.attributes().count() {
        return;
    }
    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, message.message_type(), message.transaction_id());
    for one in message.content() {
        writer.attribute(one.kind, one.value);
    }
    if fingerprint {
        writer.fingerprint();
    } else if let Some(one) = message.attributes().nth(message.content().count()) {
        assert_eq!(one.kind, AttributeType::FINGERPRINT);
        return;
    }
    writer.finish().expect("it was a message");
    assert_eq!(out, message.as_bytes());
}

fn answers(data: &[u8]) {
    let client = SocketAddr::from(([198, 51, 100, 7], 40_000));
    for (server, at) in SERVERS.iter().zip([Socket::ALL[3], Socket::PRIMARY]) {
        let mut out = Vec::new();
        match server.answer(data, client, at, &mut out) {
            None => assert!(out.is_empty()),
            Some(answer) => {
                assert!(out.len() <= 3 * data.len());
                assert_eq!(answer.to.ip(), client.ip());
                let response = Message::decode(&out).expect("what a server writes");
                let request = Message::decode(data).expect("it was answered");
                assert_eq!(response.transaction_id(), request.transaction_id());
                assert_eq!(response.has_fingerprint(), request.has_fingerprint());
                assert!(!response.has_fingerprint() || response.check_fingerprint().is_ok());
            }
        }
    }
}
