//! What a device remembers: mappings, their remotes, and when each ends.

use alloc::collections::btree_map::Entry;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use core::net::{IpAddr, Ipv4Addr};

use overlay_peer::{Address, Time};

use crate::ports::Ports;
use crate::{Behaviour, DropReason, Filtering, Limits, Mapping, OutboundError, Protocol, Timeouts};

/// The state of a device. What is in it is alive, as of the last [`expire`](Self::expire).
///
/// - Each remote belongs to a mapping. A mapping lives as long as one of its remotes that was sent
///   to, or until its own time ([`Binding::until`]) if that is later.
/// - Over a mapping that depends on the destination, a flow leads to a mapping that has a remote in
///   the flow's scope, and no two flows share one. So nothing outgrows [`Limits`].
/// - `due` has one entry for each remote, and one for each mapping with a time of its own; never
///   later than what it announces ends.
#[derive(Clone, Debug, Default)]
pub(crate) struct Table {
    /// The mapping that a packet from inside takes, by its outside port.
    flows: BTreeMap<Flow, u16>,
    mappings: BTreeMap<Slot, Binding>,
    remotes: BTreeMap<(Slot, Endpoint), Remote>,
    due: BTreeSet<Due>,
    /// How many remotes were not sent to.
    unanswered: usize,
    ports: Ports,
}

/// How the device behaves, for the length of a call.
#[derive(Clone, Copy)]
pub(crate) struct Rules<'a> {
    pub(crate) behaviour: &'a Behaviour,
    pub(crate) timeouts: &'a Timeouts,
    pub(crate) limits: &'a Limits,
    pub(crate) now: Time,
}

impl Table {
    /// Removes what has ended.
    pub(crate) fn expire(&mut self, rules: Rules<'_>) {
        while let Some(due) = self.due.first().copied()
            && due.at <= rules.now
        {
            self.due.pop_first();
            match due.remote {
                None => self.expire_mapping(due, rules),
                Some(remote) => self.expire_remote(due, remote, rules),
            }
        }
    }

    /// A packet from `inside` to `to`: the outside port it leaves from.
    pub(crate) fn send(
        &mut self,
        protocol: Protocol,
        inside: Endpoint,
        to: Endpoint,
        rules: Rules<'_>,
    ) -> Result<u16, OutboundError> {
        let Rules { behaviour, timeouts, limits, now } = rules;
        let flow = Flow { protocol, inside, scope: Scope::of(behaviour.mapping, to) };
        let current = self.flows.get(&flow).map(|port| Slot { protocol, port: *port });
        let remote = current.and_then(|slot| self.remotes.get(&(slot, to)).copied());
        let tracked = rules.track(protocol);

        // Everything that can fail comes before anything that changes.
        let sent_to = self.remotes.len() - self.unanswered;
        let is_new = !remote.is_some_and(|remote| remote.sent);
        if tracked && is_new && sent_to >= usize::from(limits.remotes) {
            return Err(OutboundError::RemotesFull { max: limits.remotes });
        }
        let slot = match current {
            Some(slot) => slot,
            None => self.open(flow, rules)?,
        };

        if !tracked {
            self.keep(slot, now + timeouts.udp);
            return Ok(slot.port);
        }
        let until = now
            + match protocol {
                Protocol::Udp => timeouts.udp,
                Protocol::Tcp if remote.is_some_and(|remote| remote.heard) => {
                    timeouts.tcp_established
                }
                Protocol::Tcp => timeouts.tcp_transitory,
            };
        if is_new && let Some(binding) = self.mappings.get_mut(&slot) {
            binding.sent += 1;
        }
        match self.remotes.entry((slot, to)) {
            Entry::Vacant(entry) => {
                entry.insert(Remote { until, due: until, sent: true, heard: false });
                self.due.insert(Due { at: until, slot, remote: Some(to) });
            }
            Entry::Occupied(entry) => {
                let remote = entry.into_mut();
                self.unanswered -= usize::from(is_new);
                remote.sent = true;
                remote.until = remote.until.max(until);
            }
        }
        Ok(slot.port)
    }

