//! Laws, as properties.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use overlay_chord::interval::{between, in_closed_open, in_open_closed};
use overlay_chord::{
    Contact, Decoded, FingerTable, Id, Id64, Id160, Lookup, Member, Message, Next, Publication,
    Rectified, Refusal, Ring, Routing, SuccessorList, Traffic, VERSION, is_ordered,
};
use proptest::collection::{btree_set, vec};
use proptest::prelude::*;

/// Every point of a small ring.
fn points<const M: u32>() -> impl Iterator<Item = Id64<M>> {
    (0..1_u64 << M).map(Id64::wrapping)
}

/// The points passed on a walk clockwise from `a` until `b` is reached, after at least one step, `a`
/// and `b` left out.
fn walk<const M: u32>(a: Id64<M>, b: Id64<M>) -> Vec<Id64<M>> {
    let mut passed = Vec::new();
    let mut at = a.next();
    while at != b {
        passed.push(at);
        at = at.next();
    }
    passed
}

#[test]
fn intervals_are_what_a_walk_around_the_ring_passes() {
    fn check<const M: u32>() {
        for a in points::<M>() {
            for b in points::<M>() {
                let passed = walk(a, b);
                for x in points::<M>() {
                    let inside = passed.contains(&x);
                    assert_eq!(between(a, x, b), inside, "{x} in ({a}, {b})");
                    assert_eq!(in_open_closed(a, x, b), inside || x == b, "{x} in ({a}, {b}]");
                    assert_eq!(in_closed_open(a, x, b), inside || x == a, "{x} in [{a}, {b})");
                }
            }
        }
    }
    check::<1>();
    check::<2>();
    check::<3>();
    check::<5>();
}

#[test]
fn owner_is_the_first_node_at_or_after_the_key() {
    // All rings of 4 bits, that is all sets of nodes, all keys, all starts, all tables.
    for set in 1_u64..1 << 16 {
        let nodes: Vec<Id64<4>> = points().filter(|id| set & 1 << id.get() != 0).collect();
        if nodes.len() > 5 && set % 97 != 0 {
            continue;
        }
        let ring = Ring::new(nodes.iter().copied()).expect("a ring");
        for key in points::<4>() {
            let mut owner = key;
            while !nodes.contains(&owner) {
                owner = owner.next();
            }
            assert_eq!(ring.owner(key), owner);
            for from in 0..nodes.len() {
                for routing in [Routing::Successor, Routing::Finger, Routing::Full] {
                    let path = ring.lookup(from, key, routing);
                    let last = *path.nodes.last().expect("the first node at least");
                    let at = ring.index_of(last).expect("on the ring");
                    assert_eq!(path.owner, owner);
                    assert!(last == owner || ring.successor(at) == owner, "{path}");
                    assert!(path.hops() < nodes.len().max(2), "{path}");
                }
                assert!(ring.lookup(from, key, Routing::Full).hops() <= 1);
            }
        }
    }
}

fn id160() -> impl Strategy<Value = Id160> {
    // Zero bytes and full ones make carries and wraps likely.
    let byte = prop_oneof![3 => any::<u8>(), 1 => Just(0), 1 => Just(0xff)];
    vec(byte, 20).prop_map(|bytes| Id160::from_bytes(bytes.try_into().expect("twenty")))
}

/// Addition on the bytes, one after the other, the way it is done by hand.
fn add_by_hand(a: Id160, b: Id160) -> Id160 {
    let (mut sum, mut carry) = ([0; 20], 0);
    for i in (0..20).rev() {
        let digit = u16::from(a.as_bytes()[i]) + u16::from(b.as_bytes()[i]) + carry;
        sum[i] = digit as u8;
        carry = digit >> 8;
    }
    Id160::from_bytes(sum)
}

