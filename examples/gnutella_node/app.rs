//! The servent, what its user wants of it, and what it says.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use gnutella_wire::{Guid, Urn};
use overlay_examples::{Failure, Lines};
use overlay_gnutella::{Command, Event, FetchFailure, Hit, SearchPlan, Servent, Strategy};
use overlay_net::{Node, is_public};
use overlay_peer::Link;
use serde_json::json;
use tokio::task::JoinError;
use tokio::time::{Instant, sleep_until};

use crate::Options;
use crate::getting::{AGAIN, Checked, Getting, INTO, Stage, Transfer};
use crate::library::{Library, Offer};
use crate::setup::{check, first_offer, servent_config};
use crate::telling::{NOT_PUBLIC, refused};
use crate::wanted::{Wanted, nameless};

/// The user's numbers for the searches, and for the fetch.
const SEARCH: u32 = 1;
pub const GET: u32 = 2;

/// A search that found nothing is repeated after so long: who has it may come later.
const REPEAT: Duration = Duration::from_secs(15);
/// A hit that tells more of INDEX@ADDR is waited for so long.
const HIT: Duration = Duration::from_secs(10);
/// Who named a host is told when there is no link to it by then.
const CONNECT: Duration = Duration::from_secs(15);
/// What was not contacted is told so often.
const FORBIDDEN: Duration = Duration::from_secs(10);

pub struct App {
    pub node: Node<Servent>,
    pub library: Library,
    pub options: Options,
    pub links: BTreeMap<Link, SocketAddr>,
    /// Why links are about to close, as the other side says.
    pub byes: BTreeMap<Link, String>,
    pub getting: Option<Getting>,
    /// When to search for what the user searches, and for what is to be fetched.
    pub search_at: Option<Instant>,
    pub seek_at: Option<Instant>,
    /// Hosts that the user named, without a link so far, and when that is told.
    pub missing: Vec<SocketAddr>,
    pub missing_at: Instant,
    /// How many addresses were not contacted, as was told, and when that can be told again.
    pub forbidden: u64,
    pub forbidden_at: Instant,
    pub outcome: Option<Result<(), Failure>>,
}

impl App {
    /// Looks at the files, binds the sockets, and begins to connect.
    pub async fn start(options: &Options, report: &mut Lines) -> Result<Self, Failure> {
        check(options)?;
        let mut library = Library::open(&options.share)?;
        let offer = first_offer(&mut library).await?;
        let Offer { catalogue, shares, hashed } = offer;
        let mut secret = [0; 24];
        getrandom::fill(&mut secret).map_err(|error| format!("no randomness: {error}"))?;
        let (guid, seed) = secret.split_at(16);
        let guid = Guid::from_bytes(guid.try_into()?).marked();
        let seed = u64::from_le_bytes(seed.try_into()?);

        let (files, own) = (shares.len(), catalogue.clone());
        let servent = Servent::new(servent_config(guid, options), catalogue, shares.clone());
        let config = overlay_net::Config {
            listen: Some(options.listen),
            datagrams: !options.v04,
            allow_private: options.allow_private,
            seed,
            ..overlay_net::Config::default()
        };
        let about = |error| format!("can not listen on {}: {error}", options.listen);
        let node = Node::bind(servent, config, library.directory.clone()).await.map_err(about)?;
        let role = match options {
            Options { v04: true, .. } => "plain",
            Options { ultrapeer: true, .. } => "ultrapeer",
            Options { leaf: true, .. } => "leaf",
            _ => "elected",
        };
        report.event(
            "listening",
            &[
                ("addr", json!(node.here().to_string())),
                ("guid", json!(guid.to_string())),
                ("version", json!(if options.v04 { "0.4" } else { "0.6" })),
                ("role", json!(role)),
                ("files", json!(files)),
                ("hashed", json!(hashed)),
            ],
        )?;
        if options.listen.ip().is_unspecified()
            && options.advertise.is_none()
            && !options.firewalled
        {
            report.note("others are not told where to connect to: --advertise says it");
        }
        let now = Instant::now();
        let patience = Duration::from_secs(options.timeout);
        let mut app = Self {
            node,
            library,
            options: options.clone(),
            links: BTreeMap::new(),
            byes: BTreeMap::new(),
            getting: options.get.map(|wanted| Getting::new(wanted, options.push, patience)),
            search_at: None,
            seek_at: None,
            missing: Vec::new(),
            missing_at: now + CONNECT,
            forbidden: 0,
            forbidden_at: now,
            outcome: None,
        };
        app.join(report)?;
        if let Some(Wanted::Sha1(wanted)) = options.get {
            let have = shares.iter().find(|&&index| own.sha1(index) == Some(wanted));
            if let Some(file) = have.and_then(|&index| own.file(index)) {
                app.downloaded(&file.name, file.size, wanted, Some(true), None, 0, report)?;
            }
        }
        Ok(app)
    }

