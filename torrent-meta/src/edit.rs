//! Changing what stands around the info dictionary.

use alloc::string::String;
use alloc::vec::Vec;

use overlay_bencode::{Dict, Edit, EditError, List, Node, Step, Value, decode_lenient};

use crate::error::DecodeError;
use crate::metainfo::Metainfo;
use crate::parser::Parser;

/// Edits a .torrent file: trackers, web seeds, nodes, comment and the like, everything that is not part
/// of the info-hash. Whatever is not edited keeps its bytes, the info dictionary always, also in a file
/// that is not as BEP 3 says; keys that are not known here stay.
///
/// ```
/// use torrent_meta::{Creator, Editor, Metainfo};
///
/// let mut creation = Creator::single_file("hello.txt", 5).start()?;
/// creation.update(b"hello")?;
/// let file = creation.finish()?;
///
/// let mut editor = Editor::new(file.as_bytes())?;
/// editor.add_tracker("http://tracker.example/announce")?;
/// editor.add_tier(["udp://a.example:80", "udp://b.example:80"])?;
/// editor.set_comment(Some("said politely"))?;
/// let edited = editor.into_bytes();
///
/// let edited = Metainfo::parse(&edited)?;
/// assert_eq!(edited.tiers().len(), 2);
/// assert_eq!(edited.info().raw(), file.info().raw());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Each call is a pass over the file, and one more to make sure that the result is still within the
/// parser's limits. That is the only error they have; nothing has changed then. They tell whether
/// anything had to be changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Editor {
    bytes: Vec<u8>,
}

const FOUND: &str = "the path was just read from the document";

impl Editor {
    /// Starts from a file, which is read leniently.
    ///
    /// # Errors
    /// See [`Parser::metainfo`].
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, DecodeError> {
        let bytes = bytes.into();
        Parser::lenient().metainfo(&bytes)?;
        Ok(Self { bytes })
    }

