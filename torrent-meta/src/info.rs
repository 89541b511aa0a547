//! The info dictionary: what a torrent is of.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use overlay_bencode::{Dict, Kind, Node, NodeId};

use crate::collisions::PathCollision;
use crate::error::{DecodeError, Deviation, DeviationKind, ErrorKind};
use crate::file::{File, Files};
use crate::info_hash::{InfoHash, InfoHashV2};
use crate::layout::{Layout, NO_NODE, required};
use crate::limits::Limits;
use crate::parser::{Parser, Reports};
use crate::piece::{PieceHash, PieceLength};
use crate::safe_paths::SafePaths;
use crate::source::Source;
use crate::version::Version;

/// An info dictionary (BEP 3, BEP 52), checked: the files' lengths add up, there is one v1 hash for
/// each piece, and a hybrid has the same files for v1 and v2. It keeps the bytes it was parsed from,
/// so unknown keys stay, and the hash is theirs.
///
/// It borrows what it was parsed from; [`Info::into_owned`], or parsing a `Vec`, gives one that does
/// not.
#[derive(Clone, Debug)]
pub struct Info<'a> {
    source: Source<'a>,
    fields: Fields,
    deviations: Vec<Deviation>,
}

impl<'a> Info<'a> {
    /// Parses an info dictionary on its own, strictly. Offsets in errors count from its start.
    ///
    /// # Errors
    /// See [`Parser::info`].
    pub fn parse(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, DecodeError> {
        Parser::strict().info(bytes)
    }

    /// Parses an info dictionary on its own, leniently.
    ///
    /// # Errors
    /// See [`Parser::info`].
    pub fn parse_lenient(bytes: impl Into<Cow<'a, [u8]>>) -> Result<Self, DecodeError> {
        Parser::lenient().info(bytes)
    }

    pub(crate) fn read(bytes: Cow<'a, [u8]>, parser: &Parser) -> Result<Self, DecodeError> {
        let (source, mut reports) = Source::decode(bytes, parser.decoder())?;
        let root = source.node(NodeId::ROOT);
        let fields = Fields::read(root, &source, parser.limits_in_use(), &mut reports)?;
        Ok(Self { source, fields, deviations: reports.finish() })
    }

    pub(crate) fn from_parts(source: Source<'a>, fields: Fields, reports: Reports) -> Self {
        Self { source, fields, deviations: reports.finish() }
    }

    pub(crate) fn source(&self) -> &Source<'a> {
        &self.source
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.fields.layout
    }

    /// The dictionary's bytes as they stand in the input.
    pub fn raw(&self) -> &[u8] {
        self.node(self.fields.root).raw()
    }

    /// Which formats it has.
    pub fn version(&self) -> Version {
        self.fields.version
    }

    /// SHA-1 over [`raw`](Self::raw), the name of a v1 torrent; `None` if it is v2 only. Nothing is
    /// cached: each call hashes all of it, which takes longer than parsing did.
    pub fn info_hash_v1(&self) -> Option<InfoHash> {
        self.version().has_v1().then(|| InfoHash::of(self.raw()))
    }

    /// SHA-256 over [`raw`](Self::raw), the name of a v2 torrent; `None` if it is v1 only. Nothing
    /// is cached: each call hashes all of it.
    pub fn info_hash_v2(&self) -> Option<InfoHashV2> {
        self.version().has_v2().then(|| InfoHashV2::of(self.raw()))
    }

    /// The dictionary, for keys that have no method here.
    pub fn dict(&self) -> Dict<'_, '_> {
        self.node(self.fields.root).as_dict().expect("checked when parsed")
    }

    /// The suggested name of the file, or of the directory of files. Usually UTF-8, and not safe to
    /// use as a path: see [`File::safe_path`].
    pub fn name(&self) -> &[u8] {
        self.bytes(self.fields.name)
    }

    /// How many bytes each piece has; the last one, and in v2 the last of each file, may have fewer.
    pub fn piece_length(&self) -> PieceLength {
        self.fields.piece_length
    }

    /// The v1 hash of each piece; none if it is v2 only.
    pub fn pieces(&self) -> &[PieceHash] {
        let (hashes, _) = self.bytes(self.fields.pieces).as_chunks();
        hashes
    }

    /// How many pieces the content has. In v2 each file that is not empty has its own.
    pub fn piece_count(&self) -> u32 {
        // Checked when parsed.
        self.piece_length().pieces(self.total_length()) as u32
    }

    /// How many bytes of content a piece has; `None` if there is no such piece. In v2 alone, that is
    /// up to the end of its file.
    pub fn piece_size(&self, piece: u32) -> Option<u32> {
        let length = self.piece_length().get();
        let start = u64::from(piece) * u64::from(length);
        let end = if self.version().has_v1() {
            self.total_length()
        } else {
            let file = self.file_at(start)?;
            file.offset() + file.length()
        };
        let left = end.checked_sub(start).filter(|&left| left > 0)?;
        Some(u32::try_from(left).map_or(length, |left| left.min(length)))
    }

