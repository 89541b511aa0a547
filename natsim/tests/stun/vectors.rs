//! RFC 5769, sections 2.1 to 2.4, and RFC 8489, appendix B.1 with erratum 6268: read, and written again
//! to the same bytes.

use natsim::stun::{
    AttributeType, CheckError, Key, Message, MessageType, Method, TransactionId, Writer,
};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        hex.bytes().filter(|byte| !byte.is_ascii_whitespace()).map(digit).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn digit(hex: u8) -> u8 {
    char::from(hex).to_digit(16).expect("a hexadecimal digit") as u8
}

/// RFC 5769, section 2.1.
pub fn request() -> Vec<u8> {
    bytes(
        "000100582112a442b7e7a701bc34d686fa87dfae802200105354554e20746573
         7420636c69656e74002400046e0001ff80290008932ff9b151263b3600060009
         6576746a3a68367659202020000800149aeaa70cbfd8cb56781ef2b5b2d3f249
         c1b571a280280004e57a3bcf",
    )
}

/// RFC 5769, section 2.2.
pub fn response_ipv4() -> Vec<u8> {
    bytes(
        "0101003c2112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563
         746f7220002000080001a147e112a643000800142b91f599fd9e90c38c7489f9
         2af9ba53f06be7d780280004c07d4c96",
    )
}

/// RFC 5769, section 2.3.
pub fn response_ipv6() -> Vec<u8> {
    bytes(
        "010100482112a442b7e7a701bc34d686fa87dfae8022000b7465737420766563
         746f7220002000140002a1470113a9faa5d3f179bc25f4b5bed2b9d900080014
         a382954e4be67bf11784c97c8292c275bfe3ed4180280004c8fb0b4c",
    )
}

/// RFC 5769, section 2.4.
fn long_term_request() -> Vec<u8> {
    bytes(
        "000100602112a44278ad3433c6ad72c029da412e00060012e3839ee38388e383
         aae38383e382afe382b900000015001c662f2f3439396b39353464364f4c3334
         6f4c394653547679363473410014000b6578616d706c652e6f72670000080014
         f67024656dd64a3e02b8e0712e85c9a28ca89666",
    )
}

/// RFC 8489, appendix B.1, erratum 6268.
fn sha256_request() -> Vec<u8> {
    bytes(
        "000100902112a44278ad3433c6ad72c029da412e001e00204a3cf38fef6992bd
         a952c6780417da0f24819415569e60b205c46e41407f1704001500296f624d61
         744a6f733241414143662f2f3439396b39353464364f4c33346f4c3946535476
         79363473410000000014000b6578616d706c652e6f726700001d000400020000
         001c0020b5c7bf005b6c52a21c51c5e892f81924136296cb927c43149309278c
         c6518e65",
    )
}

pub fn short_term() -> Key {
    Key::short_term(b"VOkJxbRl1RmTxUk/WvJxBt")
}

const USER: &str = "\u{30DE}\u{30C8}\u{30EA}\u{30C3}\u{30AF}\u{30B9}";
const ICE_ID: [u8; 12] = [0xb7, 0xe7, 0xa7, 0x01, 0xbc, 0x34, 0xd6, 0x86, 0xfa, 0x87, 0xdf, 0xae];
const LONG_TERM_ID: [u8; 12] =
    [0x78, 0xad, 0x34, 0x33, 0xc6, 0xad, 0x72, 0xc0, 0x29, 0xda, 0x41, 0x2e];

