//! From received bytes to descriptors.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use super::inflater::Inflater;
use crate::{DecodeError, DecodeErrorKind, Decoded, Frame, Header, Limits};

/// Cuts descriptors from a link's bytes, however they are cut, and inflates them if that was agreed
/// on.
///
/// Hand in what was received ([`feed`](Self::feed)), take descriptors ([`next`](Self::next)) until there
/// is none. It buffers as many bytes as the longest descriptor within the limits has; to inflate
/// takes 43 kB more.
///
/// ```
/// # use gnutella_wire::{Limits, LinkReader};
/// # fn received_from_the_link() -> [u8; 23] { [0; 23] }
/// let mut link = LinkReader::new(Limits::DEFAULT, false);
/// let received = received_from_the_link();
/// let mut rest = received.as_slice();
/// let mut descriptors = 0;
/// while !rest.is_empty() {
///     rest = &rest[link.feed(rest)..];
///     while let Some(frame) = link.next()? {
///         descriptors += 1;
/// #       let _ = frame;
///     }
/// }
/// assert_eq!(descriptors, 1);
/// # Ok::<(), gnutella_wire::DecodeError>(())
/// ```
pub struct LinkReader {
    limits: Limits,
    inflater: Option<Box<Inflater>>,
    buffer: Vec<u8>,
    /// Where the next descriptor begins.
    start: usize,
    failed: Option<DecodeError>,
}

impl LinkReader {
    /// Nothing received yet. `inflate` is what the handshake said
    /// ([`Link::inflate`](crate::Link::inflate)).
    pub fn new(limits: Limits, inflate: bool) -> Self {
        let inflater = inflate.then(|| Box::new(Inflater::new()));
        Self { limits, inflater, buffer: Vec::new(), start: 0, failed: None }
    }

    /// Takes bytes from the link, and returns how many: at least one, unless a whole descriptor can be
    /// taken first, and no more than to fill the buffer, so that little input can not become much
    /// before it is looked at. Hand in the rest when [`next`](Self::next) has returned `None`. On a
    /// link that is lost, it takes everything and does nothing.
    pub fn feed(&mut self, bytes: &[u8]) -> usize {
        let (taken, result) = self.fill(bytes);
        if let Err(kind) = result {
            self.failed.get_or_insert(DecodeError { offset: 0, kind });
        }
        if self.failed.is_some() { bytes.len() } else { taken }
    }

    /// The next descriptor, `None` until more is fed.
    ///
    /// # Errors
    /// A payload longer than the limit; what should be deflated is not, or bytes follow where its
    /// stream has ended. Offsets count from the end of the descriptor before. The link is lost then:
    /// where the next one begins is not known. Descriptors before the error are returned before it.
    #[expect(clippy::should_implement_trait, reason = "what it returns borrows from the reader")]
    pub fn next(&mut self) -> Result<Option<Frame<'_>>, DecodeError> {
        let length = loop {
            match Frame::decode_prefix(&self.buffer[self.start..], &self.limits) {
                Ok(Decoded::Complete { consumed, .. }) => break consumed,
                Ok(Decoded::Partial { .. }) => {
                    if let Some(error) = self.failed {
                        return Err(error);
                    }
                    // The inflater may keep output for which there was no room.
                    let before = self.buffered();
                    self.feed(&[]);
                    if self.failed.is_none() && self.buffered() == before {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(*self.failed.insert(error)),
            }
        };
        let start = self.start;
        self.start += length;
        match Frame::decode_prefix(&self.buffer[start..self.start], &self.limits)? {
            Decoded::Complete { value, .. } => Ok(Some(value)),
            Decoded::Partial { .. } => Ok(None),
        }
    }

    /// Fills the buffer; returns how many bytes it took.
    fn fill(&mut self, bytes: &[u8]) -> (usize, Result<(), DecodeErrorKind>) {
        if self.failed.is_some() {
            return (0, Ok(()));
        }
        self.buffer.drain(..self.start);
        self.start = 0;
        let most = Header::LEN.saturating_add(self.limits.payload);
        let Some(inflater) = &mut self.inflater else {
            let taken = bytes.len().min(most.saturating_sub(self.buffer.len()));
            self.buffer.extend_from_slice(&bytes[..taken]);
            return (taken, Ok(()));
        };
        inflater.inflate(bytes, &mut self.buffer, most)
    }

    /// How many bytes are there that no descriptor was made of yet.
    pub fn buffered(&self) -> usize {
        self.buffer.len() - self.start
    }
}

impl fmt::Debug for LinkReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkReader")
            .field("inflate", &self.inflater.is_some())
            .field("buffered", &self.buffered())
            .field("failed", &self.failed)
            .finish_non_exhaustive()
    }
}
