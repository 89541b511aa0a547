//! The payload of every type of descriptor: the same bytes are read as each, and what is understood
//! re-encodes to them.

use gnutella_wire::{
    Decoded, Frame, Guid, Header, Limits, PayloadType, Vendor, VendorId, VendorMessage,
};

use crate::cuts::cuts;
use crate::gnutella_message::look;

const TYPES: [PayloadType; 10] = [
    PayloadType::PING,
    PayloadType::PONG,
    PayloadType::BYE,
    PayloadType::QRP,
    PayloadType::VENDOR,
    PayloadType::STANDARD,
    PayloadType::PUSH,
    PayloadType::QUERY,
    PayloadType::QUERY_HIT,
    PayloadType::DHT,
];

/// The vendor messages that are looked into, in all their versions.
const VENDORS: [(&[u8; 4], u16, u16); 21] = [
    (&[0; 4], 0, 0),
    (&[0; 4], 10, 0),
    (b"BEAR", 4, 1),
    (b"BEAR", 7, 1),
    (b"BEAR", 11, 1),
    (b"BEAR", 12, 1),
    (b"GTKG", 7, 1),
    (b"GTKG", 7, 2),
    (b"GTKG", 21, 1),
    (b"LIME", 5, 1),
    (b"LIME", 6, 1),
    (b"LIME", 11, 2),
    (b"LIME", 11, 3),
    (b"LIME", 12, 1),
    (b"LIME", 12, 2),
    (b"LIME", 12, 3),
    (b"LIME", 13, 1),
    (b"LIME", 21, 1),
    (b"LIME", 21, 2),
    (b"LIME", 22, 1),
    (b"LIME", 22, 2),
];

/// Checks one input: a payload, or the data of a vendor message.
pub fn check(data: &[u8]) {
    let limits = Limits { payload: 4_096, ..Limits::DEFAULT };
    let Some(length) = u32::try_from(data.len()).ok().filter(|_| data.len() <= limits.payload)
    else {
        return;
    };
    let mut bytes = Vec::with_capacity(Header::LEN + data.len());
    let cuts = cuts(data);
    for payload_type in TYPES {
        bytes.clear();
        Header { guid: Guid::ZERO, payload_type, ttl: 1, hops: 0, length }.encode(&mut bytes);
        bytes.extend_from_slice(data);
        for end in &cuts {
            let end = Header::LEN + end;
            match Frame::decode_prefix(&bytes[..end], &limits) {
                Ok(Decoded::Complete { value, consumed }) => {
                    assert_eq!((consumed, end), (bytes.len(), bytes.len()));
                    // A type that does not fit is an error, whose offset is within the bytes.
                    let _ = look(&value, &bytes);
                }
                status => assert_eq!(status, Ok(Decoded::Partial { needed: bytes.len() - end })),
            }
        }
    }
    for (vendor, selector, version) in VENDORS {
        let id = VendorId { vendor: *vendor, selector, version };
        match (Vendor { standard: false, id, data }).message() {
            Ok(message) => {
                assert!(!matches!(message, VendorMessage::Other { .. }) || selector == 6);
                assert_eq!(&*message.to_vendor().data, data);
                assert_eq!(message.id(), id);
            }
            Err(error) => assert!(error.offset <= Vendor::MIN_LEN + data.len()),
        }
    }
}
