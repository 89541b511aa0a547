//! Comings and goings as text.

use overlay_peer::Time;

use super::{Change, ChurnEvent};
use crate::PeerIndex;

/// What is wrong with a trace, and in which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct ChurnTraceError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: ChurnTraceErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChurnTraceErrorKind {
    /// Too many or too few fields.
    #[error("expected seconds, peer and change, found {fields} fields")]
    Fields {
        /// How many there are.
        fields: usize,
    },
    /// The first field is no time.
    #[error("expected seconds from 0 on in field 1")]
    NotATime,
    /// The second field is no peer.
    #[error("expected a peer's number below 4294967296 in field 2")]
    NotAPeer,
    /// The third field is no change.
    #[error("expected up, down, crash or leave in field 3")]
    NotAChange,
}

pub(super) fn parse(text: &[u8]) -> Result<Vec<ChurnEvent>, ChurnTraceError> {
    let mut events = Vec::new();
    for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
        let error = |kind| ChurnTraceError { line: number + 1, kind };
        let content = line.trim_ascii();
        if content.is_empty() || content[0] == b'#' {
            continue;
        }
        let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
        let mut fields = content.split(blank).filter(|field| !field.is_empty());
        let (Some(time), Some(peer), Some(change), None) =
            (fields.next(), fields.next(), fields.next(), fields.next())
        else {
            let fields = content.split(blank).filter(|field| !field.is_empty()).count();
            return Err(error(ChurnTraceErrorKind::Fields { fields }));
        };
        let at = micros(time).ok_or_else(|| error(ChurnTraceErrorKind::NotATime))?;
        let peer = core::str::from_utf8(peer).ok().and_then(|peer| peer.parse().ok());
        let peer = peer.ok_or_else(|| error(ChurnTraceErrorKind::NotAPeer))?;
        let change = match change {
            b"up" => Change::Up,
            b"down" | b"crash" => Change::Crash,
            b"leave" => Change::Leave,
            _ => return Err(error(ChurnTraceErrorKind::NotAChange)),
        };
        events.push(ChurnEvent { at: Time::from_micros(at), peer: PeerIndex(peer), change });
    }
    Ok(events)
}

/// Decimal seconds in microseconds, further digits cut off.
fn micros(text: &[u8]) -> Option<u64> {
    let (whole, fraction) = match text.iter().position(|&byte| byte == b'.') {
        Some(point) => (&text[..point], &text[point + 1..]),
        None => (text, &[][..]),
    };
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return None;
    }
    let padded = fraction.iter().copied().chain(core::iter::repeat(b'0')).take(6);
    whole
        .iter()
        .copied()
        .chain(padded)
        .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
}
