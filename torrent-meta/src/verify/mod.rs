//! Content against the hashes of its pieces.
//!
//! A [`checker`] knows what each piece has to be, a [`map`] what was found. Between them, bytes become
//! verdicts in one of two ways: a [`verifier`] takes chunks as peers send them, one at a time in any
//! order, and a [`PieceBatch`](crate::PieceBatch) hashes many pieces side by side, as they are on a
//! disk. [`blocks`] says which part of a bad piece it was.

mod blocks;
mod checker;
mod map;
mod partial;
mod verifier;

pub use blocks::LeafError;
pub use checker::{CheckerError, PieceChecker, Verdict};
pub use map::{BitfieldError, FilePart, FileParts, PieceMap, PieceState};
pub use verifier::{DEFAULT_BUFFER_LIMIT, Verifier, VerifyError};
