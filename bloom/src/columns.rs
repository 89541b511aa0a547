//! Groups of keys in a standard filter: their positions are made together, one probe of all keys after
//! the other. Compiled for vectors, that takes little longer for eight keys than for one.

use crate::batch::{GROUP, Group, is_far};
use crate::simd::prefetch;
use crate::standard::{FIRST, Mix, for_each_bit, shifted_bit};
use crate::words::place;

/// The positions that one probe of each key has, as the keys follow each other.
type Column = [u32; GROUP];

/// So many columns are made at once, at most.
const MOST: u32 = 8;

/// Sets the bits of all keys.
#[inline(always)]
pub(crate) fn insert(words: &mut [u64], m: u32, k: u32, group: &Group) {
    for_each_position(m, k, group, |position| {
        let (word, bit) = place(position);
        words[word] |= bit;
    });
}

/// Asks for the words of so many probes of each key.
#[inline(always)]
pub(crate) fn prefetch_words(words: &[u64], m: u32, probes: u32, group: &Group) {
    for_each_position(m, probes, group, |position| prefetch(words, place(position).0));
}

/// Bit i of the answer is whether all bits of key i are set.
///
/// Near words are all looked at, without a branch. Of those that are far, the first of every key come
/// before the others of any: few absent keys need those.
#[inline(always)]
pub(crate) fn contains(words: &[u64], m: u32, k: u32, group: &Group) -> u64 {
    let far = is_far(words);
    let mut mixes = mixes(group);
    let mut columns = [[0; GROUP]; MOST as usize];
    let mut found = u64::MAX.checked_shr(64 - group.keys().len() as u32).unwrap_or(0);
    let mut done = 0;
    while done < k && found != 0 {
        let now = (k - done).min(if far && done == 0 { FIRST } else { MOST });
        let columns = &mut columns[..now as usize];
        next(&mut mixes, m, columns);
        let mut missing = 0;
        if done == 0 {
            for i in 0..group.keys().len().min(GROUP) {
                missing |= (!row(words, columns, i) & 1) << i;
            }
        } else {
            if far {
                for_each_bit(found, |i| {
                    for column in &*columns {
                        prefetch(words, place(column[i % GROUP].into()).0);
                    }
                });
            }
            for_each_bit(found, |i| missing |= (!row(words, columns, i % GROUP) & 1) << i);
        }
        found &= !missing;
        done += now;
    }
    found
}

/// The lowest bit is whether all bits of key i, as far as there are columns, are set.
#[inline(always)]
fn row(words: &[u64], columns: &[Column], i: usize) -> u64 {
    columns.iter().fold(1, |all, column| all & shifted_bit(words, column[i].into()))
}

/// Calls with the first positions of all keys.
#[inline(always)]
pub(crate) fn for_each_position(m: u32, probes: u32, group: &Group, mut each: impl FnMut(u64)) {
    let mut mixes = mixes(group);
    let mut columns = [[0; GROUP]; MOST as usize];
    let mut left = probes;
    while left > 0 {
        let now = left.min(MOST);
        let columns = &mut columns[..now as usize];
        next(&mut mixes, m, columns);
        for column in columns {
            column[..group.keys().len()].iter().for_each(|&position| each(position.into()));
        }
        left -= now;
    }
}

#[inline(always)]
fn mixes(group: &Group) -> [Mix; GROUP] {
    let mut mixes = [Mix { x: 0 }; GROUP];
    for (mix, &key) in mixes.iter_mut().zip(group.all()) {
        *mix = Mix::new(key);
    }
    mixes
}

/// Makes the next positions of each key, as [`Mix::below`] and [`Mix::next`] do. For bounds below 2^32
/// two products of 32 bits take the place of the upper half of one of 128, which vectors do not have.
#[inline(always)]
fn next(mixes: &mut [Mix; GROUP], m: u32, columns: &mut [Column]) {
    let m = u64::from(m);
    for column in columns {
        for (position, mix) in column.iter_mut().zip(mixes.iter_mut()) {
            let (high, low) = (mix.x >> 32, mix.x & 0xFFFF_FFFF);
            *position = ((high * m + ((low * m) >> 32)) >> 32) as u32;
            *mix = mix.next();
        }
    }
}
