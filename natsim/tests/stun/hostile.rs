//! Bytes from a stranger: what each error says, and what does not count.

use natsim::stun::{
    AttributeType, CheckError, DecodeError, DecodeErrorKind, ErrorCode, Key, Message, MessageType,
    TransactionId, WriteError, Writer,
};
use overlay_peer::Decoded;

use crate::vectors::request;

fn message(write: impl FnOnce(&mut Writer<&mut Vec<u8>>)) -> Vec<u8> {
    let mut out = Vec::new();
    let id = TransactionId::new([9; 12]);
    let mut writer = Writer::new(&mut out, MessageType::BINDING_REQUEST, id);
    write(&mut writer);
    writer.finish().expect("it fits");
    out
}

/// Writes on by hand, where the writer refuses to: an attribute at the end.
fn append(message: &mut Vec<u8>, kind: AttributeType, value: &[u8]) {
    message.extend(kind.0.to_be_bytes());
    message.extend((value.len() as u16).to_be_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
    let len = message.len() as u16 - 20;
    message[2..4].copy_from_slice(&len.to_be_bytes());
}

#[test]
fn a_message_cut_anywhere_is_partial() {
    let whole = request();
    for cut in 0..whole.len() {
        let part = &whole[..cut];
        let Ok(Decoded::Partial { needed }) = Message::decode_prefix(part) else {
            panic!("cut at {cut}");
        };
        let expected = if cut < 20 { 20 - cut } else { whole.len() - cut };
        assert_eq!(needed, expected, "cut at {cut}");
        let error = Message::decode(part).expect_err("it is cut");
        assert_eq!(error.kind, DecodeErrorKind::Truncated { needed });
        assert_eq!(error.offset, cut);
    }
    let mut two = whole.clone();
    two.extend(&whole);
    let Ok(Decoded::Complete { value, consumed }) = Message::decode_prefix(&two) else {
        panic!("it is whole");
    };
    assert_eq!((value.as_bytes(), consumed), (&whole[..], whole.len()));
    let kind = DecodeErrorKind::Trailing { extra: whole.len() };
    assert_eq!(Message::decode(&two), Err(DecodeError { offset: whole.len(), kind }));
}

#[test]
fn what_is_no_message_says_where() {
    let mut bytes = request();
    bytes[0] = 0x80;
    let kind = DecodeErrorKind::NotStun { found: 0x80 };
    assert_eq!(Message::decode(&bytes), Err(DecodeError { offset: 0, kind }));
    assert_eq!(
        Message::decode(&[0xFF]),
        Err(DecodeError { offset: 0, kind: DecodeErrorKind::NotStun { found: 0xFF } })
    );

    let mut bytes = request();
    bytes[3] += 1;
    let kind = DecodeErrorKind::Unaligned { len: 0x59 };
    assert_eq!(Message::decode(&bytes), Err(DecodeError { offset: 2, kind }));

    // The last attribute, the fingerprint, grows beyond the end.
    let mut bytes = request();
    bytes[103] = 5;
    let attribute = AttributeType::FINGERPRINT;
    let kind = DecodeErrorKind::AttributeTruncated { attribute, len: 5, left: 4 };
    let error = DecodeError { offset: 100, kind };
    assert_eq!(Message::decode(&bytes), Err(error));
    assert_eq!(
        error.to_string(),
        "at byte 100: the attribute FINGERPRINT announces 5 bytes, the message has 4 left"
    );
}

#[test]
fn values_of_a_wrong_form_say_so() {
    let bytes = message(|writer| {
        writer
            .attribute(AttributeType::MAPPED_ADDRESS, &[0, 3, 0, 80, 1, 2, 3, 4])
            .attribute(AttributeType::OTHER_ADDRESS, &[0, 1, 0, 80, 1, 2, 3])
            .attribute(AttributeType::XOR_MAPPED_ADDRESS, &[0, 2])
            .attribute(AttributeType::ERROR_CODE, &[0, 0, 2, 0])
            .attribute(AttributeType::SOFTWARE, b"good\xFFbad")
            .attribute(AttributeType::UNKNOWN_ATTRIBUTES, &[1, 2, 3])
            .attribute(AttributeType::RESPONSE_PORT, &[1])
            .attribute(AttributeType::CHANGE_REQUEST, &[])
            .attribute(AttributeType::USERHASH, &[0; 31]);
    });
    let message = Message::decode(&bytes).expect("well-formed");
    let kind = DecodeErrorKind::Family { found: 3 };
    assert_eq!(message.mapped_address(), Err(DecodeError { offset: 25, kind }));
    let kind = DecodeErrorKind::ErrorCode { class: 2, number: 0 };
    assert_eq!(message.error_code(), Err(DecodeError { offset: 58, kind }));
    let kind = DecodeErrorKind::NotUtf8 { attribute: AttributeType::SOFTWARE };
    assert_eq!(message.software(), Err(DecodeError { offset: 68, kind }));
    let length = |error: DecodeError| matches!(error.kind, DecodeErrorKind::ValueLength { .. });
    assert!(message.other_address().is_err_and(length));
    assert!(message.xor_mapped_address().is_err_and(length));
    assert!(message.unknown_attributes().is_err_and(length));
    assert!(message.response_port().is_err_and(length));
    assert!(message.change_request().is_err_and(length));
    assert!(message.userhash().is_err_and(length));
    assert_eq!(
        message.mapped_address().map_err(|error| error.to_string()),
        Err("at byte 25: the address family is 3, expected 1 or 2".to_owned())
    );
}

#[test]
fn response_ports_of_two_and_of_four_bytes() {
    for value in [&[0x12, 0x34][..], &[0x12, 0x34, 0, 0]] {
        let bytes = message(|writer| {
            writer.attribute(AttributeType::RESPONSE_PORT, value);
        });
        let message = Message::decode(&bytes).expect("a message");
        assert_eq!(message.response_port(), Ok(Some(0x1234)));
    }
}

/// What follows the integrity is not protected by it: it must not be believed (RFC 8489, 14.5).
#[test]
fn what_follows_the_integrity_does_not_count() {
    let key = Key::short_term(b"key");
    let mut bytes = message(|writer| {
        writer.software("honest").integrity(&key);
    });
    append(&mut bytes, AttributeType::SOFTWARE, b"forged");
    append(&mut bytes, AttributeType::USERNAME, b"forged");
    append(&mut bytes, AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
    let message = Message::decode(&bytes).expect("a message");
    assert_eq!(message.check_integrity(&key), Ok(()));
    assert_eq!(message.software(), Ok(Some("honest")));
    assert_eq!(message.username(), Ok(None));
    assert_eq!(message.attributes().count(), 5);
    assert_eq!(message.content().count(), 1);
    assert_eq!(message.unknown_required(&[]).count(), 0);
    let mut again = Vec::new();
    message.encode(&mut again);
    assert_eq!(again, bytes);
}

#[test]
fn integrity_behind_sha256_or_fingerprint_does_not_count() {
    let key = Key::short_term(b"key");
    let mut bytes = message(|writer| {
        writer.integrity_sha256(&key);
    });
    append(&mut bytes, AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
    let signed = Message::decode(&bytes).expect("a message");
    assert!(signed.has_integrity_sha256() && !signed.has_integrity());
    assert_eq!(signed.check_integrity_sha256(&key), Ok(()));

    let mut bytes = message(|writer| {
        writer.fingerprint();
    });
    append(&mut bytes, AttributeType::MESSAGE_INTEGRITY, &[0; 20]);
    let marked = Message::decode(&bytes).expect("a message");
    assert!(marked.has_fingerprint() && !marked.has_integrity());
    assert_eq!(marked.check_fingerprint(), Err(CheckError::NotLast));
}

#[test]
fn both_integrities_and_a_fingerprint() {
    let key = Key::short_term(b"key");
    let bytes = message(|writer| {
        writer.software("both").integrity(&key).integrity_sha256(&key).fingerprint();
    });
    let both = Message::decode(&bytes).expect("a message");
    assert_eq!(both.check_integrity(&key), Ok(()));
    assert_eq!(both.check_integrity_sha256(&key), Ok(()));
    assert_eq!(both.check_fingerprint(), Ok(()));
}

/// RFC 8489, section 14.6: 16 bytes at least, and a multiple of four.
#[test]
fn a_sha256_integrity_may_be_cut() {
    let key = Key::short_term(b"key");
    for len in 0..=32 {
        let mut bytes = message(|writer| {
            writer.software("cut");
        });
        // The HMAC depends on the length, so it is taken from a message of that length.
        let mut longer = bytes.clone();
        append(&mut longer, AttributeType::MESSAGE_INTEGRITY_SHA256, &vec![0; len]);
        let value = hmac_sha256(b"key", &[&longer[..2], &longer[2..4], &longer[4..28]].concat());
        append(&mut bytes, AttributeType::MESSAGE_INTEGRITY_SHA256, &value[..len]);
        let cut = Message::decode(&bytes).expect("a message");
        let fits = len >= 16 && len % 4 == 0;
        assert_eq!(cut.check_integrity_sha256(&key).is_ok(), fits, "{len} bytes");
    }
}

/// HMAC as RFC 2104 writes it, with our own hash only.
fn hmac_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    let mut block = [0; 64];
    block[..key.len()].copy_from_slice(key);
    let inner = Sha256::new().chain_update(block.map(|byte| byte ^ 0x36)).chain_update(text);
    let outer = Sha256::new().chain_update(block.map(|byte| byte ^ 0x5C));
    outer.chain_update(inner.finalize()).finalize().to_vec()
}

#[test]
fn what_can_not_be_written_is_said_at_the_end() {
    let id = TransactionId::new([1; 12]);
    let request = MessageType::BINDING_REQUEST;
    let mut short = [0; 19];
    let writer = Writer::in_slice(&mut short, request, id);
    assert_eq!(writer.finish(), Err(WriteError::Full { needed: 20, left: 19 }));

    let mut buffer = [0; 27];
    let mut writer = Writer::in_slice(&mut buffer, request, id);
    writer.number(AttributeType::PRIORITY, 1).software("");
    assert_eq!(writer.finish(), Err(WriteError::Full { needed: 8, left: 7 }));

    let mut out = Vec::new();
    let mut writer = Writer::new(&mut out, request, id);
    writer.padding(65_528);
    assert_eq!(writer.finish(), Ok(65_552));
    let mut writer = Writer::new(&mut out, request, id);
    writer.padding(65_528).software("");
    let attribute = AttributeType::SOFTWARE;
    assert_eq!(writer.finish(), Err(WriteError::TooLong { attribute }));

    let mut writer = Writer::new(&mut out, request, id);
    writer.fingerprint().software("late");
    assert_eq!(writer.finish(), Err(WriteError::AfterIntegrity { attribute }));

    let mut writer = Writer::new(&mut out, request, id);
    writer.error_code(ErrorCode { code: 200, reason: b"OK" });
    assert_eq!(writer.finish(), Err(WriteError::ErrorCode { code: 200 }));
}

#[test]
fn the_first_fingerprint_counts() {
    // A wrong one, and then a right one.
    let mut bytes = message(|_| {});
    append(&mut bytes, AttributeType::FINGERPRINT, &[0; 4]);
    append(&mut bytes, AttributeType::FINGERPRINT, &[0; 4]);
    let at = bytes.len() - 8;
    let right = crc32fast::hash(&bytes[..at]) ^ 0x5354_554E;
    bytes[at + 4..].copy_from_slice(&right.to_be_bytes());
    let marked = Message::decode(&bytes).expect("a message");
    assert_eq!(marked.content().count(), 0);
    assert_eq!(marked.check_fingerprint(), Err(CheckError::NotLast));
}
