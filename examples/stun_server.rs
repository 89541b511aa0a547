//! Shows a STUN server: `natsim::stun::Server` around real UDP sockets. With two addresses it helps to
//! discover NATs (RFC 5780); with one it says who you are. Answers are never much longer than requests.
//!
//! `cargo run --example stun_server -- --listen 192.0.2.1:3478 --alternate 192.0.2.2:3479`
//!
//! Without arguments it serves on the loopback addresses, asks itself once and ends.

use std::error::Error;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use clap::Parser;
use natsim::stun::{Addresses, Message, MessageType, Server, Socket, TransactionId, Writer};

#[derive(Debug, Parser)]
#[command(about = "A STUN server, with RFC 5780 where it has two addresses")]
struct Options {
    /// Where clients ask
    #[arg(long, value_name = "IP:PORT")]
    listen: Option<SocketAddr>,
    /// Another address with another port; both ports are then served at both addresses
    #[arg(long, value_name = "IP:PORT", requires = "listen")]
    alternate: Option<SocketAddr>,
    /// Answers are at most so many times as long as requests
    #[arg(long, value_name = "TIMES", default_value_t = 3)]
    amplification: u8,
    /// What SOFTWARE says, where there is room
    #[arg(long, value_name = "TEXT", default_value = "overlay-toolkit stun_server")]
    software: String,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let (listen, alternate) = match options.listen {
        Some(listen) => (listen, options.alternate),
        None => {
            let [first, second] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
            ((first, free_port(first)?).into(), Some((second, free_port(second)?).into()))
        }
    };
    let (server, places) = match alternate {
        None => (Server::new(listen), vec![(Socket::PRIMARY, listen)]),
        Some(alternate) => {
            let addresses = Addresses { primary: listen, alternate };
            let server = Server::rfc5780(addresses).ok_or(
                "--listen and --alternate must differ in address and in port, and be of one family",
            )?;
            (server, Socket::ALL.map(|socket| (socket, addresses.of(socket))).to_vec())
        }
    };
    let server = server.with_amplification(options.amplification).with_software(&options.software);
    let bound = places.iter().map(|(_, address)| {
        UdpSocket::bind(address).map_err(|error| format!("can not listen at {address}: {error}"))
    });
    let sockets: Arc<Vec<UdpSocket>> = Arc::new(bound.collect::<Result<_, _>>()?);

    let threads: Vec<_> = (0..places.len())
        .map(|number| {
            let (sockets, server, places) = (sockets.clone(), server.clone(), places.clone());
            thread::spawn(move || serve(&server, &sockets, &places, number))
        })
        .collect();
    for (_, address) in &places {
        println!("listening at {address}");
    }
    if options.listen.is_none() {
        return ask(listen);
    }
    for thread in threads {
        thread.join().map_err(|_| "a thread panicked")?;
    }
    Ok(())
}

/// Answers what comes to one of the sockets, from whichever socket it has to be.
fn serve(server: &Server, sockets: &[UdpSocket], places: &[(Socket, SocketAddr)], number: usize) {
    let (at, address) = places[number];
    let (mut buffer, mut out) = ([0; 2_048], Vec::new());
    loop {
        let (len, from) = match sockets[number].recv_from(&mut buffer) {
            Ok(received) => received,
            // Somebody's ICMP error about an earlier answer.
            Err(error) => {
                eprintln!("{address}: {error}");
                continue;
            }
        };
        out.clear();
        let Some(answer) = server.answer(&buffer[..len], from, at, &mut out) else { continue };
        let place = places.iter().position(|(socket, _)| *socket == answer.from);
        if let Some(socket) = place.and_then(|place| sockets.get(place))
            && let Err(error) = socket.send_to(&out, answer.to)
        {
            eprintln!("{address}: to {}: {error}", answer.to);
        }
    }
}

/// What the server says to a request from this host.
fn ask(server: SocketAddr) -> Result<(), Box<dyn Error>> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.set_read_timeout(Some(Duration::from_secs(5)))?;
    let mut buffer = [0; 2_048];
    let id = TransactionId::new(*b"on loopback!");
    let len = Writer::in_slice(&mut buffer, MessageType::BINDING_REQUEST, id).finish()?;
    socket.send_to(&buffer[..len], server)?;
    let (len, from) = socket.recv_from(&mut buffer)?;
    let response = Message::decode(&buffer[..len])?;
    let address = |found: Option<SocketAddr>| found.map_or("nothing".into(), |a| a.to_string());
    println!("{from} answers {len} bytes to 20");
    println!("it sees us at {}", address(response.xor_mapped_address()?));
    println!("its other address is {}", address(response.other_address()?));
    Ok(())
}

fn free_port(ip: Ipv4Addr) -> std::io::Result<u16> {
    Ok(UdpSocket::bind((ip, 0))?.local_addr()?.port())
}
