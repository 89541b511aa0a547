//! Magnet links: a torrent's name, and where to ask for the rest.

use alloc::borrow::{Cow, ToOwned};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use data_encoding::BASE32;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use crate::file_ranges::FileRanges;
use crate::info_hash::{InfoHash, InfoHashV2};
use crate::metainfo::Metainfo;
use crate::peer_address::PeerAddress;
use crate::version::Version;

/// A magnet link of BitTorrent (BEP 9, BEP 53): the info-hash by which a torrent is found, and what
/// helps on the way. `parse` and `Display` are inverse to each other.
///
/// ```
/// use torrent_meta::{InfoHash, Magnet};
///
/// let link = "magnet:?xt=urn:btih:AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH\
///             &dn=two+words&tr.1=udp%3A%2F%2Ftracker.example%3A80&so=0,2,4-8&x.y=z";
/// let mut magnet = Magnet::parse(link)?;
/// let hash: InfoHash = "0123456789abcdef0123456789abcdef01234567".parse()?;
/// assert_eq!(magnet.info_hash_v1(), Some(hash));
/// assert_eq!(magnet.display_name.as_deref(), Some("two words"));
/// assert!(magnet.select_only.as_ref().is_some_and(|files| files.contains(5)));
///
/// magnet.trackers.clear();
/// assert_eq!(
///     magnet.to_string(),
///     "magnet:?xt=urn:btih:0123456789abcdef0123456789abcdef01234567\
///      &dn=two%20words&so=0,2,4-8&x.y=z"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # What is accepted
/// The scheme, `urn:btih:` and the keys in any case. A number behind a key (`tr.1`) means nothing, the
/// order does. Values are percent-decoded, in names and keywords a `+` is a space, as programs write it.
/// Empty values are left out. Parameters that are not known here are kept as they stand, in order, and
/// so are those that come again although one is enough (a second `dn`).
///
/// # What is written
/// The hashes (hexadecimal), name, length, trackers, web seeds, sources, keywords, peers and selected
/// files, then all others. In texts everything but letters, digits and `-._~` is percent-encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Magnet {
    hashes: Hashes,
    /// `dn`: what to call the torrent before its metadata is there.
    pub display_name: Option<String>,
    /// `xl`: how many bytes there are to fetch, pad files not counted.
    pub length: Option<u64>,
    /// `tr`: URLs of trackers. Which tiers they form is not said.
    pub trackers: Vec<String>,
    /// `ws`: URLs of web seeds (BEP 19).
    pub web_seeds: Vec<String>,
    /// `xs`: where the content, or its torrent, is.
    pub exact_sources: Vec<String>,
    /// `as`: where else it may be.
    pub acceptable_sources: Vec<String>,
    /// `kt`: words to search for.
    pub keywords: Vec<String>,
    /// `x.pe`: peers to ask.
    pub peers: Vec<PeerAddress>,
    /// `so`: which files to fetch (BEP 53); without it, all of them. A link can not say "none": an
    /// empty set is not written.
    pub select_only: Option<FileRanges>,
    /// Key and value as they stood in the link.
    other: Vec<(String, String)>,
}

/// At least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hashes {
    V1(InfoHash),
    V2(InfoHashV2),
    Hybrid(InfoHash, InfoHashV2),
}

const SCHEME: &str = "magnet:?";
const BTIH: &str = "urn:btih:";
const BTMH: &str = "urn:btmh:";
/// What a multihash starts with that is a SHA-256 of 32 bytes.
const SHA2_256: &str = "1220";