fn address() -> impl Strategy<Value = SocketAddr> {
    let ip = prop_oneof![
        any::<[u8; 4]>().prop_map(|b| IpAddr::V4(Ipv4Addr::from(b))),
        any::<[u8; 16]>().prop_map(|b| IpAddr::V6(Ipv6Addr::from(b))),
    ];
    (ip, any::<u16>()).prop_map(SocketAddr::from)
}

fn contact() -> impl Strategy<Value = Contact> {
    (id160(), address()).prop_map(|(id, address)| Contact { id, address })
}

fn publication() -> impl Strategy<Value = Publication> {
    (address(), vec(any::<u8>(), 0..300))
        .prop_map(|(publisher, value)| Publication { publisher, value: value.into() })
}

fn traffic() -> impl Strategy<Value = Traffic> {
    prop_oneof![Just(Traffic::User), Just(Traffic::Upkeep)]
}

fn refusal() -> impl Strategy<Value = Refusal> {
    prop::sample::select(vec![
        Refusal::NotMember,
        Refusal::KeyFull,
        Refusal::StoreFull,
        Refusal::ValueTooLong,
        Refusal::TooMuch,
        Refusal::NoSuchBlob,
    ])
}

fn message() -> impl Strategy<Value = Message> {
    let (n, cursor) = (any::<u32>(), any::<Option<u64>>());
    let contacts = || vec(contact(), 0..6);
    let publications = || vec(publication(), 0..6);
    let fingerprints = vec(any::<u128>(), 0..40);
    prop_oneof![
        n.prop_map(|request| Message::Ping { request }),
        n.prop_map(|request| Message::Pong { request }),
        (n, proptest::option::of(id160()))
            .prop_map(|(request, joining)| Message::Pointers { request, joining }),
        (n, id160(), proptest::option::of(contact()), contacts()).prop_map(
            |(request, id, predecessor, successors)| Message::Neighbours {
                request,
                id,
                predecessor,
                successors
            }
        ),
        n.prop_map(|request| Message::Busy { request }),
        id160().prop_map(|id| Message::Notify { id }),
        Just(Message::Nudge),
        (any::<u32>(), traffic(), id160(), address(), any::<u32>(), any::<u8>()).prop_map(
            |(request, traffic, key, origin, number, hops)| Message::Forward {
                request,
                traffic,
                key,
                origin,
                number,
                hops
            }
        ),
        (any::<u32>(), traffic(), id160(), any::<u8>(), vec(contact(), 0..4)).prop_map(
            |(request, traffic, id, hops, contacts)| Message::Routed {
                request,
                traffic,
                id,
                hops,
                contacts
            }
        ),
        (n, traffic(), id160()).prop_map(|(request, traffic, key)| Message::Find {
            request,
            traffic,
            key
        }),
        (n, traffic(), id160(), contacts(), contacts()).prop_map(
            |(request, traffic, id, contacts, before)| Message::Owner {
                request,
                traffic,
                id,
                contacts,
                before
            }
        ),
        (n, traffic(), id160(), contacts()).prop_map(|(request, traffic, id, contacts)| {
            Message::Closer { request, traffic, id, contacts }
        }),
        (n, id160(), any::<bool>(), publication()).prop_map(|(request, key, copy, publication)| {
            Message::Put { request, key, copy, publication }
        }),
        (n, contacts()).prop_map(|(request, copies)| Message::Stored { request, copies }),
        (n, id160(), any::<bool>(), cursor.clone())
            .prop_map(|(request, key, copy, after)| Message::Get { request, key, copy, after }),
        (n, any::<bool>(), cursor, publications()).prop_map(
            |(request, complete, next, publications)| Message::Values {
                request,
                complete,
                next,
                publications
            }
        ),
        (n, contact()).prop_map(|(request, contact)| Message::Elsewhere { request, contact }),
        (n, refusal()).prop_map(|(request, reason)| Message::Refused { request, reason }),
        (n, id160(), id160(), any::<u32>(), any::<u128>()).prop_map(
            |(request, after, upto, count, digest)| Message::Offer {
                request,
                after,
                upto,
                count,
                digest
            }
        ),
        n.prop_map(|request| Message::Agreed { request }),
        n.prop_map(|request| Message::Differ { request }),
        (id160(), id160()).prop_map(|(after, upto)| Message::Reconcile { after, upto }),
        fingerprints.clone().prop_map(|fingerprints| Message::Fingerprints { fingerprints }),
        fingerprints.prop_map(|fingerprints| Message::Wanted { fingerprints }),
        (id160(), publications())
            .prop_map(|(key, publications)| Message::Entries { key, publications }),
        Just(Message::End),
        (n, id160()).prop_map(|(part, blob)| Message::Want { part, blob }),
        (n, any::<u32>(), vec(any::<u8>(), 0..20_000)).prop_map(|(part, left, bytes)| {
            Message::Data { part, left, bytes: Bytes::from(bytes) }
        }),
        (n, refusal()).prop_map(|(part, reason)| Message::Missing { part, reason }),
    ]
}

