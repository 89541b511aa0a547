//! Shows what the NAT between this host and a STUN server does: mapping, filtering, hairpin, and how it
//! chooses ports; with `--lifetime` also how long a silent mapping lives. Real UDP sockets around the
//! state machines of `natsim::classify`.
//!
//! `cargo run --example nat_probe -- --server HOST[:PORT] [--alt HOST[:PORT]] [--local ADDR]
//! [--local2 ADDR] [--lifetime] [--classic] [--json]`
//!
//! Without a server it starts one of its own on the loopback addresses and asks that.
//!
//! Ends within 30 seconds, a lifetime excepted. Exit status: 0 when something was learned, 2 when
//! nothing was (the report is printed all the same, and says why), 1 when an option makes no sense.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs, UdpSocket};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use clap::error::ErrorKind as ClapError;
use natsim::classify::{
    Classifier, Discovery, Fresh, Lifetime, Reason, Report, Settings, SocketId, Verdict,
};
use natsim::stun::{Addresses, Server, Socket};
use overlay_peer::Time;
use serde_json::{Map, Value, json};

#[derive(Debug, Parser)]
#[command(about = "What does the NAT between here and a STUN server do?")]
struct Options {
    /// The STUN server; port 3478 unless given. One with two addresses (RFC 5780) tells most
    #[arg(long, value_name = "HOST[:PORT]")]
    server: Option<String>,
    /// Another server at another address, for where the first has only one
    #[arg(long, value_name = "HOST[:PORT]")]
    alt: Option<String>,
    /// The local address to send from
    #[arg(long, value_name = "ADDR")]
    local: Option<IpAddr>,
    /// A second local address, to see what happens when two hosts use one port
    #[arg(long, value_name = "ADDR")]
    local2: Option<IpAddr>,
    /// Measure how long a silent mapping lives; takes minutes
    #[arg(long)]
    lifetime: bool,
    /// Speak RFC 3489
    #[arg(long)]
    classic: bool,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Longer than any NAT is expected to remember: RFC 4787 recommends five minutes.
const LONGEST_LIFETIME: Duration = Duration::from_secs(600);
/// A resolver may take this long, for each of two names.
const RESOLVE: Duration = Duration::from_secs(7);

fn main() -> ExitCode {
    let options = match Options::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let _ = error.print();
            let asked = matches!(error.kind(), ClapError::DisplayHelp | ClapError::DisplayVersion);
            return if asked { ExitCode::SUCCESS } else { ExitCode::FAILURE };
        }
    };
    let found = match probe(&options) {
        Ok(found) => found,
        Err(problem) => {
            eprintln!("error: {problem}");
            Found {
                report: Report::nothing(Reason::NotTested),
                problem: Some(problem),
                lifetime: None,
            }
        }
    };
    let object = found.to_json();
    if options.json {
        println!("{}", Value::Object(object));
    } else {
        for (key, value) in &object {
            match value {
                Value::Object(reasons) => {
                    reasons.iter().for_each(|(field, why)| println!("  {field}: {}", text(why)));
                }
                value => println!("{key:18} {}", text(value)),
            }
        }
    }
    if found.report.mapped.is_some() { ExitCode::SUCCESS } else { ExitCode::from(2) }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Everything that is printed.
struct Found {
    report: Report,
    /// Why there was no report at all.
    problem: Option<String>,
    lifetime: Option<Verdict<Duration>>,
}

impl Found {
    fn to_json(&self) -> Map<String, Value> {
        let Self { report, problem, lifetime } = self;
        let mut object = Map::new();
        let mut reasons = Map::new();
        let mut put = |key: &str, value: Result<Value, Reason>, unknown: Value| {
            let value = value.unwrap_or_else(|reason| {
                let why = problem.clone().unwrap_or_else(|| reason.to_string());
                reasons.insert(key.to_owned(), why.into());
                unknown
            });
            object.insert(key.to_owned(), value);
        };
        let word = || Value::from("unknown");
        put("nat", known(report.nat), Value::Null);
        put("mapping", known(said(report.mapping)), word());
        put("filtering", known(said(report.filtering)), word());
        put("hairpin", known(report.hairpin), Value::Null);
        put("port_preservation", known(report.port_preservation), Value::Null);
        put("stride", known(report.stride), Value::Null);
        put("parity", known(report.parity), Value::Null);
        put("collision", known(said(report.collision)), word());
        let lifetime = lifetime.unwrap_or(Verdict::Unknown(Reason::NotTested));
        let seconds = match lifetime {
            Verdict::Known(time) => Ok(json!(time.as_millis() as f64 / 1_000.0)),
            Verdict::Unknown(reason) => Err(reason),
        };
        put("lifetime_s", seconds, Value::Null);
        put("rfc3489", known(report.rfc3489()), Value::Null);
        let mapped = match (report.mapped, report.nat) {
            (Some(mapped), _) => Ok(mapped.to_string().into()),
            (None, Verdict::Unknown(reason)) => Err(reason),
            (None, Verdict::Known(_)) => Err(Reason::NoMappedAddress),
        };
        put("mapped", mapped, Value::Null);
        object.insert("reasons".to_owned(), reasons.into());
        object
    }
}

