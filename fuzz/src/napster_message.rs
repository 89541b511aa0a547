//! Napster messages, and what clients send each other: no panic, what is read is written back, and a
//! cut stream is not read differently.

use napster_wire::{
    Decoded, HEADER, Limits, Message, OffsetAnswer, SizeAnswer, TransferRequest, decode_greeting,
};

/// Checks one input: the first byte says what the others are.
pub fn check(data: &[u8]) {
    let Some((what, bytes)) = data.split_first() else {
        return;
    };
    match what % 4 {
        0 => stream(bytes),
        1 => request(bytes),
        2 => size(bytes),
        _ => offset(bytes),
    }
}

fn stream(bytes: &[u8]) {
    let limits = Limits::default();
    let mut rest = bytes;
    loop {
        let decoded = Message::decode_prefix_lossless(rest, &limits);
        match decoded {
            Ok(Decoded::Complete { value, consumed }) => {
                assert!((HEADER..=rest.len()).contains(&consumed));
                let (bytes, after) = rest.split_at(consumed);
                let mut out = Vec::new();
                value.encode(&mut out);
                assert_eq!(out, bytes);
                assert_eq!(value.encoded_len(), consumed);
                assert_eq!(Message::from_parts(value.type_number(), &bytes[HEADER..]), Some(value));
                for cut in [0, 1, HEADER, consumed / 2, consumed - 1] {
                    let part =
                        Message::decode_prefix_lossless(&bytes[..cut.min(consumed - 1)], &limits);
                    assert!(matches!(part, Ok(Decoded::Partial { needed }) if needed >= 1));
                }
                match Message::decode(bytes) {
                    Ok(strict) => {
                        out.clear();
                        strict.into_owned().encode(&mut out);
                        assert_eq!(out, bytes);
                    }
                    Err(error) => assert!(error.offset <= consumed, "{error}"),
                }
                rest = after;
            }
            Ok(Decoded::Partial { needed }) => {
                assert!(needed >= 1);
                return;
            }
            Err(_) => {
                let len = u16::from_le_bytes([rest[0], rest[1]]);
                assert!(len > limits.max_data);
                return;
            }
        }
    }
}

fn request(bytes: &[u8]) {
    let _ = decode_greeting(bytes);
    match TransferRequest::decode_prefix(bytes) {
        Ok(Decoded::Complete { value, consumed }) => {
            let mut out = Vec::new();
            value.encode(&mut out);
            assert_eq!(out, &bytes[..consumed]);
            let digits = value.number.to_string().len();
            for cut in [0, consumed / 2, consumed - digits] {
                let cut = cut.min(consumed - digits);
                assert!(matches!(
                    TransferRequest::decode_prefix(&bytes[..cut]),
                    Ok(Decoded::Partial { needed }) if needed >= 1
                ));
            }
        }
        Ok(Decoded::Partial { needed }) => assert!(needed >= 1),
        Err(error) => assert!(error.offset <= bytes.len(), "{error}"),
    }
}

fn size(bytes: &[u8]) {
    let Some((expected, bytes)) = bytes.split_first_chunk::<8>() else {
        return;
    };
    let expected = u64::from_le_bytes(*expected);
    for expected in [None, Some(expected)] {
        match SizeAnswer::decode(bytes, expected) {
            Ok(Decoded::Complete { value, consumed }) => {
                let mut out = Vec::new();
                value.encode(&mut out);
                assert_eq!(out, &bytes[..consumed]);
                for cut in 0..consumed {
                    let part = SizeAnswer::decode(&bytes[..cut], expected);
                    assert!(matches!(part, Ok(Decoded::Partial { needed }) if needed >= 1));
                }
            }
            Ok(Decoded::Partial { needed }) => assert!(needed >= 1),
            Err(error) => assert_eq!(error.offset, 0),
        }
    }
}

fn offset(bytes: &[u8]) {
    match OffsetAnswer::decode(bytes) {
        Ok(Decoded::Complete { value, consumed }) => {
            let mut out = Vec::new();
            value.encode(&mut out);
            assert_eq!(out, &bytes[..consumed]);
        }
        Ok(Decoded::Partial { needed }) => assert!(needed >= 1),
        Err(error) => assert_eq!(error.offset, 0),
    }
}