fn encoded(message: &Message) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn distance_is_the_number_of_steps(a: u16, b: u16) {
        let (a, b) = (Id64::<16>::wrapping(a.into()), Id64::<16>::wrapping(b.into()));
        prop_assert_eq!(Id64::<16>::wrapping(a.get() + a.distance(b).get()), b);
    }

    #[test]
    fn distance_160_is_what_must_be_added(a in id160(), b in id160()) {
        prop_assert_eq!(add_by_hand(a, a.distance(b)), b);
        prop_assert_eq!(a.distance(b) == Id160::ZERO, a == b);
    }

    #[test]
    fn powers_160_are_added_as_by_hand(a in id160(), exponent in 0..160_u32) {
        let mut power = [0; 20];
        power[19 - exponent as usize / 8] = 1 << (exponent % 8);
        let power = Id160::from_bytes(power);
        prop_assert_eq!(a.add_power(exponent), add_by_hand(a, power));
        prop_assert_eq!(power.log2(), Some(exponent));
        prop_assert_eq!(a.add_power(160), a);
    }

    #[test]
    fn log2_is_the_highest_bit(a in id160()) {
        let bits = a.as_bytes().iter().flat_map(|byte| (0..8).rev().map(move |i| byte >> i & 1));
        let leading = bits.take_while(|bit| *bit == 0).count() as u32;
        prop_assert_eq!(a.log2(), 159_u32.checked_sub(leading));
    }

    #[test]
    fn hex_text_round_trips(a in id160()) {
        let text = a.to_string();
        prop_assert_eq!(text.len(), 40);
        prop_assert_eq!(text.parse(), Ok(a));
        prop_assert_eq!(text.to_uppercase().parse(), Ok(a));
    }

    #[test]
    fn every_finger_is_by_definition(nodes in btree_set(0..1_u64 << 12, 1..40)) {
        let ids: Vec<_> = nodes.into_iter().map(Id64::<12>::wrapping).collect();
        let ring = Ring::new(ids.iter().copied()).expect("a ring");
        for (at, &me) in ids.iter().enumerate() {
            let mut table = FingerTable::new(me);
            for i in 1..=12 {
                table.set(i, ring.owner(me.add_power(i - 1)));
            }
            for i in 1..=12 {
                // The owner may be this node itself: then no other is that far away.
                let defined = Some(ring.owner(me.add_power(i - 1))).filter(|f| {
                    me.distance(*f) >= me.distance(me.add_power(i - 1))
                });
                prop_assert_eq!(table.finger(i), defined, "finger {} of {}", i, me);
            }
            prop_assert!(ring.fingers(at).eq(table.as_slice().iter().copied()));
        }
    }

    #[test]
    fn a_finger_table_filled_in_any_order_is_the_same(
        nodes in btree_set(0..1_u64 << 12, 2..30),
        order in Just((1..=12_u32).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let ids: Vec<_> = nodes.into_iter().map(Id64::<12>::wrapping).collect();
        let ring = Ring::new(ids.iter().copied()).expect("a ring");
        let (mut table, mut learned) = (FingerTable::new(ids[0]), FingerTable::new(ids[0]));
        order.iter().for_each(|i| { table.set(*i, ring.owner(ids[0].add_power(i - 1))); });
        // A table that gets to know all nodes one by one ends up the same.
        ids[1..].iter().rev().for_each(|id| { learned.learn(*id); });
        prop_assert!(ring.fingers(0).eq(table.as_slice().iter().copied()));
        prop_assert_eq!(table, learned);
    }

    #[test]
    fn the_closest_preceding_finger_is_the_furthest_before_the_key(
        nodes in btree_set(any::<u8>(), 2..20), key: u8,
    ) {
        let ids: Vec<_> = nodes.into_iter().map(|n| Id64::<8>::wrapping(n.into())).collect();
        let (me, key) = (ids[0], Id64::<8>::wrapping(key.into()));
        let mut table = FingerTable::new(me);
        ids.iter().for_each(|id| { table.learn(*id); });
        let best = table.as_slice().iter().copied().filter(|f| between(me, *f, key))
            .min_by_key(|f| f.distance(key));
        prop_assert_eq!(table.closest_preceding(key), best);
    }

    #[test]
    fn successor_lists_stay_in_order_whatever_is_adopted(
        me: u8, head: u8, list in vec(any::<u8>(), 0..12), capacity in 1..8_usize,
    ) {
        let id = |n: u8| Id64::<8>::wrapping(n.into());
        let mut successors = SuccessorList::alone(id(me), capacity);
        let list: Vec<_> = list.into_iter().map(id).collect();
        successors.adopt(id(head), &list);
        prop_assert_eq!(successors.first(), Some(id(head)));
        prop_assert!(successors.as_slice().len() <= capacity);
        prop_assert!(is_ordered(id(me), successors.as_slice()));
        for key in points::<8>() {
            let owner = successors.owner_of(key).map(|owners| owners[0]);
            let covered = successors.as_slice().last()
                .is_some_and(|last| in_open_closed(id(me), key, *last));
            let nearest = successors.as_slice().iter().copied().min_by_key(|n| key.distance(*n));
            prop_assert_eq!(owner, nearest.filter(|_| covered), "key {}", key);
        }
    }

    #[test]
    fn a_lookup_asks_each_node_once_and_the_closest_first(
        nodes in btree_set(any::<u8>(), 1..30), key: u8, from: u8,
    ) {
        let id = |n: u8| Id64::<8>::wrapping(n.into());
        let mut lookup = Lookup::new(id(key));
        let before: Vec<_> =
            nodes.iter().map(|n| id(*n)).filter(|n| between(id(from), *n, id(key))).collect();
        prop_assert_eq!(lookup.offer(id(from), nodes.iter().map(|n| id(*n))), before.len());
        prop_assert_eq!(lookup.offer(id(from), nodes.iter().map(|n| id(*n))), before.len());
        let mut asked = Vec::new();
        while let Some(node) = lookup.next_to_ask() {
            lookup.failed(node);
            prop_assert!(lookup.is_dead(node));
            asked.push(node);
        }
        prop_assert!(asked.is_sorted_by_key(|n| n.next().distance(id(key))));
        prop_assert_eq!(lookup.timeouts() as usize, before.len());
        asked.sort_unstable();
        prop_assert_eq!(asked, before);
    }

    #[test]
    fn a_full_lookup_takes_no_more_and_forgets_no_dead(more in 1..200_u64, owners in 1..=256_u64) {
        let id = Id64::<32>::wrapping;
        let mut lookup = Lookup::new(id(10_000));
        lookup.offer(id(0), (1..=128 + more).map(id));
        for owner in 0..owners {
            lookup.rule_out(id(20_000 + owner));
        }
        prop_assert!((0..owners).all(|owner| lookup.is_dead(id(20_000 + owner))));
        prop_assert!(!lookup.is_dead(id(128)));
        let mut asked = 0;
        while let Some(node) = lookup.next_to_ask() {
            lookup.failed(node);
            asked += 1;
            prop_assert!(asked <= 128, "more than it has room for");
        }
        prop_assert_eq!(asked, 128);
    }

    #[test]
    fn a_lookup_does_not_ask_who_was_ruled_out_before_it_was_offered(node in 1..100_u64) {
        let id = Id64::<8>::wrapping;
        let mut lookup = Lookup::new(id(200));
        lookup.rule_out(id(node));
        prop_assert_eq!(lookup.offer(id(0), [id(node)]), 1);
        prop_assert_eq!(lookup.next_to_ask(), None);
    }

    #[test]
    fn a_member_only_joins_between_two_neighbours(me: u8, before: u8, list in vec(any::<u8>(), 1..4)) {
        let id = |n: u8| Id64::<8>::wrapping(n.into());
        let list: Vec<_> = list.into_iter().map(id).collect();
        let member = Member::join(id(me), 3, id(before), &list);
        prop_assert_eq!(member.is_some(), between(id(before), id(me), list[0]));
        if let Some(member) = member {
            prop_assert_eq!(member.predecessor(), Some(id(before)));
            prop_assert_eq!(member.successors().first(), Some(list[0]));
            prop_assert!(member.owns(id(me)) && !member.owns(id(before)));
        }
    }

    #[test]
    fn rectify_only_ever_moves_the_predecessor_closer(me: u8, news in vec(any::<u8>(), 1..20)) {
        let id = |n: u8| Id64::<8>::wrapping(n.into());
        let mut member = Member::alone(id(me), 3);
        for new in news.into_iter().map(id) {
            let old = member.predecessor().expect("never failed");
            match member.rectify(new) {
                Rectified::Adopted => prop_assert!(between(old, new, id(me))),
                Rectified::Same => prop_assert!(new == old || new == id(me)),
                Rectified::Check(check) => prop_assert_eq!(check, old),
            }
            let now = member.predecessor().expect("never failed");
            prop_assert!(now == old || between(old, now, id(me)));
        }
    }

    #[test]
    fn stabilizing_members_find_their_ring(nodes in btree_set(0..64_u64, 1..12), order: u64) {
        let ids: Vec<_> = nodes.into_iter().map(Id64::<6>::wrapping).collect();
        let rounds = rounds_to_ideal(&ids, order);
        // At worst all joined at one place, and each round only sorts in the next of them.
        prop_assert!(rounds <= ids.len() + 3, "{} nodes took {} rounds", ids.len(), rounds);
    }

    #[test]
    fn round_trip(message in message()) {
        let bytes = encoded(&message);
        prop_assert_eq!(bytes.len(), message.encoded_len());
        prop_assert_eq!(Message::decode(&bytes), Ok(message.clone()));
        prop_assert!(Message::kind_name(message.kind()) != "unknown");
    }

    #[test]
    fn every_prefix_is_partial_and_says_how_much_is_missing(message in message(), cut: usize) {
        let bytes = encoded(&message);
        let cut = cut % bytes.len();
        match Message::decode_prefix(&bytes[..cut]) {
            Ok(Decoded::Partial { needed }) => prop_assert!(needed >= 1 && cut + needed <= bytes.len()),
            other => prop_assert!(false, "{other:?}"),
        }
        prop_assert!(Message::decode(&bytes[..cut]).is_err());
    }

    #[test]
    fn what_follows_a_message_is_left_alone(message in message(), rest in vec(any::<u8>(), 1..9)) {
        let mut bytes = encoded(&message);
        let consumed = bytes.len();
        bytes.extend(rest);
        prop_assert_eq!(
            Message::decode_prefix(&bytes),
            Ok(Decoded::Complete { value: message, consumed })
        );
        prop_assert!(Message::decode(&bytes).is_err());
    }

    #[test]
    fn no_panic_on_arbitrary_bytes(
        version in prop_oneof![9 => Just(VERSION), 1 => any::<u8>()],
        kind in prop_oneof![9 => 0..0x48_u8, 1 => any::<u8>()],
        len in prop_oneof![4 => Just(None), 1 => any::<u8>().prop_map(Some)],
        body in vec(any::<u8>(), 0..120),
    ) {
        // Mostly a known kind and the right length, so that what is read is the body.
        let mut bytes = vec![version, kind, len.unwrap_or(body.len() as u8)];
        bytes.extend(body);
        match Message::decode_prefix(&bytes) {
            Ok(Decoded::Complete { value, consumed }) => {
                prop_assert_eq!(version, VERSION);
                prop_assert_eq!(encoded(&value), &bytes[..consumed]);
            }
            Ok(Decoded::Partial { needed }) => prop_assert!(needed >= 1),
            Err(error) => prop_assert!(error.offset <= bytes.len()),
        }
    }

    #[test]
    fn what_decodes_encodes_to_the_same_bytes(
        kind in 0..0x48_u8, body in vec(any::<u8>(), 0..120),
    ) {
        let mut bytes = vec![0xc1, kind, body.len() as u8];
        bytes.extend(body);
        if let Ok(message) = Message::decode(&bytes) {
            prop_assert_eq!(encoded(&message), bytes);
        }
    }
}

