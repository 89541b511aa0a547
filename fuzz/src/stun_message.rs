//! STUN messages: read, written again attribute by attribute to the same bytes, and answered by a
//! server within its bound on amplification.

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