    /// A packet from `from` to an outside port: the inside endpoint it is handed to.
    pub(crate) fn hear(
        &mut self,
        slot: Slot,
        from: Endpoint,
        rules: Rules<'_>,
    ) -> Result<Endpoint, DropReason> {
        let Rules { behaviour, timeouts, limits, now } = rules;
        let inside = self.mappings.get(&slot).ok_or(DropReason::NoMapping)?.inside;
        let rule = match behaviour.filtering {
            Filtering::EndpointIndependent => None,
            _ => Some(self.rule(slot, from, behaviour.filtering).ok_or(DropReason::Filtered)?),
        };

        if slot.protocol == Protocol::Udp && behaviour.inbound_refresh {
            let until = now + timeouts.udp;
            self.keep(slot, until);
            for remote in [rule, Some(from)].into_iter().flatten() {
                if let Some(remote) = self.remotes.get_mut(&(slot, remote)) {
                    remote.until = remote.until.max(until);
                }
            }
        }
        // A remote that was let in without having been sent to matters where the answer has to find
        // the way back, and where it takes two to establish a connection.
        let remember = slot.protocol == Protocol::Tcp || rules.depends();
        let until = now
            + match slot.protocol {
                Protocol::Udp => timeouts.udp,
                Protocol::Tcp => timeouts.tcp_transitory,
            };
        match self.remotes.entry((slot, from)) {
            Entry::Occupied(entry) => {
                let remote = entry.into_mut();
                remote.heard = true;
                if slot.protocol == Protocol::Tcp {
                    let established = now + timeouts.tcp_established;
                    remote.until = remote.until.max(if remote.sent { established } else { until });
                }
            }
            Entry::Vacant(entry) => {
                if !remember || self.unanswered >= usize::from(limits.unanswered) {
                    return Ok(inside);
                }
                entry.insert(Remote { until, due: until, sent: false, heard: true });
                self.due.insert(Due { at: until, slot, remote: Some(from) });
                self.unanswered += 1;
            }
        }
        if rules.depends() {
            let scope = Scope::of(behaviour.mapping, from);
            let flow = Flow { protocol: slot.protocol, inside, scope };
            self.flows.entry(flow).or_insert(slot.port);
        }
        Ok(inside)
    }

    /// A TCP connection is over.
    pub(crate) fn close(&mut self, inside: Endpoint, outside: Endpoint, rules: Rules<'_>) {
        let protocol = Protocol::Tcp;
        let flow = Flow { protocol, inside, scope: Scope::of(rules.behaviour.mapping, outside) };
        let Some(slot) = self.flows.get(&flow).map(|port| Slot { protocol, port: *port }) else {
            return;
        };
        let Some(remote) = self.remotes.get_mut(&(slot, outside)) else { return };
        remote.heard = false;
        remote.until = remote.until.min(rules.now + rules.timeouts.tcp_transitory);
        if remote.until < remote.due {
            self.due.remove(&Due { at: remote.due, slot, remote: Some(outside) });
            remote.due = remote.until;
            self.due.insert(Due { at: remote.due, slot, remote: Some(outside) });
        }
    }

    /// Protocol, outside port, inside endpoint and end of each mapping that is alive at `now`.
    pub(crate) fn mappings(&self, now: Time) -> impl Iterator<Item = (Slot, Endpoint, Time)> {
        let ends = move |(slot, binding): (&Slot, &Binding)| {
            let sent = self.remotes_of(*slot).filter(|(_, remote)| remote.sent);
            let last = sent.map(|(_, remote)| remote.until).max();
            (*slot, binding.inside, last.max(binding.until).unwrap_or(now))
        };
        self.mappings.iter().map(ends).filter(move |(_, _, end)| *end > now)
    }

    /// A new mapping for a flow.
    fn open(&mut self, flow: Flow, rules: Rules<'_>) -> Result<Slot, OutboundError> {
        let Flow { protocol, inside, .. } = flow;
        if self.mappings.len() >= usize::from(rules.limits.mappings) {
            return Err(OutboundError::MappingsFull { max: rules.limits.mappings });
        }
        let is_free = |port| !self.mappings.contains_key(&Slot { protocol, port });
        let port = self.ports.allocate(rules.behaviour, protocol, inside.port, is_free).map_err(
            |class| OutboundError::PortsExhausted { first: class.first, last: class.last },
        )?;
        let slot = Slot { protocol, port };
        self.flows.insert(flow, port);
        self.mappings.insert(slot, Binding { inside, sent: 0, until: None, due: None });
        Ok(slot)
    }

    /// Gives a mapping a time of its own, or a later one.
    fn keep(&mut self, slot: Slot, until: Time) {
        let Some(binding) = self.mappings.get_mut(&slot) else { return };
        binding.until = binding.until.max(Some(until));
        if binding.due.is_none() {
            binding.due = Some(until);
            self.due.insert(Due { at: until, slot, remote: None });
        }
    }

    /// The remote because of which a packet is let in.
    fn rule(&self, slot: Slot, from: Endpoint, filtering: Filtering) -> Option<Endpoint> {
        let Endpoint { ip, .. } = from;
        let same = self.remotes.get_key_value(&(slot, from)).into_iter();
        let all_ports = (slot, Endpoint { ip, port: 0 })..=(slot, Endpoint { ip, port: u16::MAX });
        let others =
            (filtering < Filtering::AddressAndPortDependent).then(|| self.remotes.range(all_ports));
        same.chain(others.into_iter().flatten())
            .find(|(_, remote)| remote.sent)
            .map(|((_, endpoint), _)| *endpoint)
    }

    fn remotes_of(&self, slot: Slot) -> impl Iterator<Item = (Endpoint, &Remote)> {
        self.remotes
            .range((slot, Endpoint::MIN)..)
            .take_while(move |((of, _), _)| *of == slot)
            .map(|((_, endpoint), remote)| (*endpoint, remote))
    }

    fn expire_mapping(&mut self, due: Due, rules: Rules<'_>) {
        let Some(binding) = self.mappings.get_mut(&due.slot) else { return };
        binding.due = binding.until.filter(|until| *until > rules.now);
        if let Some(at) = binding.due {
            // It was refreshed: a refresh leaves `due` alone, so it costs no search.
            self.due.insert(Due { at, ..due });
        } else {
            binding.until = None;
            if binding.sent == 0 {
                self.remove_mapping(due.slot, rules);
            }
        }
    }

