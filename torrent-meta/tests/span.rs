//! Which bytes of which files make up each piece.

#![allow(clippy::unwrap_used)] // A failed unwrap is a failed test.

use proptest::prelude::*;
use torrent_meta::{ContentLayout, PieceLength, Span};

/// Lengths, whether they are padding, and whether a gap comes before.
type Files = Vec<(u64, bool, bool)>;

fn layout(piece_length: u32, files: &Files) -> ContentLayout {
    let mut layout = ContentLayout::new(PieceLength::new(piece_length).unwrap());
    for &(length, padding, aligned) in files {
        if aligned {
            layout.align();
        }
        if padding { layout.push_padding(length) } else { layout.push_file(length) }
    }
    layout
}

/// One byte after the other: which file and offset it is, and in which piece.
fn bytes(piece_length: u64, files: &Files) -> Vec<(u64, usize, u64, bool)> {
    let mut at = 0u64;
    let mut bytes = Vec::new();
    for (file, &(length, padding, aligned)) in files.iter().enumerate() {
        if aligned {
            at = at.next_multiple_of(piece_length);
        }
        for offset in 0..length {
            bytes.push((at / piece_length, file, offset, padding));
            at += 1;
        }
    }
    bytes
}

proptest! {
    #[test]
    fn spans_are_the_bytes_in_order(
        piece_length in 1u32..20,
        files in prop::collection::vec((0u64..50, any::<bool>(), any::<bool>()), 0..20),
    ) {
        let layout = layout(piece_length, &files);
        let mut found = Vec::new();
        for piece in 0..layout.pieces() {
            let spans: Vec<Span> = layout.spans(piece).collect();
            let size = layout.piece_size(piece).unwrap();
            prop_assert!(size <= u64::from(piece_length));
            prop_assert_eq!(spans.iter().map(|span| span.length).sum::<u64>(), size);
            for span in spans {
                prop_assert!(span.length > 0);
                prop_assert!(layout.pieces_of(span.file).contains(&piece));
                let end = span.offset + span.length;
                prop_assert_eq!(layout.part_of(span.file, piece), span.offset..end);
                found.extend((span.offset..end).map(|at| (piece, span.file, at, span.padding)));
            }
        }
        for piece in 0..layout.pieces() {
            let size = layout.piece_size(piece).unwrap();
            for offset in 0..=size {
                let mut spans = layout.spans(piece);
                spans.skip_bytes(offset);
                prop_assert_eq!(spans.bytes_left(), size - offset);
                let peeked: u64 = spans.peek(3).map(|span| span.length).sum();
                prop_assert_eq!(peeked, (size - offset).min(3));
                let spans: Vec<_> = spans.collect();
                prop_assert_eq!(layout.spans_from(piece, offset).collect::<Vec<_>>(), spans);
            }
        }
        prop_assert_eq!(found, bytes(piece_length.into(), &files));
        prop_assert_eq!(layout.piece_size(layout.pieces()), None);
        prop_assert_eq!(layout.spans(layout.pieces()).count(), 0);
    }

    #[test]
    fn parts_of_a_file_add_up_to_it(
        piece_length in 1u32..20,
        files in prop::collection::vec((0u64..50, any::<bool>(), any::<bool>()), 0..20),
    ) {
        let layout = layout(piece_length, &files);
        prop_assert_eq!(layout.file_count(), files.len());
        for (file, &(length, padding, _)) in files.iter().enumerate() {
            prop_assert_eq!(layout.file(file), Some((length, padding)));
            let mut end = 0;
            for piece in layout.pieces_of(file) {
                let part = layout.part_of(file, piece);
                prop_assert!(part.start == end && part.end > end);
                end = part.end;
            }
            prop_assert_eq!(end, length);
        }
        prop_assert_eq!(layout.file(files.len()), None);
        prop_assert!(layout.pieces_of(files.len()).is_empty());
    }
}

/// Lengths nobody has are no panic.
#[test]
fn content_ends_where_numbers_end() {
    let mut layout = ContentLayout::new(PieceLength::new(u32::MAX).unwrap());
    layout.push_file(u64::MAX - 1);
    layout.push_file(u64::MAX);
    layout.align();
    layout.push_file(7);
    assert_eq!(layout.file(1), Some((1, false)));
    assert_eq!(layout.file(2), Some((0, false)));
    let last = layout.pieces() - 1;
    assert_eq!(layout.pieces_of(1), last..last + 1);
    assert_eq!(layout.spans(last).last().map(|span| (span.file, span.length)), Some((1, 1)));
    assert_eq!(layout.spans(u64::MAX).count(), 0);
}
