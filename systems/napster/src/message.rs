//! What the peers send each other, as the contract carries it.

use std::sync::Arc;

use bytes::{BufMut, Bytes};
use napster_wire::{
    DecodeError, DecodeErrorKind, Direction, GREETING, Limits, OffsetAnswer, OwnedMessage, Refusal,
    SizeAnswer, TransferRequest, decode_greeting,
};
use overlay_peer::{Decoded, Wire};

/// The most bytes of a file in one [`Message::Body`].
pub const MAX_CHUNK: usize = 64 * 1024;

/// The longest nick in bytes.
pub const MAX_NICK: usize = 32;

/// A message between two peers. At most 24 bytes, cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// Between client and server.
    Frame(Arc<OwnedMessage>),
    /// Between clients: the side that accepted the link is ready.
    Greeting,
    /// Between clients: what the side that opened the link asks for.
    Request(Arc<TransferRequest<'static>>),
    /// Between clients: the answer to `GET`.
    Size(SizeAnswer),
    /// Between clients: the answer to `SEND`.
    Offset(OffsetAnswer),
    /// Between clients: the next bytes of the file, at least one and at most [`MAX_CHUNK`].
    Body(Box<Bytes>),
}

const _: () = assert!(size_of::<Message>() <= 24);

/// What the next bytes on a link are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Frames, between client and server.
    #[default]
    Frames,
    /// The greeting, at the side that opened a transfer link.
    Greeting,
    /// A transfer request, at the side that accepted the link.
    Request,
    /// The answer to `GET`.
    Size {
        /// The size the search result told, in bytes: it says how many digits to read.
        expected: u64,
    },
    /// The answer to `SEND`.
    Offset,
    /// The file.
    Body {
        /// How many of its bytes are still to come.
        left: u64,
    },
    /// Nothing: the other side has said all it has to.
    Silent,
}

impl Wire for Message {
    type Phase = Phase;
    type Error = DecodeError;

    fn kind(&self) -> u8 {
        match self {
            Self::Frame(message) => frame_kind(message),
            Self::Greeting => GREETING_KIND,
            Self::Request(request) => match request.direction {
                Direction::Get => GREETING_KIND + 1,
                Direction::Send => GREETING_KIND + 2,
            },
            Self::Size(SizeAnswer::Size(_)) => GREETING_KIND + 3,
            Self::Offset(OffsetAnswer::Offset(_)) => GREETING_KIND + 4,
            Self::Size(SizeAnswer::Refused(_)) | Self::Offset(OffsetAnswer::Refused(_)) => {
                GREETING_KIND + 5
            }
            Self::Body(_) => BODY_KIND,
        }
    }

    fn kind_name(kind: u8) -> &'static str {
        KINDS.get(usize::from(kind)).map_or("unknown", |(_, name)| name)
    }

    fn encoded_len(&self) -> usize {
        match self {
            Self::Frame(message) => message.encoded_len(),
            Self::Greeting => 1,
            Self::Request(request) => request.encoded_len(),
            Self::Size(answer) => answer.encoded_len(),
            Self::Offset(answer) => answer.encoded_len(),
            Self::Body(bytes) => bytes.len(),
        }
    }

    fn encode(&self, out: &mut impl BufMut) {
        match self {
            Self::Frame(message) => message.encode(out),
            Self::Greeting => out.put_u8(GREETING),
            Self::Request(request) => request.encode(out),
            Self::Size(answer) => answer.encode(out),
            Self::Offset(answer) => answer.encode(out),
            Self::Body(bytes) => out.put_slice(bytes),
        }
    }

    fn decode(phase: Phase, bytes: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        Ok(match phase {
            Phase::Frames => {
                let decoded = OwnedFrame::decode_prefix_lossless(bytes, &Limits::default())?;
                status(decoded).map(|message| Self::frame(message.into_owned()))
            }
            Phase::Greeting => status(decode_greeting(bytes)?).map(|()| Self::Greeting),
            Phase::Request => status(TransferRequest::decode_prefix(bytes)?)
                .map(|request| Self::Request(Arc::new(request.into_owned()))),
            Phase::Size { expected } => {
                status(SizeAnswer::decode(bytes, Some(expected))?).map(Self::Size)
            }
            Phase::Offset => status(OffsetAnswer::decode(bytes)?).map(Self::Offset),
            Phase::Body { left } if left > 0 => decode_body(left, bytes),
            Phase::Body { .. } | Phase::Silent => match bytes.len() {
                0 => Decoded::Partial { needed: 1 },
                extra => {
                    return Err(DecodeError {
                        offset: 0,
                        kind: DecodeErrorKind::Trailing { extra },
                    });
                }
            },
        })
    }
}