/// All but what RFC 3986 calls unreserved.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl Magnet {
    /// The longest link that is parsed, in bytes: 1 MiB.
    pub const MAX_LENGTH: usize = 1 << 20;
    /// The most parameters a link may have that is parsed.
    pub const MAX_PARAMETERS: usize = 10_000;

    /// A link to a v1 torrent.
    pub const fn v1(hash: InfoHash) -> Self {
        Self::new(Hashes::V1(hash))
    }

    /// A link to a v2 torrent.
    pub const fn v2(hash: InfoHashV2) -> Self {
        Self::new(Hashes::V2(hash))
    }

    /// A link to a hybrid torrent.
    pub const fn hybrid(v1: InfoHash, v2: InfoHashV2) -> Self {
        Self::new(Hashes::Hybrid(v1, v2))
    }

    const fn new(hashes: Hashes) -> Self {
        Self {
            hashes,
            display_name: None,
            length: None,
            trackers: Vec::new(),
            web_seeds: Vec::new(),
            exact_sources: Vec::new(),
            acceptable_sources: Vec::new(),
            keywords: Vec::new(),
            peers: Vec::new(),
            select_only: None,
            other: Vec::new(),
        }
    }

    /// Parses a link whose every known parameter is as it should be.
    ///
    /// # Errors
    /// It is no magnet link, or of no BitTorrent torrent, or a parameter is malformed. Offsets count
    /// bytes from the link's start.
    pub fn parse(link: &str) -> Result<Self, MagnetError> {
        let (magnet, ignored) = Self::parse_lenient(link)?;
        match ignored.first() {
            None => Ok(magnet),
            Some(error) => Err(*error),
        }
    }

    /// Parses a link and keeps what is malformed in it as if it were unknown, but for the hashes, without
    /// which it is worth nothing. Also gives what [`parse`](Self::parse) would have refused.
    ///
    /// # Errors
    /// It is no magnet link, of no BitTorrent torrent, of two different ones, or beyond
    /// [`MAX_LENGTH`](Self::MAX_LENGTH) or [`MAX_PARAMETERS`](Self::MAX_PARAMETERS).
    pub fn parse_lenient(link: &str) -> Result<(Self, Vec<MagnetError>), MagnetError> {
        let fail = |offset, kind| Err(MagnetError { offset, kind });
        if link.len() > Self::MAX_LENGTH {
            return fail(Self::MAX_LENGTH, MagnetErrorKind::TooLong { max: Self::MAX_LENGTH });
        }
        let Some((scheme, query)) = link.split_at_checked(SCHEME.len()) else {
            return fail(0, MagnetErrorKind::NoMagnet);
        };
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return fail(0, MagnetErrorKind::NoMagnet);
        }
        let (mut v1, mut v2) = (None, None);
        // Stands in until the hashes are known.
        let mut magnet = Self::v1(InfoHash([0; InfoHash::LEN]));
        let mut ignored = Vec::new();
        let mut offset = SCHEME.len();
        for (count, parameter) in query.split('&').enumerate() {
            if count >= Self::MAX_PARAMETERS {
                let max = Self::MAX_PARAMETERS;
                return fail(offset, MagnetErrorKind::TooManyParameters { max });
            }
            let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let start = (offset + key.len() + 1).min(link.len());
            offset += parameter.len() + 1;
            let outcome = match topic(key, value) {
                Some(Topic::V1(hash)) => hash.and_then(|hash| unique(&mut v1, hash)),
                Some(Topic::V2(hash)) => hash.and_then(|hash| unique(&mut v2, hash)),
                None => {
                    if let Err(kind) = magnet.take(key, value) {
                        ignored.push(MagnetError { offset: start, kind });
                        magnet.other.push((key.to_owned(), value.to_owned()));
                    }
                    continue;
                }
            };
            outcome.map_err(|kind| MagnetError { offset: start, kind })?;
        }
        magnet.hashes = match (v1, v2) {
            (Some(v1), Some(v2)) => Hashes::Hybrid(v1, v2),
            (Some(v1), None) => Hashes::V1(v1),
            (None, Some(v2)) => Hashes::V2(v2),
            (None, None) => return fail(link.len(), MagnetErrorKind::NoInfoHash),
        };
        Ok((magnet, ignored))
    }

    /// The link to a torrent: its hashes, name and length, and its trackers and web seeds in order. A
    /// name that is no UTF-8 gets U+FFFD where it is not.
    pub fn of(metainfo: &Metainfo<'_>) -> Self {
        let info = metainfo.info();
        let (v1, v2) = (|| InfoHash::of(info.raw()), || InfoHashV2::of(info.raw()));
        let hashes = match info.version() {
            Version::V1 => Hashes::V1(v1()),
            Version::V2 => Hashes::V2(v2()),
            Version::Hybrid => Hashes::Hybrid(v1(), v2()),
        };
        let mut magnet = Self::new(hashes);
        let name = String::from_utf8_lossy(info.name());
        magnet.display_name = Some(name.into_owned()).filter(|name| !name.is_empty());
        magnet.length = Some(info.stored_files().map(|file| file.length()).sum());
        let urls = |urls: &mut dyn Iterator<Item = &str>| {
            urls.filter(|url| !url.is_empty()).map(ToOwned::to_owned).collect()
        };
        magnet.trackers = urls(&mut metainfo.tiers().into_iter().flatten());
        magnet.web_seeds = urls(&mut metainfo.web_seeds().into_iter());
        magnet
    }

    pub(crate) const fn hashes(&self) -> Hashes {
        self.hashes
    }

    /// The v1 info-hash (`btih`), also of a hybrid torrent.
    pub const fn info_hash_v1(&self) -> Option<InfoHash> {
        match self.hashes {
            Hashes::V1(hash) | Hashes::Hybrid(hash, _) => Some(hash),
            Hashes::V2(_) => None,
        }
    }

    /// The v2 info-hash (`btmh`), also of a hybrid torrent.
    pub const fn info_hash_v2(&self) -> Option<InfoHashV2> {
        match self.hashes {
            Hashes::V2(hash) | Hashes::Hybrid(_, hash) => Some(hash),
            Hashes::V1(_) => None,
        }
    }

    /// The parameters that are not known here, as they stood in the link: not decoded, in order.
    pub fn other(&self) -> impl Iterator<Item = (&str, &str)> {
        self.other.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Takes a parameter that is no hash.
    fn take(&mut self, key: &str, value: &str) -> Result<(), MagnetErrorKind> {
        let known = Key::of(key);
        if value.is_empty() && (known.is_some() || key.is_empty()) {
            return Ok(());
        }
        match known {
            Some(Key::Name) if self.display_name.is_none() => {
                self.display_name = Some(decode(&spaces(value))?);
            }
            Some(Key::Length) if self.length.is_none() => {
                let digits = value.bytes().all(|byte| byte.is_ascii_digit());
                let length = value.parse().ok().filter(|_| digits);
                self.length = Some(length.ok_or(MagnetErrorKind::Length)?);
            }
            Some(Key::Tracker) => self.trackers.push(decode(value)?),
            Some(Key::WebSeed) => self.web_seeds.push(decode(value)?),
            Some(Key::ExactSource) => self.exact_sources.push(decode(value)?),
            Some(Key::AcceptableSource) => self.acceptable_sources.push(decode(value)?),
            Some(Key::Keywords) => {
                let words = value.split('+').filter(|word| !word.is_empty()).map(decode);
                let words: Vec<String> = words.collect::<Result<_, _>>()?;
                self.keywords.extend(words);
            }
            Some(Key::Peer) => {
                let peer = decode(value)?.parse().map_err(|_| MagnetErrorKind::Peer)?;
                self.peers.push(peer);
            }
            Some(Key::SelectOnly) if self.select_only.is_none() => {
                let files = decode(value)?.parse().map_err(|_| MagnetErrorKind::SelectOnly)?;
                self.select_only = Some(files);
            }
            _ => self.other.push((key.to_owned(), value.to_owned())),
        }
        Ok(())
    }
}