    /// The file as it is now, with what lenient parsing found behind it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The file as it is now, with what lenient parsing found behind it.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Reads the file as it is now.
    pub fn metainfo(&self) -> Metainfo<'_> {
        Parser::lenient().metainfo(self.as_bytes()).expect("it was parsed after each change")
    }

    /// Puts these tiers of tracker URLs (BEP 12) in place of all that are there. The first URL becomes
    /// the `announce` key; the list is left out if there is no other. Empty tiers are left out, and with
    /// no URL both keys.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn set_tiers<T, S>(
        &mut self,
        tiers: impl IntoIterator<Item = T>,
    ) -> Result<bool, DecodeError>
    where
        T: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let tiers = tiers.into_iter().map(|tier| tier.into_iter().map(Into::into).collect());
        let tiers: Vec<Vec<String>> = tiers.filter(|tier: &Vec<String>| !tier.is_empty()).collect();
        let first = tiers.first().and_then(|tier| tier.first()).cloned();
        let several = tiers.iter().map(Vec::len).sum::<usize>() > 1;
        let list = several.then(|| Value::list(tiers.into_iter().map(Value::list)));
        self.change(|_, edit| {
            put(edit, "announce", first.map(Value::from))?;
            put(edit, "announce-list", list)
        })
    }

    /// Adds a tracker in a tier of its own behind the others, unless it is in one of them already.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn add_tracker(&mut self, url: &str) -> Result<bool, DecodeError> {
        self.add_tier([url])
    }

    /// Adds a tier of trackers behind the others, but for those that are in one of them already. If it
    /// has the only tracker, that becomes the `announce` key, and there is no list.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn add_tier<'u>(
        &mut self,
        urls: impl IntoIterator<Item = &'u str>,
    ) -> Result<bool, DecodeError> {
        let urls: Vec<&str> = urls.into_iter().collect();
        self.change(|root, edit| {
            let trackers = Trackers::of(root);
            let mut new: Vec<&str> = Vec::new();
            for url in urls {
                if !trackers.has(url) && !new.contains(&url) {
                    new.push(url);
                }
            }
            let Some(first) = new.first().copied() else { return Ok(()) };
            let place = [Step::from("announce-list"), trackers.tiers.len().into()];
            match (trackers.first(), trackers.announce) {
                (Some(_), Some(_)) => edit.insert(place, Value::list(new)),
                (Some(listed), None) => {
                    edit.set(["announce"], listed)?;
                    edit.insert(place, Value::list(new))
                }
                (None, Some(only)) => {
                    let tiers = [Value::list([only]), Value::list(new)];
                    edit.set(["announce-list"], Value::list(tiers))
                }
                (None, None) => {
                    edit.set(["announce"], first)?;
                    let list = (new.len() > 1).then(|| Value::list([Value::list(new)]));
                    put(edit, "announce-list", list)
                }
            }
        })
    }

    /// Adds a tracker to a tier, counted from zero as in [`Metainfo::tiers`], unless it is in one of the
    /// tiers already. As [`add_tracker`](Self::add_tracker) if there is no such tier.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn add_to_tier(&mut self, tier: usize, url: &str) -> Result<bool, DecodeError> {
        let listed = {
            let document = decode_lenient(&self.bytes)?;
            let root = document.root().as_dict().expect("a torrent is a dictionary");
            let trackers = Trackers::of(root);
            if trackers.has(url) {
                return Ok(false);
            }
            let only = trackers.announce.filter(|_| trackers.first().is_none() && tier == 0);
            let place = trackers.tiers.iter().enumerate().filter(|(_, tier)| has_text(tier));
            let place = place.map(|(place, tier)| (place, tier.len())).nth(tier);
            (place, only.map(<[u8]>::to_vec))
        };
        match listed {
            (Some((place, count)), _) => self.change(|_, edit| {
                edit.insert([Step::from("announce-list"), place.into(), count.into()], url)
            }),
            (None, Some(only)) => self.change(|_, edit| {
                let tier = Value::list([only.into(), Value::from(url)]);
                edit.set(["announce-list"], Value::list([tier]))
            }),
            (None, None) => self.add_tracker(url),
        }
    }

    /// Removes a tracker from all tiers. If it was the `announce` key too, the first one that is left
    /// takes its place there.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn remove_tracker(&mut self, url: &str) -> Result<bool, DecodeError> {
        self.change(|root, edit| {
            let trackers = Trackers::of(root);
            let mut left = trackers.tiers.len();
            let mut first = None;
            for (place, tier) in trackers.tiers.iter().enumerate().rev() {
                let is_url = |item: &&[u8]| *item == url.as_bytes();
                let found = tier.iter().flatten().filter(|item| is_url(item)).count();
                if found > 0 && found == tier.len() {
                    edit.remove([Step::from("announce-list"), place.into()])?;
                    left -= 1;
                    continue;
                }
                for (index, item) in tier.iter().enumerate().rev() {
                    match item {
                        Some(item) if is_url(item) => {
                            let path = [Step::from("announce-list"), place.into(), index.into()];
                            edit.remove(path)?;
                        }
                        Some(item) => first = Some(*item),
                        None => {}
                    }
                }
            }
            if left == 0 && !trackers.tiers.is_empty() {
                edit.remove(["announce-list"])?;
            }
            match trackers.announce {
                Some(announce) if announce == url.as_bytes() => {
                    put(edit, "announce", first.map(Value::from))
                }
                _ => Ok(()),
            }
        })
    }

    /// Puts these web seeds (BEP 19) in place of all that are there.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn set_web_seeds<S: Into<String>>(
        &mut self,
        urls: impl IntoIterator<Item = S>,
    ) -> Result<bool, DecodeError> {
        let urls: Vec<Value> = urls.into_iter().map(|url| Value::from(url.into())).collect();
        let list = (!urls.is_empty()).then(|| Value::list(urls));
        self.change(|_, edit| put(edit, "url-list", list))
    }

    /// Adds a web seed behind the others, unless it is there already.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn add_web_seed(&mut self, url: &str) -> Result<bool, DecodeError> {
        self.change(|root, edit| {
            let node = root.find(b"url-list");
            if let Some(list) = node.and_then(Node::as_list) {
                if list.iter().any(|item| item.as_bytes() == Some(url.as_bytes())) {
                    return Ok(());
                }
                return edit.insert([Step::from("url-list"), list.len().into()], url);
            }
            // A single one may stand there without a list, also one that is empty.
            match node.and_then(Node::as_bytes) {
                Some(only) if only == url.as_bytes() => Ok(()),
                Some(only) if !only.is_empty() => {
                    edit.set(["url-list"], Value::list([only, url.as_bytes()]))
                }
                _ => edit.set(["url-list"], Value::list([url])),
            }
        })
    }

    /// Removes a web seed.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn remove_web_seed(&mut self, url: &str) -> Result<bool, DecodeError> {
        self.change(|root, edit| {
            let Some(node) = root.find(b"url-list") else { return Ok(()) };
            let is_url = |item: Node<'_, '_>| item.as_bytes() == Some(url.as_bytes());
            match node.as_list() {
                Some(list) => remove_items(edit, "url-list", list, is_url),
                None if is_url(node) => edit.remove(["url-list"]),
                None => Ok(()),
            }
        })
    }

    /// Puts these nodes of the DHT (BEP 5), hosts and ports, in place of all that are there.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn set_nodes<S: Into<String>>(
        &mut self,
        nodes: impl IntoIterator<Item = (S, u16)>,
    ) -> Result<bool, DecodeError> {
        let nodes: Vec<Value> =
            nodes.into_iter().map(|(host, port)| node(&host.into(), port)).collect();
        let list = (!nodes.is_empty()).then(|| Value::list(nodes));
        self.change(|_, edit| put(edit, "nodes", list))
    }

    /// Adds a node of the DHT behind the others, unless it is there already.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn add_node(&mut self, host: &str, port: u16) -> Result<bool, DecodeError> {
        self.change(|root, edit| match root.find(b"nodes").and_then(Node::as_list) {
            Some(list) if list.iter().any(|item| is_node(item, host, port)) => Ok(()),
            Some(list) => edit.insert([Step::from("nodes"), list.len().into()], node(host, port)),
            None => edit.set(["nodes"], Value::list([node(host, port)])),
        })
    }

    /// Removes a node of the DHT.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn remove_node(&mut self, host: &str, port: u16) -> Result<bool, DecodeError> {
        self.change(|root, edit| match root.find(b"nodes").and_then(Node::as_list) {
            Some(list) => remove_items(edit, "nodes", list, |item| is_node(item, host, port)),
            None => Ok(()),
        })
    }

    /// Sets or removes the comment.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn set_comment(&mut self, comment: Option<&str>) -> Result<bool, DecodeError> {
        self.set_text("comment", "comment.utf-8", comment)
    }

    /// Sets or removes the name of the program that made the file.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn set_created_by(&mut self, program: Option<&str>) -> Result<bool, DecodeError> {
        self.set_text("created by", "created by.utf-8", program)
    }

    /// Sets or removes when the file was made, in seconds since 1970.
    ///
    /// # Errors
    /// See [`Editor`].
    pub fn set_creation_date(&mut self, seconds: Option<i64>) -> Result<bool, DecodeError> {
        self.change(|_, edit| put(edit, "creation date", seconds.map(Value::from)))
    }

    /// Also its twin in UTF-8, where a program wrote one: some read that first.
    fn set_text(&mut self, key: &str, twin: &str, text: Option<&str>) -> Result<bool, DecodeError> {
        self.change(|root, edit| {
            put(edit, key, text.map(Value::from))?;
            match root.find(twin.as_bytes()) {
                Some(_) => put(edit, twin, text.map(Value::from)),
                None => Ok(()),
            }
        })
    }

    fn change(
        &mut self,
        change: impl FnOnce(Dict<'_, '_>, &mut Edit<'_>) -> Result<(), EditError>,
    ) -> Result<bool, DecodeError> {
        let document = decode_lenient(&self.bytes)?;
        let root = document.root().as_dict().expect("a torrent is a dictionary");
        let mut edit = Edit::new(&document);
        change(root, &mut edit).expect(FOUND);
        let bytes = edit.to_vec();
        if bytes == self.bytes {
            return Ok(false);
        }
        Parser::lenient().metainfo(&bytes)?;
        self.bytes = bytes;
        Ok(true)
    }
}

