//! What the command line says, as the servent is to be told it.

use std::sync::Arc;
use std::time::Duration;

use gnutella_wire::Guid;
use overlay_examples::Failure;
use overlay_gnutella::{Capabilities, Config, Mode, Settings, Settings06};
use tokio::time::Instant;

use crate::Options;
use crate::library::{Library, Offer};
use crate::wanted::Wanted;

pub const USER_AGENT: &str = concat!("overlay-toolkit/", env!("CARGO_PKG_VERSION"));

/// A directory that is hashed within this time is announced with its hashes.
const HASHING: Duration = Duration::from_secs(1);

/// What the command line can not check by itself.
pub fn check(options: &Options) -> Result<(), Failure> {
    let searches = options.search.is_some();
    match options.get {
        Some(Wanted::At(..)) if options.push && !searches => {
            Err("a Push goes where a hit came from: INDEX@ADDR needs a --search that finds it"
                .into())
        }
        Some(Wanted::Sha1(_)) if options.v04 && !searches => {
            Err("in 0.4 nobody can be asked for a hash: --search has to find it by words".into())
        }
        _ => Ok(()),
    }
}

/// What there is to share, hashed if that is done soon.
pub async fn first_offer(library: &mut Library) -> Result<Offer, Failure> {
    let until = Instant::now() + HASHING;
    let ended = "the thread that looks at files has ended";
    let mut offer = library.offers.recv().await.ok_or(ended)?;
    while offer.hashed < offer.shares.len() {
        match tokio::time::timeout_at(until, library.offers.recv()).await {
            Ok(more) => offer = more.ok_or(ended)?,
            Err(_) => break,
        }
    }
    Ok(offer)
}

pub fn servent_config(guid: Guid, options: &Options) -> Config {
    let mode = match options {
        Options { ultrapeer: true, .. } => Mode::Ultrapeer,
        Options { leaf: true, .. } => Mode::Leaf,
        _ => Mode::Elected,
    };
    // Somebody has to be the first ultrapeer; who comes to others proves itself first.
    let uptime = match options.connect.is_empty() {
        true => Capabilities::GOOD.uptime,
        false => Duration::ZERO,
    };
    let v06 = Settings06 {
        deflate: true,
        // A hit that comes over UDP leaves no way back for a Push.
        out_of_band: !options.push,
        user_agent: USER_AGENT,
        ..Settings06::default()
    };
    let settings = Settings {
        v06: (!options.v04).then_some(v06),
        monitor: true,
        // Somebody waits for the file.
        retry_after: Duration::from_secs(5),
        ..Settings::default()
    };
    Config {
        firewalled: options.firewalled,
        advertise: options.advertise,
        capabilities: Capabilities { mode, uptime, ..Capabilities::GOOD },
        settings: Arc::new(settings),
        ..Config::new(guid)
    }
}
