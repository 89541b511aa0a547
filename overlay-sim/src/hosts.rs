//! What a world keeps of each host.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};

use overlay_peer::{Address, Ticket};

use crate::event::MAX_PEERS;
use crate::link::Table;
use crate::{Host, Place};

/// All hosts: what every event touches in 48 bytes each, what few hosts have apart from it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    states: Vec<HostState>,
    /// Hosts behind a NAT, with an IPv6 address, or faster than 4 GB a second.
    unusual: BTreeMap<u32, Unusual>,
    /// Of hosts that have read or written anything: the number of the next ticket.
    tickets: BTreeMap<u32, u32>,
}

/// What is needed often.
#[derive(Clone, Debug)]
pub(crate) struct HostState {
    /// When the uplink is idle again, in microseconds.
    pub(crate) uplink_free: u64,
    /// Inputs the peer has had, for the seed of the next one's randomness.
    pub(crate) inputs: u64,
    pub(crate) links: Table,
    /// Messages it has received; stops at the most it can be.
    pub(crate) received: u32,
    ip: Ipv4Addr,
    /// Bytes a second.
    upload: u32,
    place: Place,
    port: u16,
    pub(crate) alive: bool,
    is_unusual: bool,
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
            inputs: 0,
            links: Table::EMPTY,
            received: 0,
            ip,
            upload,
            place: host.place,
            port,
            alive: true,
            is_unusual,
        });
        index
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.states.reserve_exact(more);
    }

    pub(crate) fn states(&self) -> &[HostState] {
        &self.states
    }

    pub(crate) fn is_alive(&self, host: u32) -> bool {
        self.states.get(host as usize).is_some_and(|state| state.alive)
    }

    fn unusual(&self, host: u32) -> Option<&Unusual> {
        if self[host].is_unusual { self.unusual.get(&host) } else { None }
    }

    /// A host as its world was told.
    pub(crate) fn host(&self, host: u32) -> Host {
        match self.unusual(host) {
            Some(unusual) => unusual.host,
            None => {
                let &HostState { upload, place, .. } = &self[host];
                Host { upload: upload.into(), place, ..Host::open(self.address(host)) }
            }
        }
    }

    pub(crate) fn address(&self, host: u32) -> Address {
        match self.unusual(host) {
            Some(unusual) => unusual.host.address,
            None => SocketAddrV4::new(self[host].ip, self[host].port).into(),
        }
    }

    pub(crate) fn device(&self, host: u32) -> Option<u32> {
        self.unusual(host)?.device
    }

    pub(crate) fn upload(&self, host: u32) -> u64 {
        match self.unusual(host) {
            Some(unusual) => unusual.host.upload,
            None => self[host].upload.into(),
        }
    }

    pub(crate) fn place(&self, host: u32) -> Place {
        self[host].place
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

    fn index(&self, host: u32) -> &HostState {
        &self.states[host as usize]
    }
}

impl core::ops::IndexMut<u32> for Hosts {
    fn index_mut(&mut self, host: u32) -> &mut HostState {
        &mut self.states[host as usize]
    }
}