/// Sets a key of the file, or takes it away.
fn put(edit: &mut Edit<'_>, key: &str, value: Option<Value>) -> Result<(), EditError> {
    match value {
        Some(value) => edit.set([key], value),
        // That it is not there is as good.
        None => Ok(_ = edit.remove([key])),
    }
}

/// Removes items of a list of the file, and the list with the last of them.
fn remove_items<'t, 'a>(
    edit: &mut Edit<'_>,
    key: &str,
    items: List<'t, 'a>,
    unwanted: impl Fn(Node<'t, 'a>) -> bool,
) -> Result<(), EditError> {
    let count = items.len();
    let unwanted: Vec<usize> = items
        .iter()
        .enumerate()
        .filter_map(|(index, item)| unwanted(item).then_some(index))
        .collect();
    if !unwanted.is_empty() && unwanted.len() == count {
        return edit.remove([key]);
    }
    unwanted.into_iter().rev().try_for_each(|index| edit.remove([Step::from(key), index.into()]))
}

fn node(host: &str, port: u16) -> Value {
    Value::list([Value::from(host), Value::from(u64::from(port))])
}

fn is_node(item: Node<'_, '_>, host: &str, port: u16) -> bool {
    let Some(list) = item.as_list() else { return false };
    let mut items = list.iter();
    let (first, second) = (items.next(), items.next());
    first.and_then(Node::as_bytes) == Some(host.as_bytes())
        && second.and_then(Node::as_uint) == Some(port.into())
}

/// The trackers as they stand in a file.
struct Trackers<'a> {
    announce: Option<&'a [u8]>,
    /// Every item of the announce list; of what is no list, none, and of what is no string, `None`.
    tiers: Vec<Vec<Option<&'a [u8]>>>,
}

impl<'a> Trackers<'a> {
    fn of(root: Dict<'_, 'a>) -> Self {
        let list = root.find(b"announce-list").and_then(Node::as_list);
        let urls = |tier: Node<'_, 'a>| match tier.as_list() {
            Some(tier) => tier.iter().map(Node::as_bytes).collect(),
            None => Vec::new(),
        };
        Self {
            announce: root.find(b"announce").and_then(Node::as_bytes),
            tiers: list.into_iter().flatten().map(urls).collect(),
        }
    }

    fn urls(&self) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.tiers.iter().flatten().copied().flatten()
    }

    fn first(&self) -> Option<&'a [u8]> {
        self.urls().next()
    }

    /// An announce key beside a list that does not have it does not count (BEP 12).
    fn has(&self, url: &str) -> bool {
        let only = self.announce.filter(|_| self.first().is_none());
        self.urls().chain(only).any(|found| found == url.as_bytes())
    }
}

/// Whether [`Metainfo::tiers`] counts a tier.
fn has_text(tier: &[Option<&[u8]>]) -> bool {
    tier.iter().flatten().any(|url| core::str::from_utf8(url).is_ok())
}
