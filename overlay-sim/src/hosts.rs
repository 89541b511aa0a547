//! What a world keeps of each host.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use overlay_peer::{Address, Ticket};

use crate::event::MAX_PEERS;
use crate::link::Table;
use crate::{Host, Place};

/// All hosts: what every event touches in 32 bytes each, what few events touch or few hosts have apart
/// from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    states: Vec<HostState>,
    sites: Vec<Site>,
    /// Hosts behind a NAT, with an IPv6 address, or faster than 4 GB a second.
    unusual: BTreeMap<u32, Unusual>,
    /// Of hosts that have read or written anything: the number of the next ticket.
    tickets: BTreeMap<u32, u32>,
}

/// What is needed for every event: half a cache line.
#[derive(Clone, Debug)]
#[repr(align(32))]
pub(crate) struct HostState {
    /// When the uplink is idle again, in microseconds.
    pub(crate) uplink_free: u64,
    pub(crate) links: Table,
    /// Inputs the peer has had, for the seed of the next one's randomness; begins again after 2^32.
    pub(crate) inputs: u32,
    /// Bytes a second.
    upload: u32,
    pub(crate) alive: bool,
    is_unusual: bool,
}

/// What is needed for connects and where the underlay is asked.
#[derive(Clone, Debug)]
struct Site {
    ip: Ipv4Addr,
    place: Place,
    /// Inputs that were no messages.
    other_inputs: u32,
    port: u16,
}

#[derive(Clone, Debug)]
struct Unusual {
    host: Host,
    device: Option<u32>,
}

impl Hosts {
    /// # Panics
    /// If there are 2^26 already.
    pub(crate) fn push(&mut self, host: Host, device: Option<u32>) -> u32 {
        assert!(self.states.len() < MAX_PEERS, "{MAX_PEERS} peers at most");
        let index = self.states.len() as u32;
        let (ip, port) = match host.address {
            Address::V4(address) => (*address.ip(), address.port()),
            Address::V6(address) => (Ipv4Addr::UNSPECIFIED, address.port()),
        };
        let upload = u32::try_from(host.upload).unwrap_or(u32::MAX);
        let is_unusual =
            device.is_some() || host.address.is_ipv6() || u64::from(upload) != host.upload;
        if is_unusual {
            self.unusual.insert(index, Unusual { host, device });
        }
        self.states.push(HostState {
            uplink_free: 0,
            links: Table::EMPTY,
            inputs: 0,
            upload,
            alive: true,
            is_unusual,
        });
        self.sites.push(Site { ip, place: host.place, other_inputs: 0, port });
        index
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.states.reserve_exact(more);
        self.sites.reserve_exact(more);
    }

    #[inline]
    pub(crate) fn states(&self) -> &[HostState] {
        &self.states
    }

    pub(crate) fn tables(&mut self) -> impl Iterator<Item = &mut Table> {
        self.states.iter_mut().map(|state| &mut state.links)
    }

    #[inline]
    pub(crate) fn is_alive(&self, host: u32) -> bool {
        self.states.get(host as usize).is_some_and(|state| state.alive)
    }

    #[inline]
    fn unusual(&self, host: u32) -> Option<&Unusual> {
        if self[host].is_unusual { self.unusual.get(&host) } else { None }
    }

    /// A host as its world was told.
    pub(crate) fn host(&self, host: u32) -> Host {
        match self.unusual(host) {
            Some(unusual) => unusual.host,
            None => {
                let (upload, place) = (self[host].upload.into(), self.place(host));
                Host { upload, place, ..Host::open(self.address(host)) }
            }
        }
    }

    #[inline]
    pub(crate) fn address(&self, host: u32) -> Address {
        match self.unusual(host) {
            Some(unusual) => unusual.host.address,
            None => {
                let site = &self.sites[host as usize];
                SocketAddrV4::new(site.ip, site.port).into()
            }
        }
    }

    #[inline]
    pub(crate) fn device(&self, host: u32) -> Option<u32> {
        self.unusual(host)?.device
    }

    #[inline]
    pub(crate) fn upload(&self, host: u32) -> u64 {
        match self.unusual(host) {
            Some(unusual) => unusual.host.upload,
            None => self[host].upload.into(),
        }
    }

    #[inline]
    pub(crate) fn place(&self, host: u32) -> Place {
        self.sites[host as usize].place
    }

    /// An input that is no message.
    #[inline]
    pub(crate) fn count_other_input(&mut self, host: u32) {
        let inputs = &mut self.sites[host as usize].other_inputs;
        *inputs = inputs.wrapping_add(1);
    }

    /// How many messages each host has received, modulo 2^32.
    pub(crate) fn received(&self) -> impl Iterator<Item = u32> {
        let both = self.states.iter().zip(&self.sites);
        both.map(|(state, site)| state.inputs.wrapping_sub(site.other_inputs))
    }

    pub(crate) fn next_ticket(&mut self, host: u32) -> Ticket {
        let next = self.tickets.entry(host).or_default();
        let ticket = Ticket(*next);
        *next = next.wrapping_add(1);
        ticket
    }
}

impl core::ops::Index<u32> for Hosts {
    type Output = HostState;

    #[inline]
    fn index(&self, host: u32) -> &HostState {
        &self.states[host as usize]
    }
}

impl core::ops::IndexMut<u32> for Hosts {
    #[inline]
    fn index_mut(&mut self, host: u32) -> &mut HostState {
        &mut self.states[host as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_half_a_cache_line() {
        assert_eq!(size_of::<HostState>(), 32);
        assert_eq!(size_of::<Site>(), 16);
    }
}
