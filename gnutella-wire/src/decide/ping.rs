//! Answering Pings from a cache of Pongs ("Pong Caching", Rohrs and Falco 2001).

use alloc::vec::Vec;
use core::net::SocketAddrV4;

use crate::Guid;

/// How Pings are answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PongRules {
    /// How many cached Pongs answer a Ping.
    pub count: usize,
    /// A neighbour's Ping is answered if its last was so many milliseconds ago.
    pub interval: u64,
    /// Pongs older than so many milliseconds are not sent on.
    pub max_age: u64,
}

impl PongRules {
    /// Ten Pongs, a Ping a second, Pongs of the last three seconds.
    pub const DEFAULT: Self = Self { count: 10, interval: 1_000, max_age: 3_000 };
}

impl Default for PongRules {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What answers a Ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PingAnswer {
    /// Nothing: the neighbour asked a moment ago.
    Nothing,
    /// A Pong about ourselves: the Ping only asks whether we are alive (TTL 1, hops 0 or 1).
    Ourselves,
    /// Pongs about our neighbours: a crawler asks (TTL 2, hops 0).
    Neighbours,
    /// A Pong about ourselves, if we have room, and cached ones.
    Cached,
}

/// What answers a Ping of this TTL and hops, `since` milliseconds after the same neighbour's last one;
/// `None` for its first.
pub const fn answer_ping(ttl: u8, hops: u8, since: Option<u64>, rules: &PongRules) -> PingAnswer {
    match (ttl, hops) {
        (0 | 1, 0 | 1) => return PingAnswer::Ourselves,
        (2, 0) => return PingAnswer::Neighbours,
        _ => {}
    }
    match since {
        Some(since) if since < rules.interval => PingAnswer::Nothing,
        _ => PingAnswer::Cached,
    }
}

/// A Pong that was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CachedPong {
    /// Whom it tells of.
    pub address: SocketAddrV4,
    /// How far away that was.
    pub hops: u8,
    /// From which neighbour it came: any number that tells them apart.
    pub from: u32,
    /// When it came, in milliseconds.
    pub at: u64,
}

impl PongRules {
    /// Which Pongs answer a Ping of the neighbour `asker` at `now`: fresh ones that came from others,
    /// each host once, and of all distances in turn, the newest first, so that a newcomer learns hosts
    /// near and far. Returns their positions.
    ///
    /// Sorts the cache's positions, so it takes n log n steps for n Pongs.
    pub fn choose(&self, cached: &[CachedPong], asker: u32, now: u64) -> Vec<usize> {
        let fresh = |pong: &CachedPong| {
            pong.from != asker && pong.at <= now && now - pong.at <= self.max_age
        };
        let mut order: Vec<usize> =
            (0..cached.len()).filter(|index| fresh(&cached[*index])).collect();
        // Each host once: its newest Pong.
        let newest = |index: &usize| core::cmp::Reverse(cached[*index].at);
        order.sort_by_key(|index| (cached[*index].address, newest(index), *index));
        order.dedup_by_key(|index| cached[*index].address);
        // The first of each distance, then the second of each, and so on.
        order.sort_by_key(|index| (cached[*index].hops, newest(index), *index));
        let (mut rank, mut last) = (0_usize, None);
        let mut ranked: Vec<(usize, usize)> = Vec::with_capacity(order.len());
        for index in order {
            rank = if last == Some(cached[index].hops) { rank + 1 } else { 0 };
            last = Some(cached[index].hops);
            ranked.push((rank, index));
        }
        ranked.sort_by_key(|(rank, _)| *rank);
        ranked.into_iter().take(self.count).map(|(_, index)| index).collect()
    }
}

impl Guid {
    /// The GUID of a query whose results are to come straight to `address`, over UDP: its address in
    /// bytes 0 to 3, its port in 13 and 14, little-endian ("Out-of-Band Query Replies", section
    /// 2). The other bytes stay.
    pub fn with_reply_address(self, address: SocketAddrV4) -> Self {
        let mut bytes = *self.as_bytes();
        bytes[..4].copy_from_slice(&address.ip().octets());
        bytes[13..15].copy_from_slice(&address.port().to_le_bytes());
        Self::from_bytes(bytes)
    }

    /// Where results of a query with this GUID go, if it asks for them out of band. Whoever passes it on
    /// can have changed that: send no more there than is asked for.
    pub fn reply_address(&self) -> SocketAddrV4 {
        let bytes = self.as_bytes();
        let ip = [bytes[0], bytes[1], bytes[2], bytes[3]];
        SocketAddrV4::new(ip.into(), u16::from_le_bytes([bytes[13], bytes[14]]))
    }
}
