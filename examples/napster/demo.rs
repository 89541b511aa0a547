//! A server and two clients of this process on the loopback: one shares a file, the other fetches it.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use overlay_examples::{Failure, Lines};

use crate::client::{ClientApp, Wanted, options};
use crate::server::ServerApp;

const LEAVE: Duration = Duration::from_secs(2);

pub async fn run() -> Result<(), Failure> {
    let scratch = std::env::temp_dir().join(format!("napster-{}", std::process::id()));
    let result = tokio::time::timeout(Duration::from_secs(60), find_and_fetch(&scratch)).await;
    fs::remove_dir_all(&scratch)?;
    result.map_err(|_| "nothing was fetched within a minute")?
}

async fn find_and_fetch(scratch: &Path) -> Result<(), Failure> {
    let (music, fetched) = (scratch.join("music"), scratch.join("fetched"));
    fs::create_dir_all(&music)?;
    fs::create_dir_all(&fetched)?;
    let song = "la ".repeat(100_000);
    fs::write(music.join("Blue Train.mp3"), &song)?;

    let [mut zero, mut one, mut two] = ["server: ", "lefty: ", "righty: "].map(Lines::named);
    let mut server = ServerApp::start(SocketAddr::from(([127, 0, 0, 1], 0)), &mut zero).await?;
    let lefty = options(server.here(), "lefty", music);
    let mut righty = options(server.here(), "righty", fetched.clone());
    righty.get = Some(Wanted { user: "lefty".to_owned(), name: "Blue Train.mp3".to_owned() });
    let mut lefty = ClientApp::start(&lefty, &mut one).await?;
    let mut righty = ClientApp::start(&righty, &mut two).await?;
    let outcome = loop {
        tokio::select! {
            result = server.step(&mut zero) => result?,
            result = lefty.step(&mut one) => result?,
            result = righty.step(&mut two) => result?,
        }
        if let Some(outcome) = righty.outcome() {
            break outcome;
        }
    };
    let (righty, lefty, server) = tokio::join!(
        righty.leave(LEAVE, &mut two),
        lefty.leave(LEAVE, &mut one),
        server.leave(LEAVE, &mut zero)
    );
    outcome.and(righty).and(lefty).and(server)?;
    match fs::read(fetched.join("Blue Train.mp3"))? == song.as_bytes() {
        true => Ok(()),
        false => Err("fetched something else".into()),
    }
}
