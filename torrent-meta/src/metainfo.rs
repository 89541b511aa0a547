//! A whole .torrent file.

use alloc::borrow::Cow;
use alloc::vec;
use alloc::vec::Vec;

use overlay_bencode::{Dict, Kind, List, Node, NodeId};

use crate::error::{DecodeError, Deviation, ErrorKind};
use crate::info::{Fields, Info, check_similar, similar, strings};
use crate::info_hash::{InfoHash, InfoHashV2};
use crate::layout::required;
use crate::parser::{Parser, Reports};
use crate::piece_layers::PieceLayers;
use crate::source::Source;
use crate::version::Version;

/// A .torrent file of v1, v2 or both (hybrid).
///
/// It keeps the bytes it was parsed from, so unknown keys stay. It borrows them;
/// [`Metainfo::into_owned`], or parsing a `Vec`, gives one that does not.
#[derive(Clone, Debug)]
pub struct Metainfo<'a> {
    /// Its source is the whole file.
    info: Info<'a>,
    layers: PieceLayers,
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

    pub(crate) fn read(bytes: Cow<'a, [u8]>, parser: &Parser) -> Result<Self, DecodeError> {
        let (source, mut reports) = Source::decode(bytes, parser.decoder())?;
        let root = source.node(NodeId::ROOT);
        let dict = root.as_dict().ok_or(DecodeError {
            offset: root.offset(),
            kind: ErrorKind::NotADictionary { what: "the file" },
        })?;
        let limits = parser.limits_in_use();
        let fields = Fields::read(required(dict, "info")?, &source, limits, &mut reports)?;
        let layers = if fields.version.has_v2() {
            PieceLayers::read(dict, &source, &fields, &mut reports)?
        } else {
            PieceLayers::default()
        };
        check_optional_keys(dict, &mut reports)?;
        Ok(Self { info: Info::from_parts(source, fields, reports), layers })
    }

    /// What the torrent is of.
    pub fn info(&self) -> &Info<'a> {
        &self.info
    }

    /// What the torrent is of, without the rest. It keeps the whole file's bytes all the same.
    pub fn into_info(self) -> Info<'a> {
        self.info
    }

    /// See [`Info::version`].
    pub fn version(&self) -> Version {
        self.info.version()
    }

    /// See [`Info::info_hash_v1`]: each call hashes.
    pub fn info_hash_v1(&self) -> Option<InfoHash> {
        self.info.info_hash_v1()
    }

    /// See [`Info::info_hash_v2`]: each call hashes.
    pub fn info_hash_v2(&self) -> Option<InfoHashV2> {
        self.info.info_hash_v2()
    }

    /// The hash of each piece of the v2 file with this root ([`File::pieces_root`]), checked against
    /// the root. `None` for a file of at most one piece, whose hash is the root, and where the
    /// torrent lacks the layer.
    ///
    /// [`File::pieces_root`]: crate::File::pieces_root
    pub fn piece_layer(&self, root: [u8; 32]) -> Option<&[[u8; 32]]> {
        let (hashes, _) = self.layers.find(root, self.info.source())?.as_chunks();
        Some(hashes)
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

    /// URLs of HTTP and FTP servers that have the files (BEP 19).
    pub fn web_seeds(&self) -> Vec<&str> {
        one_or_more(self.dict(), b"url-list")
    }

    /// URLs of HTTP servers that have the content by pieces (BEP 17).
    pub fn http_seeds(&self) -> Vec<&str> {
        one_or_more(self.dict(), b"httpseeds")
    }

    /// DHT nodes to start from: host, by name or address, and port (BEP 5).
    pub fn nodes(&self) -> Vec<(&str, u16)> {
        let list = self.dict().find(b"nodes").and_then(Node::as_list);
        list.into_iter().flatten().filter_map(host_and_port).collect()
    }

    /// Whether it names no tracker (BEP 5): peers are then found through the DHT.
    pub fn is_trackerless(&self) -> bool {
        self.tiers().is_empty()
    }

    /// Info-hashes of torrents that have files in common with this one (BEP 38): those of the info
    /// dictionary, then those of the outer one.
    pub fn similar(&self) -> impl Iterator<Item = InfoHash> {
        self.info.similar().chain(similar(self.dict()))
    }

    /// The names of collections that it belongs to (BEP 38): those of the info dictionary, then
    /// those of the outer one.
    pub fn collections(&self) -> impl Iterator<Item = &[u8]> {
        self.info.collections().chain(strings(self.dict(), b"collections"))
    }

    /// A comment of the author's; usually UTF-8. `comment.utf-8` if it is there.
    pub fn comment(&self) -> Option<&[u8]> {
        let find = |key: &[u8]| self.dict().find(key)?.as_bytes();
        find(b"comment.utf-8").or_else(|| find(b"comment"))
    }

    /// The program that made the file; usually UTF-8. `created by.utf-8` if it is there.
    pub fn created_by(&self) -> Option<&[u8]> {
        let find = |key: &[u8]| self.dict().find(key)?.as_bytes();
        find(b"created by.utf-8").or_else(|| find(b"created by"))
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
        Metainfo { info: self.info.into_owned(), layers: self.layers }
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
    let is_string = |node: Node<'_, '_>| node.kind() == Kind::Bytes;
    let mut check = |key: &'static str, expected, good: fn(Node<'_, '_>) -> bool| match dict
        .find(key.as_bytes())
    {
        Some(node) if !good(node) => reports.ignored(node.offset(), key, expected),
        _ => Ok(()),
    };
    check("announce", "UTF-8 text", |node| node.as_str().is_some())?;
    check("announce-list", "a list of lists of UTF-8 text", is_announce_list)?;
    check("comment", "a string", is_string)?;
    check("comment.utf-8", "a string", is_string)?;
    check("created by", "a string", is_string)?;
    check("created by.utf-8", "a string", is_string)?;
    check("creation date", "an integer of 64 bits", |node| node.as_int().is_some())?;
    check("url-list", "UTF-8 text, or a list of it", is_one_or_more)?;
    check("httpseeds", "UTF-8 text, or a list of it", is_one_or_more)?;
    check("nodes", "a list of lists of host and port", |node| {
        let is_node = |node| host_and_port(node).is_some();
        node.as_list().is_some_and(|nodes| nodes.iter().all(is_node))
    })?;
    check_similar(dict, reports)
}

fn is_announce_list(node: Node<'_, '_>) -> bool {
    node.as_list().is_some_and(|tiers| tiers.iter().all(|tier| tier.as_list().is_some_and(is_text)))
}

fn is_one_or_more(node: Node<'_, '_>) -> bool {
    node.as_str().is_some() || node.as_list().is_some_and(is_text)
}

fn is_text(list: List<'_, '_>) -> bool {
    list.iter().all(|url| url.as_str().is_some())
}

/// The URLs of a list, or a URL alone; empty ones are left out, as programs write them for none.
fn one_or_more<'i>(dict: Dict<'i, 'i>, key: &[u8]) -> Vec<&'i str> {
    let node = dict.find(key);
    let list = node.and_then(Node::as_list).into_iter().flatten();
    let urls = node.into_iter().chain(list).filter_map(Node::as_str);
    urls.filter(|url| !url.is_empty()).collect()
}

fn host_and_port<'a>(node: Node<'_, 'a>) -> Option<(&'a str, u16)> {
    let mut items = node.as_list()?.iter();
    let host = items.next()?.as_str()?;
    let port = items.next()?.as_uint()?.try_into().ok()?;
    Some((host, port))
}