    /// Where the last file ends in the content: pad files, and in v2 the gaps before files, are
    /// counted. For what there is to store, add up the lengths of [`stored_files`](Self::stored_files).
    pub fn total_length(&self) -> u64 {
        self.fields.layout.total
    }

    /// Whether peers may be found through the torrent's own trackers only (BEP 27).
    pub fn is_private(&self) -> bool {
        self.fields.private
    }

    /// Whether it is one file, not a directory of files.
    pub fn is_single_file(&self) -> bool {
        self.fields.layout.single
    }

    /// How many files there are.
    pub fn file_count(&self) -> usize {
        self.fields.layout.entries.len()
    }

    /// The files in the order of the content. Those of a hybrid are as v1 has them: with pad files.
    pub fn files(&self) -> Files<'_> {
        Files::new(self)
    }

    /// The safe paths of all [`files`](Self::files). Each can have 4095 bytes however few the torrent
    /// spends on it, if directories are shared: of a great torrent from a stranger, rather look at one
    /// after the other with [`File::push_safe_path`].
    pub fn safe_paths(&self) -> SafePaths {
        SafePaths::of(self)
    }

    /// The files that can not all be stored, as their safe paths are the same, or one's is a directory
    /// of another's: everywhere, or on file systems that take upper and lower case, or Unicode forms,
    /// for the same. In the order of the first files. Pad files are left out, as they are not stored,
    /// and so are files without a safe path. Directories that fall together are no collision.
    ///
    /// Names are compared in canonical decomposition and by full case folding (`Straße` and `STRASSE`
    /// are the same), as ext4 does where it ignores case, and APFS nearly. NTFS folds letter by letter
    /// and tells Unicode forms apart, so that it can store some of what is found here. Characters that
    /// ext4 does not see at all, such as the soft hyphen, are seen here.
    ///
    /// Memory is in proportion to the torrent's bytes; time too, times the logarithm of their number.
    ///
    /// ```
    /// use torrent_meta::{CollisionKind, Creator};
    ///
    /// let creator = Creator::directory("d").file(["README"], 0).file(["readme"], 0);
    /// let metainfo = creator.start()?.finish()?;
    /// let collisions = metainfo.info().path_collisions();
    /// assert_eq!((collisions[0].kind, &collisions[0].files[..]), (CollisionKind::Folded, &[0, 1][..]));
    /// # Ok::<(), torrent_meta::CreateError>(())
    /// ```
    pub fn path_collisions(&self) -> Vec<PathCollision> {
        crate::collisions::find(self)
    }

    /// The files without pad files.
    pub fn stored_files(&self) -> impl Iterator<Item = File<'_>> {
        self.files().filter(|file| !file.is_pad())
    }

    /// The file that has the byte at an offset of the content; `None` behind the end, and in a v2
    /// torrent's gap. Takes the logarithm of the number of files.
    pub fn file_at(&self, offset: u64) -> Option<File<'_>> {
        let ends_before = |entry: &crate::layout::Entry| entry.offset + entry.length <= offset;
        let index = self.fields.layout.entries.partition_point(ends_before);
        self.files().nth(index).filter(|file| file.offset() <= offset)
    }

    /// Info-hashes of torrents that have files in common with this one (BEP 38). The outer
    /// dictionary may name more: [`Metainfo::similar`](crate::Metainfo::similar).
    pub fn similar(&self) -> impl Iterator<Item = InfoHash> {
        similar(self.dict())
    }

    /// The names of collections that it belongs to (BEP 38). The outer dictionary may name more:
    /// [`Metainfo::collections`](crate::Metainfo::collections).
    pub fn collections(&self) -> impl Iterator<Item = &[u8]> {
        strings(self.dict(), b"collections")
    }

    /// Where newer versions of the torrent are found (BEP 39).
    pub fn update_url(&self) -> Option<&str> {
        self.dict().find(b"update-url")?.as_str()
    }

    /// What lenient parsing let through, in the input's order. Of a whole file's info dictionary:
    /// what is in the whole file.
    pub fn deviations(&self) -> &[Deviation] {
        &self.deviations
    }

    /// One that borrows nothing. Copies the bytes if they are borrowed.
    pub fn into_owned(self) -> Info<'static> {
        Info { source: self.source.into_owned(), fields: self.fields, deviations: self.deviations }
    }

    pub(crate) fn node(&self, id: NodeId) -> Node<'_, '_> {
        self.source.node(id)
    }

    /// `name.utf-8`, or `name` without it.
    pub(crate) fn utf8_name(&self) -> &[u8] {
        self.bytes(self.fields.utf8_name)
    }

    /// A file's `pieces root`.
    pub(crate) fn root(&self, file: usize) -> Option<&[u8]> {
        let root = *self.fields.layout.roots.get(file)?;
        (root != NO_NODE).then(|| self.bytes(root))
    }

    fn bytes(&self, id: NodeId) -> &[u8] {
        self.node(id).as_bytes().unwrap_or_default()
    }
}

