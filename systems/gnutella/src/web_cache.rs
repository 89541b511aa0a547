//! Hosts from the web: a list fetched from a named web server, as GWebCache gave it out; and the other
//! side, a servent that answers with the hosts it knows.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use bytes::Bytes;
use gnutella_wire::{Head, OwnedHead, Response};
use overlay_peer::{Address, Context, Link, Reason, Time};

use crate::hosts::Source;
use crate::{Event, HeadKind, HostList, Message, Phase, Servent, WebCacheFailure};

/// A web server that was asked. It is remembered when it has answered, so that it is not asked again soon.
#[derive(Clone, Debug)]
pub(crate) struct WebCache {
    server: Address,
    stage: Stage,
    pub deadline: Time,
}

#[derive(Clone, Debug)]
enum Stage {
    Connecting { link: Link, request: OwnedHead },
    Requested { link: Link },
    Body { link: Link, left: u64, text: Vec<u8> },
    Done,
}

/// So many servers are asked, or remembered, at a time.
const SERVERS: usize = 8;

/// The most bytes of a list; GWebCaches give 20 hosts.
const BYTES: u64 = 16_384;

/// The most hosts taken from one list.
const HOSTS: usize = 64;

/// The longest path, in bytes.
const PATH: usize = 1_024;

impl WebCache {
    pub fn heap_bytes(&self) -> usize {
        match &self.stage {
            Stage::Connecting { request, .. } => request.borrow().encoded_len(),
            Stage::Body { text, .. } => text.capacity(),
            Stage::Requested { .. } | Stage::Done => 0,
        }
    }

    fn link(&self) -> Option<Link> {
        match self.stage {
            Stage::Connecting { link, .. }
            | Stage::Requested { link }
            | Stage::Body { link, .. } => Some(link),
            Stage::Done => None,
        }
    }
}

impl Servent {
    /// [`Command::AskWebCache`](crate::Command::AskWebCache).
    pub(crate) fn ask_web_cache(
        &mut self,
        server: Address,
        name: &str,
        path: &str,
        cx: &mut Context<'_, Self>,
    ) {
        self.away = false;
        let caches = self.work.iter().flat_map(|work| &work.web_caches);
        let (count, known) = caches
            .fold((0, false), |(count, known), cache| (count + 1, known || cache.server == server));
        let refused = if known {
            Some(WebCacheFailure::TooSoon)
        } else if count >= SERVERS {
            Some(WebCacheFailure::TooMany { max: SERVERS })
        } else if path.len() > PATH || path.contains(char::is_whitespace) {
            Some(WebCacheFailure::BadPath)
        } else {
            None
        };
        if let Some(reason) = refused {
            return cx.emit(Event::WebCacheFailed { server, reason });
        }
        let slash = if path.starts_with('/') { "" } else { "/" };
        let mut line = String::from("GET ");
        line.extend([slash, path, " HTTP/1.0"]);
        let head = OwnedHead::build(line.as_bytes()).field("Connection", "close");
        let request = match name {
            "" => head.field("Host", server),
            name => head.field("Host", name),
        };
        let link = cx.connect(server);
        let deadline = cx.now() + self.settings.transfer_timeout;
        let stage = Stage::Connecting { link, request: request.finish() };
        self.work().web_caches.push(WebCache { server, stage, deadline });
        self.wake_at(deadline, cx);
    }

    /// A link we asked for is open; whether it is to a web server.
    pub(crate) fn web_opened(&mut self, link: Link, cx: &mut Context<'_, Self>) -> bool {
        let Some(cache) = self.web_cache(link) else { return false };
        let stage = core::mem::replace(&mut cache.stage, Stage::Requested { link });
        if let Stage::Connecting { request, .. } = stage {
            cx.phase(link, Phase::Response);
            cx.send(link, Message::head(HeadKind::Request, request));
        }
        true
    }

    /// The head of a web server's response.
    pub(crate) fn web_answered(
        &mut self,
        link: Link,
        head: Head<'_>,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let Some(cache) = self.web_cache(link) else { return false };
        if !matches!(cache.stage, Stage::Requested { .. }) {
            return false;
        }
        let response = Response::parse(head).ok();
        let length = response.and_then(|response| match response.code {
            // Without a length it ends with the link.
            200 => Some(response.content_length().ok().flatten().unwrap_or(BYTES).min(BYTES)),
            _ => None,
        });
        match (response, length) {
            (_, Some(left)) => {
                cache.stage = Stage::Body { link, left, text: Vec::new() };
                if left == 0 {
                    self.web_listed(link, cx);
                } else {
                    cx.phase(link, Phase::Body { left });
                }
            }
            (Some(response), None) => {
                let reason = WebCacheFailure::Refused { code: response.code };
                self.web_failed(link, reason, cx);
            }
            (None, None) => self.web_failed(link, WebCacheFailure::BadResponse, cx),
        }
        true
    }

