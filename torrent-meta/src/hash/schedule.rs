//! Deals work out to the lanes of a backend.

use alloc::vec::Vec;
use core::array;

use super::LANES;
use super::algorithm::{Algorithm, Block};
use super::backend::{Backend, Kind};
use super::simd::ShaNi;

/// What is to be hashed, in this order: a buffer that was filled up, whole blocks of a caller's slice,
/// and the end of a message. Each may be missing.
#[derive(Clone, Debug)]
pub(super) struct Work<'a> {
    head: Option<Block>,
    body: &'a [Block],
    end: Option<End<'a>>,
}

/// The end of a message.
#[derive(Clone, Copy, Debug)]
struct End<'a> {
    /// What is behind the last whole block.
    rest: &'a [u8],
    /// How many bytes the message has.
    length: u64,
}

impl<'a> Work<'a> {
    /// Blocks in the middle of a message.
    pub(super) fn blocks(head: Option<Block>, body: &'a [Block]) -> Self {
        Self { head, body, end: None }
    }

    /// The end of a message of `length` bytes, of which all but the last `rest` are hashed.
    /// `rest` is less than a block.
    pub(super) fn end(rest: &'a [u8], length: u64) -> Self {
        Self { head: None, body: &[], end: Some(End { rest, length }) }
    }

    /// A whole message.
    pub(super) fn whole(message: &'a [u8]) -> Self {
        let (body, rest) = message.as_chunks();
        Self { head: None, body, end: Some(End { rest, length: message.len() as u64 }) }
    }
}

