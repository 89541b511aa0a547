//! Which files a servent shares.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use overlay_peer::Context;

use crate::words::Signature;
use crate::{Catalogue, Servent};

/// A list of files, and what follows from it.
pub(crate) struct Shared {
    /// Indices in the catalogue, sorted.
    pub shares: Box<[u32]>,
    /// The sizes of all files together.
    pub kbytes: u32,
    /// The signatures of all files together.
    pub signature: Signature,
}

impl Shared {
    /// Those of these files that the catalogue has.
    pub fn of(files: impl IntoIterator<Item = u32>, catalogue: &Catalogue) -> Self {
        let has = |index: &u32| catalogue.file(*index).is_some();
        let mut shares: Vec<u32> = files.into_iter().filter(has).collect();
        shares.sort_unstable();
        shares.dedup();
        let signature = shares
            .iter()
            .fold(Signature::default(), |set, &index| set.with(catalogue.signature(index)));
        let files = shares.iter().filter_map(|&index| catalogue.file(index));
        let bytes = files.fold(0, |sum: u64, file| sum.saturating_add(file.size));
        let kbytes = u32::try_from(bytes / 1_024).unwrap_or(u32::MAX);
        Self { shares: shares.into(), kbytes, signature }
    }
}

impl Servent {
    /// [`Command::Share`](crate::Command::Share).
    pub(crate) fn share(&mut self, add: &[u32], remove: &[u32], cx: &mut Context<'_, Self>) {
        let stay = self.shares.iter().filter(|index| !remove.contains(index));
        let shared = Shared::of(stay.chain(add).copied(), &self.catalogue);
        if shared.shares != self.shares {
            self.shares_are(shared, cx);
        }
    }

    /// [`Command::Publish`](crate::Command::Publish).
    pub(crate) fn publish_files(
        &mut self,
        catalogue: Arc<Catalogue>,
        shares: Vec<u32>,
        cx: &mut Context<'_, Self>,
    ) {
        let shared = Shared::of(shares, &catalogue);
        self.catalogue = catalogue;
        self.shares_are(shared, cx);
    }

    fn shares_are(&mut self, shared: Shared, cx: &mut Context<'_, Self>) {
        Shared { shares: self.shares, kbytes: self.kbytes, signature: self.signature } = shared;
        self.table_changed(cx);
    }
}
