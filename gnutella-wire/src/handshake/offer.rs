//! The fields of a handshake: what the other side says of itself, and what we say.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::net::{IpAddr, SocketAddr};

use super::Role;
use crate::{Guid, Head, HeadBuilder, Version};

/// What a head of a handshake says. Fields that are missing or make no sense are `None`, or
/// false: servents vary, and none of these is worth refusing a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer<'a> {
    head: Head<'a>,
}

impl<'a> Offer<'a> {
    /// The fields of this head.
    pub const fn of(head: Head<'a>) -> Self {
        Self { head }
    }

    /// The whole head.
    pub fn head(&self) -> Head<'a> {
        self.head
    }

    /// `User-Agent`: which program it is.
    pub fn user_agent(&self) -> Option<&'a [u8]> {
        self.head.field("User-Agent")
    }

    /// `X-Ultrapeer`: what the servent is, or wants to be.
    pub fn role(&self) -> Role {
        match self.boolean("X-Ultrapeer") {
            Some(true) => Role::Ultrapeer,
            Some(false) => Role::Leaf,
            None => Role::Plain,
        }
    }

    /// `X-Ultrapeer-Needed`: whether it wants us to be an ultrapeer, or rather its leaf.
    pub fn ultrapeer_needed(&self) -> Option<bool> {
        self.boolean("X-Ultrapeer-Needed")
    }

    /// `X-Query-Routing`: with 0.2, patches may have entries of 1 and 2 bits.
    pub fn query_routing(&self) -> Option<Version> {
        self.version("X-Query-Routing")
    }

    /// `X-Ultrapeer-Query-Routing`: ultrapeers send each other tables.
    pub fn ultrapeer_query_routing(&self) -> Option<Version> {
        self.version("X-Ultrapeer-Query-Routing")
    }

    /// `X-Dynamic-Querying`.
    pub fn dynamic_querying(&self) -> Option<Version> {
        self.version("X-Dynamic-Querying")
    }

    /// `X-Ext-Probes`: queries with TTL 1 may be probes, for what the ultrapeer itself and its leaves
    /// have.
    pub fn extended_probes(&self) -> Option<Version> {
        self.version("X-Ext-Probes")
    }

    /// `GGEP`.
    pub fn ggep(&self) -> Option<Version> {
        self.version("GGEP")
    }

    /// `Vendor-Message`.
    pub fn vendor_messages(&self) -> Option<Version> {
        self.version("Vendor-Message")
    }

    /// `Pong-Caching`.
    pub fn pong_caching(&self) -> Option<Version> {
        self.version("Pong-Caching")
    }

    /// `Bye-Packet`: it understands [`Bye`](crate::Bye).
    pub fn bye_packet(&self) -> Option<Version> {
        self.version("Bye-Packet")
    }

    /// `Crawler`: it only wants to know our neighbours.
    pub fn crawler(&self) -> Option<Version> {
        self.version("Crawler")
    }

    /// `X-Max-TTL`: the highest TTL of a fresh query that it wants.
    pub fn max_ttl(&self) -> Option<u8> {
        self.number("X-Max-TTL")
    }

    /// `X-Degree`: how many ultrapeers it is linked to.
    pub fn degree(&self) -> Option<u16> {
        self.number("X-Degree")
    }

    /// `Accept-Encoding` has `deflate`: we may deflate what we send.
    pub fn accepts_deflate(&self) -> bool {
        self.head.values("Accept-Encoding").any(|value| {
            value.split(|byte| *byte == b',').any(|item| {
                let name = item.split(|byte| *byte == b';').next().unwrap_or_default();
                name.trim_ascii().eq_ignore_ascii_case(b"deflate")
            })
        })
    }

    /// `Content-Encoding` is `deflate`: what it sends after the handshake is deflated.
    pub fn sends_deflate(&self) -> bool {
        self.head.field("Content-Encoding").is_some_and(|it| it.eq_ignore_ascii_case(b"deflate"))
    }

    /// `Remote-IP`: where it sees us.
    pub fn remote_ip(&self) -> Option<IpAddr> {
        let text = self.text("Remote-IP")?;
        text.parse().ok().or_else(|| text.parse().ok().map(|address: SocketAddr| address.ip()))
    }

    /// `Listen-IP`, or `X-My-Address` or `Node`, which mean the same: where it accepts connections. Of
    /// several, as gtk-gnutella writes its IPv4 and its IPv6 address, the first.
    pub fn listen_address(&self) -> Option<SocketAddr> {
        let names = ["Listen-IP", "X-My-Address", "Node"];
        names.into_iter().find_map(|name| addresses(self.head, name).next())
    }

    /// `GUID`: the servent's, so that a second link to the same one is noticed.
    pub fn guid(&self) -> Option<Guid> {
        self.text("GUID")?.parse().ok()
    }

    /// `X-Try-Ultrapeers`: other ultrapeers, as a refusal has them.
    pub fn try_ultrapeers(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        addresses(self.head, "X-Try-Ultrapeers")
    }

    /// `X-Try`: other hosts.
    pub fn try_hosts(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        addresses(self.head, "X-Try")
    }

    /// `Peers`: the ultrapeers it is linked to, as an answer to a [`crawler`](Self::crawler) has them.
    pub fn peers(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        addresses(self.head, "Peers")
    }

    /// `Leaves`: its leaves, as an answer to a [`crawler`](Self::crawler) has them.
    pub fn leaves(&self) -> impl Iterator<Item = SocketAddr> + use<'a> {
        addresses(self.head, "Leaves")
    }

    fn text(&self, name: &str) -> Option<&'a str> {
        core::str::from_utf8(self.head.field(name)?).ok()
    }

    fn boolean(&self, name: &str) -> Option<bool> {
        let value = self.head.field(name)?;
        let is = |word: &[u8]| value.eq_ignore_ascii_case(word).then_some(());
        is(b"true").map(|()| true).or_else(|| is(b"false").map(|()| false))
    }

    fn version(&self, name: &str) -> Option<Version> {
        let (major, minor) = self.text(name)?.split_once('.')?;
        Some(Version { major: major.parse().ok()?, minor: minor.parse().ok()? })
    }

    fn number<T: core::str::FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }
}

