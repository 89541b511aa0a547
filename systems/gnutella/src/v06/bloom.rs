//! Bloom filters beside the tables: a finer summary of what a leaf has, for the last hop.
//!
//! A vendor message of our own, `OVLY/1` version 1, whose data is a filter as `overlay-bloom`
//! serializes it: the standard layout, XXH3 with seed 0. Its keys are 8-byte integers: the 32 bits
//! that query routing makes of each keyword of the leaf's files, before a table takes the upper ones
//! ([`qrp_hash`] with 32 bits). It is sized for the number of keywords, where a table has as many slots as
//! everybody's. A leaf sends it to ultrapeers that list the message, and again when its files change; these
//! ask the filter instead of the table. An empty message takes it back. The table is still needed: an ultrapeer's own is made of its leaves',
//! and filters of different sizes can not be merged.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use gnutella_wire::{OwnedPayload, OwnedVendor, Role, VendorId, keywords, qrp_hash};
use overlay_bloom::{Params, Standard};
use overlay_peer::Context;

use super::known::Supported;
use crate::Servent;
use crate::counters::count;

/// The message.
pub(super) const SUMMARY: VendorId = VendorId { vendor: *b"OVLY", selector: 1, version: 1 };

/// The longest filter that is sent, so that it fits into a payload.
const LONGEST: usize = 60_000;

impl Servent {
    /// What this servent has, as a filter; `None` if it has nothing, or too much.
    fn bloom_summary(&self) -> Option<Standard> {
        let one_in = self.settings.v06.as_ref()?.bloom_one_in?;
        let mut keys: Vec<u32> = Vec::new();
        for file in self.shares.iter().filter_map(|&index| self.catalogue.file(index)) {
            for word in keywords(file.name.as_bytes()) {
                keys.push(qrp_hash(word.chars().collect::<String>().as_bytes(), 32));
            }
        }
        keys.sort_unstable();
        keys.dedup();
        let rate = 1.0 / f64::from(one_in.max(2));
        let params = Params::for_rate(keys.len() as u64, rate).ok()?;
        let mut filter = Standard::new(params, 0).ok()?;
        for key in keys {
            filter.insert_u64(key.into());
        }
        Some(filter).filter(|filter| filter.encoded_len() <= LONGEST)
    }

    /// Sends the filter to an ultrapeer that understands it; if one was sent before, `again`.
    pub(super) fn send_bloom(&mut self, slot: u8, again: bool, cx: &mut Context<'_, Self>) {
        if self.settings.v06.as_ref().is_none_or(|it| it.bloom_one_in.is_none()) {
            return;
        }
        let Some(v06) = self.v06.as_ref().filter(|v06| !v06.ultrapeer) else { return };
        let Some(known) = v06.of(slot).filter(|known| known.role == Role::Ultrapeer) else {
            return;
        };
        if !known.supported.has(Supported::BLOOM) {
            return;
        }
        let (summary, mut data) = (self.bloom_summary(), Vec::new());
        match summary {
            Some(filter) => filter.encode(&mut data),
            None if again => {}
            None => return,
        }
        let vendor = OwnedVendor { standard: false, id: SUMMARY, data: data.into() };
        self.tell(slot, OwnedPayload::Vendor(vendor), cx);
    }

    /// A leaf's filter.
    pub(super) fn bloom_received(&mut self, slot: u8, data: &[u8]) {
        let wanted = self.settings.v06.as_ref().is_some_and(|it| it.bloom_one_in.is_some());
        let Some(v06) = self.v06.as_mut().filter(|v06| v06.ultrapeer && wanted) else { return };
        let Some(known) = v06.of_mut(slot).filter(|known| known.role == Role::Leaf) else { return };
        match Standard::decode(data) {
            _ if data.is_empty() => known.bloom = None,
            Ok(filter) if filter.seed() == 0 => known.bloom = Some(Box::new(filter)),
            _ => count(&mut self.aside.malformed),
        }
    }
}
