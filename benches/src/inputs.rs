//! The messages, written here byte by byte, so that they are the same everywhere and owe nothing to
//! any contender.

/// The messages that the cases are about.
#[derive(Debug)]
pub struct Inputs {
    /// A torrent of 50,000 files: about 3.2 MB, mostly small values.
    pub files: Vec<u8>,
    /// A torrent of 2,000 files and 5 MB of piece hashes: one great string.
    pub big: Vec<u8>,
    /// A DHT query (KRPC, BEP 5) of 106 bytes.
    pub krpc: Vec<u8>,
}

impl Inputs {
    /// Makes all of them, which takes a moment.
    #[allow(clippy::new_without_default)] // It is no light thing.
    pub fn new() -> Self {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        Self {
            files: torrent(50_000, KIB, 13, 16 * MIB),
            big: torrent(2_000, 14 * MIB, 2, 256 * KIB),
            krpc: get_peers(),
        }
    }
}

pub(crate) const WORDS: [&str; 24] = [
    "amber", "birch", "canyon", "delta", "ember", "fjord", "glacier", "harbor", "island",
    "juniper", "karst", "lagoon", "meadow", "north", "orchard", "prairie", "quarry", "river",
    "summit", "tundra", "upland", "valley", "willow", "zephyr",
];

/// A multi-file torrent (BEP 3). Lengths start at `shortest` and spread over so many doublings.
fn torrent(files: usize, shortest: u64, doublings: usize, piece_length: u64) -> Vec<u8> {
    let mut random = SplitMix(files as u64);
    let mut out = Writer::default();
    out.raw("d").string("announce").string("http://tracker.example.org:6969/announce");
    out.string("announce-list").raw("l");
    for host in ["tracker.example.org:6969", "backup.example.net", "tracker.example.com:1337"] {
        out.raw("l").string(&format!("http://{host}/announce")).raw("e");
    }
    out.raw("e").string("comment").string("Ten summers of photographs, north to south");
    out.string("created by").string("mktorrent 1.1").string("creation date").integer(1_700_000_000);
    out.string("encoding").string("UTF-8");
    out.string("info").raw("d").string("files").raw("l");
    let mut total = 0;
    for index in 0..files {
        let least = shortest << random.below(doublings);
        let length = least + random.next() % least;
        total += length;
        let folder = WORDS[index * WORDS.len() / files];
        let subject = WORDS[random.below(WORDS.len())];
        let extension = ["jpg", "jpg", "jpg", "png", "tiff"][random.below(5)];
        out.raw("d").string("length").integer(length).string("path").raw("l");
        out.string(&format!("{folder}-{}-{:02}", 2010 + index % 10, 1 + index % 12));
        out.string(&format!("{subject}_{index:06}.{extension}")).raw("ee");
    }
    out.raw("e").string("name").string("Ten summers");
    out.string("piece length").integer(piece_length);
    let pieces = usize::try_from(total.div_ceil(piece_length)).expect("a few hundred thousand");
    out.string("pieces").bytes(&random.bytes(20 * pieces));
    out.string("private").integer(1).raw("ee");
    out.0
}

/// So many bytes of noise: content to hash.
pub fn noise(bytes: usize) -> Vec<u8> {
    SplitMix(bytes as u64).bytes(bytes)
}

fn get_peers() -> Vec<u8> {
    let mut random = SplitMix(106);
    let mut out = Writer::default();
    out.raw("d").string("a").raw("d");
    out.string("id").bytes(&random.bytes(20));
    out.string("info_hash").bytes(&random.bytes(20)).raw("e");
    out.string("q").string("get_peers").string("t").string("aa7f");
    out.string("v").bytes(b"LT\x02\x08").string("y").string("q").raw("e");
    out.0
}

#[derive(Default)]
struct Writer(Vec<u8>);

impl Writer {
    fn raw(&mut self, text: &str) -> &mut Self {
        self.0.extend_from_slice(text.as_bytes());
        self
    }

    fn string(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.raw(&format!("{}:", bytes.len()));
        self.0.extend_from_slice(bytes);
        self
    }

    fn integer(&mut self, number: u64) -> &mut Self {
        self.raw(&format!("i{number}e"))
    }
}

/// SplitMix64 (Steele, Lea, Flood 2014): a few lines, and enough for names and noise.
pub(crate) struct SplitMix(pub u64);

impl SplitMix {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

#[cfg(test)]
mod tests {
    use overlay_bencode::decode;

    use super::*;

    #[test]
    fn are_what_the_readme_says() {
        let inputs = Inputs::new();
        let size = |input: &[u8]| (input.len(), decode(input).unwrap().into_tape().len());
        assert_eq!(size(&inputs.files), (3_174_527, 450_038));
        assert_eq!(size(&inputs.big), (5_097_102, 18_038));
        assert_eq!(size(&inputs.krpc), (106, 17));
    }
}
