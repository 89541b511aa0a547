//! What the servent tells, as events.

use std::net::SocketAddr;
use std::time::Duration;

use gnutella_wire::{Role, Urn};
use overlay_examples::{Failure, Lines};
use overlay_gnutella::{Command, Event, Hit, LinkInfo};
use overlay_net::is_public;
use overlay_peer::Link;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::app::{App, GET};
use crate::getting::Transfer;

/// A first search waits so long after the first link: others may be about to come, with their tables.
const SETTLE: Duration = Duration::from_millis(500);

pub const NOT_PUBLIC: &str = "not a public address; --allow-private lets it be contacted";

impl App {
    /// One event of the servent's.
    pub fn told(&mut self, event: Event, report: &mut Lines) -> Result<(), Failure> {
        match event {
            Event::Linked { link, remote, inbound } => {
                self.linked(link, remote, inbound, report)?
            }
            Event::Bye { link, code, text } => {
                let text = String::from_utf8_lossy(&text);
                self.byes.insert(link, format!("Bye: {code} {text}"));
            }
            Event::Unlinked { link, reason } => {
                let addr = self.links.remove(&link).map(|addr| addr.to_string());
                let said = self.byes.remove(&link);
                let reason = said.unwrap_or_else(|| match reason {
                    Some(reason) => format!("{reason:?}"),
                    None => "closed here".to_owned(),
                });
                report.event("link_down", &[("addr", json!(addr)), ("reason", json!(reason))])?;
            }
            Event::Overheard { link, ttl, hops, text, sha1 } => {
                let addr = self.links.get(&link).map(ToString::to_string);
                let text = String::from_utf8_lossy(&text);
                report.event(
                    "query",
                    &[
                        ("text", json!(text)),
                        ("urn", json!(sha1.map(|sha1| Urn::Sha1(sha1).to_string()))),
                        ("ttl", json!(ttl)),
                        ("hops", json!(hops)),
                        ("addr", json!(addr)),
                    ],
                )?;
            }
            Event::Hit { search, hops, hit } => self.found(search, hops, hit, report)?,
            Event::Fetched { bytes, pushed, .. } => {
                if let Some(getting) = &mut self.getting {
                    getting.fetched(&self.library.directory, Transfer { bytes, pushed });
                }
            }
            Event::FetchFailed { reason, .. } => self.fetch_failed(reason, report)?,
            Event::SearchRejected { reason, .. } => {
                refused("search", None, &reason.to_string(), report)?;
            }
            Event::Misbehaved { link, what } => {
                let addr = self.links.get(&link).copied();
                refused("link", addr, &what.to_string(), report)?;
            }
            Event::SourceLost { servent, reason, .. } => {
                report.trouble(&format!("source {servent} is lost: {reason}"))?;
            }
            _ => {}
        }
        Ok(())
    }

    fn linked(
        &mut self,
        link: Link,
        remote: SocketAddr,
        inbound: bool,
        report: &mut Lines,
    ) -> Result<(), Failure> {
        self.links.insert(link, remote);
        self.missing.retain(|host| *host != remote);
        if self.links.len() == 1 {
            let now = Instant::now();
            // Once: it is repeated by the servent.
            if self.options.search.is_some() && self.search_at.is_none() {
                self.search_at = Some(now + SETTLE);
            }
            if self.getting.is_some() {
                self.seek_at.get_or_insert(now + SETTLE);
            }
        }
        let info = self.node.peer().link_info(link);
        let of = |value: fn(LinkInfo) -> Value| info.map_or(Value::Null, value);
        report.event(
            "link_up",
            &[
                ("addr", json!(remote.to_string())),
                ("inbound", json!(inbound)),
                ("version", of(|it| format!("{}", it.version).into())),
                ("role", of(|it| role_name(it.role).into())),
                ("inflate", of(|it| it.coding.inflate.into())),
                ("deflate", of(|it| it.coding.deflate.into())),
            ],
        )?;
        Ok(())
    }

    fn found(
        &mut self,
        search: u32,
        hops: u8,
        hit: Hit,
        report: &mut Lines,
    ) -> Result<(), Failure> {
        report.event(
            "hit",
            &[
                ("search", json!(if search == GET { "get" } else { "search" })),
                ("addr", json!(hit.address.to_string())),
                ("index", json!(hit.index)),
                ("name", json!(hit.name_lossy())),
                ("size", json!(hit.exact_size())),
                ("urn", json!(hit.sha1.map(|sha1| Urn::Sha1(sha1).to_string()))),
                ("hops", json!(hops)),
                ("push", json!(hit.push)),
                ("busy", json!(hit.busy)),
                ("servent", json!(hit.servent.to_string())),
            ],
        )?;
        if self.getting.as_ref().is_some_and(|getting| getting.wanted.is(&hit)) {
            let push = hit.push || self.options.push;
            if push || self.options.allow_private || is_public(hit.address.ip()) {
                self.found_for_get(hit);
            } else {
                refused("get", Some(hit.address), NOT_PUBLIC, report)?;
            }
        }
        Ok(())
    }

    /// Somebody has what is wanted.
    pub fn found_for_get(&mut self, hit: Hit) {
        let more = self.getting.as_mut().and_then(|getting| getting.found(hit, Instant::now()));
        if let Some(hit) = more {
            self.node.command(Command::AddSource { fetch: GET, hit });
        }
    }
}

/// Something is not done.
pub fn refused(
    what: &str,
    addr: Option<SocketAddr>,
    reason: &str,
    report: &mut Lines,
) -> Result<(), Failure> {
    let addr = addr.map(|addr| addr.to_string());
    report.event(
        "refused",
        &[("what", json!(what)), ("addr", json!(addr)), ("reason", json!(reason))],
    )?;
    Ok(())
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Ultrapeer => "ultrapeer",
        Role::Leaf => "leaf",
        Role::Plain => "plain",
    }
}