/// Does all work, each on its own state, and hands the states over in whatever order they are done.
/// While one is long and others are short, new work takes the lanes that become free.
pub(super) fn run<'a, A: Algorithm, Key>(
    backend: Backend,
    work: impl IntoIterator<Item = (Key, A::State, Work<'a>)>,
    mut done: impl FnMut(Key, A::State),
) {
    let mut waiting = work.into_iter();
    // Busy lanes come first, without gaps.
    let mut busy: Vec<(Key, Work<'a>)> = Vec::with_capacity(backend.lanes());
    let mut states = [A::START; LANES];
    let mut copies = [Copied::NONE; LANES];
    loop {
        while busy.len() < backend.lanes()
            && let Some((key, state, mut work)) = waiting.next()
        {
            states[busy.len()] = state;
            copies[busy.len()].fill(&mut work);
            busy.push((key, work));
        }
        if busy.is_empty() {
            return;
        }

        let mut blocks = [&[][..]; LANES];
        for ((blocks, copied), (_, work)) in blocks.iter_mut().zip(&copies).zip(&busy) {
            *blocks = copied.or(work.body);
        }
        let blocks = &mut blocks[..busy.len()];
        let count = blocks.iter().map(|blocks| blocks.len()).min().unwrap_or(0);
        blocks.iter_mut().for_each(|blocks| *blocks = &blocks[..count]);
        step::<A>(backend, &mut states, blocks);

        // From the last on, so that what takes a free place was looked at already.
        for lane in (0..busy.len()).rev() {
            let (_, work) = &mut busy[lane];
            copies[lane].skip(count, work);
            if copies[lane].or(work.body).is_empty() {
                let (key, _) = busy.swap_remove(lane);
                done(key, states[lane]);
                let last = busy.len();
                if lane < last {
                    states[lane] = states[last];
                    copies[lane] = copies[last];
                    copies[last].left = 0;
                }
            }
        }
    }
}

/// Blocks of some work that are in no slice of the caller's: they come before its body while there is
/// a body, and else behind it.
#[derive(Clone, Copy, Debug)]
struct Copied {
    /// The last `left` of these.
    blocks: [Block; 2],
    left: usize,
}

impl Copied {
    const NONE: Self = Self { blocks: [[0; 64]; 2], left: 0 };

    /// These, or the body if there are none.
    fn or<'a>(&'a self, body: &'a [Block]) -> &'a [Block] {
        if self.left > 0 { &self.blocks[2 - self.left..] } else { body }
    }

    /// So many of the blocks that [`or`](Self::or) gave are done.
    fn skip(&mut self, count: usize, work: &mut Work<'_>) {
        if self.left > 0 {
            self.left -= count;
        } else {
            work.body = &work.body[count..];
        }
        self.fill(work);
    }

    /// Takes what is next of the work if that is no slice of blocks.
    fn fill(&mut self, work: &mut Work<'_>) {
        if self.left > 0 {
            return;
        }
        if let Some(head) = work.head.take() {
            self.blocks[1] = head;
            self.left = 1;
        } else if work.body.is_empty()
            && let Some(end) = work.end.take()
        {
            self.pad(end);
        }
    }

    /// FIPS 180-4, section 5.1.1: behind the rest a bit that is set, zeros, and the length in bits.
    fn pad(&mut self, End { rest, length }: End<'_>) {
        // One bit and eight bytes have to fit behind the rest.
        self.left = if rest.len() < 64 - 8 { 1 } else { 2 };
        let bytes = self.blocks[2 - self.left..].as_flattened_mut();
        bytes.fill(0);
        bytes[..rest.len()].copy_from_slice(rest);
        bytes[rest.len()] = 0x80;
        // Bits are counted modulo 2^64; there is no slice of so many.
        let bits = length.wrapping_mul(8).to_be_bytes();
        let end = bytes.len();
        bytes[end - bits.len()..].copy_from_slice(&bits);
    }
}

/// Hashes equally many blocks into the first states. The other states may become anything.
fn step<A: Algorithm>(backend: Backend, states: &mut [A::State; LANES], blocks: &[&[Block]]) {
    match backend.0 {
        Kind::Avx512(cpu, few) if blocks.len() >= few.map_or(ALONE_WIDE_FROM, |_| A::WIDE_FROM) => {
            // Idle lanes hash what the first one does, into states nobody uses.
            let all = array::from_fn(|lane| *blocks.get(lane).unwrap_or(&blocks[0]));
            A::avx512(cpu, states, &all);
        }
        Kind::ShaNi(cpu) | Kind::Avx512(_, Some(cpu)) => {
            let (four_states, other_states) = states[..blocks.len()].as_chunks_mut::<4>();
            let (four_blocks, other_blocks) = blocks.as_chunks::<4>();
            for (states, blocks) in four_states.iter_mut().zip(four_blocks) {
                A::sha_ni(cpu, states, blocks);
            }
            if !(interleave::<A, 3>(cpu, other_states, other_blocks)
                || interleave::<A, 2>(cpu, other_states, other_blocks))
            {
                interleave::<A, 1>(cpu, other_states, other_blocks);
            }
        }
        Kind::Portable | Kind::Avx512(_, None) => {
            for (state, blocks) in states.iter_mut().zip(blocks) {
                A::portable(state, blocks);
            }
        }
    }
}

/// From how many messages on sixteen lanes are faster than one message after the other, without any
/// SHA instructions.
const ALONE_WIDE_FROM: usize = 2;

/// Hashes `N` messages side by side, if there are so many.
fn interleave<A: Algorithm, const N: usize>(
    cpu: ShaNi,
    states: &mut [A::State],
    blocks: &[&[Block]],
) -> bool {
    if let (Ok(states), Ok(blocks)) = (states.try_into(), blocks.try_into()) {
        A::sha_ni::<N>(cpu, states, blocks);
        true
    } else {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::algorithm::{Compress, Sha1, Sha256};
    use super::super::simd::Avx512;
    use super::*;

    /// The digests of messages of many lengths, with so many of them at a time.
    fn digests<A: Algorithm>(backend: Backend, busy: usize) -> Vec<A::Digest> {
        let bytes: Vec<u8> = (0..3000u32).map(|i| (i * i / 7) as u8).collect();
        let messages: Vec<&[u8]> =
            (0..bytes.len() / 61).map(|i| &bytes[i..i * 61 % 997 + i]).collect();
        let mut digests = alloc::vec![A::Digest::default(); messages.len()];
        for (messages, digests) in messages.chunks(busy).zip(digests.chunks_mut(busy)) {
            let work = messages.iter().enumerate();
            let work = work.map(|(index, message)| (index, A::START, Work::whole(message)));
            run::<A, usize>(backend, work, |index, state| digests[index] = A::digest(state));
        }
        digests
    }

    /// A processor with AVX-512 but without SHA instructions falls back to one at a time.
    #[test]
    fn wide_lanes_without_sha_instructions_hash_the_same() {
        let Some(cpu) = Avx512::detect() else { return };
        let backend = Backend(Kind::Avx512(cpu, None));
        for busy in 1..=LANES + 1 {
            let expected = digests::<Sha1>(Backend::PORTABLE, busy);
            assert_eq!(digests::<Sha1>(backend, busy), expected, "{busy} at a time");
            let expected = digests::<Sha256>(Backend::PORTABLE, busy);
            assert_eq!(digests::<Sha256>(backend, busy), expected, "{busy} at a time");
        }
    }

    /// All blocks of some work, in runs as they are taken.
    fn runs(mut work: Work<'_>) -> Vec<Vec<Block>> {
        let mut runs = Vec::new();
        let mut copied = Copied::NONE;
        copied.fill(&mut work);
        while !copied.or(work.body).is_empty() {
            runs.push(copied.or(work.body).to_vec());
            copied.skip(runs[runs.len() - 1].len(), &mut work);
        }
        runs
    }

    #[test]
    fn the_end_of_a_message_has_its_length_in_sixty_four_bits() {
        let runs_of_end = runs(Work::end(&[7], (3 << 40) + 1));
        let [end] = &runs_of_end[..] else { panic!("one run is enough") };
        let [block] = end[..] else { panic!("one block is enough") };
        assert_eq!(block[..3], [7, 0x80, 0]);
        assert_eq!(block[56..], ((3u64 << 43) + 8).to_be_bytes());
        assert_eq!(runs(Work::end(&[0; 55], 55))[0].len(), 1);
        assert_eq!(runs(Work::end(&[0; 56], 56))[0].len(), 2);
    }

    #[test]
    fn runs_of_blocks_come_one_after_the_other() {
        let body = [[2; 64]; 3];
        let work =
            Work { head: Some([1; 64]), body: &body, end: Some(End { rest: &[], length: 0 }) };
        let mut end = [0; 64];
        end[0] = 0x80;
        assert_eq!(runs(work), [&[[1; 64]][..], &body, &[end]]);
        assert_eq!(runs(Work::blocks(None, &body)), [&body]);
        assert_eq!(runs(Work::whole(&[])), [[end]]);
        assert!(runs(Work::blocks(None, &[])).is_empty());
    }

    #[test]
    fn part_of_a_run_can_be_skipped() {
        let body = [[1; 64], [2; 64], [3; 64]];
        let mut work = Work::blocks(None, &body);
        let mut copied = Copied::NONE;
        copied.skip(1, &mut work);
        assert_eq!(copied.or(work.body), &body[1..]);
        let mut work = Work::end(&[9; 60], 60);
        copied.fill(&mut work);
        let end = copied.or(&[]).to_vec();
        copied.skip(1, &mut work);
        assert_eq!(copied.or(&[]), &end[1..]);
    }

    #[test]
    fn no_work_at_all_is_done_at_once() {
        run::<Sha1, ()>(Backend::best(), [], |(), _| panic!("there was nothing to do"));
        let nothing = ((), Sha1::START, Work::blocks(None, &[]));
        let mut seen = None;
        run::<Sha1, ()>(Backend::best(), [nothing], |(), state| seen = Some(state));
        assert_eq!(seen, Some(Sha1::START));
    }
}
