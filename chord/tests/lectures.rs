//! The rings that the lectures draw (figure C0), exactly.

use overlay_chord::{FingerTable, Id64, Ring, RingError, Routing};

fn ring<const M: u32>(ids: &[u64]) -> Ring<Id64<M>> {
    Ring::new(ids.iter().map(|id| id64(*id))).expect("a ring")
}

fn id64<const M: u32>(id: u64) -> Id64<M> {
    Id64::new(id).expect("an identifier of so many bits")
}

#[test]
fn sixteen_identifiers_with_four_nodes() {
    let four = ring::<4>(&[3, 8, 10, 14]);
    assert_eq!(four.owner(id64(9)), id64(10));
    // A key at a node is that node's; past the last node it is the first one's.
    assert_eq!(four.owner(id64(10)), id64(10));
    assert_eq!(four.owner(id64(11)), id64(14));
    assert_eq!(four.owner(id64(15)), id64(3));
    assert_eq!(four.owner(id64(0)), id64(3));
}

#[test]
fn adding_six_moves_only_the_keys_four_to_six() {
    let before = ring::<4>(&[3, 8, 10, 14]);
    let after = before.with(id64(6)).expect("a ring");
    for key in (0..16).map(id64::<4>) {
        let moved = (4..=6).contains(&key.get());
        assert_eq!(before.owner(key) != after.owner(key), moved, "key {key}");
        assert!(!moved || (before.owner(key), after.owner(key)) == (id64(8), id64(6)));
    }
}

#[test]
fn removing_ten_gives_its_keys_to_fourteen() {
    let before = ring::<4>(&[3, 6, 8, 10, 14]);
    let after = before.without(id64(10)).expect("a ring");
    for key in (0..16).map(id64::<4>) {
        let was = before.owner(key);
        let is = if was == id64(10) { id64(14) } else { was };
        assert_eq!(after.owner(key), is, "key {key}");
    }
    assert_eq!(after.owner(id64(9)), id64(14));
}

#[test]
fn eight_identifiers_with_four_nodes() {
    let ring = ring::<3>(&[0, 1, 2, 6]);
    assert_eq!(ring.owner(id64(7)), id64(0));
    assert_eq!(ring.owner(id64(2)), id64(2));
    let get = ring.lookup(1, id64(7), Routing::Finger);
    assert_eq!(get.to_string(), "1 → 6 → 0");
    assert_eq!((get.hops(), get.owner), (1, id64(0)));
    // Node by node, it takes one more; with a full table, as many as with fingers.
    assert_eq!(ring.lookup(1, id64(7), Routing::Successor).to_string(), "1 → 2 → 6 → 0");
    assert_eq!(ring.lookup(1, id64(7), Routing::Full).to_string(), "1 → 6 → 0");
}

#[test]
fn the_finger_tables_of_the_eight_identifier_ring() {
    // successor(n + 1), successor(n + 2), successor(n + 4)
    let tables = [(0, [1, 2, 6]), (1, [2, 6, 6]), (2, [6, 6, 6]), (6, [0, 0, 2])];
    let ring = ring::<3>(&[0, 1, 2, 6]);
    for (node, fingers) in tables {
        let mut table = FingerTable::new(id64::<3>(node));
        for (i, finger) in (1..).zip(fingers) {
            assert_eq!(ring.owner(table.start(i)), id64(finger), "finger {i} of {node}");
            table.set(i, ring.owner(table.start(i)));
        }
        for (i, finger) in (1..).zip(fingers) {
            assert_eq!(table.finger(i), Some(id64(finger)), "finger {i} of {node}");
        }
        let at = ring.index_of(id64(node)).expect("on the ring");
        assert!(ring.fingers(at).eq(table.as_slice().iter().copied()), "distinct, nearest first");
    }
}

#[test]
fn one_node_owns_everything_and_none_is_no_ring() {
    let one = ring::<4>(&[5]);
    for key in (0..16).map(id64::<4>) {
        assert_eq!(one.lookup(0, key, Routing::Finger).to_string(), "5");
    }
    assert_eq!(one.without(id64(5)).unwrap_err(), RingError::Empty);
    assert_eq!(Ring::<Id64<4>>::new([]).unwrap_err(), RingError::Empty);
}