    /// Connects to the hosts that the user named, as far as that is allowed.
    fn join(&mut self, report: &mut Lines) -> Result<(), Failure> {
        let may = |host: &SocketAddr| self.options.allow_private || is_public(host.ip());
        let (hosts, forbidden): (Vec<_>, Vec<_>) =
            self.options.connect.iter().partition(|it| may(it));
        for host in &forbidden {
            refused("link", Some(*host), NOT_PUBLIC, report)?;
        }
        match self.options.get {
            Some(Wanted::At(_, host)) if !may(&host) => {
                refused("get", Some(host), NOT_PUBLIC, report)?;
                self.outcome = Some(Err(format!("{host} is {NOT_PUBLIC}").into()));
            }
            Some(Wanted::Sha1(_)) if hosts.is_empty() && !forbidden.is_empty() => {
                self.outcome = Some(Err("there is nobody who may be asked".into()));
            }
            Some(Wanted::At(index, host)) if self.options.search.is_none() => {
                self.found_for_get(nameless(index, host));
            }
            Some(Wanted::At(..)) => self.seek_at = Some(Instant::now() + HIT),
            _ => {}
        }
        self.missing.clone_from(&hosts);
        self.node.command(Command::Join { hosts });
        Ok(())
    }

    /// The address it listens on.
    pub fn here(&self) -> SocketAddr {
        self.node.here()
    }

    /// What became of `--get`, once.
    pub fn outcome(&mut self) -> Option<Result<(), Failure>> {
        self.outcome.take()
    }

    /// Goes on until something happened.
    pub async fn step(&mut self, report: &mut Lines) -> Result<(), Failure> {
        enum Step {
            Event(Event),
            Offer(Option<Offer>),
            Checked(Result<Result<Checked, String>, JoinError>),
            Browsed(Result<Result<Hit, String>, JoinError>),
            Alarm,
        }
        let alarm = self.alarm();
        let beside = async {
            match self.getting.as_mut().map(|getting| &mut getting.stage) {
                Some(Stage::Checking(.., check)) => Step::Checked(check.await),
                Some(Stage::Browsing(browse)) => Step::Browsed(browse.await),
                _ => std::future::pending().await,
            }
        };
        let step = tokio::select! {
            event = self.node.next() => Step::Event(event),
            offer = self.library.offers.recv() => Step::Offer(offer),
            step = beside => step,
            () = sleep_until(alarm) => Step::Alarm,
        };
        match step {
            Step::Event(event) => self.told(event, report)?,
            Step::Offer(Some(offer)) => self.publish(offer, report),
            Step::Offer(None) => return Err("the thread that looks at files has ended".into()),
            Step::Checked(checked) => self.checked(checked?, report)?,
            Step::Browsed(found) => self.browsed(found?, report)?,
            Step::Alarm => {}
        }
        self.do_what_is_due(report)
    }

    fn alarm(&self) -> Instant {
        let missing = (!self.missing.is_empty()).then_some(self.missing_at);
        let getting = self.getting.as_ref().and_then(Getting::alarm);
        let all = [self.search_at, self.seek_at, missing, getting];
        let next = all.into_iter().flatten().min();
        // What was not contacted is only counted, and looked at now and then.
        next.unwrap_or_else(|| Instant::now() + FORBIDDEN).min(Instant::now() + FORBIDDEN)
    }

