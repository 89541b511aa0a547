//! The index server.

mod accounts;
pub(crate) mod config;
mod index;
mod login;
mod slab;
mod transfers;

use core::net::{IpAddr, Ipv4Addr};
use std::collections::BTreeMap;
use std::sync::Arc;

use napster_wire::{
    Extra, IpNumber, LinkSpeed, OwnedMessage, Search, SearchResult, Share, Stats, Text, Word,
    type_name,
};
use overlay_peer::{Context, Link, LinkState, Reason, Time, Timer, Wire};
use rand_core::Rng;

use crate::{Event, MAX_NAME, Message, Misbehaviour, NapsterPeer, ServerConfig};
use accounts::Accounts;
use index::{Index, Library, UserId};
use slab::Slab;

type Cx<'a> = Context<'a, NapsterPeer>;

/// The longest checksum text in bytes: a digest, `-` and a size.
const MAX_CHECKSUM: usize = 64;

/// The index server: it knows all users and all their files, answers every search, and introduces
/// clients to each other. The files themselves never pass through it.
///
/// Its state grows with the number of files, and everything is gone when it is: the two properties
/// of the architecture.
#[derive(Clone, Debug, Default)]
pub struct Server {
    config: ServerConfig,
    accounts: Accounts,
    sessions: BTreeMap<Link, Session>,
    users: Slab<User>,
    online: BTreeMap<Box<[u8]>, UserId>,
    index: Index,
}

/// A link, as far as it got.
#[derive(Clone, Debug)]
struct Session {
    /// The other side, as seen from here. The only address the server tells others.
    ip: Option<Ipv4Addr>,
    /// Messages of known types that could not be read.
    unreadable: u32,
    stage: Stage,
}

#[derive(Clone, Copy, Debug)]
enum Stage {
    Stranger { deadline: Time },
    User(UserId),
}

/// A user who is logged in.
#[derive(Clone, Debug)]
struct User {
    nick: Word<'static>,
    link: Link,
    ip: Ipv4Addr,
    /// 0 if no links are taken from outside.
    port: u16,
    link_speed: LinkSpeed,
    library: Library,
    downloads: u32,
    uploads: u32,
}

/// What the server knows about a user who is logged in.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct UserView {
    /// The nick as the user wrote it.
    pub nick: Word<'static>,
    /// The user's address as the server sees it.
    pub ip: Ipv4Addr,
    /// The port the user takes transfers on; 0 behind a firewall.
    pub port: u16,
    /// How fast the user says the line is.
    pub link_speed: LinkSpeed,
    /// How many files the user shares.
    pub files: usize,
    /// Downloads under way, by the user's own reports (messages 218 and 219).
    pub downloads: u32,
    /// Uploads under way, by the user's own reports (messages 220 and 221).
    pub uploads: u32,
}

impl Server {
    /// A server without users.
    pub fn new(config: ServerConfig) -> Self {
        Self { config, ..Self::default() }
    }

    /// How many users are logged in.
    pub fn user_count(&self) -> usize {
        self.users.len()
    }

    /// How many files the index has.
    pub fn file_count(&self) -> usize {
        self.index.len()
    }

    /// A user who is logged in. Upper and lower case are the same.
    pub fn user(&self, nick: &str) -> Option<UserView> {
        let user = self.users.get(*self.online.get(&*accounts::key(nick.as_bytes()))?)?;
        Some(UserView {
            nick: user.nick.clone(),
            ip: user.ip,
            port: user.port,
            link_speed: user.link_speed,
            files: user.library.len(),
            downloads: user.downloads,
            uploads: user.uploads,
        })
    }

    /// Entries (users, accounts, files, words and postings) and their bytes, without the overhead of
    /// allocators and tree nodes.
    pub fn footprint(&self) -> (usize, usize) {
        let (entries, bytes) = self.index.footprint();
        let nicks: usize = self.online.keys().map(|nick| 2 * nick.len()).sum();
        (
            entries + self.sessions.len() + self.users.len() + self.accounts.len(),
            bytes
                + self.accounts.bytes()
                + self.sessions.len() * size_of::<(Link, Session)>()
                + self.users.bytes()
                + self.online.len() * size_of::<(Box<[u8]>, UserId)>()
                + self.index.len() * size_of::<index::Slot>()
                + nicks,
        )
    }

