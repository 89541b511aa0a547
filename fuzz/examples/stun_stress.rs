//! Puts many hostile STUN messages and answers through the checks of the fuzz targets `stun_message` and
//! `nat_classify`, without a fuzzer and the same ones each time: valid messages damaged a little, many of
//! them with the length, the fingerprint or the integrity put right again, so that they get far.
//!
//! `cargo run --release --manifest-path fuzz/Cargo.toml --no-default-features --example stun_stress --
//! [MESSAGES] [ANSWERS] [SEED]`

use std::path::Path;

use natsim::stun::{AttributeType, Key, Message, MessageType, TransactionId, Writer};
use overlay_fuzz::{nat_classify, stun_message};

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse().expect("a number"));
    let messages: u64 = numbers.next().unwrap_or(200_000);
    let answers: u64 = numbers.next().unwrap_or(200_000);
    let mut random = Random(numbers.next().unwrap_or(1));
    damage_messages(messages, &mut random);
    feed_answers(answers, &mut random);
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        word ^ (word >> 31)
    }

    /// Less than this.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn byte(&mut self) -> u8 {
        self.next() as u8
    }
}

/// The key of the RFC's messages and of the check.
const PASSWORD: &[u8] = b"VOkJxbRl1RmTxUk/WvJxBt";

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = std::fs::read_dir(folder).expect("the corpus");
    let mut paths: Vec<_> = files.map(|file| file.expect("an entry").path()).collect();
    paths.sort();
    paths.iter().map(|path| std::fs::read(path).expect("a seed")).collect()
}

/// What became of the messages: it shows whether the damage is any good.
#[derive(Debug, Default)]
struct Tally {
    decoded: u64,
    fingerprint_right: u64,
    integrity_right: u64,
    both_right: u64,
    attributes: u64,
}

fn damage_messages(count: u64, random: &mut Random) {
    let key = Key::short_term(PASSWORD);
    let seeds = corpus("stun_message");
    let (mut bytes, mut original, mut tally) = (Vec::new(), Vec::new(), Tally::default());
    for _ in 0..count {
        // Mostly anew, sometimes on from what the last one became.
        if original.is_empty() || random.below(4) != 0 {
            bytes.clear();
            match random.below(2) {
                0 => bytes.extend_from_slice(&seeds[random.below(seeds.len())]),
                _ => write(&mut bytes, &key, random),
            }
            original.clone_from(&bytes);
        }
        for _ in 0..random.below(4) {
            damage(&mut bytes, random);
        }
        if random.below(4) != 0 && bytes.len() >= 20 {
            bytes.truncate(bytes.len() / 4 * 4);
            let len = (bytes.len() - 20) as u16;
            bytes[2..4].copy_from_slice(&len.to_be_bytes());
        }
        let signed = random.below(8) == 0;
        if signed {
            sign(&mut bytes, &key, random);
        }
        stun_message::check(&bytes);

        let Ok(message) = Message::decode(&bytes) else { continue };
        let fingerprint = message.check_fingerprint().is_ok();
        let integrity = message.check_integrity(&key).is_ok();
        // Once put right it is a right message, from which the next ones come.
        if signed {
            original.clone_from(&bytes);
        }
        let same = bytes == original;
        assert!(same || !(fingerprint && integrity), "changed and accepted: {bytes:02x?}");
        tally.decoded += 1;
        tally.fingerprint_right += u64::from(fingerprint);
        tally.integrity_right += u64::from(integrity);
        tally.both_right += u64::from(fingerprint && integrity);
        tally.attributes += message.attributes().count() as u64;
    }
    println!("{count} messages: {tally:?}");
}

