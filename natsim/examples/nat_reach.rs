//! Shows who reaches whom through which NATs: for every pair of behaviours the table that
//! `natsim::reach` gives, over UDP and over TCP; then one hole punched, packet by packet.
//!
//! `cargo run -p natsim --example nat_reach`

use natsim::{Behaviour, Device, Filtering, Mapping, Protocol, Timeouts, reach};
use overlay_peer::{Address, Time};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for protocol in [Protocol::Udp, Protocol::Tcp] {
        table(protocol);
    }
    punch()
}

/// One row for each A, one column for each B.
fn table(protocol: Protocol) {
    let pairs = Mapping::ALL.into_iter().flat_map(|m| Filtering::ALL.map(|f| (m, f)));
    let hosts: Vec<(String, Option<Behaviour>)> = [("no NAT".to_owned(), None)]
        .into_iter()
        .chain(pairs.map(|(m, f)| (short(m, f), Some(Behaviour::new(m, f)))))
        .collect();

    println!("A (row) reaches B (column) over {protocol}:");
    print!("{:>10}", "");
    hosts.iter().for_each(|(name, _)| print!(" {name:>9}"));
    println!();
    for (name, a) in &hosts {
        print!("{name:>10}");
        for (_, b) in &hosts {
            print!(" {:>9}", reach(a.as_ref(), b.as_ref(), protocol));
        }
        println!("{}", a.and_then(|a| a.rfc3489()).map_or(String::new(), |n| format!("  {n}")));
    }
    println!();
}

/// `EI/AD`: endpoint-independent mapping, address-dependent filtering.
fn short(mapping: Mapping, filtering: Filtering) -> String {
    let names = ["EI", "AD", "APD"];
    format!("{}/{}", names[mapping as usize], names[filtering as usize])
}

/// Two hosts behind port-restricted NATs, and a server that tells each the other's address.
fn punch() -> Result<(), Box<dyn std::error::Error>> {
    let (udp, now) = (Protocol::Udp, Time::ZERO);
    let nat = |public: &str| -> Result<Device, std::net::AddrParseError> {
        Ok(Device::new(public.parse()?, Behaviour::PORT_RESTRICTED, Timeouts::DEFAULT))
    };
    let (mut nat_a, mut nat_b) = (nat("198.51.100.1")?, nat("198.51.100.2")?);
    let (a, b): (Address, Address) = ("10.0.0.2:4000".parse()?, "192.168.1.2:5000".parse()?);
    let server: Address = "203.0.113.7:3478".parse()?;

    let a_seen = nat_a.outbound(udp, a, server, now)?;
    let b_seen = nat_b.outbound(udp, b, server, now)?;
    println!("the server sees A ({a}) as {a_seen} and B ({b}) as {b_seen}, and tells both");

    let source = nat_a.outbound(udp, a, b_seen, now)?;
    match nat_b.inbound(udp, source, b_seen, now) {
        Ok(_) => println!("A sends to B, and B gets it"),
        Err(reason) => println!("A sends to B; B's NAT drops it: {reason}"),
    }
    let source = nat_b.outbound(udp, b, a_seen, now)?;
    let arrived = nat_a.inbound(udp, source, a_seen, now)?;
    println!("B sends to A, and {arrived} gets it: A's own packet opened the way");
    let source = nat_a.outbound(udp, a, b_seen, now)?;
    let arrived = nat_b.inbound(udp, source, b_seen, now)?;
    println!("A sends again, and {arrived} gets it");
    Ok(())
}
