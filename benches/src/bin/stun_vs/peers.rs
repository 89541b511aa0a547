//! Other people's crates, each by the quickest way that its documentation shows to the same result, with
//! what can be used again used again: keys, buffers and messages.
//!
//! Who checks what: stun-types and stun_codec check the fingerprint whenever they decode, so they are
//! no peers in `decode`. stun and rtc-stun check when they are asked. stun-rs checks all or nothing.

use std::cell::RefCell;
use std::hint::black_box;
use std::net::SocketAddr;
use std::sync::Arc;

use bytecodec::{DecodeExt, EncodeExt};
use overlay_benches::Case;

use crate::{ID, PASSWORD, REQUEST, SOFTWARE, Seen};

pub struct Peers {
    mapped: SocketAddr,
    webrtc: RefCell<webrtc_stun::message::Message>,
    rtc: RefCell<rtc_stun::message::Message>,
    rtc_crypto: Arc<dyn rtc_crypto::RTCCryptoProvider>,
    webrtc_key: webrtc_stun::integrity::MessageIntegrity,
    types_key: stun_types::message::IntegrityKey,
    rs_key: stun_rs::HMACKey,
    rs_plain: stun_rs::MessageDecoder,
    rs_checked: stun_rs::MessageDecoder,
    rs_encoder: stun_rs::MessageEncoder,
}

impl Peers {
    pub fn new() -> Self {
        use webrtc_stun::integrity::MessageIntegrity;
        let key = stun_rs::HMACKey::new_short_term(PASSWORD).expect("a key");
        let context = stun_rs::DecoderContextBuilder::default()
            .with_key(key.clone())
            .with_validation()
            .build();
        Self {
            mapped: ([192, 0, 2, 1], 32_853).into(),
            webrtc: RefCell::default(),
            rtc: RefCell::default(),
            rtc_crypto: rtc_crypto::default_provider().expect("ring"),
            webrtc_key: MessageIntegrity::new_short_term_integrity(PASSWORD.to_owned()),
            types_key: stun_types::message::ShortTermCredentials::new(PASSWORD.to_owned())
                .make_key(),
            rs_key: key,
            rs_plain: stun_rs::MessageDecoderBuilder::default().build(),
            rs_checked: stun_rs::MessageDecoderBuilder::default().with_context(context).build(),
            rs_encoder: stun_rs::MessageEncoderBuilder::default().build(),
        }
    }

