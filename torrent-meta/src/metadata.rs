//! An info dictionary put together from the blocks that peers send.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::error::DecodeError;
use crate::info::Info;
use crate::info_hash::{InfoHash, InfoHashV2};
use crate::magnet::{Hashes, Magnet};
use crate::metadata_message::MetadataBody;
use crate::parser::Parser;

/// How many bytes of an info dictionary peers send at once (BEP 9); the last block may have fewer.
pub const METADATA_BLOCK: usize = 16 << 10;

/// What the metadata must hash to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetadataHash {
    /// The v1 info-hash.
    V1(InfoHash),
    /// The v2 info-hash.
    V2(InfoHashV2),
    /// Both.
    Hybrid(InfoHash, InfoHashV2),
    /// The 20 bytes that trackers, the DHT and the handshake between peers have: a v1 info-hash, or the
    /// start of a v2 one.
    Short([u8; 20]),
}

impl MetadataHash {
    /// Whether an info dictionary is the one that was meant. Hashes it.
    pub fn matches(&self, info: &[u8]) -> bool {
        match self {
            Self::V1(hash) => InfoHash::of(info) == *hash,
            Self::V2(hash) => InfoHashV2::of(info) == *hash,
            Self::Hybrid(v1, v2) => InfoHash::of(info) == *v1 && InfoHashV2::of(info) == *v2,
            Self::Short(hash) => {
                InfoHash::of(info).0 == *hash || InfoHashV2::of(info).0.starts_with(hash)
            }
        }
    }
}

impl From<&Magnet> for MetadataHash {
    fn from(magnet: &Magnet) -> Self {
        match magnet.hashes() {
            Hashes::V1(v1) => Self::V1(v1),
            Hashes::V2(v2) => Self::V2(v2),
            Hashes::Hybrid(v1, v2) => Self::Hybrid(v1, v2),
        }
    }
}

/// Puts an info dictionary together from blocks of 16 KiB that several peers send, none of which is to
/// be trusted (BEP 9). `P` names a peer.
///
/// The caller tells who is there ([`add_peer`](Self::add_peer)) and what came ([`data`](Self::data),
/// [`reject`](Self::reject)), and sends what [`request`](Self::request) says.
///
/// ```
/// use torrent_meta::{Creator, Magnet, MetadataAssembler, MetadataHash, Progress, metadata_block};
///
/// let mut creation = Creator::single_file("hello.txt", 5).start()?;
/// creation.update(b"hello")?;
/// let theirs = creation.finish()?; // what another peer has
/// let magnet = Magnet::of(&theirs);
///
/// let mut assembler = MetadataAssembler::new(MetadataHash::from(&magnet));
/// let size = theirs.info().raw().len() as u32;
/// assembler.add_peer("alice", size)?; // the metadata_size of Alice's extension handshake
/// let piece = assembler.request(&"alice").expect("there is something to ask for");
/// let block = metadata_block(theirs.info().raw(), piece).expect("Alice has it");
/// let Progress::Complete { info, .. } = assembler.data(&"alice", piece, size, block)? else {
///     panic!("it was the only block");
/// };
/// assert_eq!(info, *theirs.info());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # When peers lie
/// Peers that tell different sizes are kept apart: each size is put together on its own. Where the
/// result has the wrong hash and all blocks came from one peer, that peer is banned. Where they came
/// from several, these are named, and from then on the metadata of that size is fetched from one of its
/// peers after the other, each of whom then proves honest or is banned. Once it is there, those who sent
/// something else are named.
///
/// Memory: the blocks received, at most twice the size that is accepted; where there is no room, the
/// size that fewest peers tell has to go.
#[derive(Clone, Debug)]
pub struct MetadataAssembler<P> {
    hash: MetadataHash,
    max_size: u32,
    parser: Parser,
    peers: BTreeMap<P, Peer>,
    banned: BTreeSet<P>,
    /// By size: what is there of it. An entry for each size that a peer tells.
    attempts: BTreeMap<u32, Attempt<P>>,
    /// Sizes that were put together from several peers and had the wrong hash.
    doubted: BTreeSet<u32>,
    /// What was sent in vain, and by whom among several.
    suspects: Vec<Suspect<P>>,
    buffered: usize,
    done: bool,
}

#[derive(Clone, Debug)]
struct Peer {
    size: u32,
    /// Blocks that it was asked for in this attempt, and whether they may still come.
    asked: BTreeMap<u32, bool>,
    /// How often it was the only one to ask and did not deliver.
    turns: u32,
}

