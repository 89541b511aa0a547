//! Which bytes of which files make up each piece.

use alloc::vec::Vec;
use core::iter::FusedIterator;
use core::ops::Range;

use crate::info::Info;
use crate::piece::PieceLength;

/// Where the bytes of each piece are: files one behind the other, cut into pieces.
///
/// In v1 a file starts where the one before it ends (BEP 3), and some files may be padding (BEP 47):
/// zeros that nobody stores. In v2 every file starts a piece, and what is between the end of a file
/// and the next piece belongs to nobody (BEP 52). A hybrid torrent is laid out as v1, with padding
/// that makes it v2 as well.
///
/// It takes 24 bytes for each file, whatever the number of pieces, and finds a piece by bisection.
///
/// ```
/// use torrent_meta::{ContentLayout, PieceLength, Span};
///
/// let mut layout = ContentLayout::new(PieceLength::new(4)?);
/// layout.push_file(6);
/// layout.push_padding(2);
/// layout.push_file(3);
/// assert_eq!(layout.pieces(), 3);
/// assert_eq!(layout.spans(1).collect::<Vec<_>>(), [
///     Span { file: 0, offset: 4, length: 2, padding: false },
///     Span { file: 1, offset: 0, length: 2, padding: true },
/// ]);
/// # Ok::<(), torrent_meta::InvalidPieceLength>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentLayout {
    piece_length: PieceLength,
    files: Vec<Place>,
    /// Where the last file ends.
    end: u64,
}

/// Where a file is in the content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    start: u64,
    length: u64,
    padding: bool,
}

/// Bytes of one file that belong to one piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    /// The file, by its place among all files, from zero; padding files count.
    pub file: usize,
    /// Where the span starts in the file.
    pub offset: u64,
    /// How many bytes it has, at least one.
    pub length: u64,
    /// Zeros that need not be read (BEP 47).
    pub padding: bool,
}

impl ContentLayout {
    /// Content without files.
    pub fn new(piece_length: PieceLength) -> Self {
        Self { piece_length, files: Vec::new(), end: 0 }
    }

    /// The layout of a torrent. Files have the same numbers as in [`Info::files`].
    pub fn of(info: &Info<'_>) -> Self {
        let mut layout = Self::new(info.piece_length());
        for file in info.files() {
            if file.offset() != layout.end {
                layout.align();
            }
            layout.push(file.length(), file.is_pad());
        }
        layout
    }

    /// Adds a file right behind the last one. Content ends at 2^64 bytes: what is beyond is not there.
    pub fn push_file(&mut self, length: u64) {
        self.push(length, false);
    }

    /// Adds a padding file: zeros (BEP 47).
    pub fn push_padding(&mut self, length: u64) {
        self.push(length, true);
    }

    fn push(&mut self, length: u64, padding: bool) {
        let length = length.min(u64::MAX - self.end);
        self.files.push(Place { start: self.end, length, padding });
        self.end += length;
    }

    /// What is added next starts a piece, as all files of v2 do; nothing is in the gap.
    pub fn align(&mut self) {
        self.end = self.end.checked_next_multiple_of(self.length_of_piece()).unwrap_or(u64::MAX);
    }

    /// How many bytes of the layout a piece has at most.
    pub fn piece_length(&self) -> PieceLength {
        self.piece_length
    }

    /// Where the last file ends. Without gaps that is how many bytes all files have.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// How many pieces there are.
    pub fn pieces(&self) -> u64 {
        self.piece_length.pieces(self.end)
    }

    /// How many files there are, padding included.
    pub fn file_count(&self) -> usize {
        self.files.len()
    }

    /// How many bytes a file has, and whether they are padding; `None` if there is no such file.
    pub fn file(&self, file: usize) -> Option<(u64, bool)> {
        self.files.get(file).map(|place| (place.length, place.padding))
    }

    /// The pieces that have bytes of a file: none for an empty file, or if there is no such file.
    pub fn pieces_of(&self, file: usize) -> Range<u64> {
        match self.files.get(file) {
            Some(&Place { start, length: length @ 1.., .. }) => {
                let piece_length = self.length_of_piece();
                start / piece_length..(start + length).div_ceil(piece_length)
            }
            _ => 0..0,
        }
    }

