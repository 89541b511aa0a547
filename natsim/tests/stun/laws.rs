//! Laws of the codec.

use std::net::SocketAddr;

use natsim::stun::{
    AttributeType, ChangeRequest, Class, ErrorCode, Key, Message, MessageType, Method,
    TransactionId, Writer,
};
use proptest::prelude::*;

type Raw = (u16, Vec<u8>);

fn attributes() -> impl Strategy<Value = Vec<Raw>> {
    let plain = any::<u16>().prop_filter("protects", |kind| ![0x08, 0x1C, 0x8028].contains(kind));
    prop::collection::vec((plain, prop::collection::vec(any::<u8>(), 0..40)), 0..12)
}

fn message_type() -> impl Strategy<Value = MessageType> {
    (0u16..0x4000).prop_map(|bits| MessageType::from_bits(bits).expect("14 bits"))
}

proptest! {
    /// What was written is read, protection and all, whatever the padding.
    #[test]
    fn round_trip(
        message_type in message_type(),
        id: [u8; 16],
        raw in attributes(),
        padding: u8,
        password: Vec<u8>,
        protection in 0u8..8,
    ) {
        let id = TransactionId::from_bytes(id);
        let key = Key::short_term(&password);
        let mut out = Vec::new();
        let mut writer = Writer::new(&mut out, message_type, id);
        writer.padding_byte(padding);
        for (kind, value) in &raw {
            writer.attribute(AttributeType(*kind), value);
        }
        if protection & 1 != 0 {
            writer.integrity(&key);
        }
        if protection & 2 != 0 {
            writer.integrity_sha256(&key);
        }
        if protection & 4 != 0 {
            writer.fingerprint();
        }
        let len = writer.finish().expect("it fits");
        let mut slice = vec![0; len];
        prop_assert_eq!(len, out.len());

        let message = Message::decode(&out).expect("what was written");
        prop_assert_eq!(message.message_type(), message_type);
        prop_assert_eq!(message.transaction_id(), id);
        let read: Vec<Raw> =
            message.content().map(|one| (one.kind.0, one.value.to_vec())).collect();
        prop_assert_eq!(read, raw);
        prop_assert_eq!(message.check_integrity(&key).is_ok(), protection & 1 != 0);
        prop_assert_eq!(message.check_integrity_sha256(&key).is_ok(), protection & 2 != 0);
        prop_assert_eq!(message.check_fingerprint().is_ok(), protection & 4 != 0);

        message.encode(&mut &mut slice[..]);
        prop_assert_eq!(slice, out);
    }

    /// Attributes' offsets are where their values are.
    #[test]
    fn offsets_are_right(raw in attributes()) {
        let mut out = Vec::new();
        let id = TransactionId::new([0; 12]);
        let mut writer = Writer::new(&mut out, MessageType::BINDING_REQUEST, id);
        for (kind, value) in &raw {
            writer.attribute(AttributeType(*kind), value);
        }
        writer.finish().expect("it fits");
        for one in Message::decode(&out).expect("a message").attributes() {
            prop_assert_eq!(&out[one.offset..][..one.value.len()], one.value);
        }
    }

    /// Looking up and counting, which skip values, agree with going through all attributes.
    #[test]
    fn find_is_first(
        few in prop::collection::vec((0u16..6, prop::collection::vec(any::<u8>(), 0..9)), 0..12),
        protection in 0u8..4,
    ) {
        let key = Key::short_term(b"any");
        let mut out = Vec::new();
        let id = TransactionId::new([0; 12]);
        let mut writer = Writer::new(&mut out, MessageType::BINDING_REQUEST, id);
        for (kind, value) in &few {
            writer.attribute(AttributeType(*kind), value);
        }
        if protection & 1 != 0 {
            writer.integrity(&key);
        }
        if protection & 2 != 0 {
            writer.fingerprint();
        }
        writer.finish().expect("it fits");
        let message = Message::decode(&out).expect("a message");
        let content: Vec<_> = message.content().collect();
        for kind in (0..6).map(AttributeType) {
            let first = content.iter().find(|one| one.kind == kind).copied();
            prop_assert_eq!(message.find(kind), first);
        }
        prop_assert_eq!(message.find(AttributeType::FINGERPRINT), None);
        let all: Vec<_> = message.attributes().collect();
        prop_assert_eq!(message.attributes().count(), all.len());
        prop_assert_eq!(all.len(), few.len() + protection.count_ones() as usize);
        prop_assert_eq!(message.content().count(), few.len());
        let mut rest = message.attributes();
        prop_assert_eq!(rest.by_ref().take(2).count() + rest.count(), all.len());
    }

    /// A method and a class are found again in the 14 bits, and the other way round.
    #[test]
    fn types_are_packed(number in 0u16..0x1000, bits in 0u16..0x4000) {
        let method = Method::new(number).expect("12 bits");
        for class in [Class::Request, Class::Indication, Class::Success, Class::Error] {
            let packed = MessageType::new(method, class);
            prop_assert_eq!((packed.method(), packed.class()), (method, class));
        }
        let packed = MessageType::from_bits(bits).expect("14 bits");
        prop_assert_eq!(MessageType::new(packed.method(), packed.class()), packed);
    }

    /// Addresses come back, hidden or not, with a cookie or without.
    #[test]
    fn addresses_come_back(address: SocketAddr, id: [u8; 16]) {
        // What a socket address of IPv6 has besides is not sent.
        let address = SocketAddr::new(address.ip(), address.port());
        let mut out = Vec::new();
        let id = TransactionId::from_bytes(id);
        let mut writer = Writer::new(&mut out, MessageType::BINDING_SUCCESS, id);
        writer.xor_mapped_address(address).address(AttributeType::OTHER_ADDRESS, address);
        writer.finish().expect("it fits");
        let message = Message::decode(&out).expect("a message");
        prop_assert_eq!(message.xor_mapped_address(), Ok(Some(address)));
        prop_assert_eq!(message.other_address(), Ok(Some(address)));
    }

    #[test]
    fn values_come_back(
        code in 300u16..700,
        reason in "\\PC{0,20}",
        unknown: Vec<u16>,
        ip: bool,
        port: bool,
        response_port: u16,
    ) {
        let mut out = Vec::new();
        let id = TransactionId::new([0; 12]);
        let unknown: Vec<AttributeType> = unknown.into_iter().map(AttributeType).collect();
        let error = ErrorCode { code, reason: reason.as_bytes() };
        let change = ChangeRequest { ip, port };
        let mut writer = Writer::new(&mut out, MessageType::BINDING_ERROR, id);
        writer
            .error_code(error)
            .unknown_attributes(&unknown)
            .change_request(change)
            .response_port(response_port);
        writer.finish().expect("it fits");
        let message = Message::decode(&out).expect("a message");
        prop_assert_eq!(message.error_code(), Ok(Some(error)));
        let read = message.unknown_attributes().expect("a list").expect("it is there");
        prop_assert_eq!(read.collect::<Vec<_>>(), unknown);
        prop_assert_eq!(message.change_request(), Ok(Some(change)));
        prop_assert_eq!(message.response_port(), Ok(Some(response_port)));
    }
}
