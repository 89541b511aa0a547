//! Filters as bytes, to send them or to keep them in a file: [`Header`] describes the format.

use bytes::BufMut;

use crate::counting::COUNTER_BITS;
use crate::layout::{self, Layout};
use crate::{
    BuildError, Counting, DecodeError, DecodeErrorKind, Filter, KeyHasher, Params, ParamsError,
    SipHash, Xxh3,
};

const MAGIC: [u8; 3] = *b"obf";
const VERSION: u8 = 1;
/// The number of [`Counting`] in the place of a layout's.
const COUNTING: u8 = 4;

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
    pub(crate) fn try_map<U, E>(self, f: impl FnOnce(T) -> Result<U, E>) -> Result<Decoded<U>, E> {
        Ok(match self {
            Self::Complete { value, consumed } => Decoded::Complete { value: f(value)?, consumed },
            Self::Partial { needed } => Decoded::Partial { needed },
        })
    }
}

/// What is accepted from a stream, whose reader has to keep a filter's bytes until all are there.
///
/// Decoding a whole message needs no limit: its size is that of the bytes one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bits, or counters, that a filter may have.
    pub max_m: u64,
}

impl Limits {
    /// 2^26 bits: 8 MiB, 7 million keys at a rate of 1 %.
    pub const DEFAULT: Self = Self { max_m: 1 << 26 };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What stands before the words of a serialized filter: enough to know which type to decode it as,
/// and how long it is.
///
/// # The format
/// A serialized filter is this header and the filter's words. Everything is little-endian, and nothing
/// is in it twice: no count of set bits, no length.
///
/// | bytes | what |
/// |---|---|
/// | 0 to 2 | `obf` |
/// | 3 | the version of this format: 1 |
/// | 4 | the layout: 1 [standard](layout::Standard), 2 [blocked](layout::Blocked), 3 [split](layout::Split), 4 [counting](Counting) |
/// | 5 | the hasher: 1 [`Xxh3`], 2 [`SipHash`] |
/// | 6 | k, 1 to 64 |
/// | 7 | 0 |
/// | 8 to 15 | m, 1 to 2^48 |
/// | 16 to 23 | the hasher's [tag](KeyHasher::tag): for [`Xxh3`] the seed, for [`SipHash`] a check of the secret key, which is not sent |
/// | from 24 | the words, 8 bytes each: ⌈m/64⌉ of them, or ⌈m/16⌉ for a counting filter. Bits beyond m are 0 |
///
/// # What decoding promises
/// Decoding checks all of that, and accepts nothing else: bytes that decode are the bytes that the
/// filter encodes to. What it allocates is the size of what was received.
///
/// # What is not on the wire
/// A filter that is to be sent is hashed by [`Xxh3`] or [`SipHash`], since there are no others:
/// [`KeyHasher`] is sealed, because nobody at the other end could know what
/// [`core::hash::Hash`] makes of a type, which changes between machines and releases.
///
/// ```compile_fail,E0277
/// use overlay_bloom::{Params, Standard};
/// use std::hash::{BuildHasherDefault, DefaultHasher};
///
/// let hasher = BuildHasherDefault::<DefaultHasher>::default();
/// let filter = Standard::with_hasher(Params::for_rate(100, 0.01).unwrap(), hasher);
/// ```
///
/// [`Scalable`](crate::Scalable) and [`Ageing`](crate::Ageing) filters have no serialized form: they
/// are a node's own memory. Who sends a filter knows how many keys it has, and makes a standard one of
/// that size; the parts of both ([`Scalable::stages`](crate::Scalable::stages),
/// [`Ageing::current`](crate::Ageing::current)) are filters that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The number of the layout: [`Layout::ID`], or 4 for a [`Counting`] filter.
    pub layout: u8,
    /// The number of the hasher: [`KeyHasher::ID`].
    pub hasher: u8,
    /// The hasher's [tag](KeyHasher::tag): the seed, or the check of a secret key.
    pub tag: u64,
    /// The bits, or counters, and the probes.
    pub params: Params,
}

impl Header {
    /// The bytes of a header.
    pub const LEN: usize = 24;

