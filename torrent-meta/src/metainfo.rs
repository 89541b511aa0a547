//! A whole .torrent file.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

use overlay_bencode::{Decoder, Dict, Kind, Node, NodeId};

use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind};
use crate::info::{Fields, Info, required};
use crate::info_hash::InfoHash;
use crate::parser::{Parser, Reports};
use crate::source::Source;

/// A .torrent file of version 1, or of both versions (hybrid), which is read as version 1.
///
/// It keeps the bytes it was parsed from, so unknown keys stay. It borrows them;
/// [`Metainfo::into_owned`], or parsing a `Vec`, gives one that does not.
#[derive(Clone, Debug)]
pub struct Metainfo<'a> {
    /// Its source is the whole file.
    info: Info<'a>,
}

impl<'a> Metainfo<'a> {
    /// Parses a file strictly.
    ///
    /// # Errors
    /// See [`Parser::metainfo`].
    pub fn parse(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, DecodeError> {
        Parser::strict().metainfo(bytes)
    }

    /// Parses a file leniently: [`Metainfo::deviations`] tells what was let through.
    ///
    /// # Errors
    /// See [`Parser::metainfo`].
    pub fn parse_lenient(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, DecodeError> {
        Parser::lenient().metainfo(bytes)
    }

    pub(crate) fn read(bytes: Cow<'a, [u8]>, decoder: Decoder) -> Result<Self, DecodeError> {
        let (source, mut reports) = Source::decode(bytes, decoder)?;
        let root = source.node(NodeId::ROOT);
        let dict = root.as_dict().ok_or(DecodeError {
            offset: root.offset(),
            kind: ErrorKind::NotADictionary { what: "the file" },
        })?;
        let fields = Fields::read(required(dict, "info")?, &mut reports)?;
        check_optional_keys(dict, &mut reports)?;
        Ok(Self { info: Info::from_parts(source, fields, reports) })
    }

    /// What the torrent is of.
    pub fn info(&self) -> &Info<'a> {
        &self.info
    }

    /// What the torrent is of, without the rest. It keeps the whole file's bytes all the same.
    pub fn into_info(self) -> Info<'a> {
        self.info
    }

    /// See [`Info::info_hash`]: each call hashes.
    pub fn info_hash(&self) -> InfoHash {
        self.info.info_hash()
    }

    /// The file's bytes, without what lenient parsing found behind it.
    pub fn as_bytes(&self) -> &[u8] {
        self.dict().node().raw()
    }

    /// The outer dictionary, for keys that have no method here.
    pub fn dict(&self) -> Dict<'_, '_> {
        self.info.source().node(NodeId::ROOT).as_dict().expect("checked when parsed")
    }

    /// The tracker's URL.
    pub fn announce(&self) -> Option<&str> {
        self.dict().find(b"announce")?.as_str()
    }

    /// Tiers of tracker URLs (BEP 12): the first tier is tried first. Without an announce list, or
    /// with one that has no URL in it, [`announce`](Self::announce) is the only one.
    pub fn tiers(&self) -> Vec<Vec<&str>> {
        let list = self.dict().find(b"announce-list").and_then(Node::as_list);
        let tiers: Vec<Vec<&str>> = list
            .into_iter()
            .flatten()
            .filter_map(Node::as_list)
            .map(|tier| tier.iter().filter_map(Node::as_str).collect::<Vec<_>>())
            .filter(|tier| !tier.is_empty())
            .collect();
        match self.announce() {
            Some(only) if tiers.is_empty() => vec![vec![only]],
            _ => tiers,
        }
    }

    /// A comment of the author's; usually UTF-8.
    pub fn comment(&self) -> Option<&[u8]> {
        self.dict().find(b"comment")?.as_bytes()
    }

    /// The program that made the file; usually UTF-8.
    pub fn created_by(&self) -> Option<&[u8]> {
        self.dict().find(b"created by")?.as_bytes()
    }

    /// When the file was made, in seconds since 1970 (some programs wrote milliseconds).
    pub fn creation_date(&self) -> Option<i64> {
        self.dict().find(b"creation date")?.as_int()
    }

    /// What lenient parsing let through, in the file's order.
    pub fn deviations(&self) -> &[Deviation] {
        self.info.deviations()
    }

    /// One that borrows nothing. Copies the bytes if they are borrowed.
    pub fn into_owned(self) -> Metainfo<'static> {
        Metainfo { info: self.info.into_owned() }
    }
}

/// Equal bytes.
impl PartialEq for Metainfo<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Metainfo<'_> {}

fn check_optional_keys(dict: Dict<'_, '_>, reports: &mut Reports) -> Result<(), DecodeError> {
    let mut check = |key: &'static str, expected, good: fn(Node<'_, '_>) -> bool| match dict
        .find(key.as_bytes())
    {
        Some(node) if !good(node) => {
            reports.add(node.offset(), DeviationKind::Ignored { key, expected })
        }
        _ => Ok(()),
    };
    check("announce", "UTF-8 text", |node| node.as_str().is_some())?;
    check("announce-list", "a list of lists of UTF-8 text", is_announce_list)?;
    check("comment", "a string", |node| node.kind() == Kind::Bytes)?;
    check("created by", "a string", |node| node.kind() == Kind::Bytes)?;
    check("creation date", "an integer of 64 bits", |node| node.as_int().is_some())
}

fn is_announce_list(node: Node<'_, '_>) -> bool {
    let is_tier = |tier: Node<'_, '_>| {
        tier.as_list().is_some_and(|urls| urls.iter().all(|url| url.as_str().is_some()))
    };
    node.as_list().is_some_and(|tiers| tiers.iter().all(is_tier))
}
