//! Who answers at an address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use overlay_peer::Address;

use crate::event::MAX_PEERS;
use crate::hosts::Hosts;

/// Lookups only: nothing iterates in an order that could differ.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    open: OpenHosts,
    devices: BTreeMap<IpAddr, u32>,
    inside: BTreeMap<(u32, Address), u32>,
}

/// Who a packet to some address goes to.
pub(crate) enum Destination {
    Host(u32),
    /// To the device's public side; it decides when the packet arrives.
    Device(u32),
    /// The host exists, but nothing listens at that port.
    ClosedPort(u32),
    Nobody,
}

impl Names {
    /// # Panics
    /// If another host has the address: a world is built by its caller, not by its peers.
    pub(crate) fn add_open(&mut self, address: Address, host: u32, hosts: &Hosts) {
        let other = matches!(self.open.find(address, hosts), Destination::Host(_));
        assert!(!other, "two hosts at {address}");
        self.open.add(address, host, hosts);
    }

    /// Makes room for so many more open hosts, and not much more.
    pub(crate) fn reserve(&mut self, more: usize, hosts: &Hosts) {
        let places = (self.open.used + more) * 8 / 7 + 1;
        if places > self.open.places.len() {
            self.open.resize(places, hosts);
        }
    }

    pub(crate) fn add_inside(&mut self, device: u32, address: Address, host: u32) {
        let before = self.inside.insert((device, address), host);
        assert!(before.is_none(), "two hosts at {address} behind one NAT");
    }

    pub(crate) fn device_at(&self, public: IpAddr) -> Option<u32> {
        if self.devices.is_empty() { None } else { self.devices.get(&public).copied() }
    }

    pub(crate) fn add_device(&mut self, public: IpAddr, device: u32) {
        self.devices.insert(public, device);
    }

    pub(crate) fn inside(&self, device: u32, address: Address) -> Option<u32> {
        self.inside.get(&(device, address)).copied()
    }

    pub(crate) fn resolve(&self, device: Option<u32>, to: Address, hosts: &Hosts) -> Destination {
        if let Some(neighbour) = device.and_then(|device| self.inside(device, to)) {
            return Destination::Host(neighbour);
        }
        match (self.open.find(to, hosts), self.device_at(to.ip())) {
            (Destination::Host(host), _) => Destination::Host(host),
            (_, Some(device)) => Destination::Device(device),
            (open, None) => open,
        }
    }
}

/// Hosts that are not behind a NAT, by address: a hash table of 4 bytes a place that keeps no
/// addresses, since the hosts have them.
///
/// The first host at an IP address is found by that alone, the others there by address and port. So a
/// look that finds nobody at the port still tells whether there is a host.
#[derive(Clone, Debug, Default)]
struct OpenHosts {
    /// In 32 bits, whether the host is the first of its IP address, five bits of the hash, so that hardly
    /// ever another host's address is looked at, and the host's number.
    places: Vec<u32>,
    used: usize,
}

const EMPTY: u32 = u32::MAX;
const FIRST: u32 = 1 << 31;
const HOST: u32 = MAX_PEERS as u32 - 1;

/// What an entry says beside its host. The bits of the hash are never all ones: then no entry is `EMPTY`.
fn mark(hash: u64, first: bool) -> u32 {
    let part = (((hash & u64::from(u32::MAX)) * 31) >> 32) as u32;
    part << HOST.count_ones() | if first { FIRST } else { 0 }
}

impl OpenHosts {
    fn find(&self, to: Address, hosts: &Hosts) -> Destination {
        let Some(first) = self.first_at(to.ip(), hosts) else { return Destination::Nobody };
        if hosts.address(first).port() == to.port() {
            return Destination::Host(first);
        }
        let mut others = self.probe(hash(to.ip(), Some(to.port())), false);
        match others.find(|&host| hosts.address(host) == to) {
            Some(host) => Destination::Host(host),
            None => Destination::ClosedPort(first),
        }
    }

    fn first_at(&self, ip: IpAddr, hosts: &Hosts) -> Option<u32> {
        self.probe(hash(ip, None), true).find(|&host| hosts.address(host).ip() == ip)
    }

    /// The hosts in the places from a hash on, up to the first empty one, that may be the one.
    fn probe(&self, hash: u64, first: bool) -> impl Iterator<Item = u32> {
        let (before, after) = self.places.split_at(self.start(hash));
        let used = after.iter().chain(before).take_while(|&&entry| entry != EMPTY);
        let mark = mark(hash, first);
        used.filter(move |&&entry| entry & !HOST == mark).map(|&entry| entry & HOST)
    }

    fn add(&mut self, address: Address, host: u32, hosts: &Hosts) {
        // At most seven eighths full.
        if (self.used + 1) * 8 > self.places.len() * 7 {
            self.resize((self.places.len() * 2).max(16), hosts);
        }
        let first = self.first_at(address.ip(), hosts).is_none();
        self.put(host, first, address);
        self.used += 1;
    }

    fn resize(&mut self, places: usize, hosts: &Hosts) {
        for entry in core::mem::replace(&mut self.places, vec![EMPTY; places]) {
            if entry != EMPTY {
                self.put(entry & HOST, entry & FIRST != 0, hosts.address(entry & HOST));
            }
        }
    }

    fn put(&mut self, host: u32, first: bool, address: Address) {
        let hash = hash(address.ip(), (!first).then(|| address.port()));
        let start = self.start(hash);
        let (before, after) = self.places.split_at_mut(start);
        let free = after.iter_mut().chain(before).find(|place| **place == EMPTY);
        *free.expect("an eighth is empty") = mark(hash, first) | host;
    }

    /// Where the search for a hash begins: its share of the places, however many there are.
    fn start(&self, hash: u64) -> usize {
        ((u128::from(hash) * self.places.len() as u128) >> 64) as usize
    }
}

/// Addresses are the caller's, not a stranger's: the hash has no key.
fn hash(ip: IpAddr, port: Option<u16>) -> u64 {
    let bits = match ip {
        IpAddr::V4(ip) => u64::from(ip.to_bits()),
        IpAddr::V6(ip) => (ip.to_bits() >> 64) as u64 ^ crate::trace::mix(ip.to_bits() as u64),
    };
    crate::trace::mix(bits ^ port.map_or(0, |port| u64::from(port) + 1) << 40)
}
