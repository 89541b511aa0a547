//! The cache of hosts to connect to.

use alloc::vec::Vec;
use core::net::SocketAddrV4;

use rand_core::Rng;

/// Addresses learnt from Pongs and from the user, a bounded number of them. The oldest makes room;
/// one that failed too often is forgotten, and until then the others are tried first.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    hosts: Vec<Host>,
}

#[derive(Clone, Copy, Debug)]
struct Host {
    address: SocketAddrV4,
    failures: u8,
}

impl Hosts {
    /// A host is forgotten after so many failures.
    const FAILURES: u8 = 3;

    /// Adds a host as the newest; whether it is one that was not there.
    pub fn insert(&mut self, address: SocketAddrV4, most: usize) -> bool {
        if !usable(address) || most == 0 {
            return false;
        }
        // Who tells of itself again has room for neighbours again.
        let known = self.hosts.iter().position(|host| host.address == address);
        if let Some(at) = known.or((self.hosts.len() >= most).then_some(0)) {
            self.hosts.remove(at);
        }
        self.hosts.push(Host { address, failures: 0 });
        known.is_none()
    }

    /// A connection to this host failed, or did not last.
    pub fn failed(&mut self, address: SocketAddrV4) {
        if let Some(at) = self.hosts.iter().position(|host| host.address == address) {
            self.hosts[at].failures += 1;
            if self.hosts[at].failures >= Self::FAILURES {
                self.hosts.remove(at);
            }
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

    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// The heap it takes, in bytes.
    pub fn heap_bytes(&self) -> usize {
        self.hosts.capacity() * size_of::<Host>()
    }
}

/// A number below `end`, 0 if there is none. The bias is below `end` / 2^32.
fn below(rng: &mut impl Rng, end: usize) -> usize {
    ((u64::from(rng.next_u32()) * end as u64) >> 32) as usize
}

/// Whether a servent could accept connections there at all.
pub(crate) fn usable(address: SocketAddrV4) -> bool {
    let ip = address.ip();
    address.port() != 0 && ip.octets()[0] != 0 && !ip.is_broadcast() && !ip.is_multicast()
}