fn known<T: Into<Value>>(verdict: Verdict<T>) -> Result<Value, Reason> {
    match verdict {
        Verdict::Known(value) => Ok(value.into()),
        Verdict::Unknown(reason) => Err(reason),
    }
}

fn said<T: ToString>(verdict: Verdict<T>) -> Verdict<String> {
    match verdict {
        Verdict::Known(value) => Verdict::Known(value.to_string()),
        Verdict::Unknown(reason) => Verdict::Unknown(reason),
    }
}

fn probe(options: &Options) -> Result<Found, String> {
    let server = match &options.server {
        Some(name) => resolve(name, options.local)?,
        None => serve_loopback().map_err(|error| format!("no server on the loopback: {error}"))?,
    };
    // Without the other server something can be learned all the same.
    let alternate = options.alt.as_ref().and_then(|name| {
        let found = resolve(name, Some(server.ip()));
        found.inspect_err(|problem| eprintln!("warning: --alt is left out: {problem}")).ok()
    });
    let local = match options.local {
        Some(local) if local.is_ipv4() != server.is_ipv4() => {
            return Err(format!(
                "--local {local} and the server {server} are of different families"
            ));
        }
        Some(local) => local,
        None => route_to(server)?,
    };
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| format!("no random numbers: {error}"))?;
    let (first, second) = seed.split_at(16);
    let settings = |seed: &[u8]| Settings {
        server,
        alternate,
        classic: options.classic,
        seed: seed.try_into().expect("half of 32 bytes"),
    };

    let mut sockets = Sockets::default();
    let fresh = sockets.open(local, Classifier::SOCKETS)?;
    let pair = match options.local2 {
        Some(other) => Some(sockets.pair(local, other)?),
        None => None,
    };
    let clock = Clock::start();
    let mut classifier = Classifier::new(settings(first), fresh, pair, clock.now());
    sockets.drive(&mut classifier, &clock);
    let report = *classifier.report();

    let mut lifetime = None;
    if options.lifetime && report.mapped.is_some() {
        let mut sockets = Sockets::default();
        let fresh = sockets.open(local, Lifetime::SOCKETS)?;
        let mut machine = Lifetime::new(settings(second), fresh, LONGEST_LIFETIME, clock.now());
        sockets.drive(&mut machine, &clock);
        lifetime = machine.verdict();
    }
    Ok(Found { report, problem: None, lifetime })
}

/// The sockets by number.
#[derive(Default)]
struct Sockets(Vec<UdpSocket>);

impl Sockets {
    /// So many sockets at ports that the system chooses.
    fn open(&mut self, local: IpAddr, count: usize) -> Result<Vec<Fresh>, String> {
        (0..count).map(|_| self.bind(SocketAddr::new(local, 0))).collect()
    }

    /// Two sockets with one port.
    fn pair(&mut self, first: IpAddr, second: IpAddr) -> Result<[Fresh; 2], String> {
        for _ in 0..20 {
            let one = self.bind(SocketAddr::new(first, 0))?;
            let port = self.0.last().and_then(|socket| socket.local_addr().ok());
            let Some(port) = port.map(|address| address.port()) else { continue };
            match self.bind(SocketAddr::new(second, port)) {
                Ok(other) => return Ok([one, other]),
                // Somebody else has that port there.
                Err(_) if UdpSocket::bind((second, 0)).is_ok() => {}
                Err(error) => return Err(error),
            }
        }
        Err(format!("{first} and {second} have no free port in common"))
    }

    fn bind(&mut self, address: SocketAddr) -> Result<Fresh, String> {
        let open = || -> std::io::Result<(UdpSocket, SocketAddr)> {
            let socket = UdpSocket::bind(address)?;
            socket.set_nonblocking(true)?;
            let local = socket.local_addr()?;
            Ok((socket, local))
        };
        let (socket, local) = open().map_err(|error| format!("can not use {address}: {error}"))?;
        let id = SocketId(u16::try_from(self.0.len()).expect("some dozens of sockets"));
        self.0.push(socket);
        Ok(Fresh::new(id, local))
    }