/// A message of any attributes, protected or not.
fn write(out: &mut Vec<u8>, key: &Key, random: &mut Random) {
    const KINDS: [u16; 20] = [
        0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x09, 0x0A, 0x14, 0x15, 0x1D, 0x1E, 0x20, 0x26, 0x27,
        0x8022, 0x8023, 0x8027, 0x802B, 0x802C,
    ];
    let id = [(); 16].map(|()| random.byte());
    let id = match random.below(4) {
        0 => TransactionId::from_bytes(id),
        _ => TransactionId::new(*id.first_chunk().expect("12 of 16")),
    };
    let kinds = [0x0001, 0x0101, 0x0111, 0x0011, random.next() as u16 & 0x3FFF];
    let kind = MessageType::from_bits(kinds[random.below(5)]).expect("14 bits");
    let mut writer = Writer::new(out, kind, id);
    for _ in 0..random.below(7) {
        let kind = match random.below(8) {
            0 => random.next() as u16,
            _ => KINDS[random.below(KINDS.len())],
        };
        let len = [4, 8, 20, 1, 2, 3, random.below(40), 32][random.below(8)];
        let mut value: Vec<u8> = (0..len).map(|_| random.byte()).collect();
        if let [_, family, ..] = value.as_mut_slice()
            && len % 12 == 8
        {
            *family = if len == 8 { 1 } else { 2 };
        }
        writer.attribute(AttributeType(kind), &value);
    }
    let protection = random.next();
    if protection & 1 != 0 {
        writer.integrity(key);
    }
    if protection & 6 == 2 {
        writer.integrity_sha256(key);
    }
    if protection & 8 != 0 {
        writer.fingerprint();
    }
    writer.finish().expect("it is short, and in order or not written");
}

fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    let len = bytes.len();
    if len == 0 {
        return bytes.push(random.byte());
    }
    let at = random.below(len);
    // Where attributes' headers may be.
    let word = at / 4 * 4;
    match random.below(9) {
        0 => bytes[at] ^= 1 << random.below(8),
        1 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF, random.byte()][random.below(6)],
        // Another type.
        2 if word + 2 <= len => {
            let kind = [0x0008, 0x001C, 0x8028, 0x0020, 0x0003, 0x0027][random.below(6)];
            bytes[word..word + 2].copy_from_slice(&u16::to_be_bytes(kind));
        }
        // Another length.
        3 if word + 4 <= len => {
            let rest = (len - word) as u16;
            let value = [0, 1, 3, 4, 5, rest, rest.wrapping_sub(4), rest.wrapping_sub(7), 0xFFFF];
            let value = value[random.below(9)];
            bytes[word + 2..word + 4].copy_from_slice(&value.to_be_bytes());
        }
        // Less.
        4 => drop(bytes.drain(word..len.min(word + 4 * (1 + random.below(4))))),
        5 => bytes.truncate(at),
        // More.
        6 if len < 400 => {
            let more: Vec<u8> = (0..4 * (1 + random.below(4))).map(|_| random.byte()).collect();
            bytes.splice(word..word, more);
        }
        // Some of it once more.
        7 if len < 400 => {
            let from = random.below(len) / 4 * 4;
            let copy = bytes[from..len.min(from + 4 + random.below(32))].to_vec();
            bytes.splice(word..word, copy);
        }
        _ => bytes.swap(at, random.below(len)),
    }
}

/// What the attributes are stays; protected anew, if they can be walked.
fn sign(bytes: &mut Vec<u8>, key: &Key, random: &mut Random) {
    let copy = bytes.clone();
    let Ok(message) = Message::decode(&copy) else { return };
    bytes.clear();
    let mut writer = Writer::new(bytes, message.message_type(), message.transaction_id());
    for one in message.content() {
        writer.attribute(one.kind, one.value);
    }
    if random.below(4) != 0 {
        writer.integrity(key);
    }
    writer.fingerprint();
    writer.finish().expect("it was a message");
}

fn feed_answers(count: u64, random: &mut Random) {
    let seeds = corpus("nat_classify");
    let (mut fed, mut scripts) = (0, 0);
    while fed < count {
        let mut script: Vec<u8> = match random.below(4) {
            0 => seeds[random.below(seeds.len())].clone(),
            // Mostly good answers: the first byte of each kind of answer is small.
            1 => (0..16 + random.below(400)).map(|_| random.byte() % 150).collect(),
            _ => (0..1 + random.below(400)).map(|_| random.byte()).collect(),
        };
        for _ in 0..random.below(6) {
            let at = random.below(script.len());
            if let Some(byte) = script.get_mut(at) {
                *byte = random.byte();
            }
        }
        if let Some(mode) = script.first_mut()
            && random.below(2) == 0
        {
            *mode |= 0xF0;
        }
        fed += nat_classify::count(&script);
        scripts += 1;
    }
    println!("{fed} answers, in {scripts} scripts");
}