/// Writes a message twice, into a slice and behind what a buffer holds.
fn written(
    message_type: MessageType,
    id: [u8; 12],
    slice: impl Fn(&mut Writer<natsim::stun::SliceBuffer<'_>>),
    vec: impl Fn(&mut Writer<&mut Vec<u8>>),
) -> Vec<u8> {
    let mut buffer = [0xEE; 200];
    let mut writer = Writer::in_slice(&mut buffer, message_type, TransactionId::new(id));
    slice(&mut writer);
    let len = writer.finish().expect("room");
    let mut out = b"before".to_vec();
    let mut writer = Writer::new(&mut out, message_type, TransactionId::new(id));
    vec(&mut writer);
    assert_eq!(writer.finish(), Ok(len));
    assert_eq!(&out[..6], b"before");
    assert_eq!(out[6..], buffer[..len]);
    out.split_off(6)
}

macro_rules! written {
    ($message_type:expr, $id:expr, |$writer:ident| $body:expr) => {
        written(
            $message_type,
            $id,
            |$writer| {
                let _ = $body;
            },
            |$writer| {
                let _ = $body;
            },
        )
    };
}

#[test]
fn the_request_is_read() {
    let bytes = request();
    let message = Message::decode(&bytes).expect("a message");
    assert_eq!(message.message_type(), MessageType::BINDING_REQUEST);
    assert_eq!(message.method(), Method::BINDING);
    assert_eq!(message.transaction_id(), TransactionId::new(ICE_ID));
    assert_eq!(message.software(), Ok(Some("STUN test client")));
    assert_eq!(message.username(), Ok(Some("evtj:h6vY")));
    assert_eq!(message.number(AttributeType::PRIORITY), Ok(Some(0x6e00_01ff)));
    let tie = message.find(AttributeType::ICE_CONTROLLED).expect("it is there");
    assert_eq!(tie.value, 0x932f_f9b1_5126_3b36_u64.to_be_bytes());
    let user = message.find(AttributeType::USERNAME).expect("it is there");
    assert_eq!(user.padding, b"   ");
    assert_eq!(message.attributes().count(), 6);
    assert_eq!(message.content().count(), 4);
    assert_eq!(message.check_fingerprint(), Ok(()));
    assert_eq!(message.check_integrity(&short_term()), Ok(()));
}

#[test]
fn the_request_is_written() {
    let key = short_term();
    let out = written!(MessageType::BINDING_REQUEST, ICE_ID, |writer| {
        writer
            .padding_byte(b' ')
            .software("STUN test client")
            .number(AttributeType::PRIORITY, 0x6e00_01ff)
            .attribute(AttributeType::ICE_CONTROLLED, &0x932f_f9b1_5126_3b36_u64.to_be_bytes())
            .attribute(AttributeType::USERNAME, b"evtj:h6vY")
            .integrity(&key)
            .fingerprint()
    });
    assert_eq!(out, request());
}

#[test]
fn the_responses_are_read_and_written() {
    let v4 = "192.0.2.1:32853".parse().expect("an address");
    let v6 = "[2001:db8:1234:5678:11:2233:4455:6677]:32853".parse().expect("an address");
    for (bytes, address) in [(response_ipv4(), v4), (response_ipv6(), v6)] {
        let message = Message::decode(&bytes).expect("a message");
        assert_eq!(message.message_type(), MessageType::BINDING_SUCCESS);
        assert_eq!(message.software(), Ok(Some("test vector")));
        assert_eq!(message.xor_mapped_address(), Ok(Some(address)));
        assert_eq!(message.mapped_address(), Ok(None));
        assert_eq!(message.check_fingerprint(), Ok(()));
        assert_eq!(message.check_integrity(&short_term()), Ok(()));
        let key = short_term();
        let out = written!(MessageType::BINDING_SUCCESS, ICE_ID, |writer| {
            writer
                .padding_byte(b' ')
                .software("test vector")
                .xor_mapped_address(address)
                .integrity(&key)
                .fingerprint()
        });
        assert_eq!(out, bytes);
    }
}

#[test]
fn the_long_term_request_is_read_and_written() {
    let bytes = long_term_request();
    let key = Key::long_term_md5(USER.as_bytes(), b"example.org", b"TheMatrIX");
    let message = Message::decode(&bytes).expect("a message");
    assert_eq!(message.username(), Ok(Some(USER)));
    assert_eq!(message.nonce(), Ok(Some("f//499k954d6OL34oL9FSTvy64sA")));
    assert_eq!(message.realm(), Ok(Some("example.org")));
    assert_eq!(message.check_integrity(&key), Ok(()));
    let missing = CheckError::Missing { attribute: AttributeType::FINGERPRINT };
    assert_eq!(message.check_fingerprint(), Err(missing));
    let out = written!(MessageType::BINDING_REQUEST, LONG_TERM_ID, |writer| {
        writer
            .attribute(AttributeType::USERNAME, USER.as_bytes())
            .attribute(AttributeType::NONCE, b"f//499k954d6OL34oL9FSTvy64sA")
            .attribute(AttributeType::REALM, b"example.org")
            .integrity(&key)
    });
    assert_eq!(out, bytes);
}

#[test]
fn the_sha256_request_is_read_and_written() {
    let bytes = sha256_request();
    let nonce = "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA";
    let key = Key::long_term_sha256(USER.as_bytes(), b"example.org", b"TheMatrIX");
    let message = Message::decode(&bytes).expect("a message");
    assert_eq!(message.nonce(), Ok(Some(nonce)));
    assert_eq!(message.check_integrity_sha256(&key), Ok(()));
    let missing = CheckError::Missing { attribute: AttributeType::MESSAGE_INTEGRITY };
    assert_eq!(message.check_integrity(&key), Err(missing));
    let hash = message.userhash().expect("32 bytes").expect("it is there");
    let out = written!(MessageType::BINDING_REQUEST, LONG_TERM_ID, |writer| {
        writer
            .attribute(AttributeType::USERHASH, hash)
            .attribute(AttributeType::NONCE, nonce.as_bytes())
            .attribute(AttributeType::REALM, b"example.org")
            .attribute(AttributeType::PASSWORD_ALGORITHM, &[0, 2, 0, 0])
            .integrity_sha256(&key)
    });
    assert_eq!(out, bytes);
}

/// Whether a message would be accepted where integrity and fingerprint are required.
fn accepted(bytes: &[u8]) -> bool {
    Message::decode(bytes).is_ok_and(|message| {
        message.check_fingerprint().is_ok() && message.check_integrity(&short_term()).is_ok()
    })
}

#[test]
fn every_flipped_bit_of_the_request_is_noticed() {
    let good = request();
    assert!(accepted(&good));
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        assert!(!accepted(&bad), "bit {bit}");
    }
}

/// Integrity alone must notice all that stands before its own end, fingerprint alone everything.
#[test]
fn each_check_alone_notices_flipped_bits() {
    let good = request();
    let key = short_term();
    for bit in 0..good.len() * 8 {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        let Ok(message) = Message::decode(&bad) else { continue };
        assert!(message.check_fingerprint().is_err(), "bit {bit}");
        if bit / 8 < 100 {
            // A flip within the length field alone is hidden from the HMAC, which replaces it; such a
            // message does not decode.
            assert!(message.check_integrity(&key).is_err(), "bit {bit}");
        }
    }
}

#[test]
fn another_key_is_refused() {
    let bytes = request();
    let message = Message::decode(&bytes).expect("a message");
    let wrong = CheckError::Mismatch { attribute: AttributeType::MESSAGE_INTEGRITY };
    assert_eq!(message.check_integrity(&Key::short_term(b"another")), Err(wrong));
    assert_eq!(format!("{:?}", short_term()), "Key(..)");
}
