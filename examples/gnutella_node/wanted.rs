//! What `--get` names.

use std::net::SocketAddr;
use std::str::FromStr;

use gnutella_wire::{Guid, Urn};
use overlay_gnutella::Hit;

/// A file to fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// By its hash, wherever it is.
    Sha1([u8; 20]),
    /// By its index, at one host.
    At(u32, SocketAddr),
}

impl Wanted {
    /// Whether a hit offers it.
    pub fn is(&self, hit: &Hit) -> bool {
        match *self {
            Self::Sha1(sha1) => hit.sha1 == Some(sha1),
            Self::At(index, host) => hit.index == index && hit.address == host,
        }
    }
}

/// A file of which only the place is known.
pub fn nameless(index: u32, address: SocketAddr) -> Hit {
    Hit {
        address,
        push: false,
        servent: Guid::from_bytes([0; 16]),
        index,
        size: u32::MAX,
        speed: 0,
        busy: false,
        uploaded: false,
        measured: false,
        sha1: None,
        name: Box::default(),
        proxies: Box::default(),
    }
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some((index, host)) = text.split_once('@') {
            let index = index.parse().map_err(|_| format!("{index:?} is no index of a file"))?;
            let host = host.parse().map_err(|_| format!("{host:?} is no IP address and port"))?;
            return Ok(Self::At(index, host));
        }
        let urn = Urn::parse(text.as_bytes()).ok().and_then(|urn| urn.sha1());
        urn.map(Self::Sha1).ok_or_else(|| "expected urn:sha1:… or INDEX@ADDR".to_owned())
    }
}
