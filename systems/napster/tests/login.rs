//! How clients become users, and who is turned away.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use core::time::Duration;

use common::{JOIN, Network, SERVER, address};
use overlay_napster::{ClientConfig, Command, ConfigError, Event, JoinFailure};
use overlay_peer::{Address, Reason};
use overlay_sim::{Config, Host, PeerIndex};

fn config(nick: &str, password: &str) -> ClientConfig {
    ClientConfig::new(nick, password).unwrap()
}

/// What a client is told while it joins.
fn outcome(network: &mut Network, client: PeerIndex) -> Result<(), JoinFailure> {
    network.events();
    network.join(client);
    match network.events_of(client).remove(0) {
        Event::Joined { server } => {
            assert_eq!(server, SERVER);
            Ok(())
        }
        Event::Refused { reason } => Err(reason),
        other => panic!("{other:?}"),
    }
}

fn refused(text: &str) -> Result<(), JoinFailure> {
    Err(JoinFailure::Server(text.into()))
}

#[test]
fn a_nick_is_used_once_at_a_time() {
    let mut network = Network::new(&[]);
    let ann = network.client(config("ann", "x"), Host::open(address(1)));
    let other = network.client(config("Ann", "y"), Host::open(address(2)));
    assert_eq!(outcome(&mut network, ann), Ok(()));
    assert_eq!(outcome(&mut network, other), refused("the nickname is in use"));
    assert_eq!(network.server_state().user_count(), 1);
    network.world.command(ann, Command::Leave, JOIN);
    network.settle();
    assert_eq!(outcome(&mut network, other), Ok(()));
    let user = network.server_state().user("ann").unwrap();
    assert_eq!((user.nick.as_bytes(), user.port), (&b"Ann"[..], 6699));
}

#[test]
fn a_registered_nick_needs_its_password() {
    let mut network = Network::new(&[]);
    let owner = config("ann", "right").registering("ann@example.org").unwrap();
    let ann = network.client(owner.clone(), Host::open(address(1)));
    assert_eq!(outcome(&mut network, ann), Ok(()));
    network.world.command(ann, Command::Leave, JOIN);
    network.settle();
    let thief = network.client(config("ann", "wrong"), Host::open(address(2)));
    assert_eq!(outcome(&mut network, thief), refused("invalid password"));
    // Who would register is told that the nick is taken, and logs in instead.
    assert_eq!(outcome(&mut network, ann), Ok(()));
    let late = config("ann", "other").registering("thief@example.org").unwrap();
    let late = network.client(late, Host::open(address(3)));
    assert_eq!(outcome(&mut network, late), refused("invalid password"));
    assert!(network.server_state().user("ann").is_some());
}

#[test]
fn the_owner_of_a_nick_takes_over_from_a_crashed_machine() {
    let mut network = Network::new(&[("song", 1)]);
    let owner = config("ann", "right").registering("ann@example.org").unwrap();
    let old = network.joined(owner, Host::open(address(1)), &[0]);
    network.world.fail(old);
    let new = network.client(config("ann", "right"), Host::open(address(2)));
    assert_eq!(outcome(&mut network, new), Ok(()));
    assert_eq!(network.server_state().user_count(), 1);
    assert_eq!(network.server_state().file_count(), 0);
    assert_eq!(network.server_state().user("ann").unwrap().ip.to_string(), "192.0.2.2");
    network.world.run_for(Duration::from_secs(100));
    assert_eq!(network.server_state().user_count(), 1);
}

#[test]
fn registrations_are_bounded() {
    let sim = Config { checked: true, ..Config::default() };
    let mut network = Network::with(&[], sim, |server| server.accounts = 1);
    for (nick, expected) in
        [("ann", Ok(())), ("bob", refused("the server takes no more registrations"))]
    {
        let config = config(nick, "x").registering("a@b").unwrap();
        let host = Host::open(address(nick.as_bytes()[0]));
        let client = network.client(config, host);
        assert_eq!(outcome(&mut network, client), expected);
    }
}

#[test]
fn links_are_bounded() {
    let sim = Config { checked: true, ..Config::default() };
    let mut network = Network::with(&[], sim, |server| server.links = 1);
    let ann = network.client(config("ann", "x"), Host::open(address(1)));
    let bob = network.client(config("bob", "x"), Host::open(address(2)));
    assert_eq!(outcome(&mut network, ann), Ok(()));
    assert_eq!(outcome(&mut network, bob), Err(JoinFailure::Link(Reason::Remote)));
}

#[test]
fn nobody_listens() {
    let mut network = Network::new(&[]);
    let ann = network.client(config("ann", "x"), Host::open(address(1)));
    let server = Address::from(([203, 0, 113, 1], 8888));
    network.world.command(ann, Command::Join { server }, JOIN);
    network.world.run_for(Duration::from_secs(10));
    let events = network.events_of(ann);
    assert!(matches!(events[..], [Event::Refused { reason: JoinFailure::Link(_) }]), "{events:?}");
}

#[test]
fn a_client_joins_once() {
    let mut network = Network::new(&[]);
    let ann = network.client(config("ann", "x"), Host::open(address(1)));
    assert_eq!(outcome(&mut network, ann), Ok(()));
    assert_eq!(outcome(&mut network, ann), Err(JoinFailure::AlreadyJoined));
    assert!(network.world.peer(ann).as_client().unwrap().is_online());
}

/// Another client takes the link, greets as for a transfer, and is no server.
#[test]
fn a_client_is_no_server() {
    // Unchecked: the bytes of one phase are never a whole message of the other.
    let mut network = Network::with(&[], Config::default(), |_| {});
    let ann = network.client(config("ann", "x"), Host::open(address(1)));
    let bob = network.client(config("bob", "x"), Host::open(address(2)));
    network.world.command(ann, Command::Join { server: address(2) }, JOIN);
    network.world.run_for(Duration::from_secs(100));
    let events = network.events_of(ann);
    assert!(events.iter().any(|event| matches!(event, Event::Refused { .. })), "{events:?}");
    assert!(!network.world.peer(ann).as_client().unwrap().is_online());
    assert_eq!(outcome(&mut network, bob), Ok(()));
}

#[test]
fn nicks_are_of_the_official_alphabet() {
    assert!(ClientConfig::new("Az09_[]{}-@^!$", "x").is_ok());
    for nick in ["", "two words", "naïve", "a\"b", "a.b", &"x".repeat(33)] {
        assert_eq!(ClientConfig::new(nick, "x").unwrap_err(), ConfigError::Nick, "{nick}");
    }
    assert!(ClientConfig::new("ann", "two words").is_err());
    assert!(ClientConfig::new("ann", "").is_err());
    let debug = format!("{:?}", config("ann", "hush-hush"));
    assert!(!debug.contains("hush-hush"), "{debug}");
}
