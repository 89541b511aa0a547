//! How to parse: strictly or leniently, within which limits.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use overlay_bencode::Decoder;

use crate::error::{DecodeError, Deviation, DeviationKind};
use crate::info::Info;
use crate::limits::Limits;
use crate::metainfo::Metainfo;

/// How to parse: strictly or leniently, within which [`Limits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Parser {
    lenient: bool,
    limits: Limits,
}

impl Parser {
    /// Accepts what follows the BEPs to the letter.
    pub const fn strict() -> Self {
        Self { lenient: false, limits: Limits::DEFAULT }
    }

    /// Accepts and reports each [`DeviationKind`].
    pub const fn lenient() -> Self {
        Self { lenient: true, limits: Limits::DEFAULT }
    }

    /// With other limits than [`Limits::DEFAULT`].
    pub const fn limits(self, limits: Limits) -> Self {
        Self { limits, ..self }
    }

    /// Parses a whole .torrent file. Takes a slice to borrow from, or a `Vec` to own.
    ///
    /// # Errors
    /// The bytes are no metainfo.
    pub fn metainfo<'a>(
        &self,
        bytes: impl Into<Cow<'a, [u8]>>,
    ) -> Result<Metainfo<'a>, DecodeError> {
        Metainfo::read(bytes.into(), self)
    }

    /// Parses an info dictionary on its own, as it travels between peers (BEP 9). Takes a slice to
    /// borrow from, or a `Vec` to own.
    ///
    /// # Errors
    /// The bytes are no info dictionary.
    pub fn info<'a>(&self, bytes: impl Into<Cow<'a, [u8]>>) -> Result<Info<'a>, DecodeError> {
        Info::read(bytes.into(), self)
    }
}

impl Parser {
    pub(crate) const fn decoder(&self) -> Decoder {
        let decoder = if self.lenient { Decoder::lenient() } else { Decoder::strict() };
        decoder.limits(self.limits.bencode)
    }

    pub(crate) const fn limits_in_use(&self) -> &Limits {
        &self.limits
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

    /// Reports an optional key whose value is ignored.
    pub(crate) fn ignored(
        &mut self,
        offset: usize,
        key: &'static str,
        expected: &'static str,
    ) -> Result<(), DecodeError> {
        self.add(offset, DeviationKind::Ignored { key, expected })
    }

    /// The first that was found up to now within some bytes of the input.
    pub(crate) fn first_within(&self, span: core::ops::Range<usize>) -> Option<&Deviation> {
        self.deviations.iter().find(|deviation| span.contains(&deviation.offset))
    }

    /// In the input's order.
    pub(crate) fn finish(mut self) -> Vec<Deviation> {
        self.deviations.sort_by_key(|deviation| deviation.offset);
        self.deviations
    }
}