    fn do_what_is_due(&mut self, report: &mut Lines) -> Result<(), Failure> {
        let now = Instant::now();
        if self.search_at.take_if(|at| *at <= now).is_some()
            && let Some(text) = self.options.search.clone()
        {
            let plan = plan(u8::MAX);
            self.node.command(Command::SearchBy { search: SEARCH, text, plan });
        }
        if self.seek_at.take_if(|at| *at <= now).is_some() {
            self.seek(now, report)?;
        }
        if !self.missing.is_empty() && now >= self.missing_at {
            for host in std::mem::take(&mut self.missing) {
                report.trouble(&format!(
                    "no link to {host} yet: nobody is there, or it has no room; trying on"
                ))?;
            }
        }
        let forbidden = self.node.stats().forbidden;
        if forbidden > self.forbidden && now >= self.forbidden_at {
            let count = forbidden - self.forbidden;
            let reason = format!("{NOT_PUBLIC} (told by others, {count} times)");
            refused("contact", None, &reason, report)?;
            self.forbidden = forbidden;
            self.forbidden_at = now + FORBIDDEN;
        }
        if self.outcome.is_some() {
            return Ok(());
        }
        let Some(getting) = &self.getting else { return Ok(()) };
        match getting.stage {
            Stage::Waiting(Some(at)) if at <= now => self.fetch(report),
            Stage::Waiting(_) if getting.give_up <= now => {
                let (seconds, what) = (self.options.timeout, self.what());
                let reason = format!("{what} was not found within {seconds} s, or nobody gave it");
                self.fail(reason, report)
            }
            _ => Ok(()),
        }
    }

