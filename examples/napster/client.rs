//! A client: what its user wants, and what it says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use overlay_examples::{Failure, Lines, room};
use overlay_napster::wire::Search;
use overlay_napster::{
    Catalogue, Client, ClientConfig, Command, Event, FetchFailure, Hit, JoinFailure, NapsterPeer,
};
use overlay_net::{Directory, Node, file_name, is_public};
use overlay_peer::Object;
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::ClientOptions;
use crate::library::{Library, beginning};

/// The user's numbers for the searches, and for the fetch.
const SEARCH: u32 = 1;
const GET: u32 = 2;
const INTO: Object = Object(1 << 32);
/// As many results as servers give.
const RESULTS: u32 = 100;
/// A file that can not be had now may be had later.
const AGAIN: Duration = Duration::from_secs(5);
/// Who lost the server connects again after so long, and after twice as long, …
const REJOIN: Duration = Duration::from_secs(1);
/// … but not longer.
const REJOIN_MOST: Duration = Duration::from_secs(60);

/// What `--get` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    pub user: String,
    pub name: String,
}

pub fn parse_wanted(text: &str) -> Result<Wanted, String> {
    match text.split_once('/') {
        Some((user, name)) if !user.is_empty() && !name.is_empty() => {
            Ok(Wanted { user: user.to_owned(), name: name.to_owned() })
        }
        _ => Err("expected USER/NAME".to_owned()),
    }
}

/// How far `--get` is.
enum Stage {
    /// It is looked for, next at this time.
    Waiting(Instant),
    /// The server is asked.
    Searching,
    Fetching(Hit, String),
    /// All bytes are there, and are looked at.
    Checking(Hit, String, bool, JoinHandle<Result<Option<bool>, String>>),
}

pub struct ClientApp {
    node: Node<NapsterPeer>,
    directory: Arc<Directory>,
    catalogue: Arc<Catalogue>,
    options: ClientOptions,
    get: Option<(Wanted, Stage)>,
    give_up: Instant,
    joined: bool,
    searched: bool,
    rejoin_at: Option<Instant>,
    rejoin_after: Duration,
    outcome: Option<Result<(), Failure>>,
}

impl ClientApp {
    /// Looks at the files, binds the socket, and logs in.
    pub async fn start(options: &ClientOptions, lines: &mut Lines) -> Result<Self, Failure> {
        if !options.allow_private && !is_public(options.server.ip()) {
            refused("join", &format!("{} is {NOT_PUBLIC}", options.server), lines)?;
            return Err(format!("{} is {NOT_PUBLIC}", options.server).into());
        }
        let Library { directory, catalogue, files } = Library::open(&options.share, lines)?;
        let config = ClientConfig::new(options.user.clone(), options.password.clone())
            .map_err(|error| format!("--user {}: {error}", options.user))?
            .firewalled(options.firewalled);
        let client = Client::new(config, catalogue.clone());
        let net = overlay_net::Config {
            listen: options.listen.filter(|_| !options.firewalled),
            datagrams: false,
            allow_private: options.allow_private,
            ..overlay_net::Config::default()
        };
        let about = |error| format!("can not listen: {error}");
        let node = Node::bind(client.into(), net, directory.clone()).await.map_err(about)?;
        let here = (!options.firewalled).then(|| node.here().to_string());
        lines.event(
            "listening",
            &[("addr", json!(here)), ("user", json!(options.user)), ("files", json!(files.len()))],
        )?;
        let now = Instant::now();
        let mut app = Self {
            node,
            directory,
            catalogue,
            options: options.clone(),
            get: options.get.clone().map(|wanted| (wanted, Stage::Waiting(now))),
            give_up: now + Duration::from_secs(options.timeout),
            joined: false,
            searched: false,
            rejoin_at: None,
            rejoin_after: REJOIN,
            outcome: None,
        };
        app.node.command(Command::Publish { files });
        app.node.command(Command::Join { server: options.server });
        Ok(app)
    }

    /// What became of `--get`, once; or why it can not log in.
    pub fn outcome(&mut self) -> Option<Result<(), Failure>> {
        self.outcome.take()
    }

    /// Goes on until something happened.
    pub async fn step(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let alarm = match &self.get {
            Some((_, Stage::Waiting(at))) if self.joined => Some((*at).min(self.give_up)),
            Some((_, Stage::Waiting(_) | Stage::Searching)) => Some(self.give_up),
            _ => None,
        };
        let alarm = [alarm, self.rejoin_at].into_iter().flatten().min();
        let alarm = alarm.unwrap_or_else(|| Instant::now() + REJOIN_MOST);
        let check = async {
            match &mut self.get {
                Some((_, Stage::Checking(.., check))) => check.await,
                _ => std::future::pending().await,
            }
        };
        tokio::select! {
            event = self.node.next() => self.told(event, lines)?,
            checked = check => self.checked(checked?, lines)?,
            () = sleep_until(alarm) => {}
        }
        self.do_what_is_due(lines)
    }

