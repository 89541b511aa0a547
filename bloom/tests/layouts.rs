//! Laws that hold for filters of every layout and every hasher.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use overlay_bloom::layout::{self, Layout};
use overlay_bloom::{
    BuildError, Concurrent, Filter, Key, KeyHash, KeyHasher, MismatchError, Params, SipHash,
    SplitBlock, Standard, Xxh3,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Parameters that every layout can have, some with a partial last word in the standard one.
fn params<L: Layout>() -> impl Strategy<Value = Params> {
    (1u64..20, 0u64..512, 1u32..=64).prop_map(|(blocks, more, k)| {
        let m = if L::ID == layout::Standard::ID { 512 * blocks - more } else { 512 * blocks };
        let k = if L::ID == layout::Split::ID { layout::Split::K } else { k };
        Params::new(m, k).unwrap()
    })
}

fn keys() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(vec(any::<u8>(), 0..40), 0..200)
}

/// Bit by bit from the positions, as the documentation has it.
fn words_by_probes<L: Layout, H: KeyHasher>(
    params: Params,
    hasher: &H,
    keys: &[Vec<u8>],
) -> Vec<u64> {
    let mut words = vec![0; params.m().div_ceil(64) as usize];
    for key in keys {
        for position in L::probes(hasher.hash(key), params) {
            words[(position / 64) as usize] |= 1 << (position % 64);
        }
    }
    words
}

fn holds<L: Layout, H: KeyHasher>(
    params: Params,
    hasher: H,
    keys: &[Vec<u8>],
    others: &[Vec<u8>],
) -> Result<(), TestCaseError> {
    let empty = || Filter::<L, H>::with_hasher(params, hasher.clone()).unwrap();

    // A key sets its probes and nothing else.
    let mut one_by_one = empty();
    for key in keys {
        let before = one_by_one.clone();
        let was_there = before.contains(key);
        prop_assert_eq!(one_by_one.insert(key), !was_there);
        prop_assert_eq!(one_by_one == before, was_there);
    }
    let words = words_by_probes::<L, H>(params, &hasher, keys);
    prop_assert_eq!(one_by_one.words(), &words[..]);

    // Many at once are the same; so is any order, and a filter of the same words.
    let mut many = empty();
    many.insert_many(keys);
    prop_assert_eq!(&many, &one_by_one);
    let mut backwards = empty();
    keys.iter().rev().for_each(|key| {
        backwards.insert(key);
    });
    prop_assert_eq!(&backwards, &one_by_one);
    let again = Filter::from_words(params, hasher.clone(), words.into_iter()).unwrap();
    prop_assert_eq!(&again, &one_by_one);

    // Through a shared reference too.
    let concurrent = Concurrent::<L, H>::with_hasher(params, hasher.clone()).unwrap();
    for key in keys {
        let was_there = concurrent.contains(key);
        prop_assert_eq!(concurrent.insert(key), !was_there);
    }
    prop_assert_eq!(&concurrent.to_filter().unwrap(), &one_by_one);

    // No false negatives, and one answer however it is asked for.
    prop_assert!(keys.iter().all(|key| one_by_one.contains(key)));
    let all: Vec<&Vec<u8>> = keys.iter().chain(others).collect();
    let mut answers = Vec::new();
    one_by_one.contains_many(&all, |key, found| answers.push((*key, found)));
    let expected: Vec<_> = all.iter().map(|key| (*key, one_by_one.contains(key))).collect();
    prop_assert_eq!(answers, expected);
    let hashes: Vec<KeyHash> = all.iter().map(|key| key.hash_with(&hasher)).collect();
    let mut answers = Vec::new();
    one_by_one.contains_many(&hashes, |_, found| answers.push(found));
    let expected: Vec<_> = hashes.iter().map(|&hash| concurrent.contains_hash(hash)).collect();
    prop_assert_eq!(answers, expected);

    // Set algebra is algebra of the words.
    let mut other = empty();
    other.insert_many(others);
    let count = |op: fn(u64, u64) -> u64| -> (Vec<u64>, u64) {
        let words = one_by_one.words().iter().zip(other.words()).map(|(a, b)| op(*a, *b));
        let words: Vec<u64> = words.collect();
        let ones = words.iter().map(|word| u64::from(word.count_ones())).sum();
        (words, ones)
    };
    let (words, ones) = count(|a, b| a | b);
    let (mut union, mut counted) = (one_by_one.clone(), one_by_one.clone());
    union.union(&other).unwrap();
    prop_assert_eq!(counted.union_count(&other), Ok(ones));
    prop_assert_eq!(one_by_one.ones_of_union(&other), Ok(ones));
    prop_assert_eq!(union.words(), &words[..]);
    prop_assert_eq!(&counted, &union);
    many.insert_many(others);
    prop_assert_eq!(&many, &union);
    prop_assert_eq!(union.count_ones(), ones);

    let (words, ones) = count(|a, b| a & b);
    let (mut both, mut counted) = (one_by_one.clone(), one_by_one.clone());
    both.intersect(&other).unwrap();
    prop_assert_eq!(counted.intersect_count(&other), Ok(ones));
    prop_assert_eq!(one_by_one.ones_of_intersection(&other), Ok(ones));
    prop_assert_eq!(both.words(), &words[..]);
    prop_assert_eq!(&counted, &both);

    let (_, ones) = count(|a, b| a & !b);
    prop_assert_eq!(one_by_one.ones_of_difference(&other), Ok(ones));
    Ok(())
}

