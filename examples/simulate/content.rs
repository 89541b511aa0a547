//! What there is to share, who shares it, and what is asked for.

use overlay_peer::Pcg32;
use rand_core::Rng;

/// The files that exist, and how popular each is.
///
/// - One file for ten peers, 100 to 1,000,000 of them. Names have two words of an artist and three of a
///   title, out of 8,192 words that are used unevenly.
/// - Popularity follows Zipf's law with exponent 0.8 (an assumption: measurements of file sharing found
///   0.6 to 1.2); it decides both who has a file and who asks for it.
/// - A quarter of the peers share nothing, as Saroiu, Gummadi and Gribble found of Gnutella ("A
///   Measurement Study of Peer-to-Peer File Sharing Systems", MMCN 2002); the others draw 1 to 15
///   files. (Their counts go to thousands; that would measure little but the lists.)
/// - A query is the three words of a title.
pub(crate) struct Content {
    titles: Vec<[u16; 5]>,
    words: Vec<String>,
    popularity: Zipf,
    rng: Pcg32,
}

const WORDS: usize = 8_192;
const EXPONENT: f64 = 0.8;
const MOST_SHARED: u64 = 15;

impl Content {
    pub(crate) fn new(peers: u32, seed: u64) -> Self {
        let mut rng = Pcg32::new(seed, 0x636f_6e74);
        let usage = Zipf::new(WORDS, EXPONENT);
        let files = (peers / 10).clamp(100, 1_000_000) as usize;
        let titles = (0..files).map(|_| [(); 5].map(|()| usage.draw(&mut rng) as u16)).collect();
        let words = (0..WORDS).map(word).collect();
        Self { titles, words, popularity: Zipf::new(files, EXPONENT), rng }
    }

    /// The files' names, by their numbers.
    pub(crate) fn names(&self) -> impl Iterator<Item = String> {
        self.titles.iter().map(|title| {
            let [a, b, c, d, e] = title.map(|word| &self.words[usize::from(word)]);
            format!("{a} {b} - {c} {d} {e}.mp3")
        })
    }

    /// The files of the next peer.
    pub(crate) fn shares(&mut self) -> Vec<u32> {
        let shares_nothing = self.rng.next_u32().is_multiple_of(4);
        let count = if shares_nothing { 0 } else { 1 + below(&mut self.rng, MOST_SHARED) };
        (0..count).map(|_| self.popularity.draw(&mut self.rng) as u32).collect()
    }

    /// The next query: which peer asks (a number below `peers`), and for what.
    pub(crate) fn query(&mut self, peers: u32) -> (u32, String) {
        let peer = below(&mut self.rng, peers.into()) as u32;
        let title = self.titles[self.popularity.draw(&mut self.rng)];
        let [_, _, c, d, e] = title.map(|word| &self.words[usize::from(word)]);
        (peer, format!("{c} {d} {e}"))
    }
}

/// The word of a number: three or four syllables, different for different numbers.
fn word(number: usize) -> String {
    const CONSONANTS: &[u8; 16] = b"bcdfghklmnprstvz";
    const VOWELS: &[u8; 4] = b"aeio";
    let mut text = String::new();
    let mut rest = number + 64 * 64;
    while rest > 0 {
        text.push(char::from(CONSONANTS[rest % 16]));
        text.push(char::from(VOWELS[rest / 16 % 4]));
        rest /= 64;
    }
    text
}

/// Ranks from 0, drawn with probability in proportion to (rank + 1)^-exponent.
struct Zipf {
    cumulative: Vec<f64>,
}

impl Zipf {
    fn new(ranks: usize, exponent: f64) -> Self {
        let mut sum = 0.0;
        let weight = |rank: usize| libm::pow(rank as f64, -exponent);
        let cumulative = (1..=ranks)
            .map(|rank| {
                sum += weight(rank);
                sum
            })
            .collect();
        Self { cumulative }
    }

    fn draw(&self, rng: &mut Pcg32) -> usize {
        let sum = self.cumulative.last().copied().unwrap_or(0.0);
        let draw = (rng.next_u64() >> 11) as f64 / (1u64 << 53) as f64 * sum;
        self.cumulative.partition_point(|&upto| upto <= draw).min(self.cumulative.len() - 1)
    }
}

/// A number below `bound`, which is at least 1.
fn below(rng: &mut Pcg32, bound: u64) -> u64 {
    ((u128::from(rng.next_u64()) * u128::from(bound)) >> 64) as u64
}
