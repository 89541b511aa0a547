//! Sending a table: the messages that make a neighbour's copy of it what it is.

use alloc::vec;
use alloc::vec::Vec;

use miniz_oxide::deflate::core::{
    CompressionStrategy, CompressorOxide, TDEFLFlush, TDEFLStatus, compress,
    create_comp_flags_from_zip_params,
};

use super::entry::Entries;
use super::{OwnedQrp, QueryRouteTable};

/// How a change is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QrpSending {
    /// How wide an entry is: 8 or 4 bits, or 2 or 1 to who said `X-Query-Routing: 0.2`. Any other is
    /// taken for 4.
    pub entry_bits: u8,
    /// Whether to deflate, if that makes it shorter.
    pub deflate: bool,
    /// The most bytes of a fragment. More if there would be more than 255 fragments.
    pub fragment: usize,
}

impl QrpSending {
    /// What every servent understands: deflated entries of 4 bits, in fragments of 4,096 bytes.
    pub const DEFAULT: Self = Self { entry_bits: 4, deflate: true, fragment: 4_096 };
}

impl Default for QrpSending {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl QueryRouteTable {
    /// The messages that make this table of the one that was `sent` before, `None` for the first time:
    /// none if nothing changed, else a patch, after a reset if there was no table of this size
    /// and infinity.
    pub fn messages(&self, sent: Option<&Self>, how: &QrpSending) -> Vec<OwnedQrp> {
        let mut messages = Vec::new();
        let fits = |old: &&Self| old.bits() == self.bits() && old.infinity() == self.infinity();
        let empty;
        let old = match sent.filter(fits) {
            Some(old) if old == self => return messages,
            Some(old) => old,
            None => {
                let (slots, infinity) = (self.slots(), self.infinity());
                messages.push(OwnedQrp::Reset { slots, infinity, rest: [].into() });
                empty = Self::new(self.bits());
                &empty
            }
        };
        let entry_bits = if matches!(how.entry_bits, 1 | 2 | 8) { how.entry_bits } else { 4 };
        let Some(entries) = Entries::new(entry_bits, self.slots()) else { return messages };
        let mut data = entries.between(old, self);
        let mut compressor = 0;
        if how.deflate
            && let Some(deflated) = deflated(&data)
        {
            (data, compressor) = (deflated, 1);
        }
        let fragment = how.fragment.max(data.len().div_ceil(255)).max(1);
        let fragments = data.chunks(fragment);
        let count = u8::try_from(fragments.len()).unwrap_or(u8::MAX);
        messages.extend((1..=count).zip(fragments).map(|(number, data)| OwnedQrp::Patch {
            number,
            count,
            compressor,
            entry_bits,
            data: data.into(),
        }));
        messages
    }
}

/// A zlib stream of this, if that is shorter. Entries are zeros with others here and there: runs are all
/// there is to find, and searching for any other match takes long and gains next to nothing.
fn deflated(data: &[u8]) -> Option<Vec<u8>> {
    let flags = create_comp_flags_from_zip_params(9, 15, CompressionStrategy::RLE as i32);
    let mut out = vec![0; data.len().saturating_sub(1)];
    let mut compressor = CompressorOxide::new(flags);
    let (status, _, written) = compress(&mut compressor, data, &mut out, TDEFLFlush::Finish);
    out.truncate(written);
    (status == TDEFLStatus::Done).then_some(out)
}