    /// A piece of a list; whether it is one.
    pub(crate) fn web_data(
        &mut self,
        link: Link,
        bytes: &Bytes,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let Some(cache) = self.web_cache(link) else { return false };
        let Stage::Body { left, text, .. } = &mut cache.stage else { return false };
        text.extend_from_slice(bytes);
        *left = left.saturating_sub(bytes.len() as u64);
        match *left {
            0 => self.web_listed(link, cx),
            left => cx.phase(link, Phase::Body { left }),
        }
        true
    }

    /// Whether the link was to a web server; it is gone.
    pub(crate) fn web_closed(
        &mut self,
        link: Link,
        reason: Reason,
        cx: &mut Context<'_, Self>,
    ) -> bool {
        let Some(cache) = self.web_cache(link) else { return false };
        match (&cache.stage, reason) {
            // What came is the list.
            (Stage::Body { .. }, Reason::Remote) => self.web_listed(link, cx),
            _ => self.web_failed(link, WebCacheFailure::Closed(reason), cx),
        }
        true
    }

    /// A list is there.
    fn web_listed(&mut self, link: Link, cx: &mut Context<'_, Self>) {
        let Some(cache) = self.web_cache(link) else { return };
        let Stage::Body { text, .. } = &mut cache.stage else { return };
        let list = HostList::parse(&core::mem::take(text), HOSTS);
        let server = cache.server;
        let again = cx.now() + self.settings.web_cache_interval;
        self.web_done(link, again, cx);
        let hosts = u32::try_from(list.hosts().len()).unwrap_or(u32::MAX);
        self.remember(&list, Source::Web, cx);
        cx.emit(Event::WebCache { server, hosts });
    }

    fn web_failed(&mut self, link: Link, reason: WebCacheFailure, cx: &mut Context<'_, Self>) {
        let Some(server) = self.web_cache(link).map(|cache| cache.server) else { return };
        let again = cx.now() + self.settings.web_cache_interval;
        self.web_done(link, again, cx);
        cx.emit(Event::WebCacheFailed { server, reason });
    }

    fn web_done(&mut self, link: Link, again: Time, cx: &mut Context<'_, Self>) {
        cx.close(link);
        if let Some(cache) = self.web_cache(link) {
            cache.stage = Stage::Done;
            cache.deadline = again;
        }
        self.wake_at(again, cx);
    }

    /// Gives up servers that do not answer, and forgets those that answered long ago.
    pub(crate) fn sweep_web_caches(&mut self, cx: &mut Context<'_, Self>) {
        let now = cx.now();
        let Some(work) = &mut self.work else { return };
        let late = |cache: &WebCache| cache.deadline <= now;
        work.web_caches.retain(|cache| !(late(cache) && cache.link().is_none()));
        let late: Vec<Link> =
            work.web_caches.iter().filter(|it| late(it)).filter_map(WebCache::link).collect();
        for link in late {
            self.web_failed(link, WebCacheFailure::Closed(Reason::TimedOut), cx);
        }
    }

    /// Closes the links to web servers. Which were asked stays known.
    pub(crate) fn leave_web_caches(&mut self, cx: &mut Context<'_, Self>) {
        let Some(work) = &self.work else { return };
        let links: Vec<Link> = work.web_caches.iter().filter_map(WebCache::link).collect();
        for link in links {
            self.web_failed(link, WebCacheFailure::Left, cx);
        }
    }

    /// [`Command::JoinSaved`](crate::Command::JoinSaved), and what a web server told.
    pub(crate) fn remember(&mut self, list: &HostList, source: Source, cx: &mut Context<'_, Self>) {
        let own = self.public(cx);
        // The newest in the cache is tried and told first, and the list begins with the best.
        for &host in list.hosts().iter().rev() {
            if own != Some(host) && cx.here() != Address::from(host) {
                self.add_host(host, source);
            }
        }
        self.seek(cx);
    }

    /// The cache of hosts, the best first: to save, and to [join by](crate::Command::JoinSaved) another
    /// time.
    pub fn host_list(&self) -> HostList {
        self.aside.hosts.best().collect()
    }

    /// A request for something that is no file: the list of hosts, if this servent gives it out.
    pub(crate) fn list_hosts(&mut self, cx: &mut Context<'_, Self>) -> Option<(OwnedHead, Bytes)> {
        if !self.settings.host_list {
            return None;
        }
        let list: HostList = self.aside.hosts.sample(HOSTS, cx.rng()).into_iter().collect();
        let text = list.to_string();
        let length = text.len() as u64;
        Some((Response::ok(0, length, length, false).finish(), text.into()))
    }

    fn web_cache(&mut self, link: Link) -> Option<&mut WebCache> {
        let caches = &mut self.work.as_mut()?.web_caches;
        caches.iter_mut().find(|cache| cache.link() == Some(link))
    }
}