    /// Reads the header of a filter from the start of `bytes`.
    ///
    /// # Errors
    /// These are not the first bytes of a filter that this version of the format knows, or one that
    /// can not exist.
    pub fn decode_prefix(bytes: &[u8]) -> Result<Decoded<Self>, DecodeError> {
        let Some((header, _)) = bytes.split_first_chunk::<{ Self::LEN }>() else {
            return Ok(Decoded::Partial { needed: Self::LEN - bytes.len() });
        };
        let [m0, m1, m2, version, layout, hasher, k, zero, ..] = *header;
        let word = |at: usize| u64::from_le_bytes(core::array::from_fn(|i| header[at + i]));
        let (m, tag) = (word(8), word(16));
        if [m0, m1, m2] != MAGIC {
            return Err(DecodeErrorKind::Magic { found: [m0, m1, m2] }.at(0));
        }
        if version != VERSION {
            return Err(DecodeErrorKind::Version { found: version }.at(3));
        }
        if ![Xxh3::ID, SipHash::ID].contains(&hasher) {
            return Err(DecodeErrorKind::UnknownHasher { found: hasher }.at(5));
        }
        if zero != 0 {
            return Err(DecodeErrorKind::Reserved { found: zero }.at(7));
        }
        let params = Params::new(m, u32::from(k)).map_err(|error| match error {
            ParamsError::NoProbes => DecodeErrorKind::NoProbes.at(6),
            ParamsError::TooManyProbes { .. } => DecodeErrorKind::TooManyProbes { k }.at(6),
            ParamsError::NoBits => DecodeErrorKind::NoBits.at(8),
            _ => DecodeErrorKind::TooManyBits { m, max: Params::MAX_M }.at(8),
        })?;
        let fits = match layout {
            layout::Standard::ID => layout::Standard::check(params),
            layout::Blocked::ID => layout::Blocked::check(params),
            layout::Split::ID => layout::Split::check(params),
            COUNTING => Ok(()),
            _ => return Err(DecodeErrorKind::UnknownLayout { found: layout }.at(4)),
        };
        fits.map_err(|error| match error {
            BuildError::NotEightProbes { .. } => DecodeErrorKind::Build(error).at(6),
            _ => DecodeErrorKind::Build(error).at(8),
        })?;
        let value = Self { layout, hasher, tag, params };
        Ok(Decoded::Complete { value, consumed: Self::LEN })
    }

    /// The bytes of the whole filter, this header included.
    pub fn message_len(&self) -> u64 {
        Self::LEN as u64 + 8 * self.bits().div_ceil(64)
    }

    /// The bits of the words that are the filter's.
    fn bits(&self) -> u64 {
        self.params.m() * if self.layout == COUNTING { COUNTER_BITS } else { 1 }
    }

    fn encode(&self, words: &[u64], out: &mut impl BufMut) {
        let [m0, m1, m2] = MAGIC;
        // k is at most 64.
        let k = self.params.k() as u8;
        out.put_slice(&[m0, m1, m2, VERSION, self.layout, self.hasher, k, 0]);
        out.put_u64_le(self.params.m());
        out.put_u64_le(self.tag);
        // A few at once: a call for each word would cost more than copying it.
        for words in words.chunks(32) {
            let mut chunk = [[0; 8]; 32];
            for (bytes, word) in chunk.iter_mut().zip(words) {
                *bytes = word.to_le_bytes();
            }
            out.put_slice(chunk[..words.len()].as_flattened());
        }
    }
}

/// What a message must be to become a value of some type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind {
    layout: u8,
    hasher: u8,
    /// Of a hasher that is known before; any if it is told by the message.
    tag: Option<u64>,
}

impl Kind {
    pub(crate) const fn xxh3(layout: u8) -> Self {
        Self { layout, hasher: Xxh3::ID, tag: None }
    }

    pub(crate) fn keyed(layout: u8, hasher: &SipHash) -> Self {
        Self { layout, hasher: SipHash::ID, tag: Some(hasher.tag()) }
    }

    fn check(self, header: &Header) -> Result<(), DecodeError> {
        let Self { layout, hasher, tag } = self;
        if header.layout != layout {
            let found = header.layout;
            return Err(DecodeErrorKind::OtherLayout { found, expected: layout }.at(4));
        }
        if header.hasher != hasher {
            let found = header.hasher;
            return Err(DecodeErrorKind::OtherHasher { found, expected: hasher }.at(5));
        }
        if tag.is_some_and(|tag| tag != header.tag) {
            return Err(DecodeErrorKind::OtherKey.at(16));
        }
        Ok(())
    }
}