proptest! {
    #[test]
    fn standard(
        params in params::<layout::Standard>(), seed: u64, secret: [u8; 16],
        keys in keys(), others in keys(),
    ) {
        holds::<layout::Standard, _>(params, Xxh3::new(seed), &keys, &others)?;
        holds::<layout::Standard, _>(params, SipHash::new(secret), &keys, &others)?;
    }

    #[test]
    fn blocked(
        params in params::<layout::Blocked>(), seed: u64, secret: [u8; 16],
        keys in keys(), others in keys(),
    ) {
        holds::<layout::Blocked, _>(params, Xxh3::new(seed), &keys, &others)?;
        holds::<layout::Blocked, _>(params, SipHash::new(secret), &keys, &others)?;
    }

    #[test]
    fn split(
        params in params::<layout::Split>(), seed: u64, secret: [u8; 16],
        keys in keys(), others in keys(),
    ) {
        holds::<layout::Split, _>(params, Xxh3::new(seed), &keys, &others)?;
        holds::<layout::Split, _>(params, SipHash::new(secret), &keys, &others)?;
    }

    /// The short way for eight bytes is XXH3.
    #[test]
    fn a_number_is_hashed_as_its_bytes(key: u64, seed: u64, secret: [u8; 16]) {
        let bytes = key.to_le_bytes();
        prop_assert_eq!(KeyHash::of_u64(key, seed), KeyHash::of(&bytes, seed));
        prop_assert_eq!(key.hash_with(&Xxh3::new(seed)), KeyHash::of(&bytes, seed));
        prop_assert_eq!(SipHash::new(secret).hash_u64(key), SipHash::new(secret).hash(&bytes));
    }

    /// Short keys of all lengths are hashed as XXH3 has it.
    #[test]
    fn bytes_are_hashed_by_xxh3(bytes in vec(any::<u8>(), 0..24), seed: u64) {
        for len in 0..=bytes.len() {
            let expected = xxhash_rust::xxh3::xxh3_64_with_seed(&bytes[..len], seed);
            prop_assert_eq!(KeyHash::of(&bytes[..len], seed).to_bits(), expected, "{} bytes", len);
        }
    }

    /// All probes of a key are in one block, and those of the split layout one in each word.
    #[test]
    fn blocks_are_blocks(
        hash: u64, free in params::<layout::Blocked>(), split in params::<layout::Split>(),
    ) {
        let key = KeyHash::from_bits(hash);
        let positions: Vec<u64> = layout::Blocked::probes(key, free).collect();
        prop_assert_eq!(positions.len(), free.k() as usize);
        prop_assert!(positions.iter().all(|p| *p < free.m() && p / 512 == positions[0] / 512));
        let positions: Vec<u64> = layout::Split::probes(key, split).collect();
        let first = positions[0] / 512 * 8;
        prop_assert!(first * 64 < split.m());
        let words: Vec<u64> = positions.iter().map(|p| p / 64).collect();
        prop_assert_eq!(words, (first..first + 8).collect::<Vec<u64>>());
    }
}

#[test]
fn a_layout_refuses_what_it_can_not_be() {
    let params = |m, k| Params::new(m, k).unwrap();
    let refused = |m, k| SplitBlock::new(params(m, k), 0).unwrap_err();
    assert_eq!(refused(513, 8), BuildError::NotWholeBlocks { m: 513 });
    assert_eq!(refused(512, 7), BuildError::NotEightProbes { k: 7 });
    let text = "m is 64 bits, expected a multiple of 512";
    assert_eq!(overlay_bloom::Blocked::new(params(64, 8), 0).unwrap_err().to_string(), text);
    assert_eq!(
        Concurrent::<layout::Split>::new(params(512, 3), 0).map(drop),
        Err(BuildError::NotEightProbes { k: 3 })
    );
}