/// What a parameter says that is no hash.
#[derive(Clone, Copy)]
enum Key {
    Name,
    Length,
    Tracker,
    WebSeed,
    ExactSource,
    AcceptableSource,
    Keywords,
    Peer,
    SelectOnly,
}

impl Key {
    const ALL: [(&'static str, Self); 9] = [
        ("dn", Self::Name),
        ("xl", Self::Length),
        ("tr", Self::Tracker),
        ("ws", Self::WebSeed),
        ("xs", Self::ExactSource),
        ("as", Self::AcceptableSource),
        ("kt", Self::Keywords),
        ("x.pe", Self::Peer),
        ("so", Self::SelectOnly),
    ];

    fn of(key: &str) -> Option<Self> {
        let key = without_number(key);
        let found = Self::ALL.iter().find(|(name, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, key)| *key)
    }
}

/// `tr.1` is `tr`.
fn without_number(key: &str) -> &str {
    match key.rsplit_once('.') {
        Some((name, number))
            if !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            name
        }
        _ => key,
    }
}

/// An `xt` of BitTorrent.
enum Topic {
    V1(Result<InfoHash, MagnetErrorKind>),
    V2(Result<InfoHashV2, MagnetErrorKind>),
}

fn topic(key: &str, value: &str) -> Option<Topic> {
    if !without_number(key).eq_ignore_ascii_case("xt") {
        return None;
    }
    let value = percent_decode_str(value).decode_utf8().ok()?;
    let (urn, hash) = value.split_at_checked(BTIH.len())?;
    if urn.eq_ignore_ascii_case(BTIH) {
        Some(Topic::V1(btih(hash).ok_or(MagnetErrorKind::InfoHashV1)))
    } else if urn.eq_ignore_ascii_case(BTMH) {
        Some(Topic::V2(btmh(hash).ok_or(MagnetErrorKind::InfoHashV2)))
    } else {
        None
    }
}

/// 40 hexadecimal digits, or 32 characters of base 32 as old links have them.
fn btih(hash: &str) -> Option<InfoHash> {
    if hash.len() != 32 {
        return hash.parse().ok();
    }
    let bytes = BASE32.decode(hash.to_ascii_uppercase().as_bytes()).ok()?;
    Some(InfoHash(bytes.try_into().ok()?))
}

fn btmh(multihash: &str) -> Option<InfoHashV2> {
    multihash.strip_prefix(SHA2_256)?.parse().ok()
}