#[derive(Clone, Debug)]
struct Attempt<P> {
    /// The only one to ask, of a doubted size.
    only: Option<P>,
    blocks: BTreeMap<u32, (P, Vec<u8>)>,
    /// How many peers were asked for a block and may still send it.
    asked: BTreeMap<u32, u32>,
}

#[derive(Clone, Debug)]
struct Suspect<P> {
    peer: P,
    size: u32,
    block: u32,
    digest: [u8; 32],
}

/// What a block led to.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Progress<P> {
    /// It was kept; others are missing.
    Stored,
    /// It was not asked for, or not any more, or another peer was faster. Nobody's fault.
    Ignored,
    /// It was the last one, and the whole has the right hash.
    Complete {
        /// The metadata.
        info: Info<'static>,
        /// Peers whose blocks in earlier attempts were not these, in order.
        liars: Vec<P>,
    },
    /// It was the last one, and the whole has the wrong hash. All of it is forgotten. A single peer is
    /// the liar, and banned; of several at least one is.
    WrongHash {
        /// Whose blocks they were, in order.
        peers: Vec<P>,
    },
    /// It was the last one, and the whole has the right hash but is no info dictionary: the torrent is
    /// broken, and no peer can change that.
    Invalid(DecodeError),
}

impl<P: Clone + Ord> MetadataAssembler<P> {
    /// The greatest size that is accepted unless [`max_size`](Self::max_size) says otherwise: 32 MiB,
    /// about as much as libtorrent accepts.
    pub const DEFAULT_MAX_SIZE: u32 = 32 << 20;

    /// Waits for the metadata of a torrent.
    pub fn new(hash: impl Into<MetadataHash>) -> Self {
        Self {
            hash: hash.into(),
            max_size: Self::DEFAULT_MAX_SIZE,
            parser: Parser::lenient(),
            peers: BTreeMap::new(),
            banned: BTreeSet::new(),
            attempts: BTreeMap::new(),
            doubted: BTreeSet::new(),
            suspects: Vec::new(),
            buffered: 0,
            done: false,
        }
    }

    /// Sets the greatest size in bytes that is accepted.
    #[must_use]
    pub fn max_size(self, max_size: u32) -> Self {
        Self { max_size, ..self }
    }

    /// Parses the metadata in another way than leniently.
    #[must_use]
    pub fn parser(self, parser: Parser) -> Self {
        Self { parser, ..self }
    }

    /// A peer is there and tells the metadata's size (`metadata_size` in its extension handshake). Peers
    /// that tell none can not be asked. A peer that is there already is as new.
    ///
    /// # Errors
    /// The size is zero or too great, or the peer is banned.
    pub fn add_peer(&mut self, peer: P, size: u32) -> Result<(), MetadataError> {
        if self.banned.contains(&peer) {
            return Err(MetadataError::Banned);
        }
        if size == 0 || size > self.max_size {
            return Err(MetadataError::Size { size, max: self.max_size });
        }
        self.remove_peer(&peer);
        if !self.done {
            self.peers.insert(peer, Peer { size, asked: BTreeMap::new(), turns: 0 });
            self.attempts.entry(size).or_insert_with(Attempt::new);
        }
        Ok(())
    }

    /// A peer is gone. The blocks it sent stay as long as another peer tells the same size.
    pub fn remove_peer(&mut self, peer: &P) {
        let Some(Peer { size, asked, .. }) = self.peers.remove(peer) else { return };
        let alone = !self.peers.values().any(|other| other.size == size);
        let Some(attempt) = self.attempts.get_mut(&size) else { return };
        for block in asked.into_iter().filter_map(|(block, open)| open.then_some(block)) {
            attempt.answered(block);
        }
        if attempt.only.as_ref() == Some(peer) {
            self.reset(size);
        }
        if alone && let Some(attempt) = self.attempts.remove(&size) {
            self.buffered -= attempt.buffered();
        }
    }

    /// The next block to ask this peer for. None if there is nothing to ask it for, or not now.
    ///
    /// A block that others were asked for comes again once there is no other, so that it does not matter
    /// if one of them is slow; how much a peer is asked for at a time is up to the caller. Cost: in
    /// proportion to the number of blocks.
    pub fn request(&mut self, peer: &P) -> Option<u32> {
        let size = self.peers.get(peer)?.size;
        let attempt = self.attempts.get_mut(&size)?;
        if self.doubted.contains(&size) && attempt.only.is_none() {
            let peers = self.peers.iter().filter(|(_, peer)| peer.size == size);
            let next = peers.min_by_key(|(_, peer)| peer.turns);
            attempt.only = next.map(|(name, _)| name.clone());
        }
        if attempt.only.as_ref().is_some_and(|only| only != peer) {
            return None;
        }
        let known = self.peers.get_mut(peer)?;
        let missing = (0..block_count(size)).filter(|block| {
            !attempt.blocks.contains_key(block) && !known.asked.contains_key(block)
        });
        let asked = |block: &u32| attempt.asked.get(block).copied().unwrap_or_default();
        let block = missing.min_by_key(|block| (asked(block), *block))?;
        known.asked.insert(block, true);
        *attempt.asked.entry(block).or_default() += 1;
        Some(block)
    }