    /// Asks who has what is to be fetched.
    fn seek(&mut self, now: Instant, report: &mut Lines) -> Result<(), Failure> {
        let Some(getting) = self.getting.as_ref().filter(|getting| getting.is_sought()) else {
            self.seek_at = self.getting.as_ref().map(|_| now + REPEAT);
            return Ok(());
        };
        self.seek_at = Some(now + REPEAT);
        match getting.wanted {
            Wanted::Sha1(sha1) if !self.options.v04 => {
                let (text, plan) = (Urn::Sha1(sha1).to_string(), plan(0));
                self.node.command(Command::SearchBy { search: GET, text, plan });
            }
            // The user's own search says more of it, or who to send a Push to.
            Wanted::At(index, host) if !self.options.push => {
                self.found_for_get(nameless(index, host));
                return self.do_what_is_due(report);
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes leave of all neighbours.
    pub async fn leave(mut self, limit: Duration, report: &mut Lines) -> Result<(), Failure> {
        self.node.command(Command::Leave);
        let mut last = Vec::new();
        self.node.shut_down(limit, |event| last.push(event)).await;
        for event in last {
            if let Event::Unlinked { link, .. } = event
                && let Some(addr) = self.links.remove(&link)
            {
                report.event(
                    "link_down",
                    &[("addr", json!(addr.to_string())), ("reason", json!("left"))],
                )?;
            }
        }
        self.library.directory.save()?;
        Ok(())
    }

    /// The directory has changed, or more of it is hashed.
    fn publish(&mut self, offer: Offer, report: &Lines) {
        let Offer { catalogue, shares, hashed } = offer;
        if hashed < shares.len() {
            report.note(&format!("hashed {hashed} of {} files", shares.len()));
        }
        self.node.command(Command::Publish { catalogue, shares });
    }

    fn fetch(&mut self, report: &mut Lines) -> Result<(), Failure> {
        let Some(getting) = &mut self.getting else { return Ok(()) };
        let directory = &self.library.directory;
        let begun = getting.begin(directory).map_err(|error| error.to_string());
        let held = begun.and_then(|begun| {
            let held = if begun.is_some() { directory.hold(INTO) } else { Ok(()) };
            held.map(|()| begun).map_err(|error| error.to_string())
        });
        let (mut hits, fetching) = match held {
            Ok(Some(begun)) => begun,
            Ok(None) => return Ok(()),
            Err(reason) => return self.fail(reason, report),
        };
        let (fetch, into, from) = (GET, INTO, fetching.from);
        self.node.command(match fetching.size {
            Some(_) => Command::Swarm { fetch, hits, into, from },
            // Of a size that is not known, no parts can be made.
            None => Command::Fetch { fetch, hit: hits.remove(0), into, from },
        });
        Ok(())
    }

    pub fn fetch_failed(
        &mut self,
        reason: FetchFailure,
        report: &mut Lines,
    ) -> Result<(), Failure> {
        let Some(getting) = &mut self.getting else { return Ok(()) };
        let now = Instant::now();
        getting.failed(&self.library.directory, now);
        let at = matches!(getting.wanted, Wanted::At(..));
        let temporary = matches!(
            reason,
            FetchFailure::Busy
                | FetchFailure::TooSlow
                | FetchFailure::Interrupted { .. }
                | FetchFailure::TimedOut { .. }
        );
        match reason {
            FetchFailure::Store(_) | FetchFailure::Left => {
                self.fail(format!("{}: {reason}", self.what()), report)
            }
            FetchFailure::NotFound if getting.browse() => Ok(()),
            // One host was named, and it says no.
            _ if at && !temporary => self.fail(format!("{}: {reason}", self.what()), report),
            _ => {
                // It is searched for again, and the host that was named is asked again.
                self.seek_at = Some(now + AGAIN);
                report.trouble(&format!("{}: {reason}; trying again", self.what()))?;
                Ok(())
            }
        }
    }

    /// The host was asked what a file is called.
    fn browsed(&mut self, found: Result<Hit, String>, report: &mut Lines) -> Result<(), Failure> {
        if let Some(getting) = &mut self.getting {
            getting.stage = Stage::Waiting(None);
        }
        match found {
            Ok(hit) => {
                self.found_for_get(hit);
                Ok(())
            }
            Err(error) => {
                let reason = format!(
                    "{}: no such file under this index alone, and its name is not known ({error}); \
                     --search with words of it may tell",
                    self.what()
                );
                self.fail(reason, report)
            }
        }
    }

    /// What was fetched has been looked at.
    fn checked(
        &mut self,
        checked: Result<Checked, String>,
        report: &mut Lines,
    ) -> Result<(), Failure> {
        let Some(getting) = &mut self.getting else { return Ok(()) };
        let stage = std::mem::replace(&mut getting.stage, Stage::Waiting(None));
        let Stage::Checking(fetching, transfer, _) = stage else { return Ok(()) };
        let found = match checked {
            Ok(found) => found,
            Err(error) => return self.fail(format!("{}: {error}", fetching.name), report),
        };
        if found.named {
            let verified = fetching.sha1.map(|_| true);
            let (name, sources) = (fetching.name, fetching.asked.len());
            return self.downloaded(
                &name,
                found.size,
                found.sha1,
                verified,
                Some(transfer),
                sources,
                report,
            );
        }
        let (name, urn) = (fetching.name.clone(), Urn::Sha1(found.sha1));
        let known = getting.was_wrong(fetching, Instant::now());
        self.seek_at = Some(Instant::now() + AGAIN);
        let next = match known {
            true => "its source is not asked again",
            false => "its sources are asked again, one at a time",
        };
        report.trouble(&format!("{name} has other bytes ({urn}), and is thrown away: {next}"))?;
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "the keys of one event")]
    fn downloaded(
        &mut self,
        name: &str,
        size: u64,
        sha1: [u8; 20],
        verified: Option<bool>,
        transfer: Option<Transfer>,
        sources: usize,
        report: &mut Lines,
    ) -> Result<(), Failure> {
        report.event(
            "downloaded",
            &[
                ("name", json!(name)),
                ("size", json!(size)),
                ("transferred", json!(transfer.map_or(0, |it| it.bytes))),
                ("urn", json!(Urn::Sha1(sha1).to_string())),
                ("verified", json!(verified)),
                ("pushed", json!(transfer.is_some_and(|it| it.pushed))),
                ("sources", json!(sources)),
            ],
        )?;
        self.outcome = Some(Ok(()));
        Ok(())
    }

    /// `--get` will not come to its end.
    fn fail(&mut self, reason: String, report: &mut Lines) -> Result<(), Failure> {
        refused("get", None, &reason, report)?;
        self.outcome = Some(Err(reason.into()));
        Ok(())
    }

    fn what(&self) -> String {
        match self.options.get {
            Some(Wanted::Sha1(sha1)) => Urn::Sha1(sha1).to_string(),
            Some(Wanted::At(index, host)) => format!("file {index} of {host}"),
            None => String::new(),
        }
    }
}

fn plan(again: u8) -> SearchPlan {
    SearchPlan { strategy: Strategy::Flood { ttl: 7 }, enough: 200, wait: REPEAT, again }
}