/// Lets members with these places join, with stabilizations drawn from `order` in between; then how
/// many fair rounds, in which each member stabilizes once, until all pointers are right.
fn rounds_to_ideal(ids: &[Id64<6>], mut order: u64) -> usize {
    const LIST: usize = 3;
    let mut draw = |below: usize| {
        order = order.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (order >> 33) as usize % below
    };
    let mut members: Vec<Member<Id64<6>>> = vec![Member::alone(ids[draw(ids.len())], LIST)];
    while members.len() < ids.len() {
        let id = ids[draw(ids.len())];
        if members.iter().all(|member| member.me() != id) {
            let mut places = members.iter().filter_map(|before| {
                Member::join(id, LIST, before.me(), before.successors().as_slice())
            });
            let member = places.next().expect("some member has its place on the ring");
            members.push(member);
        }
        let at = draw(members.len());
        stabilize(&mut members, at);
    }
    let ring = Ring::new(ids.iter().copied()).expect("a ring");
    let is_right = |member: &Member<Id64<6>>| {
        let at = ring.index_of(member.me()).expect("on the ring");
        let after = |i: usize| ring.ids()[(at + i) % ids.len()];
        let list: Vec<_> = (1..=LIST.min(ids.len())).map(after).collect();
        member.successors().as_slice() == list && member.predecessor() == Some(after(ids.len() - 1))
    };
    let mut rounds = 0;
    while !members.iter().all(is_right) && rounds < 1_000 {
        rounds += 1;
        for at in 0..members.len() {
            stabilize(&mut members, at);
        }
    }
    rounds
}

/// One member stabilizes, every answer being there at once.
fn stabilize(members: &mut [Member<Id64<6>>], at: usize) {
    let pointers = |members: &[Member<Id64<6>>], id| {
        let member = members.iter().find(|member| member.me() == id).expect("nobody fails");
        (member.successors().as_slice().to_vec(), member.predecessor())
    };
    let successor = members[at].successors().first().expect("nobody fails");
    let (list, predecessor) = pointers(members, successor);
    let (_, mut next) = members[at].stabilize_from_successor(successor, &list, predecessor);
    if let Next::Query(candidate) = next {
        let (list, _) = pointers(members, candidate);
        (_, next) = members[at].stabilize_from_predecessor(candidate, &list);
    }
    if let Next::Notify(notified) = next {
        let me = members[at].me();
        members.iter_mut().filter(|m| m.me() == notified).for_each(|m| {
            m.rectify(me);
        });
    }
}
