//! Where a peer is to be found.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::net::{IpAddr, SocketAddr};
use core::str::FromStr;

use thiserror::Error;

/// A host and a port: as text `host:port`, an IPv6 address in brackets.
///
/// ```
/// use torrent_meta::{Host, PeerAddress};
///
/// let peer: PeerAddress = "[::1]:6881".parse()?;
/// assert_eq!((peer.host(), peer.port()), (&Host::Ip("::1".parse()?), 6881));
/// assert_eq!(peer.to_string(), "[::1]:6881");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerAddress {
    host: Host,
    port: u16,
}

/// A peer's host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// Its address.
    Ip(IpAddr),
    /// A name, to be looked up.
    Name(String),
}

impl PeerAddress {
    /// The host.
    pub const fn host(&self) -> &Host {
        &self.host
    }

    /// The port, never zero.
    pub const fn port(&self) -> u16 {
        self.port
    }
}

/// An address or name as it stands in a list of DHT nodes: an IPv6 address without brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ip(ip) => write!(f, "{ip}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// Fails if the port is zero.
impl TryFrom<SocketAddr> for PeerAddress {
    type Error = ParsePeerAddressError;

    fn try_from(address: SocketAddr) -> Result<Self, ParsePeerAddressError> {
        match address.port() {
            0 => Err(ParsePeerAddressError),
            port => Ok(Self { host: Host::Ip(address.ip()), port }),
        }
    }
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            host => write!(f, "{host}:{}", self.port),
        }
    }
}

impl FromStr for PeerAddress {
    type Err = ParsePeerAddressError;

    fn from_str(text: &str) -> Result<Self, ParsePeerAddressError> {
        parse(text).ok_or(ParsePeerAddressError)
    }
}

fn parse(text: &str) -> Option<PeerAddress> {
    let (host, port) = text.rsplit_once(':')?;
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    let port = port.parse().ok().filter(|&port| digits && port != 0)?;
    let host = match host.strip_prefix('[') {
        Some(inner) => Host::Ip(IpAddr::V6(inner.strip_suffix(']')?.parse().ok()?)),
        None => match host.parse() {
            Ok(ip) => Host::Ip(IpAddr::V4(ip)),
            Err(_) => Host::Name(name(host)?.to_owned()),
        },
    };
    Some(PeerAddress { host, port })
}

/// Host names as the DNS can have them (RFC 1035 §2.3.4 for the length), and underscores.
fn name(text: &str) -> Option<&str> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    ((1..=253).contains(&text.len()) && text.bytes().all(is_part)).then_some(text)
}

/// Text that is no peer's address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a peer is HOST:PORT with a port from 1 to 65535, an IPv6 address in brackets")]
pub struct ParsePeerAddressError;
