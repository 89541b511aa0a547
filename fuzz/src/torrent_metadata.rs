//! Metadata messages from peers (BEP 9).

use torrent_meta::MetadataMessage;

/// Checks one input.
pub fn check(data: &[u8]) {
    let strict = MetadataMessage::decode(data);
    let lenient = MetadataMessage::decode_lenient(data);
    if let Ok(message) = &strict {
        assert_eq!(message.to_vec(), data);
        assert_eq!(message.encoded_len(), data.len());
        assert_eq!(lenient.as_ref(), Ok(message));
    }
    if let Ok(message) = &lenient {
        let written = message.to_vec();
        assert_eq!(written.len(), message.encoded_len());
        assert_eq!(MetadataMessage::decode(&written).as_ref(), Ok(message));
    }
}
