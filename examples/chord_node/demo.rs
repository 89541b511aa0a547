//! Nodes of this process make a ring on the loopback: one publishes a value, one leaves, and one that comes
//! later still finds it.

use std::net::SocketAddr;
use std::time::Duration;

use overlay_examples::{Failure, Lines};

use crate::Options;
use crate::app::App;

const LEAVE: Duration = Duration::from_secs(5);
const KEY: &str = "greeting";

pub async fn run() -> Result<(), Failure> {
    let all = tokio::time::timeout(Duration::from_secs(60), put_and_get());
    all.await.map_err(|_| "the demonstration took more than a minute")?
}

async fn put_and_get() -> Result<(), Failure> {
    let (mut ring, mut leaver) = (Lines::named("ring:   "), Lines::named("leaver: "));
    let (mut putter, mut getter) = (Lines::named("putter: "), Lines::named("getter: "));
    // Two places on the ring; with the others there are four.
    let mut first = App::start(&options(None, 2), &mut ring).await?;
    let join = Some(first.here());
    let mut putting = options(join, 1);
    putting.put = Some(format!("{KEY}=hello, ring").parse()?);
    let mut two = App::start(&putting, &mut putter).await?;
    let mut three = App::start(&options(join, 1), &mut leaver).await?;
    // Until the value is there and everybody knows everybody.
    while !(two.is_done() && [&first, &two, &three].iter().all(|app| app.knows(3))) {
        tokio::select! {
            result = first.step(&mut ring) => result?,
            result = two.step(&mut putter) => result?,
            result = three.step(&mut leaver) => result?,
        }
    }
    let mut leave = Box::pin(three.leave(LEAVE, &mut leaver));
    loop {
        tokio::select! {
            result = first.step(&mut ring) => result?,
            result = two.step(&mut putter) => result?,
            result = &mut leave => break result?,
        }
    }
    drop(leave);
    let mut getting = options(join, 1);
    getting.get = Some(KEY.parse()?);
    let mut four = App::start(&getting, &mut getter).await?;
    let outcome = loop {
        tokio::select! {
            result = first.step(&mut ring) => result?,
            result = two.step(&mut putter) => result?,
            result = four.step(&mut getter) => result?,
        }
        if let Some(outcome) = four.outcome() {
            break outcome;
        }
    };
    // A ring that ends all at once has nobody to give keys to: nothing is to be learned from that.
    outcome
}

fn options(join: Option<SocketAddr>, virtual_nodes: u16) -> Options {
    Options {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        join,
        virtual_nodes,
        put: None,
        get: None,
        lookup: None,
        allow_private: true,
        json: false,
        advertise: None,
        upkeep: 0.2,
    }
}