/// Equal bytes, equal torrents.
impl PartialEq for Info<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.raw() == other.raw()
    }
}

impl Eq for Info<'_> {}

/// Where the parts are, and what they amount to.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    root: NodeId,
    pub(crate) version: Version,
    name: NodeId,
    /// `name.utf-8` if it is there.
    utf8_name: NodeId,
    /// A string, or [`NO_NODE`].
    pieces: NodeId,
    pub(crate) piece_length: PieceLength,
    pub(crate) layout: Layout,
    private: bool,
}

const INTEGER: &str = "an integer of 64 bits";

impl Fields {
    pub(crate) fn read(
        root: Node<'_, '_>,
        source: &Source<'_>,
        limits: &Limits,
        reports: &mut Reports,
    ) -> Result<Self, DecodeError> {
        let dict = root.as_dict().ok_or(DecodeError {
            offset: root.offset(),
            kind: ErrorKind::NotADictionary { what: "the value of 'info'" },
        })?;
        let version = read_version(dict, reports)?;
        let (name, utf8_name) = read_name(dict, reports)?;
        let piece_length = read_piece_length(dict, version, limits)?;
        let layout = match version {
            Version::V1 => Layout::read_v1(dict, name, limits, reports)?,
            Version::V2 => Layout::read_tree(file_tree(dict)?, piece_length, limits, reports)?,
            Version::Hybrid => {
                let mut layout = Layout::read_v1(dict, name, limits, reports)?;
                let tree_node = file_tree(dict)?;
                let tree = Layout::read_tree(tree_node, piece_length, limits, reports)?;
                let inconsistent = DecodeError {
                    offset: tree_node.node().offset(),
                    kind: ErrorKind::Inconsistent,
                };
                layout.merge(&tree, utf8_name, source).map_err(|_| inconsistent)?;
                if piece_length.pieces(layout.total) != piece_length.pieces(tree.total) {
                    return Err(inconsistent);
                }
                layout
            }
        };
        let pieces = piece_length.pieces(layout.total);
        if pieces > limits.pieces.into() {
            let kind = ErrorKind::TooManyPieces { pieces, max: limits.pieces };
            return Err(DecodeError { offset: root.offset(), kind });
        }
        let pieces = if version.has_v1() { check_pieces(dict, pieces)?.id() } else { NO_NODE };
        let private = read_optional(dict, reports)?;
        Ok(Self {
            root: root.id(),
            version,
            name,
            utf8_name,
            pieces,
            piece_length,
            layout,
            private,
        })
    }
}

fn read_version(dict: Dict<'_, '_>, reports: &mut Reports) -> Result<Version, DecodeError> {
    let node = dict.find(b"meta version");
    let version = match node.map(|node| (node, node.as_int())) {
        None => 1,
        Some((_, Some(version))) => version,
        Some((node, None)) => {
            reports.ignored(node.offset(), "meta version", INTEGER)?;
            1
        }
    };
    let error = |node: Node<'_, '_>, kind| Err(DecodeError { offset: node.offset(), kind });
    match version {
        ..2 => match dict.find(b"file tree") {
            Some(tree) if tree.kind() == Kind::Dict => error(tree, ErrorKind::MissingVersion),
            _ => Ok(Version::V1),
        },
        2 => {
            let within = reports.first_within(dict.node().span());
            if let Some(&Deviation { offset, kind: DeviationKind::Bencode(kind) }) = within {
                return Err(DecodeError { offset, kind: ErrorKind::NotCanonical(kind) });
            }
            let hashes = dict.find(b"pieces");
            let files = dict.find(b"files").or_else(|| dict.find(b"length"));
            match (hashes, files) {
                (None, None) => Ok(Version::V2),
                (Some(_), Some(_)) => Ok(Version::Hybrid),
                (Some(hashes), None) => {
                    reports.add(hashes.offset(), DeviationKind::HalfV1 { key: "pieces" })?;
                    Ok(Version::V2)
                }
                (None, Some(files)) => {
                    let key = if files.kind() == Kind::List { "files" } else { "length" };
                    reports.add(files.offset(), DeviationKind::HalfV1 { key })?;
                    Ok(Version::V2)
                }
            }
        }
        version => error(node.unwrap_or(dict.node()), ErrorKind::UnknownVersion { version }),
    }
}

