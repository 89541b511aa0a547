//! Chord messages: whatever the bytes, decoding neither panics nor disagrees with itself, and what
//! was decoded encodes to the same bytes.

use overlay_chord::{Decoded, MAX_BODY, Message};

/// Checks one input, taken as what arrives on a link.
pub fn check(data: &[u8]) {
    match Message::decode_prefix(data) {
        Ok(Decoded::Complete { value, consumed }) => {
            assert!((3..=data.len()).contains(&consumed));
            let bytes = &data[..consumed];
            let mut encoded = Vec::new();
            value.encode(&mut encoded);
            assert_eq!(encoded, bytes, "{value:?}");
            assert_eq!(value.encoded_len(), consumed);
            assert_ne!(Message::kind_name(value.kind()), "unknown");
            assert_eq!(Message::decode(bytes).as_ref(), Ok(&value));
            // However much of it has come, the rest is waited for, and the answer is the same.
            for cut in 0..consumed.min(200) {
                match Message::decode_prefix(&bytes[..cut]) {
                    Ok(Decoded::Partial { needed }) => {
                        assert!(needed >= 1 && cut + needed <= consumed);
                    }
                    other => panic!("{cut} of {consumed} bytes: {other:?}"),
                }
            }
            if consumed < data.len() {
                let error = Message::decode(data).expect_err("there is more than one message");
                assert_eq!(error.offset, consumed);
            }
        }
        Ok(Decoded::Partial { needed }) => {
            // Nobody is made to wait for more than the longest message.
            assert!(needed >= 1 && data.len() + needed <= MAX_BODY + 5);
            assert!(Message::decode(data).is_err());
        }
        Err(error) => {
            assert!(error.offset <= data.len());
            assert_eq!(Message::decode(data), Err(error));
        }
    }
}
