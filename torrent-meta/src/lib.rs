#![doc = include_str!("../README.md")]
#![no_std]

extern crate alloc;

mod attributes;
mod batch;
mod collisions;
mod create;
mod edit;
mod error;
mod file;
mod file_ranges;
mod file_tree;
mod hash;
mod info;
mod info_hash;
mod layout;
mod limits;
mod magnet;
mod merkle;
mod metadata;
mod metadata_message;
mod metainfo;
mod parser;
mod path;
mod peer_address;
mod piece;
mod piece_layers;
mod safe_paths;
mod source;
mod span;
mod verify;
mod version;

pub use attributes::Attributes;
pub use batch::{PieceBatch, PieceHashes};
pub use collisions::{CollisionKind, PathCollision};
pub use create::{Batch, BatchHashes, CreateError, Creation, Creator, NewFile, Plan};
pub use edit::Editor;
pub use error::{DecodeError, Deviation, DeviationKind, ErrorKind};
pub use file::{File, Files, PathComponents};
pub use file_ranges::{FileRanges, ParseFileRangesError};
pub use hash::{
    Algorithm, Backend, LEAF_LENGTH, Lanes, ParseBackendError, Sha1, Sha256, hash_chunks,
    hash_leaves, hash_many, hash_pieces,
};
pub use info::Info;
pub use info_hash::{InfoHash, InfoHashV2, ParseInfoHashError};
pub use limits::Limits;
pub use magnet::{Magnet, MagnetError, MagnetErrorKind};
pub use merkle::{HashRange, MerkleHash, MerkleTree, merkle_layer, merkle_pad, merkle_root};
pub use metadata::{
    METADATA_BLOCK, MetadataAssembler, MetadataError, MetadataHash, Progress,
    answer_metadata_request, metadata_block,
};
pub use metadata_message::{MetadataBody, MetadataMessage};
pub use metainfo::Metainfo;
pub use parser::Parser;
pub use path::{PathError, safe_path};
pub use peer_address::{Host, ParsePeerAddressError, PeerAddress};
pub use piece::{InvalidPieceLength, PieceHash, PieceHasher, PieceLength};
pub use safe_paths::SafePaths;
pub use span::{ContentLayout, Span, Spans};
pub use verify::{
    BitfieldError, CheckerError, DEFAULT_BUFFER_LIMIT, FilePart, FileParts, LeafError,
    PieceChecker, PieceMap, PieceState, Verdict, Verifier, VerifyError,
};
pub use version::Version;

pub use bitvec;
pub use overlay_bencode as bencode;
