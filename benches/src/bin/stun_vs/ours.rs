//! Our side.

use std::hint::black_box;
use std::net::SocketAddr;

use natsim::stun::{Key, Message, MessageType, TransactionId, Writer};

use crate::{ID, PASSWORD, REQUEST, SOFTWARE, Seen};

pub struct Ours {
    key: Key,
    mapped: SocketAddr,
}

impl Ours {
    pub fn new() -> Self {
        let mapped = ([192, 0, 2, 1], 32_853).into();
        Self { key: Key::short_term(PASSWORD.as_bytes()), mapped }
    }

    pub fn decode(&self) -> Seen {
        seen(&Message::decode(black_box(&REQUEST)).expect("a message"))
    }

    pub fn decode_fingerprint(&self) -> Seen {
        let message = Message::decode(black_box(&REQUEST)).expect("a message");
        message.check_fingerprint().expect("it is right");
        seen(&message)
    }

    pub fn decode_both(&self) -> Seen {
        both(black_box(&self.key))
    }

    pub fn decode_both_new_key(&self) -> Seen {
        both(&Key::short_term(black_box(PASSWORD.as_bytes())))
    }

    pub fn encode(&self, out: &mut Vec<u8>) -> usize {
        write(black_box(&self.key), black_box(self.mapped), out)
    }

    pub fn encode_new_key(&self) -> usize {
        let key = Key::short_term(black_box(PASSWORD.as_bytes()));
        write(&key, black_box(self.mapped), &mut Vec::with_capacity(80))
    }

    pub fn encoded(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.encode(&mut out);
        out
    }
}

fn both(key: &Key) -> Seen {
    let message = Message::decode(black_box(&REQUEST)).expect("a message");
    message.check_fingerprint().expect("it is right");
    message.check_integrity(key).expect("it is right");
    seen(&message)
}

fn seen(message: &Message<'_>) -> Seen {
    Seen {
        attributes: message.attributes().count(),
        software: message.software().expect("text").map_or(0, str::len),
        username: message.username().expect("text").map_or(0, str::len),
    }
}

fn write(key: &Key, mapped: SocketAddr, out: &mut Vec<u8>) -> usize {
    out.clear();
    let mut writer = Writer::new(out, MessageType::BINDING_SUCCESS, TransactionId::new(ID));
    writer.software(SOFTWARE).xor_mapped_address(mapped).integrity(key).fingerprint();
    writer.finish().expect("it fits")
}