/// The same hash twice is no contradiction.
fn unique<H: PartialEq>(known: &mut Option<H>, hash: H) -> Result<(), MagnetErrorKind> {
    match known {
        Some(known) if *known != hash => Err(MagnetErrorKind::DifferentHashes),
        _ => {
            *known = Some(hash);
            Ok(())
        }
    }
}

fn spaces(value: &str) -> Cow<'_, str> {
    if value.contains('+') { value.replace('+', " ").into() } else { value.into() }
}

/// What does not look like an escape stands for itself.
fn decode(value: &str) -> Result<String, MagnetErrorKind> {
    let text = percent_decode_str(value).decode_utf8().map_err(|_| MagnetErrorKind::NotUtf8)?;
    Ok(text.into_owned())
}

impl fmt::Display for Magnet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SCHEME)?;
        match self.hashes {
            Hashes::V1(v1) => write!(f, "xt={BTIH}{v1}")?,
            Hashes::V2(v2) => write!(f, "xt={BTMH}{SHA2_256}{v2}")?,
            Hashes::Hybrid(v1, v2) => write!(f, "xt={BTIH}{v1}&xt={BTMH}{SHA2_256}{v2}")?,
        }
        let escape = |text| utf8_percent_encode(text, ESCAPED);
        if let Some(name) = self.display_name.as_deref().filter(|name| !name.is_empty()) {
            write!(f, "&dn={}", escape(name))?;
        }
        if let Some(length) = self.length {
            write!(f, "&xl={length}")?;
        }
        let lists = [
            ("tr", &self.trackers),
            ("ws", &self.web_seeds),
            ("xs", &self.exact_sources),
            ("as", &self.acceptable_sources),
        ];
        for (key, values) in lists {
            for value in values.iter().filter(|value| !value.is_empty()) {
                write!(f, "&{key}={}", escape(value))?;
            }
        }
        let mut separator = "&kt=";
        for word in self.keywords.iter().filter(|word| !word.is_empty()) {
            write!(f, "{separator}{}", escape(word))?;
            separator = "+";
        }
        // Their own punctuation stays: not every program decodes these.
        for peer in &self.peers {
            write!(f, "&x.pe={peer}")?;
        }
        if let Some(files) = self.select_only.as_ref().filter(|files| !files.is_empty()) {
            write!(f, "&so={files}")?;
        }
        for (key, value) in &self.other {
            // A key alone stays alone.
            let equals = if value.is_empty() { "" } else { "=" };
            write!(f, "&{key}{equals}{value}")?;
        }
        Ok(())
    }
}

impl FromStr for Magnet {
    type Err = MagnetError;

    fn from_str(link: &str) -> Result<Self, MagnetError> {
        Self::parse(link)
    }
}

/// Text that is no magnet link: what is wrong, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{kind} at byte {offset}")]
pub struct MagnetError {
    /// In bytes from the link's start: where the value is that is wrong.
    pub offset: usize,
    /// What is wrong.
    pub kind: MagnetErrorKind,
}

/// What is wrong with a magnet link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MagnetErrorKind {
    /// It does not start with the scheme.
    #[error("no magnet link, it would start with 'magnet:?'")]
    NoMagnet,
    /// There is no `xt` of BitTorrent in it.
    #[error("no info-hash, expected xt=urn:btih: or xt=urn:btmh:")]
    NoInfoHash,
    /// The hash behind `urn:btih:` is malformed.
    #[error("a v1 info-hash is 40 hexadecimal digits or 32 characters of base 32")]
    InfoHashV1,
    /// The hash behind `urn:btmh:` is malformed, or of another function.
    #[error("a v2 info-hash is 1220 and 64 hexadecimal digits")]
    InfoHashV2,
    /// It has two hashes of a version, of different torrents.
    #[error("a second info-hash of the same version, of another torrent")]
    DifferentHashes,
    /// The value of `xl` is no number of 64 bits.
    #[error("the length is not a number of at most 64 bits")]
    Length,
    /// The value of `x.pe` is no address.
    #[error("a peer is HOST:PORT, an IPv6 address in brackets")]
    Peer,
    /// The value of `so` is no list of ranges.
    #[error("files to select are numbers and ranges like 0,2,4-8")]
    SelectOnly,
    /// The value of a known key is no UTF-8 once it is decoded.
    #[error("the value is not UTF-8")]
    NotUtf8,
    /// It is too long.
    #[error("the link is longer than {max} bytes")]
    TooLong {
        /// How long it may be.
        max: usize,
    },
    /// It has too many parameters.
    #[error("the link has more than {max} parameters")]
    TooManyParameters {
        /// How many there may be.
        max: usize,
    },
}
