//! The cache of hosts to connect to.

use alloc::vec::Vec;
use core::net::SocketAddrV4;

use rand_core::Rng;

/// Addresses learnt from Pongs and from the user, a bounded number of them. The oldest makes room;
/// one that failed too often is forgotten, and until then the others are tried first.
///
/// Pongs can lie, so nobody's can fill the cache: what one source tells beyond its share replaces what
/// it told before, and nothing replaces the hosts that the user named.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    hosts: Vec<Host>,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    address: SocketAddrV4,
    failures: u8,
    source: Source,
}

/// Who told of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The user. These stay, up to half of the cache, even when they fail.
    User,
    /// The neighbour in this slot. Its share is a quarter of the cache; the next neighbour in the slot
    /// takes the share over.
    Neighbour(u8),
    /// Servents that refused a link, or gave one, and named others. Their share is a quarter of the cache.
    Refusals,
    /// The cache of an earlier run, as the user kept it. It can fill the cache.
    Saved,
    /// A list on the web. Its share is half of the cache.
    Web,
    /// Hosts that came for a link themselves, and found no room. Their share is half of the cache.
    Callers,
}

impl Hosts {
    pub const NONE: Self = Self { hosts: Vec::new() };

    /// A host is forgotten after so many failures.
    const FAILURES: u8 = 3;

    /// Adds a host as the newest; whether it is one that was not there.
    pub fn insert(&mut self, address: SocketAddrV4, source: Source, most: usize) -> bool {
        if !usable(address) || most == 0 {
            return false;
        }
        if let Some(at) = self.hosts.iter().position(|host| host.address == address) {
            // Named again it is the newest, but what it did is not forgotten.
            let mut host = self.hosts.remove(at);
            if source == Source::User {
                host.source = source;
            }
            self.hosts.push(host);
            return false;
        }
        let share = match source {
            Source::Saved => most,
            Source::User | Source::Web | Source::Callers => most.div_ceil(2),
            Source::Neighbour(_) | Source::Refusals => most.div_ceil(4),
        };
        let told = self.hosts.iter().filter(|host| host.source == source).count();
        let full = self.hosts.len() >= most;
        // The oldest of the same source, or else the oldest that is not the user's.
        let oldest = if told >= share {
            self.hosts.iter().position(|host| host.source == source)
        } else if full {
            self.hosts.iter().position(|host| host.source != Source::User)
        } else {
            None
        };
        match oldest {
            Some(at) => drop(self.hosts.remove(at)),
            None if full => return false,
            None => {}
        }
        self.hosts.push(Host { address, failures: 0, source });
        true
    }

    /// A connection to this host failed, or did not last.
    pub fn failed(&mut self, address: SocketAddrV4) {
        if let Some(at) = self.hosts.iter().position(|host| host.address == address) {
            let host = &mut self.hosts[at];
            host.failures = host.failures.saturating_add(1);
            if host.failures >= Self::FAILURES && host.source != Source::User {
                self.hosts.remove(at);
            }
        }
    }

    /// A link to this host works.
    pub fn works(&mut self, address: SocketAddrV4) {
        if let Some(at) = self.hosts.iter().position(|host| host.address == address) {
            self.hosts[at].failures = 0;
        }
    }

    /// This is no host to connect to.
    pub fn forget(&mut self, address: SocketAddrV4) {
        if let Some(at) = self.hosts.iter().position(|host| host.address == address) {
            self.hosts.remove(at);
        }
    }

    /// Whether there is a host that `wanted` accepts.
    pub fn any(&self, mut wanted: impl FnMut(SocketAddrV4) -> bool) -> bool {
        self.hosts.iter().any(|host| wanted(host.address))
    }

    /// One of the hosts that `wanted` accepts: one of those that failed least often, at random.
    pub fn pick(
        &self,
        rng: &mut impl Rng,
        mut wanted: impl FnMut(SocketAddrV4) -> bool,
    ) -> Option<SocketAddrV4> {
        let (before, after) = self.hosts.split_at(below(rng, self.hosts.len()));
        let wanted = after.iter().chain(before).filter(|host| wanted(host.address));
        wanted.min_by_key(|host| host.failures).map(|host| host.address)
    }

    /// Up to `most` hosts that have not failed: the newest, which should have room for neighbours,
    /// and as many at random, so that not everybody goes to the same.
    pub fn sample(&self, most: usize, rng: &mut impl Rng) -> Vec<SocketAddrV4> {
        let mut good: Vec<_> = self.hosts.iter().rev().filter(|host| host.failures == 0).collect();
        for at in most.div_ceil(2)..most.min(good.len()) {
            let other = at + below(rng, good.len() - at);
            good.swap(at, other);
        }
        good.truncate(most);
        good.into_iter().map(|host| host.address).collect()
    }

    /// All, those first that failed least, of these the newest.
    pub fn best(&self) -> impl Iterator<Item = SocketAddrV4> {
        let failed =
            |failures: u8| self.hosts.iter().rev().filter(move |host| host.failures == failures);
        // Those of the user can have failed more often; they are not forgotten.
        let most = self.hosts.iter().map(|host| host.failures).max().unwrap_or(0);
        (0..=most).flat_map(failed).map(|host| host.address)
    }

    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.hosts.capacity() * size_of::<Host>()
    }
}

/// A number below `end`, 0 if there is none. The bias is below `end` / 2^32.
pub(crate) fn below(rng: &mut impl Rng, end: usize) -> usize {
    ((u64::from(rng.next_u32()) * end as u64) >> 32) as usize
}

/// Whether a servent could accept connections there at all.
pub(crate) fn usable(address: SocketAddrV4) -> bool {
    let ip = address.ip();
    address.port() != 0 && ip.octets()[0] != 0 && !ip.is_broadcast() && !ip.is_multicast()
}
