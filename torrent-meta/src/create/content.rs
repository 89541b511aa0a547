//! The order of a torrent's files, and where its pieces are.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::new_file::{NewFile, check_component};
use super::{CreateError, Creator};
use crate::hash::{Backend, LEAF_LENGTH};
use crate::merkle::{MerkleHash, merkle_layer, merkle_root};
use crate::piece::PieceLength;
use crate::span::ContentLayout;
use crate::version::Version;

/// A description that was checked: what comes where.
#[derive(Clone, Debug)]
pub(super) struct Content {
    /// Of each file of `layout`, what it is.
    pub(super) entries: Vec<Entry>,
    pub(super) layout: ContentLayout,
    pub(super) piece_length: PieceLength,
    /// The layer of merkle trees with a hash for each piece; only looked at in v2.
    pub(super) merkle_layer: u32,
    /// How many bytes the files have, without padding.
    pub(super) total: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// The file that was added as this one, counted from zero.
    File(usize),
    /// So many zeros.
    Padding(u64),
}

impl Content {
    pub(super) fn new(creator: &Creator) -> Result<Self, CreateError> {
        check(creator)?;
        let files = &creator.files;
        let total = files
            .iter()
            .try_fold(0u64, |total, file| total.checked_add(file.length))
            .filter(|&total| is_length(total))
            .ok_or(CreateError::TooLong)?;
        let piece_length = creator.piece_length.unwrap_or(PieceLength::for_size(total));
        let merkle_layer = piece_length.merkle_layer();
        if creator.version.has_v2() && merkle_layer.is_none() {
            return Err(CreateError::PieceLengthOfV2(piece_length));
        }

        let mut order: Vec<usize> = (0..files.len()).collect();
        if creator.version.has_v2() {
            // As the dictionaries of the file tree are: by bytes, component by component.
            order.sort_by_key(|&file| &files[file].path);
        }
        // A single file has no place for padding.
        let padded = match creator.version {
            Version::V1 => creator.aligned,
            Version::Hybrid => true,
            Version::V2 => false,
        } && files.len() > 1;
        let mut layout = ContentLayout::new(piece_length);
        let mut entries = Vec::with_capacity(files.len());
        // Where the next file starts in v1.
        let mut end = 0u64;
        for file in order {
            let length = files[file].length;
            if creator.version == Version::V2 {
                layout.align();
            }
            layout.push_file(length);
            entries.push(Entry::File(file));
            end += length;
            let next = end.next_multiple_of(piece_length.get().into());
            if padded && next > end {
                layout.push_padding(next - end);
                entries.push(Entry::Padding(next - end));
                end = next;
            }
            if !is_length(end) {
                return Err(CreateError::TooLong);
            }
        }
        let merkle_layer = merkle_layer.unwrap_or(0);
        Ok(Self { entries, layout, piece_length, merkle_layer, total })
    }

    /// The node of a file's merkle tree that is over one of its pieces, from the piece's leaves.
    pub(super) fn node(&self, piece: u64, leaves: &[MerkleHash]) -> MerkleHash {
        let file = self.layout.spans(piece).next().map_or(0, |span| span.file);
        // A tree is no higher than the file needs: there is padding up to a whole piece only where
        // there are several.
        if self.layout.pieces_of(file).count() == 1 {
            return merkle_root(Backend::best(), leaves, 0);
        }
        let nodes = merkle_layer(Backend::best(), leaves, self.merkle_layer);
        nodes.first().copied().unwrap_or_default()
    }

    /// How many 16 KiB, or what is left of them at the end of a file, are in a piece.
    pub(super) fn leaves(&self, piece: u64) -> u64 {
        let stored = self.layout.spans(piece).filter(|span| !span.padding);
        stored.map(|span| span.length.div_ceil(LEAF_LENGTH as u64)).sum()
    }
}

/// Lengths are signed where torrents are read.
fn is_length(length: u64) -> bool {
    i64::try_from(length).is_ok()
}

fn check(creator: &Creator) -> Result<(), CreateError> {
    check_component(&creator.name)?;
    let files = &creator.files;
    if files.is_empty() {
        return Err(CreateError::NoFiles);
    }
    files.iter().try_for_each(NewFile::check)?;
    let mut paths = BTreeSet::new();
    if let Some(file) = files.iter().find(|file| !paths.insert(&file.path)) {
        return Err(CreateError::DuplicatePath { path: joined(&file.path) });
    }
    // In this order, the paths below one come right behind it.
    for (file, path) in paths.iter().zip(paths.iter().skip(1)) {
        if path.starts_with(file) {
            return Err(CreateError::BelowFile { file: joined(file), path: joined(path) });
        }
    }
    if let [file] = &files[..]
        && let [name] = &file.path[..]
        && creator.version == Version::V2
        && !creator.single
    {
        return Err(CreateError::LooksLikeSingleFile { file: name.clone() });
    }
    Ok(())
}

pub(super) fn joined(path: &[String]) -> String {
    path.join("/")
}