/// A serialized filter, cut into its parts and checked.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parts<'a> {
    pub(crate) header: Header,
    pub(crate) words: &'a [[u8; 8]],
}

impl<'a> Parts<'a> {
    pub(crate) fn decode(bytes: &'a [u8], kind: Kind) -> Result<Self, DecodeError> {
        let unlimited = Limits { max_m: Params::MAX_M };
        match Self::decode_prefix(bytes, kind, &unlimited)? {
            Decoded::Complete { value, consumed } if consumed == bytes.len() => Ok(value),
            Decoded::Complete { consumed, .. } => {
                let extra = bytes.len() - consumed;
                Err(DecodeErrorKind::TrailingBytes { extra }.at(consumed))
            }
            Decoded::Partial { needed } => {
                Err(DecodeErrorKind::Truncated { needed }.at(bytes.len()))
            }
        }
    }

    pub(crate) fn decode_prefix(
        bytes: &'a [u8],
        kind: Kind,
        limits: &Limits,
    ) -> Result<Decoded<Self>, DecodeError> {
        let header = match Header::decode_prefix(bytes)? {
            Decoded::Complete { value, .. } => value,
            Decoded::Partial { needed } => return Ok(Decoded::Partial { needed }),
        };
        kind.check(&header)?;
        let (m, max) = (header.params.m(), limits.max_m);
        if m > max {
            return Err(DecodeErrorKind::TooManyBits { m, max }.at(8));
        }
        // On a machine of 32 bits it may be more than there can be.
        let len = usize::try_from(header.message_len()).unwrap_or(usize::MAX);
        let Some(words) = bytes.get(Header::LEN..len) else {
            return Ok(Decoded::Partial { needed: len - bytes.len() });
        };
        let (words, _) = words.as_chunks::<8>();
        let used = header.bits() % 64;
        let last = words.last().map_or(0, |&last| u64::from_le_bytes(last));
        if used != 0 && last >> used != 0 {
            return Err(DecodeErrorKind::StrayBits { word: last, used }.at(len - 8));
        }
        Ok(Decoded::Complete { value: Self { header, words }, consumed: len })
    }

    pub(crate) fn xxh3(&self) -> Xxh3 {
        Xxh3::new(self.header.tag)
    }

    fn words(&self) -> impl ExactSizeIterator<Item = u64> {
        self.words.iter().map(|&word| u64::from_le_bytes(word))
    }

    pub(crate) fn filter<L: Layout, H: KeyHasher>(
        &self,
        hasher: H,
    ) -> Result<Filter<L, H>, DecodeError> {
        // All has been checked, but that there is memory.
        Filter::from_words(self.header.params, hasher, self.words())
            .map_err(|error| DecodeErrorKind::Build(error).at(Header::LEN))
    }

    fn counting<H: KeyHasher>(&self, hasher: H) -> Result<Counting<H>, DecodeError> {
        Counting::from_words(self.header.params, hasher, self.words())
            .map_err(|error| DecodeErrorKind::Build(error).at(Header::LEN))
    }
}

impl<L: Layout, H: KeyHasher> Filter<L, H> {
    /// Appends the filter in its [serialized form](Header).
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        self.header().encode(self.words(), out);
    }

    /// The bytes that [`encode`](Self::encode) appends: 24 and 8 for every 64 bits.
    pub fn encoded_len(&self) -> usize {
        Header::LEN + size_of_val(self.words())
    }

    fn header(&self) -> Header {
        let tag = self.hasher().tag();
        Header { layout: L::ID, hasher: H::ID, tag, params: self.params() }
    }
}