    pub(crate) fn link_changed(&mut self, link: Link, state: LinkState, cx: &mut Cx<'_>) {
        match state {
            LinkState::Open { remote, .. } => {
                if self.sessions.len() >= self.config.links {
                    let what = Misbehaviour::TooMany { max: self.config.links };
                    cx.emit(Event::Misbehaved { link, what });
                    cx.close(link);
                    return;
                }
                let ip = match remote.ip().to_canonical() {
                    IpAddr::V4(ip) => Some(ip),
                    IpAddr::V6(_) => None,
                };
                let stage = Stage::Stranger { deadline: cx.now() + self.config.login_timeout };
                self.sessions.insert(link, Session { ip, unreadable: 0, stage });
                cx.wake_after(self.config.login_timeout, Timer(link.as_raw()));
            }
            LinkState::Closed(reason) => {
                if reason == Reason::Malformed {
                    cx.emit(Event::Misbehaved { link, what: Misbehaviour::Malformed });
                }
                self.forget(link, cx);
            }
            LinkState::Congested | LinkState::Writable => {}
        }
    }

    pub(crate) fn wake(&mut self, timer: Timer, cx: &mut Cx<'_>) {
        let link = Link::from_raw(timer.0);
        if let Some(Session { stage: Stage::Stranger { deadline }, .. }) = self.sessions.get(&link)
            && *deadline <= cx.now()
        {
            self.fail_login(link, "login timed out", cx);
            cx.emit(Event::Misbehaved { link, what: Misbehaviour::Silent });
        }
    }

    pub(crate) fn receive(&mut self, from: Link, message: Message, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get(&from) else {
            return;
        };
        let stage = session.stage;
        let Message::Frame(frame) = &message else {
            // Links to a server are always in the phase of frames.
            self.drop_link(from, Misbehaviour::OutOfPlace { kind: message.kind() }, cx);
            return;
        };
        if let OwnedMessage::Raw(raw) = &**frame {
            self.unreadable(from, stage, raw.type_number(), cx);
            return;
        }
        match stage {
            Stage::Stranger { .. } => self.stranger(from, frame, cx),
            Stage::User(user) => self.user_message(from, user, frame, cx),
        }
    }

    fn user_message(
        &mut self,
        from: Link,
        user: UserId,
        message: &Arc<OwnedMessage>,
        cx: &mut Cx<'_>,
    ) {
        match &**message {
            OwnedMessage::Share(share) => self.share(from, user, share, message, cx),
            OwnedMessage::Unshare(unshare) => {
                if let Some(user) = self.users.get_mut(user) {
                    self.index.remove(&mut user.library, unshare.name.as_bytes());
                }
            }
            OwnedMessage::UnshareAll => {
                if let Some(user) = self.users.get_mut(user) {
                    self.index.clear(&mut user.library);
                }
            }
            OwnedMessage::Search(search) => self.search(from, search, cx),
            OwnedMessage::StatsRequest => {
                let stats = Stats {
                    users: self.users.len() as u64,
                    files: self.index.len() as u64,
                    gigabytes: u64::try_from(self.index.shared_bytes() >> 30).unwrap_or(u64::MAX),
                    extra: Extra::NONE,
                };
                send(from, OwnedMessage::Stats(stats), cx);
            }
            OwnedMessage::DownloadRequest(file) => self.download_request(from, file, cx),
            OwnedMessage::AlternateRequest(file) => self.alternate_request(from, user, file, cx),
            OwnedMessage::DataPortError(nick) => self.data_port_error(user, nick, cx),
            OwnedMessage::DownloadStart => self.count(user, |user| &mut user.downloads, 1),
            OwnedMessage::DownloadEnd => self.count(user, |user| &mut user.downloads, -1),
            OwnedMessage::UploadStart => self.count(user, |user| &mut user.uploads, 1),
            OwnedMessage::UploadEnd => self.count(user, |user| &mut user.uploads, -1),
            // By the protocol's text a client may send it, to no effect.
            OwnedMessage::Disconnect(_) => {}
            _ => {
                let kind = Message::Frame(Arc::clone(message)).kind();
                self.drop_link(from, Misbehaviour::OutOfPlace { kind }, cx);
            }
        }
    }

