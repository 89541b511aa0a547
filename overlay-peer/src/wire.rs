//! What a message must be able to do so that any driver can carry it.

use bytes::BufMut;

/// A message of a protocol, as its peers exchange it.
///
/// Laws, which drivers in checked mode and the property tests of the systems hold it to:
///
/// - [`encode`](Wire::encode) appends exactly [`encoded_len`](Wire::encoded_len) bytes;
/// - decoding these bytes in the phase the link is in gives an equal message and consumes them all
///   (on a byte stream a body may be cut at any chunk boundary; the pieces together are equal);
/// - [`decode`](Wire::decode) never panics, whatever the bytes, and takes memory in proportion to
///   them at most.
pub trait Wire: Clone + PartialEq + core::fmt::Debug {
    /// What the next bytes on a link are: a greeting, descriptors, an HTTP head, a body of so many
    /// bytes. `Default` is the phase of a new link, and of every datagram.
    type Phase: Copy + Default + core::fmt::Debug;

    /// What is wrong with bytes that are no message, with the offset.
    type Error: core::error::Error + 'static;

    /// Which kind of message this is, for counting: a small number, stable within a version.
    fn kind(&self) -> u8;

    /// The protocol's own name for a kind, such as `"query_hit"`.
    fn kind_name(kind: u8) -> &'static str;

    /// The exact number of bytes [`encode`](Wire::encode) appends.
    fn encoded_len(&self) -> usize;

    /// Appends the message's bytes.
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Wire::encoded_len).
    fn encode(&self, out: &mut impl BufMut);

    /// Reads one message from the start of `bytes`.
    ///
    /// # Errors
    /// The bytes can not become a message, however many more follow.
    fn decode(phase: Self::Phase, bytes: &[u8]) -> Result<Decoded<Self>, Self::Error>;

    /// Whether the bytes of a link in this phase are packed on their way. Drivers over real
    /// connections pack and unpack; [`encode`](Wire::encode) and [`decode`](Wire::decode) only ever
    /// see plain bytes, and [`encoded_len`](Wire::encoded_len) counts these.
    fn coding(phase: Self::Phase) -> Coding {
        let _ = phase;
        Coding::PLAIN
    }
}

/// How a link's bytes travel. Each direction that is deflated is one zlib stream (RFC 1950), flushed
/// after what is sent together and never ended.
///
/// It counts from the [`phase`](crate::Context::phase) that has it: what was sent on the link before
/// is not packed, nor is what came before the end of the message being handled. A direction that is
/// deflated stays so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Coding {
    /// What comes in is deflated.
    pub inflate: bool,
    /// What goes out has to be deflated.
    pub deflate: bool,
}

impl Coding {
    /// Bytes as they are.
    pub const PLAIN: Self = Self { inflate: false, deflate: false };
}

/// What the start of a byte stream holds. Too little input is a status, not an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded<T> {
    /// One whole message.
    Complete {
        /// The message.
        value: T,
        /// How many bytes it took, at least one.
        consumed: usize,
    },
    /// Not yet a whole message.
    Partial {
        /// At least so many more bytes are needed, at least one.
        needed: usize,
    },
}

impl<T> Decoded<T> {
    /// The same status with the message changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Decoded<U> {
        match self {
            Self::Complete { value, consumed } => {
                Decoded::Complete { value: change(value), consumed }
            }
            Self::Partial { needed } => Decoded::Partial { needed },
        }
    }
}