impl<L: Layout> Filter<L, Xxh3> {
    /// Reads a whole [serialized](Header) filter of this layout, hashed by [`Xxh3`].
    ///
    /// ```
    /// use overlay_bloom::{Params, Standard};
    ///
    /// let mut filter = Standard::new(Params::for_rate(1000, 0.01)?, 2026)?;
    /// filter.insert(b"madonna");
    /// let mut bytes = Vec::new();
    /// filter.encode(&mut bytes);
    /// assert_eq!(bytes.len(), 24 + 8 * 150);
    /// assert_eq!(Standard::decode(&bytes)?, filter);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Bytes that are too few, too many, or no such filter; or there is no memory for a copy of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let parts = Parts::decode(bytes, Kind::xxh3(L::ID))?;
        parts.filter(parts.xxh3())
    }

    /// Reads one filter from the start of `bytes`.
    ///
    /// # Errors
    /// The start of no such filter, or of one beyond the limits; or there is no memory for it.
    pub fn decode_prefix(bytes: &[u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        Parts::decode_prefix(bytes, Kind::xxh3(L::ID), limits)?
            .try_map(|parts| parts.filter(parts.xxh3()))
    }
}

impl<L: Layout> Filter<L, SipHash> {
    /// Reads a whole [serialized](Header) filter of this layout, hashed by [`SipHash`] with this
    /// secret key, which is not among the bytes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), or the filter was made with another key.
    pub fn decode_keyed(bytes: &[u8], key: [u8; 16]) -> Result<Self, DecodeError> {
        let hasher = SipHash::new(key);
        Parts::decode(bytes, Kind::keyed(L::ID, &hasher))?.filter(hasher)
    }

    /// Reads one filter from the start of `bytes`.
    ///
    /// # Errors
    /// As [`decode_prefix`](Self::decode_prefix), or the filter was made with another key.
    pub fn decode_keyed_prefix(
        bytes: &[u8],
        key: [u8; 16],
        limits: &Limits,
    ) -> Result<Decoded<Self>, DecodeError> {
        let hasher = SipHash::new(key);
        Parts::decode_prefix(bytes, Kind::keyed(L::ID, &hasher), limits)?
            .try_map(|parts| parts.filter(hasher))
    }
}

impl<H: KeyHasher> Counting<H> {
    /// Appends the filter in its [serialized form](Header).
    ///
    /// # Panics
    /// If `out` has a fixed capacity of less than [`encoded_len`](Self::encoded_len).
    pub fn encode(&self, out: &mut impl BufMut) {
        let (tag, params) = (self.hasher().tag(), self.params());
        let header = Header { layout: COUNTING, hasher: H::ID, tag, params };
        header.encode(self.words(), out);
    }

    /// The bytes that [`encode`](Self::encode) appends: 24 and 8 for every 16 counters.
    pub fn encoded_len(&self) -> usize {
        Header::LEN + size_of_val(self.words())
    }
}

impl Counting<Xxh3> {
    /// Reads a whole [serialized](Header) counting filter, hashed by [`Xxh3`].
    ///
    /// # Errors
    /// Bytes that are too few, too many, or no such filter; or there is no memory for a copy of them.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let parts = Parts::decode(bytes, Kind::xxh3(COUNTING))?;
        parts.counting(parts.xxh3())
    }

    /// Reads one filter from the start of `bytes`.
    ///
    /// # Errors
    /// The start of no such filter, or of one beyond the limits; or there is no memory for it.
    pub fn decode_prefix(bytes: &[u8], limits: &Limits) -> Result<Decoded<Self>, DecodeError> {
        Parts::decode_prefix(bytes, Kind::xxh3(COUNTING), limits)?
            .try_map(|parts| parts.counting(parts.xxh3()))
    }
}

impl Counting<SipHash> {
    /// Reads a whole [serialized](Header) counting filter, hashed by [`SipHash`] with this secret
    /// key, which is not among the bytes.
    ///
    /// # Errors
    /// As [`decode`](Self::decode), or the filter was made with another key.
    pub fn decode_keyed(bytes: &[u8], key: [u8; 16]) -> Result<Self, DecodeError> {
        let hasher = SipHash::new(key);
        Parts::decode(bytes, Kind::keyed(COUNTING, &hasher))?.counting(hasher)
    }

    /// Reads one filter from the start of `bytes`.
    ///
    /// # Errors
    /// As [`decode_prefix`](Self::decode_prefix), or the filter was made with another key.
    pub fn decode_keyed_prefix(
        bytes: &[u8],
        key: [u8; 16],
        limits: &Limits,
    ) -> Result<Decoded<Self>, DecodeError> {
        let hasher = SipHash::new(key);
        Parts::decode_prefix(bytes, Kind::keyed(COUNTING, &hasher), limits)?
            .try_map(|parts| parts.counting(hasher))
    }
}
