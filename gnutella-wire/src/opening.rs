//! What a connection that someone opened to us is for.

use crate::{DecodeError, DecodeErrorKind, Decoded};

/// What the first bytes on an inbound connection announce. A servent has one port for everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Opening {
    /// `GNUTELLA CONNECT/…`: a neighbour, see [`Connect`](crate::Connect).
    Connect,
    /// `GET …` or `HEAD …`: a download, see [`Request`](crate::Request).
    Get,
    /// `GIV …`: the upload we asked for with a Push, see [`Giv`](crate::Giv).
    Giv,
}

impl Opening {
    const WORDS: [(&'static [u8], Self); 4] = [
        (b"GNUTELLA CONNECT/", Self::Connect),
        (b"GET ", Self::Get),
        (b"HEAD ", Self::Get),
        (b"GIV ", Self::Giv),
    ];

    /// Looks at the first bytes. They are not used up: `consumed` counts the word that was
    /// recognised, and the head that it begins is read with [`Head`](crate::Head) from its start.
    ///
    /// # Errors
    /// They begin none of these.
    pub fn detect(bytes: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        for (word, opening) in Self::WORDS {
            if bytes.starts_with(word) {
                return Ok(Decoded::Complete { value: opening, consumed: word.len() });
            }
        }
        // The longest common start decides how many bytes can still make sense.
        let common = |word: &[u8]| word.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        let offset = Self::WORDS.iter().map(|(word, _)| common(word)).max().unwrap_or(0);
        if offset < bytes.len() {
            let expected = "`GNUTELLA CONNECT/`, `GET `, `HEAD ` or `GIV `";
            return Err(DecodeError { offset, kind: DecodeErrorKind::Expected { expected } });
        }
        let needed = Self::WORDS
            .iter()
            .filter(|(word, _)| word.starts_with(bytes))
            .map(|(word, _)| word.len() - bytes.len())
            .min();
        Ok(Decoded::Partial { needed: needed.unwrap_or(1).max(1) })
    }
}