    /// A block will not come from this peer: it said so, or the caller waited long enough. It is not
    /// asked for this block again, but should it come after all, it is taken. (A peer that is the only
    /// one to ask loses its turn instead.)
    pub fn reject(&mut self, peer: &P, block: u32) {
        let Some(known) = self.peers.get_mut(peer) else { return };
        let Some(open) = known.asked.get_mut(&block) else { return };
        let size = known.size;
        let Some(attempt) = self.attempts.get_mut(&size) else { return };
        if !core::mem::replace(open, false) {
            return;
        }
        attempt.answered(block);
        if attempt.only.as_ref() == Some(peer) {
            known.turns = known.turns.saturating_add(1);
            self.reset(size);
        }
    }

    /// A block came, and with it the size of the whole.
    ///
    /// # Errors
    /// The peer is not there or banned, or the block is none of the metadata it told of. It can be
    /// dropped for that.
    pub fn data(
        &mut self,
        peer: &P,
        block: u32,
        total_size: u32,
        bytes: &[u8],
    ) -> Result<Progress<P>, MetadataError> {
        if self.done {
            return Ok(Progress::Ignored);
        }
        if self.banned.contains(peer) {
            return Err(MetadataError::Banned);
        }
        let known = self.peers.get_mut(peer).ok_or(MetadataError::UnknownPeer)?;
        let size = known.size;
        if total_size != size {
            return Err(MetadataError::OtherSize { told: size, found: total_size });
        }
        let count = block_count(size);
        if block >= count {
            return Err(MetadataError::NoSuchBlock { block, count });
        }
        let expected = block_size(size, block);
        if bytes.len() != expected {
            return Err(MetadataError::BlockLength { expected, found: bytes.len() });
        }
        let Some(open) = known.asked.get_mut(&block) else { return Ok(Progress::Ignored) };
        let open = core::mem::replace(open, false);
        let Some(attempt) = self.attempts.get_mut(&size) else { return Ok(Progress::Ignored) };
        if open {
            attempt.answered(block);
        }
        if attempt.blocks.contains_key(&block) || !self.make_room(size, bytes.len()) {
            return Ok(Progress::Ignored);
        }
        let Some(attempt) = self.attempts.get_mut(&size) else { return Ok(Progress::Ignored) };
        attempt.blocks.insert(block, (peer.clone(), bytes.to_vec()));
        self.buffered += bytes.len();
        if attempt.blocks.len() < count as usize {
            return Ok(Progress::Stored);
        }
        Ok(self.finish(size))
    }

    /// Whether a peer was caught sending wrong metadata all alone.
    pub fn is_banned(&self, peer: &P) -> bool {
        self.banned.contains(peer)
    }

    /// How many bytes of blocks are kept.
    pub fn buffered(&self) -> usize {
        self.buffered
    }

    /// Whether the metadata was complete; nothing more is asked for or taken.
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// All blocks of a size are there.
    fn finish(&mut self, size: u32) -> Progress<P> {
        let Some(attempt) = self.attempts.get(&size) else { return Progress::Ignored };
        let mut info = Vec::with_capacity(size as usize);
        for (_, bytes) in attempt.blocks.values() {
            info.extend_from_slice(bytes);
        }
        if !self.hash.matches(&info) {
            return self.wrong_hash(size);
        }
        let liars = self.liars(size, &info);
        self.done = true;
        self.peers.clear();
        self.attempts.clear();
        self.suspects.clear();
        self.buffered = 0;
        match self.parser.info(info) {
            Ok(info) => Progress::Complete { info, liars },
            Err(error) => Progress::Invalid(error),
        }
    }

    fn wrong_hash(&mut self, size: u32) -> Progress<P> {
        let attempt = self.attempts.get(&size);
        let blocks = attempt.iter().flat_map(|attempt| &attempt.blocks);
        let peers: BTreeSet<&P> = blocks.clone().map(|(_, (peer, _))| peer).collect();
        let peers: Vec<P> = peers.into_iter().cloned().collect();
        if let [liar] = peers.as_slice() {
            self.banned.insert(liar.clone());
            self.reset(size);
            self.remove_peer(liar);
        } else {
            self.suspects.extend(blocks.map(|(block, (peer, bytes))| Suspect {
                peer: peer.clone(),
                size,
                block: *block,
                digest: Sha256::digest(bytes).into(),
            }));
            self.doubted.insert(size);
            self.reset(size);
        }
        Progress::WrongHash { peers }
    }