    /// The bytes of a file that are in a piece; empty if there are none.
    pub fn part_of(&self, file: usize, piece: u64) -> Range<u64> {
        match (self.files.get(file), self.range(piece)) {
            (Some(place), Some(range)) => {
                let [start, end] = [range.start, range.end]
                    .map(|at| at.saturating_sub(place.start).min(place.length));
                start..end
            }
            _ => 0..0,
        }
    }

    /// The parts of files that make up a piece, in order; none if there is no such piece.
    pub fn spans(&self, piece: u64) -> Spans<'_> {
        self.spans_from(piece, 0)
    }

    /// The same without the first bytes of the piece.
    pub fn spans_from(&self, piece: u64, offset: u64) -> Spans<'_> {
        let Range { start, end } = self.range(piece).unwrap_or(0..0);
        let start = start.saturating_add(offset).min(end);
        let file = self.files.partition_point(|place| place.start + place.length <= start);
        Spans { files: &self.files, file, range: start..end }
    }

    /// How many bytes a piece has, padding included; `None` if there is no such piece.
    pub fn piece_size(&self, piece: u64) -> Option<u64> {
        self.range(piece).map(|range| range.end - range.start)
    }

    /// Where a file starts in the content: the first byte of a piece is at its number times the piece
    /// length. `None` if there is no such file.
    pub fn start_of(&self, file: usize) -> Option<u64> {
        self.files.get(file).map(|place| place.start)
    }

    /// A piece's place in the content, without a gap at its end.
    fn range(&self, piece: u64) -> Option<Range<u64>> {
        let start = piece.checked_mul(self.length_of_piece())?;
        let end = start.saturating_add(self.length_of_piece());
        let behind = self.files.partition_point(|place| place.start < end);
        let last = self.files.get(behind.checked_sub(1)?)?;
        let end = end.min(last.start + last.length);
        (start < end).then_some(start..end)
    }

    fn length_of_piece(&self) -> u64 {
        self.piece_length.get().into()
    }
}

/// The [`ContentLayout::spans`] of a piece.
#[derive(Clone, Debug)]
pub struct Spans<'l> {
    files: &'l [Place],
    /// The next one to look at.
    file: usize,
    /// What is left of the piece.
    range: Range<u64>,
}

impl Spans<'_> {
    pub(crate) const NONE: Self = Self { files: &[], file: 0, range: 0..0 };

    /// What is to be read next: the first spans left, the last of them cut, so that they have `bytes`
    /// together, or fewer at the end.
    pub fn peek(&self, bytes: u64) -> Self {
        let end = self.range.start.saturating_add(bytes).min(self.range.end);
        Self { range: self.range.start..end, ..self.clone() }
    }

    /// Leaves out so many bytes.
    pub fn skip_bytes(&mut self, bytes: u64) {
        self.range.start = self.range.start.saturating_add(bytes).min(self.range.end);
        while self.file().is_some_and(|place| place.start + place.length <= self.range.start) {
            self.file += 1;
        }
    }

    /// How many bytes are left.
    pub fn bytes_left(&self) -> u64 {
        self.range.end - self.range.start
    }

    /// The next file, unless it is behind the piece's end.
    fn file(&self) -> Option<&Place> {
        self.files.get(self.file).filter(|place| place.start < self.range.end)
    }
}

impl Iterator for Spans<'_> {
    type Item = Span;

    fn next(&mut self) -> Option<Span> {
        while self.range.start < self.range.end {
            let place = *self.file()?;
            let start = place.start.max(self.range.start);
            let end = (place.start + place.length).min(self.range.end);
            let file = self.file;
            self.file += 1;
            if start < end {
                self.range.start = end;
                return Some(Span {
                    file,
                    offset: start - place.start,
                    length: end - start,
                    padding: place.padding,
                });
            }
        }
        None
    }
}

impl FusedIterator for Spans<'_> {}
