//! Two servents of this process on the loopback: one shares a file, the other finds and fetches it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use overlay_examples::{Failure, Lines};
use sha1::{Digest, Sha1};

use crate::Options;
use crate::app::App;
use crate::wanted::Wanted;

const LEAVE: Duration = Duration::from_secs(2);

pub async fn run() -> Result<(), Failure> {
    let scratch = std::env::temp_dir().join(format!("gnutella_node-{}", std::process::id()));
    let result = tokio::time::timeout(Duration::from_secs(60), find_and_fetch(&scratch)).await;
    fs::remove_dir_all(&scratch)?;
    result.map_err(|_| "nothing was fetched within a minute")?
}

async fn find_and_fetch(scratch: &Path) -> Result<(), Failure> {
    let (music, fetched) = (scratch.join("music"), scratch.join("fetched"));
    fs::create_dir_all(&music)?;
    fs::create_dir_all(&fetched)?;
    let song = "la ".repeat(100_000);
    fs::write(music.join("Blue Train.ogg"), &song)?;

    let (mut one, mut two) = (Lines::named("one: "), Lines::named("two: "));
    let mut ultrapeer = App::start(&options(music, vec![], None), &mut one).await?;
    let wanted = Wanted::Sha1(Sha1::digest(&song).into());
    let hosts = vec![ultrapeer.here()];
    let mut leaf = App::start(&options(fetched.clone(), hosts, Some(wanted)), &mut two).await?;
    let outcome = loop {
        tokio::select! {
            result = ultrapeer.step(&mut one) => result?,
            result = leaf.step(&mut two) => result?,
        }
        if let Some(outcome) = leaf.outcome() {
            break outcome;
        }
    };
    let (left, right) = tokio::join!(leaf.leave(LEAVE, &mut two), ultrapeer.leave(LEAVE, &mut one));
    outcome.and(left).and(right)?;
    match fs::read(fetched.join("Blue Train.ogg"))? == song.as_bytes() {
        true => Ok(()),
        false => Err("fetched something else".into()),
    }
}

fn options(share: PathBuf, connect: Vec<SocketAddr>, get: Option<Wanted>) -> Options {
    Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        share,
        connect,
        ultrapeer: false,
        leaf: false,
        v04: false,
        search: None,
        get,
        push: false,
        allow_private: true,
        json: false,
        timeout: 30,
        advertise: None,
        firewalled: false,
    }
}