    fn do_what_is_due(&mut self, lines: &mut Lines) -> Result<(), Failure> {
        let now = Instant::now();
        if self.rejoin_at.take_if(|at| *at <= now).is_some() {
            self.node.command(Command::Join { server: self.options.server });
        }
        if self.outcome.is_some() {
            return Ok(());
        }
        if let Some((wanted, stage @ Stage::Waiting(_))) = &mut self.get {
            if now >= self.give_up {
                let Wanted { user, name } = wanted;
                let seconds = self.options.timeout;
                let reason = format!("{user} gave no {name:?} within {seconds} s");
                return self.fail(reason, lines);
            }
            if let Stage::Waiting(at) = stage
                && self.joined
                && now >= *at
            {
                let query = Search::words(&wanted.name, RESULTS)?.into_owned();
                *stage = Stage::Searching;
                self.node.command(Command::Search { search: GET, query });
            }
        }
        Ok(())
    }

    /// Logs out, and closes all links when what was said on them has been sent.
    pub async fn leave(mut self, limit: Duration, lines: &mut Lines) -> Result<(), Failure> {
        self.node.command(Command::Leave);
        self.node.shut_down(limit, drop).await;
        self.directory.save()?;
        if self.joined {
            lines.event("disconnected", &[("reason", json!("left"))])?;
        }
        Ok(())
    }

    fn told(&mut self, event: Event, lines: &mut Lines) -> Result<(), Failure> {
        match event {
            Event::Joined { server } => {
                self.joined = true;
                self.rejoin_after = REJOIN;
                lines.event("joined", &[("server", json!(server.to_string()))])?;
                if let Some(text) = self.options.search.as_deref().filter(|_| !self.searched) {
                    let query = Search::words(text, RESULTS)?.into_owned();
                    self.searched = true;
                    self.node.command(Command::Search { search: SEARCH, query });
                }
            }
            Event::Refused { reason } => self.not_joined(&reason, lines)?,
            Event::Disconnected { reason } => {
                self.joined = false;
                lines.event("disconnected", &[("reason", json!(format!("{reason:?}")))])?;
                self.join_later();
            }
            Event::NotShared { file, reason } => {
                let name = self.catalogue.name(file).unwrap_or_default();
                let name = String::from_utf8_lossy(name);
                refused("share", &format!("{name}: {reason}"), lines)?;
            }
            Event::Hit { search, hit } => self.found(search, hit, lines)?,
            Event::SearchDone { search: SEARCH, found } => {
                lines.event("search_done", &[("found", json!(found))])?;
            }
            Event::SearchDone { .. } => self.later(),
            Event::SearchFailed { search, reason } => {
                refused("search", &reason.to_string(), lines)?;
                if search == GET {
                    self.later();
                }
            }
            Event::Fetched { alternate, .. } => self.fetched(alternate),
            Event::FetchFailed { reason, .. } => self.fetch_failed(&reason, lines)?,
            Event::Uploaded { file, nick, bytes, complete } => {
                let name = self.catalogue.name(file).unwrap_or_default();
                lines.event(
                    "uploaded",
                    &[
                        ("name", json!(String::from_utf8_lossy(name))),
                        ("user", json!(nick.to_string())),
                        ("bytes", json!(bytes)),
                        ("complete", json!(complete)),
                    ],
                )?;
            }
            Event::Notice { text } => lines.event("notice", &[("text", json!(text))])?,
            Event::Misbehaved { what, .. } => refused("link", &what.to_string(), lines)?,
            _ => {}
        }
        Ok(())
    }

    /// The first time that is the end: the user may have misspelt the server. Later it may come back.
    fn not_joined(&mut self, reason: &JoinFailure, lines: &mut Lines) -> Result<(), Failure> {
        refused("join", &reason.to_string(), lines)?;
        let gone = matches!(reason, JoinFailure::Link(_) | JoinFailure::TimedOut);
        if self.rejoin_after > REJOIN && gone {
            self.join_later();
        } else {
            self.outcome = Some(Err(format!("{}: {reason}", self.options.server).into()));
        }
        Ok(())
    }

    fn join_later(&mut self) {
        self.rejoin_at = Some(Instant::now() + self.rejoin_after);
        self.rejoin_after = (self.rejoin_after * 2).min(REJOIN_MOST);
        if !matches!(&self.get, Some((_, Stage::Fetching(..) | Stage::Checking(..)))) {
            self.later();
        }
    }

    /// What `--get` names is looked for again after a while.
    fn later(&mut self) {
        if let Some((_, stage @ (Stage::Searching | Stage::Waiting(_)))) = &mut self.get {
            *stage = Stage::Waiting(Instant::now() + AGAIN);
        }
    }

