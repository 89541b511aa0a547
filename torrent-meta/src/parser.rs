//! How to parse: strictly or leniently, within which limits.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use overlay_bencode::{Decoder, Limits};

use crate::error::{DecodeError, Deviation, DeviationKind};
use crate::info::Info;
use crate::metainfo::Metainfo;

/// How to parse: strictly or leniently, within which [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Parser {
    decoder: Decoder,
}

impl Parser {
    /// Accepts what follows BEP 3 to the letter.
    pub const fn strict() -> Self {
        Self { decoder: Decoder::strict() }
    }

    /// Accepts and reports each [`DeviationKind`].
    pub const fn lenient() -> Self {
        Self { decoder: Decoder::lenient() }
    }

    /// With other limits than [`Limits::DEFAULT`].
    pub const fn limits(self, limits: Limits) -> Self {
        Self { decoder: self.decoder.limits(limits) }
    }

    /// Parses a whole .torrent file. Takes a slice to borrow from, or a `Vec` to own.
    ///
    /// # Errors
    /// The bytes are no v1 or hybrid metainfo.
    pub fn metainfo<'a>(
        &self,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<Metainfo<'a>, DecodeError> {
        Metainfo::read(bytes.into(), self.decoder)
    }

    /// Parses an info dictionary on its own, as it travels between peers (BEP 9). Takes a slice to
    /// borrow from, or a `Vec` to own.
    ///
    /// # Errors
    /// The bytes are no v1 or hybrid info dictionary.
    pub fn info<'a>(&self, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Info<'a>, DecodeError> {
        Info::read(bytes.into(), self.decoder)
    }
}

/// Deviations on their way: refused by a strict parser, collected by a lenient one.
pub(crate) struct Reports {
    lenient: bool,
    deviations: Vec<Deviation>,
}

impl Reports {
    pub(crate) fn new(lenient: bool, deviations: Vec<Deviation>) -> Self {
        Self { lenient, deviations }
    }

    pub(crate) fn add(&mut self, offset: usize, kind: DeviationKind) -> Result<(), DecodeError> {
        let deviation = Deviation { offset, kind };
        if !self.lenient {
            return Err(deviation.into());
        }
        self.deviations.push(deviation);
        Ok(())
    }

    /// In the input's order.
    pub(crate) fn finish(mut self) -> Vec<Deviation> {
        self.deviations.sort_by_key(|deviation| deviation.offset);
        self.deviations
    }
}
