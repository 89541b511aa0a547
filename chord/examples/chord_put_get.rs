//! Thirty nodes join one ring, put values under keys, and get them back after nodes have left and
//! crashed: the protocol node in the simulated world.
//!
//! ```text
//! cargo run -p overlay-chord --example chord_put_get
//! ```
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use overlay_chord::{Command, Config, Event, Id160, Message, Node, Traffic};
use overlay_sim::{Cause, Host, NoStore, PeerIndex, World};

const JOIN: Cause = Cause(1);
const USER: Cause = Cause(2);

type Net = World<Node, NoStore>;

fn main() -> Result<(), Box<dyn Error>> {
    let mut net = World::new(overlay_sim::Config { seed: 7, ..Default::default() }, NoStore);
    for number in 0..30 {
        let peer = net.add(Node::new(Config::default()), Host::open(address(number)));
        let via = vec![address(0)];
        let command = if number == 0 { Command::Create } else { Command::Join { via } };
        net.command(peer, command, JOIN);
        net.run_for(Duration::from_secs(1));
    }
    net.run_for(Duration::from_secs(60));
    let joined = net.drain_events().filter(|(_, _, event)| *event == Event::Joined).count();
    println!("{joined} nodes joined");

    for (request, word) in (0_u32..).zip(["chord", "kademlia", "pastry", "tapestry", "can"]) {
        let value = Bytes::from(format!("a paper about {word}"));
        let peer = PeerIndex(request * 3);
        put(&mut net, peer, request, Id160::hash(word.as_bytes()), value);
    }
    // A second publisher under a key: a key holds a set.
    let more = Bytes::from_static(b"notes on chord");
    put(&mut net, PeerIndex(20), 5, Id160::hash(b"chord"), more);
    net.run_for(Duration::from_secs(5));
    print_events(&mut net);

    println!("five nodes leave, and two crash");
    for leaver in 1..6 {
        net.command(PeerIndex(leaver), Command::Leave, JOIN);
        net.run_for(Duration::from_secs(1));
    }
    net.fail(PeerIndex(10));
    net.fail(PeerIndex(11));
    let _ = net.drain_events();

    for (request, word) in (10_u32..).zip(["chord", "pastry", "freenet"]) {
        let key = Id160::hash(word.as_bytes());
        net.command(PeerIndex(17), Command::Get { request, key }, USER);
    }
    net.run_for(Duration::from_secs(10));
    print_events(&mut net);

    println!("what the user's requests cost:");
    for (kind, count) in net.metrics().by_kind(USER) {
        if Message::traffic(kind) == Traffic::User {
            let name = Message::kind_name(kind);
            println!("  {name:12} {:3} messages {:5} bytes", count.messages, count.bytes);
        }
    }
    Ok(())
}

fn address(number: u8) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::new(10, 0, 0, number + 1), 4000))
}

fn put(net: &mut Net, peer: PeerIndex, request: u32, key: Id160, value: Bytes) {
    net.command(peer, Command::Put { request, key, value }, USER);
}

fn print_events(net: &mut Net) {
    for (time, _, event) in net.drain_events() {
        match event {
            Event::Stored { request, hops, replicas } => {
                println!("{time}: put {request}: {replicas} replicas after {hops} hops");
            }
            Event::Got { request, hops, values } => {
                println!("{time}: get {request}: {} values after {hops} hops", values.len());
                for publication in values {
                    let text = String::from_utf8_lossy(&publication.value);
                    println!("    {text:?} from {}", publication.publisher);
                }
            }
            other => println!("{time}: {other:?}"),
        }
    }
}