    fn share(
        &mut self,
        from: Link,
        user: UserId,
        share: &Share<'static>,
        message: &Arc<OwnedMessage>,
        cx: &mut Cx<'_>,
    ) {
        let Some(sharer) = self.users.get_mut(user) else {
            return;
        };
        let known = self.index.find(&sharer.library, share.name.as_bytes()).is_some();
        let full = sharer.library.len() >= self.config.files_per_user
            || self.index.len() >= self.config.files;
        if full && !known {
            send(from, error("too many files are shared"), cx);
        } else if share.name.as_bytes().len() > MAX_NAME
            || share.checksum.as_bytes().len() > MAX_CHECKSUM
        {
            send(from, error("the file name or its checksum is too long"), cx);
        } else {
            self.index.insert(user, &mut sharer.library, Arc::clone(message));
        }
    }

    fn search(&mut self, from: Link, search: &Search<'static>, cx: &mut Cx<'_>) {
        let max = search.max_results().unwrap_or(u32::MAX).min(self.config.results);
        let start = cx.rng().next_u32();
        let speed =
            |owner| self.users.get(owner).map_or(LinkSpeed::UNKNOWN, |user| user.link_speed);
        let budget = self.config.search_budget;
        for (owner, share) in self.index.search(search, max, budget, start, speed) {
            let Some(owner) = self.users.get(owner) else {
                continue;
            };
            let result = SearchResult {
                name: share.name.clone(),
                checksum: share.checksum.clone(),
                size: share.size,
                bitrate: share.bitrate,
                frequency: share.frequency,
                seconds: share.seconds,
                nick: owner.nick.clone(),
                ip: IpNumber::from(owner.ip),
                link_speed: owner.link_speed,
                extra: Extra::NONE,
            };
            send(from, OwnedMessage::SearchResult(result), cx);
        }
        send(from, OwnedMessage::SearchEnd, cx);
    }

    /// A message of an unknown type, or with data that do not fit its type.
    fn unreadable(&mut self, from: Link, stage: Stage, type_number: u16, cx: &mut Cx<'_>) {
        let Some(session) = self.sessions.get_mut(&from) else {
            return;
        };
        if type_name(type_number).is_none() {
            // One of the many types that this server does not serve, from a client that does no harm.
            return;
        }
        session.unreadable += 1;
        if session.unreadable > self.config.unreadable {
            self.drop_link(from, Misbehaviour::Unreadable { type_number }, cx);
            return;
        }
        cx.emit(Event::Misbehaved { link: from, what: Misbehaviour::Unreadable { type_number } });
        match stage {
            Stage::Stranger { .. } => self.fail_login(from, "parameters are unparsable", cx),
            Stage::User(_) => {
                send(from, error("parameters are unparsable"), cx);
                if type_number == SEARCH {
                    // The client waits for the end of its search.
                    send(from, OwnedMessage::SearchEnd, cx);
                }
            }
        }
    }

    /// Closes a link that broke the protocol.
    fn drop_link(&mut self, link: Link, what: Misbehaviour, cx: &mut Cx<'_>) {
        cx.emit(Event::Misbehaved { link, what });
        cx.close(link);
        self.forget(link, cx);
    }

    /// Forgets a link that is gone, and its user with all files.
    fn forget(&mut self, link: Link, cx: &mut Cx<'_>) {
        if let Some(Session { stage: Stage::User(user), .. }) = self.sessions.remove(&link)
            && let Some(mut user) = self.users.remove(user)
        {
            self.index.clear(&mut user.library);
            self.online.remove(&accounts::key(user.nick.as_bytes()));
            cx.emit(Event::UserOffline { nick: user.nick });
        }
    }

    fn by_nick(&self, nick: &Word<'_>) -> Option<&User> {
        self.users.get(*self.online.get(&*accounts::key(nick.as_bytes()))?)
    }
}

const SEARCH: u16 = 200;

fn send(to: Link, message: OwnedMessage, cx: &mut Cx<'_>) {
    cx.send(to, Message::frame(message));
}

fn error(text: &'static str) -> OwnedMessage {
    OwnedMessage::Error(short_text(text))
}

fn short_text(text: &'static str) -> Text<'static> {
    Text::try_from(text).expect("the server's own texts are short")
}