    fn expire_remote(&mut self, due: Due, endpoint: Endpoint, rules: Rules<'_>) {
        let Some(remote) = self.remotes.get_mut(&(due.slot, endpoint)) else { return };
        if remote.until > rules.now {
            remote.due = remote.until;
            self.due.insert(Due { at: remote.until, ..due });
            return;
        }
        self.remove_remote(due.slot, endpoint, rules);
        let ended = |binding: &Binding| binding.sent == 0 && binding.until.is_none();
        if self.mappings.get(&due.slot).is_some_and(ended) {
            self.remove_mapping(due.slot, rules);
        }
    }

    /// Removes a mapping that has no time of its own, or no longer.
    fn remove_mapping(&mut self, slot: Slot, rules: Rules<'_>) {
        let remotes: Vec<Endpoint> = self.remotes_of(slot).map(|(remote, _)| remote).collect();
        for remote in remotes {
            self.remove_remote(slot, remote, rules);
        }
        let Some(binding) = self.mappings.remove(&slot) else { return };
        if !rules.depends() {
            let Slot { protocol, .. } = slot;
            self.flows.remove(&Flow { protocol, inside: binding.inside, scope: Scope::Any });
        }
    }

    fn remove_remote(&mut self, slot: Slot, endpoint: Endpoint, rules: Rules<'_>) {
        let Some(remote) = self.remotes.remove(&(slot, endpoint)) else { return };
        self.due.remove(&Due { at: remote.due, slot, remote: Some(endpoint) });
        self.unanswered -= usize::from(!remote.sent);
        let Some(binding) = self.mappings.get_mut(&slot) else { return };
        binding.sent -= u16::from(remote.sent);
        let scope = Scope::of(rules.behaviour.mapping, endpoint);
        let flow = Flow { protocol: slot.protocol, inside: binding.inside, scope };
        let alone = match scope {
            Scope::Any => false,
            Scope::Address(ip) => {
                let from = (slot, Endpoint { ip, port: 0 });
                let next = self.remotes.range(from..).next();
                !next.is_some_and(|((of, other), _)| *of == slot && other.ip == ip)
            }
            Scope::Endpoint(_) => true,
        };
        if alone && self.flows.get(&flow) == Some(&slot.port) {
            self.flows.remove(&flow);
        }
    }
}

impl Rules<'_> {
    /// Whether the outside port depends on the destination.
    fn depends(&self) -> bool {
        self.behaviour.mapping != Mapping::EndpointIndependent
    }

    /// Whether anything depends on where packets were sent to.
    fn track(&self, protocol: Protocol) -> bool {
        protocol == Protocol::Tcp
            || self.depends()
            || self.behaviour.filtering != Filtering::EndpointIndependent
    }
}

/// An outside port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slot {
    pub(crate) protocol: Protocol,
    pub(crate) port: u16,
}

/// A mapping.
#[derive(Clone, Debug)]
struct Binding {
    inside: Endpoint,
    /// How many of its remotes were sent to; as many as there can be ([`Limits::remotes`]).
    sent: u16,
    /// How long it lives without any, where it does.
    until: Option<Time>,
    /// Its entry in [`Table::due`].
    due: Option<Time>,
}

/// Somebody outside whom a mapping has sent to or heard from.
#[derive(Clone, Copy, Debug)]
struct Remote {
    until: Time,
    /// Its entry in [`Table::due`].
    due: Time,
    sent: bool,
    /// Over TCP, not counting connections that are over.
    heard: bool,
}

/// When to look whether something has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Due {
    at: Time,
    slot: Slot,
    /// `None`: the mapping itself.
    remote: Option<Endpoint>,
}

/// Packets from inside that leave from one outside port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flow {
    protocol: Protocol,
    inside: Endpoint,
    scope: Scope,
}

/// The destinations that share a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Scope {
    Any,
    Address(IpAddr),
    Endpoint(Endpoint),
}

impl Scope {
    fn of(mapping: Mapping, destination: Endpoint) -> Self {
        match mapping {
            Mapping::EndpointIndependent => Self::Any,
            Mapping::AddressDependent => Self::Address(destination.ip),
            Mapping::AddressAndPortDependent => Self::Endpoint(destination),
        }
    }
}

/// Address and port, without what else an IPv6 socket address carries (flow label, scope).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Endpoint {
    ip: IpAddr,
    port: u16,
}

impl Endpoint {
    /// IPv4 sorts before IPv6.
    const MIN: Self = Self { ip: IpAddr::V4(Ipv4Addr::UNSPECIFIED), port: 0 };
}

impl From<Address> for Endpoint {
    fn from(address: Address) -> Self {
        Self { ip: address.ip(), port: address.port() }
    }
}

impl From<Endpoint> for Address {
    fn from(endpoint: Endpoint) -> Self {
        Self::new(endpoint.ip, endpoint.port)
    }
}

#[cfg(test)]
mod tests;