impl Message {
    /// A message between client and server.
    pub fn frame(message: OwnedMessage) -> Self {
        Self::Frame(Arc::new(message))
    }

    /// The refusal of a transfer.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Size(SizeAnswer::Refused(refusal))
            | Self::Offset(OffsetAnswer::Refused(refusal)) => Some(*refusal),
            _ => None,
        }
    }
}

type OwnedFrame<'a> = napster_wire::Message<'a>;

fn decode_body(left: u64, bytes: &[u8]) -> Decoded<Message> {
    let most = usize::try_from(left).unwrap_or(usize::MAX).min(MAX_CHUNK);
    match bytes.len().min(most) {
        0 => Decoded::Partial { needed: 1 },
        consumed => Decoded::Complete {
            value: Message::Body(Box::new(Bytes::copy_from_slice(&bytes[..consumed]))),
            consumed,
        },
    }
}

fn status<T>(decoded: napster_wire::Decoded<T>) -> Decoded<T> {
    match decoded {
        napster_wire::Decoded::Complete { value, consumed } => {
            Decoded::Complete { value, consumed }
        }
        napster_wire::Decoded::Partial { needed } => Decoded::Partial { needed },
    }
}

/// The kinds: frames by type number in ascending order, then what clients send each other.
const KINDS: [(u16, &str); 35] = [
    (0, "login_error"),
    (2, "login"),
    (3, "login_ack"),
    (6, "register"),
    (7, "nick_check"),
    (8, "nick_free"),
    (9, "nick_taken"),
    (10, "nick_invalid"),
    (100, "share"),
    (102, "unshare"),
    (110, "unshare_all"),
    (200, "search"),
    (201, "search_result"),
    (202, "search_end"),
    (203, "download_request"),
    (204, "download_ack"),
    (206, "get_error"),
    (214, "stats"),
    (218, "download_start"),
    (219, "download_end"),
    (220, "upload_start"),
    (221, "upload_end"),
    (316, "disconnect"),
    (404, "error"),
    (500, "alternate_request"),
    (501, "alternate_ack"),
    (626, "data_port_error"),
    (u16::MAX, "raw"),
    (u16::MAX, "transfer_greeting"),
    (u16::MAX, "transfer_get"),
    (u16::MAX, "transfer_send"),
    (u16::MAX, "transfer_size"),
    (u16::MAX, "transfer_offset"),
    (u16::MAX, "transfer_refusal"),
    (u16::MAX, "transfer_body"),
];

/// How many kinds there are before those that have no frame type.
const FRAME_KINDS: usize = 27;
const RAW_KIND: u8 = FRAME_KINDS as u8;
const GREETING_KIND: u8 = RAW_KIND + 1;
const BODY_KIND: u8 = GREETING_KIND + 6;

fn frame_kind(message: &OwnedMessage) -> u8 {
    if matches!(message, OwnedMessage::Raw(_)) {
        return RAW_KIND;
    }
    let number = message.type_number();
    KINDS[..FRAME_KINDS]
        .binary_search_by_key(&number, |(number, _)| *number)
        .map_or(RAW_KIND, |index| index as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_their_names() {
        assert!(KINDS[..FRAME_KINDS].is_sorted_by_key(|(number, _)| *number));
        assert_eq!(Message::kind_name(RAW_KIND), "raw");
        let body = Message::Body(Box::new(Bytes::from_static(b"x")));
        assert_eq!(Message::kind_name(body.kind()), "transfer_body");
        assert_eq!(Message::kind_name(Message::Greeting.kind()), "transfer_greeting");
        let refused = Message::Size(SizeAnswer::Refused(Refusal::FileNotShared));
        assert_eq!(Message::kind_name(refused.kind()), "transfer_refusal");
        for (number, name) in &KINDS[..FRAME_KINDS] {
            assert!(napster_wire::type_name(*number).is_some(), "{number} {name}");
        }
        let search_end = Message::frame(OwnedMessage::SearchEnd);
        assert_eq!(Message::kind_name(search_end.kind()), "search_end");
        assert_eq!(Message::kind_name(200), "unknown");
    }
}
