//! Join, Publish, Search, Fetch with any system of the toolkit, under the simulator: one member
//! shares a file, another one finds it by a keyword and fetches it.
//!
//! `cargo run -p overlay-core --example share_and_fetch [napster | gnutella-0.4 | gnutella-0.6 | chord]`

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use overlay_core::{
    Command, Library, Member, Outcome, Reaction, Stored, System, SystemName, Visitor,
};
use overlay_peer::{Address, Object, StoreError};
use overlay_sim::{Cause, Config, Host, PeerIndex, Store, World};

const NAME: &str = "poems/jabberwocky.txt";
const CONTENT: &[u8] = b"'Twas brillig, and the slithy toves\nDid gyre and gimble in the wabe";
const MEMBERS: u32 = 12;

/// Objects in memory; the shared file and its info dict are there from the start.
#[derive(Clone, Default)]
struct Memory(BTreeMap<Object, Vec<u8>>);

impl Store for Memory {
    fn read(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        len: u32,
    ) -> Result<Bytes, StoreError> {
        let content = self.0.get(&object).ok_or(StoreError::NotFound)?;
        let end = offset.saturating_add(len.into());
        let part = content.get(offset as usize..end as usize);
        part.map(Bytes::copy_from_slice)
            .ok_or(StoreError::OutOfRange { size: content.len() as u64 })
    }

    fn write(
        &mut self,
        _: PeerIndex,
        object: Object,
        offset: u64,
        bytes: &Bytes,
    ) -> Result<(), StoreError> {
        let content = self.0.entry(object).or_default();
        let end = offset as usize + bytes.len();
        content.resize(content.len().max(end), 0);
        content[offset as usize..end].copy_from_slice(bytes);
        Ok(())
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let name = std::env::args().nth(1).map_or(Ok(SystemName::Gnutella04), |name| name.parse())?;
    let mut library = Library::new();
    let mut intake = Library::begin(NAME, CONTENT.len() as u64)?;
    intake.update(CONTENT)?;
    library.add(intake)?;
    let library = Arc::new(library);
    name.visit(&library, Run(&library));
    Ok(())
}

/// Runs whichever system it is given.
struct Run<'a>(&'a Library);

impl Visitor for Run<'_> {
    type Output = ();
    fn visit<S: System>(self, system: S) {
        run(system, self.0);
    }
}

fn run<S: System>(mut system: S, library: &Library) {
    println!("{}:", S::NAME);
    let file = library.named(NAME).expect("it was added");
    let mut memory = Memory::default();
    memory.0.insert(Stored::Content(file).into(), CONTENT.to_vec());
    memory.0.insert(Stored::Info(file).into(), library.file(file).info_bytes().to_vec());

    let config = Config { seed: 1, checked: true, ..Config::default() };
    let mut world = World::new(config, memory);
    let address =
        |number: u32| -> Address { SocketAddr::from((Ipv4Addr::from(0x0b00_0001 + number), 6346)) };
    for number in 0..MEMBERS {
        let local = address(number);
        let files = if number == 1 { &[file][..] } else { &[] };
        let peer = system.peer(&Member { number, local, reachable: Some(local), files });
        world.add(peer, Host::open(local));
    }

    for number in 0..MEMBERS {
        let introducers = if number == 0 { vec![] } else { vec![address(0)] };
        let commands = system.join(number, &introducers);
        act(&mut world, &mut system, number, commands, Duration::from_secs(1), |_| {});
    }
    act(&mut world, &mut system, 0, vec![], Duration::from_secs(60), |_| {});
    let commands = system.publish(1, &[file]);
    act(&mut world, &mut system, 1, commands, Duration::from_secs(30), |_| {});

    let mut hits = Vec::new();
    let commands = system.search(7, 0, &["jabberwocky"]);
    act(&mut world, &mut system, 7, commands, Duration::from_secs(10), |outcome| {
        if let Outcome::Found { file, source, hops, hit, .. } = outcome {
            println!(
                "member 7 found {:?} at member {source}, {hops} hops",
                library.file(file).name()
            );
            hits.push(hit);
        }
    });
    let commands = system.fetch(7, 0, hits.first().expect("somebody has it"));
    act(&mut world, &mut system, 7, commands, Duration::from_secs(60), |outcome| {
        if let Outcome::Fetched { bytes, route, .. } = outcome {
            println!("member 7 fetched {bytes} bytes ({route:?})");
        }
    });
    assert_eq!(world.store().0[&Stored::Download(0).into()], CONTENT, "the same bytes");
    let total = world.metrics().total();
    println!("{} messages, {} bytes in all", total.messages, total.bytes);
}

/// Gives a member's peer commands, and lets `span` pass.
fn act<S: System>(
    world: &mut World<S::Peer, Memory>,
    system: &mut S,
    member: u32,
    commands: Vec<Command<S>>,
    span: Duration,
    mut told: impl FnMut(Outcome<S::Hit>),
) {
    for command in commands {
        world.command(PeerIndex(member), command, Cause(1));
    }
    let end = world.now() + span;
    while world.run_until_event(end) {
        let events: Vec<_> = world.drain_events().collect();
        for (_, PeerIndex(member), event) in events {
            for reaction in system.observe(member, event) {
                match reaction {
                    Reaction::Command(next) => world.command(PeerIndex(member), next, Cause(1)),
                    Reaction::Outcome(outcome) => told(outcome),
                }
            }
        }
    }
}