    fn found(&mut self, search: u32, hit: Hit, lines: &mut Lines) -> Result<(), Failure> {
        lines.event(
            "hit",
            &[
                ("user", json!(hit.nick.to_string())),
                ("ip", json!(hit.ip.to_ipv4().map(|ip| ip.to_string()))),
                ("name", json!(hit.name.to_string())),
                ("size", json!(hit.size)),
                ("md5", json!(hit.checksum.md5().map(hex::encode))),
            ],
        )?;
        let Some((wanted, Stage::Searching)) = &self.get else { return Ok(()) };
        let same = hit.nick.as_bytes().eq_ignore_ascii_case(wanted.user.as_bytes())
            && hit.name.as_bytes() == wanted.name.as_bytes();
        if search != GET || !same {
            return Ok(());
        }
        let name = file_name(hit.name.as_bytes());
        let room = room(&self.directory, INTO, &name, Some(hit.size));
        let held = room.map_err(|error| error.to_string()).and_then(|(name, _)| {
            self.directory.hold(INTO).map_err(|error| error.to_string())?;
            Ok(name)
        });
        let name = match held {
            Ok(name) => name,
            Err(reason) => return self.fail(reason, lines),
        };
        self.node.command(Command::Fetch { fetch: GET, hit: hit.clone(), into: INTO });
        if let Some((_, stage)) = &mut self.get {
            *stage = Stage::Fetching(hit, name);
        }
        Ok(())
    }

    /// All bytes are there: they are looked at, and get their name when all is on disk.
    fn fetched(&mut self, alternate: bool) {
        let Some((_, stage)) = &mut self.get else { return };
        let now = Instant::now();
        let Stage::Fetching(hit, name) = std::mem::replace(stage, Stage::Waiting(now)) else {
            return;
        };
        let (directory, size, expected) = (self.directory.clone(), hit.size, hit.checksum.md5());
        let check = tokio::task::spawn_blocking(move || {
            let md5 = beginning(&directory, INTO, size).map_err(|error| error.to_string())?;
            directory.finish(INTO).map_err(|error| error.to_string())?;
            // That it differs proves nothing: clients did not agree on how much is hashed.
            Ok(expected.map(|expected| expected == md5))
        });
        *stage = Stage::Checking(hit, name, alternate, check);
    }

    fn checked(
        &mut self,
        checked: Result<Option<bool>, String>,
        lines: &mut Lines,
    ) -> Result<(), Failure> {
        let Some((_, stage)) = &mut self.get else { return Ok(()) };
        let now = Instant::now();
        let Stage::Checking(hit, name, alternate, _) =
            std::mem::replace(stage, Stage::Waiting(now))
        else {
            return Ok(());
        };
        let checksum = match checked {
            Ok(checksum) => checksum,
            Err(error) => return self.fail(format!("{name}: {error}"), lines),
        };
        lines.event(
            "downloaded",
            &[
                ("name", json!(name)),
                ("user", json!(hit.nick.to_string())),
                ("size", json!(hit.size)),
                ("alternate", json!(alternate)),
                ("checksum", json!(checksum)),
            ],
        )?;
        self.outcome = Some(Ok(()));
        Ok(())
    }

    fn fetch_failed(&mut self, reason: &FetchFailure, lines: &mut Lines) -> Result<(), Failure> {
        let _ = self.directory.discard(INTO);
        let hopeless = matches!(
            reason,
            FetchFailure::BothFirewalled
                | FetchFailure::OwnFile
                | FetchFailure::TooLong { .. }
                | FetchFailure::Storage(_)
        );
        if hopeless {
            return self.fail(reason.to_string(), lines);
        }
        lines.trouble(&format!("{reason}; trying again"))?;
        if let Some((_, stage)) = &mut self.get {
            *stage = Stage::Waiting(Instant::now() + AGAIN);
        }
        Ok(())
    }

    /// `--get` will not come to its end.
    fn fail(&mut self, reason: String, lines: &mut Lines) -> Result<(), Failure> {
        refused("get", &reason, lines)?;
        self.outcome = Some(Err(reason.into()));
        Ok(())
    }
}

const NOT_PUBLIC: &str = "not a public address; --allow-private lets it be contacted";

fn refused(what: &str, reason: &str, lines: &mut Lines) -> Result<(), Failure> {
    Ok(lines.event("refused", &[("what", json!(what)), ("reason", json!(reason))])?)
}

/// Where a server is, for a demonstration.
pub fn options(server: SocketAddr, user: &str, share: std::path::PathBuf) -> ClientOptions {
    ClientOptions {
        server,
        listen: Some(SocketAddr::from(([127, 0, 0, 1], 0))),
        user: user.to_owned(),
        password: "secret".to_owned(),
        share,
        search: None,
        get: None,
        firewalled: false,
        allow_private: true,
        json: false,
        timeout: 30,
    }
}
