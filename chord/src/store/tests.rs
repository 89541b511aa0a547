//! Laws of the parts that only the node sees: ranges, digests, pages, staleness, and the accounts.

extern crate std;

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Bounds, Store};
use crate::{Id160, Publication, interval, message};

const BOUNDS: Bounds = Bounds { publications_per_key: 1_000, bytes: 1 << 20, value_len: 100 };

fn key(number: u8) -> Id160 {
    let mut bytes = [0; 20];
    bytes[0] = number;
    Id160::from_bytes(bytes)
}

fn publication(number: u16) -> Publication {
    let publisher = std::net::SocketAddr::from(([10, 0, 0, 1], number % 7));
    Publication { publisher, value: number.to_be_bytes().to_vec().into() }
}

fn store(entries: &[(u8, u16, u32)]) -> Store {
    let mut store = Store::new(BOUNDS);
    for (number, publication_number, round) in entries {
        let inserted = store.insert(key(*number), publication(*publication_number), *round);
        assert!(inserted.is_ok());
    }
    store
}

fn entries() -> impl Strategy<Value = Vec<(u8, u16, u32)>> {
    // Few keys, so that some have several publications and some come twice.
    vec((0..16_u8, 0..64_u16, 0..4_u32), 0..60)
}

#[test]
fn publications_with_one_fingerprint_are_both_kept_shown_and_counted() {
    let mut store = Store::new(BOUNDS);
    for number in [1, 2, 1] {
        assert!(store.insert_as(key(1), 7, publication(number), 0).is_ok());
    }
    assert_eq!(store.len(), 2);
    assert_eq!(store.digest(key(0), key(2)), (2, 14));
    // One fits on a page.
    let first = store.page(key(1), None, 10);
    assert_eq!((first.publications, first.next), (Vec::from([publication(1)]), Some(1)));
    let second = store.page(key(1), first.next, 10);
    assert_eq!((second.publications, second.next), (Vec::from([publication(2)]), None));
    assert!(store.page(key(1), Some(u64::MAX), 10).publications.is_empty());
}

#[test]
fn digests_tell_fingerprints_apart_that_agree_in_either_half() {
    let digest = |fingerprint| {
        let mut store = Store::new(BOUNDS);
        assert!(store.insert_as(key(1), fingerprint, publication(1), 0).is_ok());
        store.digest(key(0), key(2))
    };
    let one = digest(5 << 64 | 6);
    assert_ne!(one, digest(5 << 64 | 7));
    assert_ne!(one, digest(4 << 64 | 6));
}

#[test]
fn every_change_has_its_version() {
    let mut store = Store::new(BOUNDS);
    let mut seen = BTreeSet::from([store.version()]);
    for number in 0..5 {
        assert_eq!(store.insert(key(number), publication(1), 0), Ok(true));
        assert!(seen.insert(store.version()));
        assert_eq!(store.insert(key(number), publication(1), 1), Ok(false));
        assert!(!seen.insert(store.version()), "nothing changed");
    }
    assert_eq!(store.drop_stale(key(0), key(4), 2), 4);
    assert!(seen.insert(store.version()));
}

proptest! {
    #[test]
    fn a_set_holds_each_publication_once(entries in entries()) {
        let store = store(&entries);
        let expected: BTreeSet<_> = entries.iter().map(|(k, p, _)| (*k, *p)).collect();
        prop_assert_eq!(store.len(), expected.len());
        let keys: BTreeSet<_> = entries.iter().map(|(k, _, _)| *k).collect();
        prop_assert_eq!(store.keys(), keys.len());
        for number in keys {
            let has: BTreeSet<_> = store.publications(key(number)).cloned().collect();
            let expected =
                expected.iter().filter(|(k, _)| *k == number).map(|(_, p)| publication(*p));
            prop_assert_eq!(has, expected.collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn digests_do_not_depend_on_the_order(mut entries in entries(), after: u8, upto: u8) {
        let one = store(&entries);
        entries.reverse();
        let other = store(&entries);
        prop_assert_eq!(
            one.digest(key(after), key(upto)),
            other.digest(key(after), key(upto))
        );
    }

    #[test]
    fn a_range_is_the_interval(entries in entries(), after in 0..18_u8, upto in 0..18_u8) {
        let store = store(&entries);
        let (after, upto) = (key(after), key(upto));
        let keys: Vec<_> = store.fingerprints(after, upto).map(|(key, _)| key).collect();
        let expected = entries.iter().map(|(k, p, _)| (*k, *p)).collect::<BTreeSet<_>>();
        let inside = |k: &u8| interval::in_open_closed(after, key(*k), upto);
        prop_assert_eq!(keys.len(), expected.iter().filter(|(k, _)| inside(k)).count());
        // Clockwise from the start, and every one can be found again.
        use crate::Id;
        prop_assert!(keys.is_sorted_by_key(|key| after.next().distance(*key)));
        for (key, fingerprint) in store.fingerprints(after, upto) {
            prop_assert!(store.by_fingerprint(key, fingerprint).is_some());
        }
        let (count, _) = store.digest(after, upto);
        prop_assert_eq!(count as usize, keys.len());
    }

    #[test]
    fn pages_together_are_the_whole_set(count in 0..80_u16, room in 20..200_usize) {
        let entries: Vec<_> = (0..count).map(|number| (1, number, 0)).collect();
        let store = store(&entries);
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let page = store.page(key(1), after, room);
            let used: usize = page.publications.iter().map(message::publication_len).sum();
            prop_assert!(used <= room);
            all.extend(page.publications);
            prop_assert!(page.next.is_none() || page.next > after, "the cursor moves on");
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert!(all.iter().eq(store.publications(key(1))));
    }

    #[test]
    fn what_is_stale_is_dropped_and_the_accounts_balance(
        entries in entries(), after in 0..18_u8, upto in 0..18_u8, round in 0..5_u32,
    ) {
        let mut store = store(&entries);
        let (after, upto) = (key(after), key(upto));
        let first = store.stale(after, upto, round);
        let dropped = store.drop_stale(after, upto, round);
        prop_assert_eq!(first.is_some(), dropped > 0);
        prop_assert_eq!(store.stale(after, upto, round), None);
        // What is wanted is not stale, and everything goes when nothing is wanted.
        store.touch(after, upto, 9);
        prop_assert_eq!(store.drop_stale(after, upto, 9), 0);
        store.drop_stale(after, after, 10);
        prop_assert_eq!((store.len(), store.bytes(), store.keys()), (0, 0, 0));
        prop_assert!(store.is_empty());
    }
}