    pub fn decode<'a>(&'a self, case: &mut Case<'a>, seen: Seen) {
        assert_eq!(
            [self.webrtc(false, false), self.rtc(false, false), self.rs(&self.rs_plain)],
            [seen; 3]
        );
        case.peer("stun", || self.webrtc(false, false));
        case.peer("rtc-stun", || self.rtc(false, false));
        case.peer("stun-rs", || self.rs(&self.rs_plain));
        case.other("stun-types_with_fingerprint", || self.types(false));
        case.other("stun_codec_with_fingerprint", || self.codec(false));
    }

    pub fn decode_fingerprint<'a>(&'a self, case: &mut Case<'a>, seen: Seen) {
        let all =
            [self.webrtc(true, false), self.rtc(true, false), self.types(false), self.codec(false)];
        assert_eq!(all, [seen; 4]);
        case.peer("stun-types", || self.types(false));
        case.peer("stun", || self.webrtc(true, false));
        case.peer("rtc-stun", || self.rtc(true, false));
        case.peer("stun_codec", || self.codec(false));
    }

    pub fn decode_both<'a>(&'a self, case: &mut Case<'a>, seen: Seen) {
        let all = [
            self.webrtc(true, true),
            self.rtc(true, true),
            self.types(true),
            self.codec(true),
            self.rs(&self.rs_checked),
        ];
        assert_eq!(all, [seen; 5]);
        case.peer("stun-types", || self.types(true));
        case.peer("stun", || self.webrtc(true, true));
        case.peer("rtc-stun", || self.rtc(true, true));
        case.peer("stun_codec", || self.codec(true));
        case.peer("stun-rs", || self.rs(&self.rs_checked));
    }

    pub fn encode_both<'a>(&'a self, case: &mut Case<'a>, expected: &[u8]) {
        let mut slice = [0; 128];
        let len = self.types_write(&mut slice);
        assert_eq!(&slice[..len], expected);
        let mut message = webrtc_stun::message::Message::new();
        self.webrtc_write(&mut message);
        assert_eq!(message.raw, expected);
        let mut rtc_message = rtc_stun::message::Message::new();
        self.rtc_write(&mut rtc_message);
        assert_eq!(rtc_message.raw, expected);
        assert_eq!(self.codec_write(), expected);
        let mut rs_slice = [0; 128];
        let len = self.rs_write(&mut rs_slice);
        assert_eq!(&rs_slice[..len], expected);
        case.peer("stun-types", move || self.types_write(&mut slice));
        case.peer("stun", move || self.webrtc_write(&mut message));
        case.peer("rtc-stun", move || self.rtc_write(&mut rtc_message));
        case.peer("stun_codec", || self.codec_write());
        case.peer("stun-rs", move || self.rs_write(&mut rs_slice));
    }

    /// stun of webrtc-rs, its message used again.
    fn webrtc(&self, fingerprint: bool, integrity: bool) -> Seen {
        use webrtc_stun::attributes::{ATTR_SOFTWARE, ATTR_USERNAME};
        let mut message = self.webrtc.borrow_mut();
        message.raw.clear();
        message.raw.extend_from_slice(black_box(&REQUEST));
        message.decode().expect("a message");
        if fingerprint {
            webrtc_stun::fingerprint::FINGERPRINT.check(&message).expect("it is right");
        }
        if integrity {
            self.webrtc_key.check(&mut message).expect("it is right");
        }
        // Its `TextAttribute` copies; this does not.
        let text = |kind| {
            let found = message.attributes.0.iter().find(|attribute| attribute.typ == kind);
            text_len(&found.expect("it is there").value)
        };
        Seen {
            attributes: message.attributes.0.len(),
            software: text(ATTR_SOFTWARE),
            username: text(ATTR_USERNAME),
        }
    }

    /// rtc-stun, its message used again.
    fn rtc(&self, fingerprint: bool, integrity: bool) -> Seen {
        use rtc_stun::attributes::{ATTR_SOFTWARE, ATTR_USERNAME};
        let mut message = self.rtc.borrow_mut();
        message.raw.clear();
        message.raw.extend_from_slice(black_box(&REQUEST));
        message.decode().expect("a message");
        if fingerprint {
            rtc_stun::fingerprint::FINGERPRINT.check(&message).expect("it is right");
        }
        if integrity {
            let (key, crypto) = (PASSWORD.as_bytes(), self.rtc_crypto.crypto());
            rtc_stun::integrity::MessageIntegrity::check(&mut message, key, crypto)
                .expect("it is right");
        }
        // Its `TextAttribute` copies; this does not.
        let text = |kind| {
            let found = message.attributes.0.iter().find(|attribute| attribute.typ == kind);
            text_len(&found.expect("it is there").value)
        };
        Seen {
            attributes: message.attributes.0.len(),
            software: text(ATTR_SOFTWARE),
            username: text(ATTR_USERNAME),
        }
    }

    fn types(&self, integrity: bool) -> Seen {
        use stun_types::attribute::{AttributeStaticType, Software, Username};
        let message = stun_types::message::Message::from_bytes(black_box(&REQUEST));
        let message = message.expect("a message");
        if integrity {
            message.validate_integrity_with_key(black_box(&self.types_key)).expect("it is right");
        }
        // Its `Software` and `Username` copy; this does not.
        let text = |kind| text_len(&message.raw_attribute(kind).expect("it is there").value);
        Seen {
            attributes: message.iter_attributes().count(),
            software: text(Software::TYPE),
            username: text(Username::TYPE),
        }
    }

    fn rs(&self, decoder: &stun_rs::MessageDecoder) -> Seen {
        use stun_rs::StunAttribute;
        use stun_rs::attributes::stun::{Software, UserName};
        let (message, _) = decoder.decode(black_box(&REQUEST)).expect("a message");
        let Some(StunAttribute::Software(software)) = message.get::<Software>() else { panic!() };
        let Some(StunAttribute::UserName(username)) = message.get::<UserName>() else { panic!() };
        Seen {
            attributes: message.attributes().len(),
            software: software.as_str().len(),
            username: username.as_str().len(),
        }
    }

    fn codec(&self, integrity: bool) -> Seen {
        use stun_codec::rfc5389::attributes::{MessageIntegrity, Software, Username};
        let mut decoder = stun_codec::MessageDecoder::<Attribute>::new();
        let message = decoder.decode_from_bytes(black_box(&REQUEST)).expect("a message");
        let message = message.expect("whole");
        if integrity {
            let found = message.get_attribute::<MessageIntegrity>().expect("it is there");
            found.check_short_term_credential(PASSWORD).expect("it is right");
        }
        Seen {
            attributes: message.attributes().count() + message.unknown_attributes().count(),
            software: message.get_attribute::<Software>().expect("text").description().len(),
            username: message.get_attribute::<Username>().expect("text").name().len(),
        }
    }

    fn types_write(&self, out: &mut [u8]) -> usize {
        use stun_types::attribute::{Software, XorMappedAddress};
        use stun_types::message::{
            BINDING, IntegrityAlgorithm, Message, MessageClass, MessageType, MessageWrite,
            MessageWriteExt, MessageWriteMutSlice, TransactionId,
        };
        let id: TransactionId = u128::from_be_bytes(id_bytes()).into();
        let kind = MessageType::from_class_method(MessageClass::Success, BINDING);
        let mut writer = Message::builder(kind, id, MessageWriteMutSlice::new(out));
        writer.add_attribute(&Software::new(SOFTWARE).expect("short")).expect("room");
        writer.add_attribute(&XorMappedAddress::new(black_box(self.mapped), id)).expect("room");
        writer
            .add_message_integrity_with_key(black_box(&self.types_key), IntegrityAlgorithm::Sha1)
            .expect("room");
        writer.add_fingerprint().expect("room");
        writer.finish()
    }

    fn webrtc_write(&self, message: &mut webrtc_stun::message::Message) {
        use webrtc_stun::agent::TransactionId;
        use webrtc_stun::message::{BINDING_SUCCESS, Setter};
        message.reset();
        message.set_type(BINDING_SUCCESS);
        message.transaction_id = TransactionId(ID);
        message.write_header();
        let software = webrtc_stun::textattrs::TextAttribute::new(
            webrtc_stun::attributes::ATTR_SOFTWARE,
            SOFTWARE.to_owned(),
        );
        software.add_to(message).expect("room");
        let mapped = black_box(self.mapped);
        let mapped =
            webrtc_stun::xoraddr::XorMappedAddress { ip: mapped.ip(), port: mapped.port() };
        mapped.add_to(message).expect("room");
        self.webrtc_key.add_to(message).expect("room");
        webrtc_stun::fingerprint::FINGERPRINT.add_to(message).expect("room");
    }

    fn rtc_write(&self, message: &mut rtc_stun::message::Message) {
        use rtc_stun::message::{BINDING_SUCCESS, Setter, TransactionId};
        message.reset();
        message.set_type(BINDING_SUCCESS);
        message.transaction_id = TransactionId(ID);
        message.write_header();
        let software = rtc_stun::textattrs::TextAttribute::new(
            rtc_stun::attributes::ATTR_SOFTWARE,
            SOFTWARE.to_owned(),
        );
        software.add_to(message).expect("room");
        let mapped = black_box(self.mapped);
        let mapped = rtc_stun::xoraddr::XorMappedAddress { ip: mapped.ip(), port: mapped.port() };
        mapped.add_to(message).expect("room");
        let integrity =
            rtc_stun::integrity::MessageIntegrity::new_short_term_integrity_with_provider(
                PASSWORD.to_owned(),
                self.rtc_crypto.crypto(),
            );
        integrity.add_to(message).expect("room");
        rtc_stun::fingerprint::FINGERPRINT.add_to(message).expect("room");
    }

    fn rs_write(&self, out: &mut [u8]) -> usize {
        use stun_rs::attributes::stun::{
            Fingerprint, MessageIntegrity, Software, XorMappedAddress,
        };
        use stun_rs::{MessageClass, StunMessageBuilder, TransactionId, methods::BINDING};
        let message = StunMessageBuilder::new(BINDING, MessageClass::SuccessResponse)
            .with_transaction_id(TransactionId::from(ID))
            .with_attribute(Software::new(SOFTWARE).expect("short"))
            .with_attribute(XorMappedAddress::from(black_box(self.mapped)))
            .with_attribute(MessageIntegrity::new(self.rs_key.clone()))
            .with_attribute(Fingerprint::default())
            .build();
        self.rs_encoder.encode(out, &message).expect("room")
    }

    fn codec_write(&self) -> Vec<u8> {
        use stun_codec::rfc5389::attributes::{
            Fingerprint, MessageIntegrity, Software, XorMappedAddress,
        };
        use stun_codec::{Message, MessageClass, TransactionId, rfc5389::methods::BINDING};
        let id = TransactionId::new(ID);
        let mut message = Message::<Attribute>::new(MessageClass::SuccessResponse, BINDING, id);
        message.add_attribute(Software::new(SOFTWARE.to_owned()).expect("short"));
        message.add_attribute(XorMappedAddress::new(black_box(self.mapped)));
        let integrity = MessageIntegrity::new_short_term_credential(&message, PASSWORD);
        message.add_attribute(integrity.expect("it can"));
        let fingerprint = Fingerprint::new(&message).expect("it can");
        message.add_attribute(fingerprint);
        stun_codec::MessageEncoder::new().encode_into_bytes(message).expect("it can")
    }
}

fn text_len(value: &[u8]) -> usize {
    str::from_utf8(value).expect("text").len()
}

/// The id as a number of sixteen bytes.
fn id_bytes() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[4..].copy_from_slice(&ID);
    bytes
}

stun_codec::define_attribute_enums!(
    Attribute,
    AttributeDecoder,
    AttributeEncoder,
    [Username, MessageIntegrity, XorMappedAddress, Software, Fingerprint]
);
use stun_codec::rfc5389::attributes::{
    Fingerprint, MessageIntegrity, Software, Username, XorMappedAddress,
};