/// The addresses of a list; what stands after white space in an entry (a time, in old servents) is passed
/// over, and so is an entry that is no address.
pub(crate) fn addresses<'a>(
    head: Head<'a>,
    name: &'static str,
) -> impl Iterator<Item = SocketAddr> + use<'a> {
    head.values(name).flat_map(|value| value.split(|byte| *byte == b',')).filter_map(|entry| {
        let word = entry.trim_ascii().split(u8::is_ascii_whitespace).next()?;
        core::str::from_utf8(word).ok()?.parse().ok()
    })
}

/// What we say in a handshake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Local {
    /// What we are, or want to be.
    pub role: Role,
    /// Whether an ultrapeer that is told so becomes a leaf.
    pub may_become_leaf: bool,
    /// Whether we want an ultrapeer that connects to stay one, or rather to become our leaf.
    pub ultrapeers_needed: bool,
    /// Whether we can inflate what is sent to us.
    pub inflates: bool,
    /// Whether we deflate what we send to who can inflate it.
    pub deflates: bool,
    /// Our own fields, in order: everything but `X-Ultrapeer`, `X-Ultrapeer-Needed` and the
    /// encodings, which are decided here.
    pub fields: Vec<(String, String)>,
}

impl Local {
    /// The fields that say what a servent understands, for one that does all of it: take what is
    /// true.
    pub const CAPABILITIES: [(&'static str, &'static str); 7] = [
        ("X-Query-Routing", "0.2"),
        ("X-Ultrapeer-Query-Routing", "0.1"),
        ("X-Dynamic-Querying", "0.1"),
        ("GGEP", "0.5"),
        ("Vendor-Message", "0.1"),
        ("Pong-Caching", "0.1"),
        ("Bye-Packet", "0.1"),
    ];

    /// A servent of this role and name, which can inflate and deflate.
    pub fn new(role: Role, user_agent: &str) -> Self {
        Self {
            role,
            may_become_leaf: false,
            ultrapeers_needed: true,
            inflates: true,
            deflates: true,
            fields: [("User-Agent".to_owned(), user_agent.to_owned())].into(),
        }
    }

    /// The same with one field more.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(super) fn describe(&self, role: Role, mut head: HeadBuilder) -> HeadBuilder {
        for (name, value) in &self.fields {
            head = head.field(name, value);
        }
        head = match role {
            Role::Ultrapeer => head.field("X-Ultrapeer", "True"),
            Role::Leaf => head.field("X-Ultrapeer", "False"),
            Role::Plain => head,
        };
        if self.inflates { head.field("Accept-Encoding", "deflate") } else { head }
    }
}