    /// Who sent something else than this.
    fn liars(&self, size: u32, info: &[u8]) -> Vec<P> {
        let digests: Vec<[u8; 32]> =
            info.chunks(METADATA_BLOCK).map(|block| Sha256::digest(block).into()).collect();
        let lied = |suspect: &&Suspect<P>| {
            suspect.size != size || digests.get(suspect.block as usize) != Some(&suspect.digest)
        };
        let liars: BTreeSet<&P> =
            self.suspects.iter().filter(lied).map(|suspect| &suspect.peer).collect();
        liars.into_iter().cloned().collect()
    }

    /// Forgets what is there of a size and who was asked for it.
    fn reset(&mut self, size: u32) {
        for peer in self.peers.values_mut().filter(|peer| peer.size == size) {
            peer.asked.clear();
        }
        if let Some(attempt) = self.attempts.insert(size, Attempt::new()) {
            self.buffered -= attempt.buffered();
        }
    }

    /// Whether there is room for a block of this size's metadata, if need be after another size that no
    /// more peers tell was forgotten.
    fn make_room(&mut self, size: u32, bytes: usize) -> bool {
        let limit = (self.max_size as usize).saturating_mul(2);
        while self.buffered + bytes > limit {
            let tellers = |size: u32| self.peers.values().filter(|peer| peer.size == size).count();
            let others = self
                .attempts
                .iter()
                .filter(|(other, attempt)| **other != size && !attempt.blocks.is_empty());
            let weakest = others.map(|(other, _)| (tellers(*other), *other)).min();
            match weakest {
                Some((count, other)) if count <= tellers(size) => self.reset(other),
                _ => return false,
            }
        }
        true
    }
}

impl<P> Attempt<P> {
    fn new() -> Self {
        Self { only: None, blocks: BTreeMap::new(), asked: BTreeMap::new() }
    }

    fn answered(&mut self, block: u32) {
        if let Some(count) = self.asked.get_mut(&block) {
            *count -= 1;
        }
    }

    fn buffered(&self) -> usize {
        self.blocks.values().map(|(_, bytes)| bytes.len()).sum()
    }
}

/// A block of an info dictionary ([`Info::raw`]), as a peer asks for it. None if there is no such block.
pub fn metadata_block(info: &[u8], block: u32) -> Option<&[u8]> {
    info.chunks(METADATA_BLOCK).nth(block as usize)
}

/// The answer to a request for a block of an info dictionary: the block, or a reject where there is no
/// such block or the answering peer does not have the metadata either. BEP 9 asks to send nothing of
/// metadata whose hash was not checked.
pub fn answer_metadata_request(info: Option<&[u8]>, piece: u32) -> MetadataBody<'_> {
    let block = info.and_then(|info| Some((metadata_block(info, piece)?, info.len())));
    match block.and_then(|(block, size)| Some((block, u32::try_from(size).ok()?))) {
        Some((block, total_size)) => MetadataBody::Data { piece, total_size, block },
        None => MetadataBody::Reject { piece },
    }
}

fn block_count(size: u32) -> u32 {
    size.div_ceil(METADATA_BLOCK as u32)
}

/// Of a block that exists.
fn block_size(size: u32, block: u32) -> usize {
    let start = block as usize * METADATA_BLOCK;
    (size as usize - start).min(METADATA_BLOCK)
}

/// What a peer told or sent that is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MetadataError {
    /// The size it told is zero or too great.
    #[error("{size} bytes of metadata, expected between 1 and {max}")]
    Size {
        /// What it told.
        size: u32,
        /// What is accepted.
        max: u32,
    },
    /// It was caught sending wrong metadata before.
    #[error("the peer sent wrong metadata before")]
    Banned,
    /// It was not added.
    #[error("the peer is not known")]
    UnknownPeer,
    /// The block came with another size than the peer told.
    #[error("the peer told a size of {told} bytes and sent a block of {found}")]
    OtherSize {
        /// What it told first.
        told: u32,
        /// What came with the block.
        found: u32,
    },
    /// There is no block of this number.
    #[error("block {block} of metadata that has {count}")]
    NoSuchBlock {
        /// Its number.
        block: u32,
        /// How many there are.
        count: u32,
    },
    /// The block is too short or too long.
    #[error("a block of {found} bytes, expected {expected}")]
    BlockLength {
        /// How long it should be.
        expected: usize,
        /// How long it is.
        found: usize,
    },
}
