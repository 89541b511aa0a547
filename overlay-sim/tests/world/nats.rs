//! NATs at the edge, as peers see them.

use std::net::IpAddr;
use std::time::Duration;

use crate::puppet::{Do, Puppet, Saw, address, seen};
use natsim::Behaviour;
use overlay_peer::{Address, LinkState, Reason};
use overlay_sim::{Cause, Config, Host, NoStore, PeerIndex, World};

const PUBLIC: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(198, 51, 100, 1));

fn private() -> Address {
    ([10, 0, 0, 2], 4000).into()
}

/// One host behind a NAT, two in the open.
fn world(behaviour: Behaviour) -> (World<Puppet, NoStore>, [PeerIndex; 3]) {
    let mut world = World::new(Config { checked: true, ..Config::default() }, NoStore);
    let inside = world.add(Puppet::default(), Host::behind(private(), PUBLIC, behaviour));
    let open = [1, 2].map(|last| world.add(Puppet::default(), Host::open(address(last))));
    (world, [inside, open[0], open[1]])
}

fn run(world: &mut World<Puppet, NoStore>, peer: PeerIndex, command: Do) {
    world.command(peer, command, Cause(1));
    world.run_for(Duration::from_secs(5));
}

/// The mapped address under which `open` sees `inside`, after a link from inside.
fn mapped(world: &mut World<Puppet, NoStore>, inside: PeerIndex, open: PeerIndex) -> Address {
    let to = world.host(open).address;
    run(world, inside, Do::Connect(to));
    match seen(world, open)[..] {
        [Saw::Link(LinkState::Open { remote, inbound: true })] => remote,
        ref other => panic!("no link from inside: {other:?}"),
    }
}

#[test]
fn from_inside_every_nat_lets_connects_out_under_its_own_address() {
    for nat in [Behaviour::FULL_CONE, Behaviour::RESTRICTED, Behaviour::SYMMETRIC] {
        let (mut world, [inside, open, _]) = world(nat);
        let remote = mapped(&mut world, inside, open);
        assert_eq!(remote.ip(), PUBLIC);
    }
}

#[test]
fn from_outside_the_filtering_decides() {
    for (nat, strangers_get_in) in [
        (Behaviour::FULL_CONE, true),
        (Behaviour::RESTRICTED, false),
        (Behaviour::PORT_RESTRICTED, false),
        (Behaviour::SYMMETRIC, false),
    ] {
        let (mut world, [inside, open, stranger]) = world(nat);
        let mapped = mapped(&mut world, inside, open);
        run(&mut world, stranger, Do::Connect(mapped));
        let expected = match strangers_get_in {
            true => LinkState::Open { remote: mapped, inbound: false },
            false => LinkState::Closed(Reason::Unreachable),
        };
        assert_eq!(seen(&mut world, stranger), [Saw::Link(expected)], "{nat:?}");
    }
}

#[test]
fn nothing_gets_in_before_something_went_out() {
    let (mut world, [_, open, _]) = world(Behaviour::FULL_CONE);
    run(&mut world, open, Do::Connect((PUBLIC, 4000).into()));
    let closed = LinkState::Closed(Reason::Unreachable);
    assert_eq!(seen(&mut world, open), [Saw::Link(closed)]);
}

#[test]
fn an_answer_to_a_datagrams_source_gets_in() {
    let (mut world, [inside, open, stranger]) = world(Behaviour::SYMMETRIC);
    run(&mut world, inside, Do::Datagram(address(1), vec![1]));
    let source = match &seen(&mut world, open)[..] {
        [Saw::Datagram(source, blob)] if blob == &[1] => *source,
        other => panic!("no datagram: {other:?}"),
    };
    assert_eq!(source.ip(), PUBLIC);
    run(&mut world, stranger, Do::Datagram(source, vec![2]));
    assert_eq!(seen(&mut world, inside), []);
    run(&mut world, open, Do::Datagram(source, vec![3]));
    assert_eq!(seen(&mut world, inside), [Saw::Datagram(address(1), vec![3])]);
}

#[test]
fn neighbours_behind_one_nat_talk_directly() {
    let (mut world, _) = world(Behaviour::SYMMETRIC);
    let second = ([10, 0, 0, 3], 4000).into();
    let neighbour =
        world.add(Puppet::default(), Host::behind(second, PUBLIC, Behaviour::SYMMETRIC));
    run(&mut world, neighbour, Do::Connect(private()));
    let open = LinkState::Open { remote: private(), inbound: false };
    assert_eq!(seen(&mut world, neighbour), [Saw::Link(open)]);
}
