#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod batch;
mod create;
mod error;
mod hash;
mod info;
mod info_hash;
mod merkle;
mod metainfo;
mod parser;
mod path;
mod piece;
mod source;
mod span;
mod verify;

pub use batch::{PieceBatch, PieceHashes};
pub use create::{CreateError, Creation, Creator};
pub use error::{DecodeError, Deviation, DeviationKind, ErrorKind};
pub use hash::{
    Algorithm, Backend, LEAF_LENGTH, Lanes, ParseBackendError, Sha1, Sha256, hash_chunks,
    hash_leaves, hash_many, hash_pieces,
};
pub use info::{File, Files, Info, PathComponents};
pub use info_hash::{InfoHash, ParseInfoHashError};
pub use merkle::{HashRange, MerkleHash, MerkleTree, merkle_layer, merkle_pad, merkle_root};
pub use metainfo::Metainfo;
pub use parser::Parser;
pub use path::{PathError, safe_path};
pub use piece::{InvalidPieceLength, PieceHash, PieceHasher, PieceLength};
pub use span::{ContentLayout, Span, Spans};
pub use verify::{DEFAULT_BUFFER_LIMIT, PieceState, Verdict, Verifier, VerifyError};

pub use bitvec;
pub use overlay_bencode as bencode;
