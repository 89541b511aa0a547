//! Bytes and the tape of their values, kept together.

use alloc::borrow::Cow;

use overlay_bencode::{Decoder, Node, NodeId, Tape};

use crate::error::{DecodeError, Deviation};
use crate::parser::Reports;

/// What a parsed file is read from. The values inside are named by [`NodeId`].
#[derive(Clone, Debug)]
pub(crate) struct Source<'a> {
    bytes: Cow<'a, [u8]>,
    tape: Tape,
}

impl<'a> Source<'a> {
    pub(crate) fn decode(
        bytes: Cow<'a, [u8]>,
        decoder: Decoder,
    ) -> Result<(Self, Reports), DecodeError> {
        let (tape, deviations) = decoder.decode(&bytes)?.into_parts();
        let deviations = deviations.into_iter().map(Deviation::from).collect();
        Ok((Self { bytes, tape }, Reports::new(decoder.is_lenient(), deviations)))
    }

    pub(crate) fn node(&self, id: NodeId) -> Node<'_, '_> {
        self.tape.node(&self.bytes, id).expect("the id came from this tape")
    }

    pub(crate) fn into_owned(self) -> Source<'static> {
        Source { bytes: Cow::Owned(self.bytes.into_owned()), tape: self.tape }
    }
}