#[test]
fn words_must_be_those_of_m_bits() {
    let from = |m, words: &[u64]| {
        let params = Params::new(m, 3).unwrap();
        Filter::<layout::Standard>::from_words(params, Xxh3::new(0), words.iter().copied())
    };
    assert!(from(65, &[u64::MAX, 1]).is_ok());
    assert_eq!(from(65, &[0, 2]), Err(BuildError::StrayBits { m: 65 }));
    assert_eq!(from(65, &[0]), Err(BuildError::WordCount { found: 1, expected: 2 }));
    assert_eq!(from(64, &[0, 0]), Err(BuildError::WordCount { found: 2, expected: 1 }));
    assert!(from(128, &[u64::MAX, u64::MAX]).is_ok());
}

#[test]
fn secrets_are_compared_and_not_told() {
    let params = Params::new(100, 3).unwrap();
    let mut ours = Standard::keyed(params, [1; 16]).unwrap();
    let theirs = Standard::keyed(params, [2; 16]).unwrap();
    assert_eq!(ours.union(&theirs), Err(MismatchError::SecretKey));
    assert_eq!(ours.ones_of_difference(&theirs), Err(MismatchError::SecretKey));
    assert_eq!(ours.union(&ours.clone()), Ok(()));
    assert!(!format!("{ours:?}").contains("1, 1"));
}

/// Four threads insert at once, some keys by several of them: the filter is that of all keys.
#[test]
fn concurrent_inserts_lose_nothing() {
    fn all_are_in<L: Layout + Sync>(m: u64, k: u32) {
        let params = Params::new(m, k).unwrap();
        let shared = Concurrent::<L>::new(params, 5).unwrap();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let shared = &shared;
                scope.spawn(move || {
                    for key in thread * 15_000..thread * 15_000 + 20_000 {
                        shared.insert_u64(key);
                    }
                });
            }
        });
        let keys: Vec<u64> = (0..65_000).collect();
        let mut alone = Filter::<L>::new(params, 5).unwrap();
        alone.insert_many(&keys);
        assert_eq!(shared.to_filter().unwrap(), alone);
        assert!(keys.iter().all(|&key| shared.contains_u64(key)));
    }
    all_are_in::<layout::Standard>(650_001, 7);
    all_are_in::<layout::Blocked>(512 * 1270, 6);
    all_are_in::<layout::Split>(512 * 1270, 8);
}

/// Filters beyond the cache, which are prefetched, answer as those in it.
#[test]
fn large_batches_are_one_at_a_time() {
    fn same<L: Layout>(k: u32) {
        let params = Params::new(512 * 20_000, k).unwrap();
        let keys: Vec<u64> = (0..100_003).collect();
        let mut many = Filter::<L>::new(params, 5).unwrap();
        many.insert_many(&keys);
        let mut single = Filter::<L>::new(params, 5).unwrap();
        let shared = Concurrent::<L>::new(params, 5).unwrap();
        for &key in &keys {
            assert_eq!(shared.insert_u64(key), single.insert_u64(key));
        }
        assert!(keys.iter().all(|&key| !shared.insert_u64(key)));
        assert_eq!(many, single);
        assert_eq!(many, shared.to_filter().unwrap());
        let asked: Vec<u64> = (50_000..200_000).collect();
        let mut answers = Vec::new();
        many.contains_many(&asked, |&key, found| answers.push((key, found)));
        let expected: Vec<_> = asked.iter().map(|&key| (key, single.contains_u64(key))).collect();
        assert_eq!(answers, expected);
    }
    same::<layout::Standard>(2);
    same::<layout::Standard>(7);
    same::<layout::Blocked>(6);
    same::<layout::Split>(8);
}

#[test]
fn a_keyed_concurrent_filter_is_the_keyed_filter() {
    let params = Params::new(1024, 5).unwrap();
    let shared = Concurrent::<layout::Standard, SipHash>::keyed(params, [7; 16]).unwrap();
    let mut alone = Filter::<layout::Standard, SipHash>::keyed(params, [7; 16]).unwrap();
    for key in 0..50 {
        assert_eq!(shared.insert_u64(key), alone.insert_u64(key));
    }
    assert_eq!(shared.to_filter().unwrap(), alone);
}