    /// Carries packets until the machine is done.
    fn drive(&self, machine: &mut impl Discovery, clock: &Clock) {
        let mut buffer = [0; 2_048];
        while !machine.is_done() {
            while let Some(transmit) = machine.transmit(clock.now()) {
                let SocketId(number) = transmit.socket;
                // What can not be sent is as good as lost.
                let _ = self.0[usize::from(number)].send_to(&transmit.datagram, transmit.to);
            }
            let mut idle = true;
            for (number, socket) in (0..).zip(&self.0) {
                // Bounded, so that a flood at one socket does not keep the others waiting.
                for _ in 0..64 {
                    match socket.recv_from(&mut buffer) {
                        Ok((len, from)) => {
                            idle = false;
                            machine.receive(clock.now(), SocketId(number), from, &buffer[..len]);
                        }
                        // Another's ICMP error is no end.
                        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                        Err(_) => break,
                    }
                }
            }
            if idle && !machine.is_done() {
                let wait = machine.wake().since(clock.now());
                // Dozens of sockets without an event loop: looked at every few milliseconds.
                #[allow(clippy::disallowed_methods, reason = "this program is the driver")]
                thread::sleep(wait.min(Duration::from_millis(3)));
            }
        }
    }
}

/// The real time.
struct Clock(Instant);

impl Clock {
    #[allow(clippy::disallowed_methods, reason = "this program is the driver: it reads the clock")]
    fn start() -> Self {
        Self(Instant::now())
    }

    fn now(&self) -> Time {
        Time::from_micros(self.0.elapsed().as_micros() as u64)
    }
}

/// The first address of a name, of the same family as `like` if that is given. A resolver that takes
/// too long is not waited for.
fn resolve(name: &str, like: Option<IpAddr>) -> Result<SocketAddr, String> {
    let fits = |address: &SocketAddr| like.is_none_or(|like| like.is_ipv4() == address.is_ipv4());
    if let Ok(ip) = name.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(SocketAddr::new(ip, 3478));
    }
    let name = name.to_owned();
    let with_port = if name.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok()) {
        name.clone()
    } else {
        format!("{name}:3478")
    };
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || sender.send(with_port.to_socket_addrs().map(Vec::from_iter)));
    let addresses = receiver
        .recv_timeout(RESOLVE)
        .map_err(|_| format!("{name}: the resolver does not answer"))?
        .map_err(|error| format!("{name}: {error}"))?;
    let found = addresses.iter().find(|address| fits(address)).copied();
    found.ok_or_else(|| format!("{name} has no address of the right family"))
}

/// The address that packets to the server leave with.
fn route_to(server: SocketAddr) -> Result<IpAddr, String> {
    let any: SocketAddr = if server.is_ipv4() {
        (Ipv4Addr::UNSPECIFIED, 0).into()
    } else {
        (std::net::Ipv6Addr::UNSPECIFIED, 0).into()
    };
    let route = || {
        let socket = UdpSocket::bind(any)?;
        // Sends nothing, but chooses the route.
        socket.connect(server)?;
        socket.local_addr()
    };
    route().map(|local| local.ip()).map_err(|error| format!("no way to {server}: {error}"))
}

/// A server with two addresses on this host, for as long as the program runs.
fn serve_loopback() -> std::io::Result<SocketAddr> {
    let [first, second] = [Ipv4Addr::LOCALHOST, Ipv4Addr::new(127, 0, 0, 2)];
    let primary = UdpSocket::bind((first, 0))?;
    let alternate = UdpSocket::bind((second, 0))?;
    let addresses =
        Addresses { primary: primary.local_addr()?, alternate: alternate.local_addr()? };
    let other_port = UdpSocket::bind(addresses.of(Socket::ALL[1]))?;
    let other_ip = UdpSocket::bind(addresses.of(Socket::ALL[2]))?;
    let sockets = [primary, other_port, other_ip, alternate];
    let server = Server::rfc5780(addresses).ok_or(ErrorKind::AddrInUse)?;
    for (index, socket) in sockets.iter().enumerate() {
        let receiver = socket.try_clone()?;
        let (at, server) = (Socket::ALL[index], server.clone());
        let senders = sockets.iter().map(UdpSocket::try_clone).collect::<Result<Vec<_>, _>>()?;
        thread::spawn(move || {
            let (mut buffer, mut out) = ([0; 2_048], Vec::new());
            while let Ok((len, from)) = receiver.recv_from(&mut buffer) {
                out.clear();
                if let Some(answer) = server.answer(&buffer[..len], from, at, &mut out) {
                    let number = Socket::ALL.iter().position(|socket| *socket == answer.from);
                    let _ = number.map(|number| senders[number].send_to(&out, answer.to));
                }
            }
        });
    }
    let Addresses { primary, alternate } = addresses;
    eprintln!("no --server: asking one of our own on this host, {primary} and {alternate}");
    Ok(primary)
}
