//! The way of a lookup: the rings that the lectures draw, then one with a thousand nodes, with each of
//! the three routing tables a node can have.
//!
//! ```text
//! cargo run -p overlay-chord --example chord_lookup [NODES [KEY]]
//! ```
#![allow(clippy::print_stdout, reason = "printing is what this program is for")]

use std::error::Error;

use overlay_chord::{FingerTable, Id, Id64, Id160, Ring, RingError, Routing};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let nodes = arguments.next().map_or(Ok(1_000), |text| text.parse())?;
    let key = arguments.next().unwrap_or_else(|| "a key of your choice".into());
    sixteen()?;
    eight()?;
    large(nodes, &key)
}

/// Four bits, four nodes: who owns which key, and what changes when a node comes or goes.
fn sixteen() -> Result<(), RingError> {
    let ring = Ring::new([3, 8, 10, 14].map(Id64::<4>::wrapping))?;
    println!("A ring of 4 bits with the nodes 3, 8, 10 and 14. A key belongs to the next node.");
    owners("", &ring);
    owners("with 6   ", &ring.with(Id64::wrapping(6))?);
    owners("without 10", &ring.without(Id64::wrapping(10))?);
    Ok(())
}

fn owners(what: &str, ring: &Ring<Id64<4>>) {
    let owners: Vec<_> =
        (0..16).map(|key| format!("{key}→{}", ring.owner(Id64::wrapping(key)))).collect();
    println!("  {what:10} {}", owners.join(" "));
}

/// Three bits, four nodes: the finger tables, and how get(7) from node 1 goes.
fn eight() -> Result<(), RingError> {
    let ring = Ring::new([0, 1, 2, 6].map(Id64::<3>::wrapping))?;
    println!("\nA ring of 3 bits with the nodes 0, 1, 2 and 6. Fingers follow n+1, n+2 and n+4.");
    for (node, &id) in ring.ids().iter().enumerate() {
        let mut table = FingerTable::new(id);
        for finger in ring.fingers(node) {
            table.learn(finger);
        }
        let fingers: Vec<_> =
            (1..=3).map(|i| format!("{}→{}", table.start(i), ring.owner(table.start(i)))).collect();
        println!("  node {id}: {}", fingers.join(" "));
    }
    let key = Id64::wrapping(7);
    println!("  get(7) from 1 goes {}", ring.lookup(1, key, Routing::Finger));
    Ok(())
}

/// A ring of SHA-1 identifiers.
fn large(nodes: u32, key: &str) -> Result<(), Box<dyn Error>> {
    let ids = (0..nodes).map(|number| Id160::hash(format!("node {number}").as_bytes()));
    let ring = Ring::new(ids)?;
    let id = Id160::hash(key.as_bytes());
    println!("\nA ring of 160 bits with {nodes} nodes; the key is SHA-1({key:?}) = {id}.");
    for routing in [Routing::Successor, Routing::Finger, Routing::Full] {
        let path = ring.lookup(0, id, routing);
        println!("  {routing:?}: {} hops to the key's predecessor", path.hops());
        if path.nodes.len() <= 20 {
            for node in &path.nodes {
                // The distance left at least halves with each finger.
                let left = node.distance(id).log2().map_or(0, |bits| bits + 1);
                println!("    {node}  {left:3} bits to go");
            }
            println!("    {}  owns the key", path.owner);
        }
    }
    let fingers = ring.finger_count() as f64 / f64::from(nodes);
    println!("  {fingers:.1} distinct fingers a node");
    Ok(())
}
