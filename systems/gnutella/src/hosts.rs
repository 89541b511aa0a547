//! The cache of hosts to connect to.

use alloc::vec::Vec;
use core::net::SocketAddrV4;

use rand_core::Rng;

/// Addresses learnt from Pongs and from the user, a bounded number of them. The oldest makes room;
/// one that failed too often is forgotten.
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

    /// Adds a host; `false` if it was there, or can not be one.
    pub fn insert(&mut self, address: SocketAddrV4, most: usize) -> bool {
        if !usable(address) || most == 0 || self.hosts.iter().any(|host| host.address == address) {
            return false;
        }
        if self.hosts.len() >= most {
            self.hosts.remove(0);
        }
        self.hosts.push(Host { address, failures: 0 });
        true
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

    /// One of the hosts that `wanted` accepts, at random.
    pub fn pick(
        &self,
        rng: &mut impl Rng,
        mut wanted: impl FnMut(SocketAddrV4) -> bool,
    ) -> Option<SocketAddrV4> {
        let start = below(rng, self.hosts.len());
        let (before, after) = self.hosts.split_at(start);
        after.iter().chain(before).map(|host| host.address).find(|&address| wanted(address))
    }

    /// Up to `most` hosts, neighbours in age, from a random one on.
    pub fn sample(&self, rng: &mut impl Rng, most: usize) -> impl Iterator<Item = SocketAddrV4> {
        let start = below(rng, self.hosts.len());
        let (before, after) = self.hosts.split_at(start);
        after.iter().chain(before).map(|host| host.address).take(most)
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