/// `name`, and what is better text.
fn read_name(dict: Dict<'_, '_>, reports: &mut Reports) -> Result<(NodeId, NodeId), DecodeError> {
    let name = dict.find(b"name");
    let mut utf8_name = dict.find(b"name.utf-8");
    if let Some(node) = utf8_name.take_if(|node| node.kind() != Kind::Bytes) {
        reports.ignored(node.offset(), "name.utf-8", "a string")?;
    }
    if name.is_none()
        && let Some(utf8_name) = utf8_name
    {
        reports.add(utf8_name.offset(), DeviationKind::OnlyUtf8 { key: "name" })?;
    }
    let name = name.or(utf8_name).map_or_else(|| required(dict, "name"), Ok)?;
    string(name, "name")?;
    Ok((name.id(), utf8_name.unwrap_or(name).id()))
}

fn read_piece_length(
    dict: Dict<'_, '_>,
    version: Version,
    limits: &Limits,
) -> Result<PieceLength, DecodeError> {
    let node = required(dict, "piece length")?;
    let error = |kind| DecodeError { offset: node.offset(), kind };
    let max = limits.piece_length;
    let length = node
        .as_uint()
        .and_then(|bytes| u32::try_from(bytes).ok())
        .filter(|&bytes| bytes <= max)
        .and_then(|bytes| PieceLength::new(bytes).ok())
        .ok_or(error(ErrorKind::PieceLength { max }))?;
    let bytes = length.get();
    if version.has_v2() && !(bytes.is_power_of_two() && bytes >= 16 << 10) {
        return Err(error(ErrorKind::PieceLengthV2 { length: bytes }));
    }
    Ok(length)
}

fn file_tree<'t, 'a>(dict: Dict<'t, 'a>) -> Result<Dict<'t, 'a>, DecodeError> {
    let node = required(dict, "file tree")?;
    let kind = ErrorKind::WrongKind { key: "file tree", expected: "a dictionary" };
    node.as_dict().ok_or(DecodeError { offset: node.offset(), kind })
}

fn check_pieces<'t, 'a>(dict: Dict<'t, 'a>, expected: u64) -> Result<Node<'t, 'a>, DecodeError> {
    let node = required(dict, "pieces")?;
    let length = string(node, "pieces")?.len();
    if length % 20 != 0 {
        let kind = ErrorKind::PiecesLength { length };
        return Err(DecodeError { offset: node.offset(), kind });
    }
    let found = (length / 20) as u64;
    if expected != found {
        let kind = ErrorKind::PieceCount { expected, found };
        return Err(DecodeError { offset: node.offset(), kind });
    }
    Ok(node)
}

/// Checks the kinds of keys that may be missing. Whether the torrent is private.
fn read_optional(dict: Dict<'_, '_>, reports: &mut Reports) -> Result<bool, DecodeError> {
    let private = match dict.find(b"private") {
        None => false,
        Some(node) => match node.as_int() {
            Some(number) => number != 0,
            None => {
                reports.ignored(node.offset(), "private", INTEGER)?;
                false
            }
        },
    };
    check_similar(dict, reports)?;
    if let Some(node) = dict.find(b"update-url").filter(|node| node.as_str().is_none()) {
        reports.ignored(node.offset(), "update-url", "UTF-8 text")?;
    }
    Ok(private)
}

/// The keys of BEP 38, which may stand in either dictionary.
pub(crate) fn check_similar(dict: Dict<'_, '_>, reports: &mut Reports) -> Result<(), DecodeError> {
    let is_list_of = |node: Node<'_, '_>, good: fn(&[u8]) -> bool| {
        node.as_list().is_some_and(|list| list.iter().all(|item| item.as_bytes().is_some_and(good)))
    };
    if let Some(node) = dict.find(b"similar")
        && !is_list_of(node, |hash| hash.len() == InfoHash::LEN)
    {
        reports.ignored(node.offset(), "similar", "a list of strings of 20 bytes")?;
    }
    if let Some(node) = dict.find(b"collections")
        && !is_list_of(node, |_| true)
    {
        reports.ignored(node.offset(), "collections", "a list of strings")?;
    }
    Ok(())
}

pub(crate) fn similar<'i>(dict: Dict<'i, 'i>) -> impl Iterator<Item = InfoHash> + 'i {
    strings(dict, b"similar").filter_map(|hash| Some(InfoHash(hash.try_into().ok()?)))
}

/// The strings of a list.
pub(crate) fn strings<'i>(dict: Dict<'i, 'i>, key: &[u8]) -> impl Iterator<Item = &'i [u8]> + 'i {
    dict.find(key).and_then(Node::as_list).into_iter().flatten().filter_map(Node::as_bytes)
}

fn string<'a>(node: Node<'_, 'a>, key: &'static str) -> Result<&'a [u8], DecodeError> {
    let kind = ErrorKind::WrongKind { key, expected: "a string" };
    node.as_bytes().ok_or(DecodeError { offset: node.offset(), kind })
}
