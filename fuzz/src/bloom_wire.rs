//! Serialized Bloom filters, decoded and looked at: every layout, both hashers.

use overlay_bloom::layout::{self, Layout};
use overlay_bloom::{
    Counting, DecodeError, DecodeErrorKind, Decoded, Filter, Header, KeyHasher, Limits, SipHash,
    View, Xxh3,
};

use crate::allocation;

/// The seeds of the keyed kinds were made with this one.
pub const SECRET: [u8; 16] = *b"a secret of two!";

const LIMITS: Limits = Limits { max_m: 4096 };

/// What a decoder may take beyond the bytes it was given: the words lie in whole cache lines.
const SLACK: usize = 64;

/// Checks one input.
pub fn check(data: &[u8]) {
    // Every type says no, at once, to what another one is for.
    let accepted = [
        Filter::<layout::Standard>::decode(data).is_ok(),
        Filter::<layout::Blocked>::decode(data).is_ok(),
        Filter::<layout::Split>::decode(data).is_ok(),
        Counting::decode(data).is_ok(),
        Filter::<layout::Standard, SipHash>::decode_keyed(data, SECRET).is_ok(),
        Filter::<layout::Blocked, SipHash>::decode_keyed(data, SECRET).is_ok(),
        Filter::<layout::Split, SipHash>::decode_keyed(data, SECRET).is_ok(),
        Counting::decode_keyed(data, SECRET).is_ok(),
    ];
    let Ok(Decoded::Complete { value: header, consumed }) = Header::decode_prefix(data) else {
        assert_eq!(accepted, [false; 8]);
        // Without a header, all types are alike.
        return check_filter::<layout::Standard>(data);
    };
    assert_eq!(consumed, Header::LEN);
    let mut expected = [false; 8];
    let number = usize::from(4 * (header.hasher - Xxh3::ID) + header.layout - 1);
    expected[number] = accepted[number];
    assert_eq!(accepted, expected);
    assert!(!accepted[number] || header.message_len() == data.len() as u64);
    match number {
        0 => check_filter::<layout::Standard>(data),
        1 => check_filter::<layout::Blocked>(data),
        2 => check_filter::<layout::Split>(data),
        3 => check_decoder(
            data,
            Counting::decode,
            |bytes| Counting::decode_prefix(bytes, &LIMITS),
            check_counting,
        ),
        4 => check_keyed::<layout::Standard>(data),
        5 => check_keyed::<layout::Blocked>(data),
        6 => check_keyed::<layout::Split>(data),
        _ => check_decoder(
            data,
            |bytes| Counting::decode_keyed(bytes, SECRET),
            |bytes| Counting::decode_keyed_prefix(bytes, SECRET, &LIMITS),
            check_counting,
        ),
    }
}

fn check_filter<L: Layout>(data: &[u8]) {
    check_decoder(
        data,
        Filter::<L, Xxh3>::decode,
        |bytes| Filter::decode_prefix(bytes, &LIMITS),
        |filter, bytes| {
            let view = View::<L>::decode(bytes).expect("it is a filter");
            let prefix = View::<L>::decode_prefix(bytes, &Limits::DEFAULT);
            assert_eq!(prefix, Ok(Decoded::Complete { value: view, consumed: bytes.len() }));
            check_view(filter, view, bytes);
        },
    );
    // A view fails as a filter does, and for nothing else.
    let (view, filter) = (View::<L>::decode(data), Filter::<L>::decode(data));
    assert_eq!(view.map(drop), filter.map(drop));
    assert_eq!(allocation::peak(|| View::<L>::decode(data).is_ok()), 0);
}

fn check_keyed<L: Layout>(data: &[u8]) {
    check_decoder(
        data,
        |bytes| Filter::<L, SipHash>::decode_keyed(bytes, SECRET),
        |bytes| Filter::decode_keyed_prefix(bytes, SECRET, &LIMITS),
        |filter, bytes| {
            let view = View::<L, _>::decode_keyed(bytes, SECRET).expect("it is a filter");
            check_view(filter, view, bytes);
        },
    );
}

/// What holds for every decoder: it takes no more memory than it was given bytes, what it accepts
/// encodes to the same bytes, and cut somewhere the bytes are a beginning.
fn check_decoder<T: Encode + PartialEq + std::fmt::Debug>(
    data: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    decode_prefix: impl Fn(&[u8]) -> Result<Decoded<T>, DecodeError>,
    look: impl Fn(&T, &[u8]),
) {
    let most = allocation::peak(|| decode(data).is_ok());
    assert!(most <= data.len() + SLACK, "{most} bytes for {}", data.len());
    let most = allocation::peak(|| decode_prefix(data).is_ok());
    assert!(most <= data.len() + SLACK, "{most} bytes for {}", data.len());

    match decode_prefix(data) {
        Ok(Decoded::Complete { value, consumed }) => {
            let bytes = &data[..consumed];
            assert_eq!(decode(bytes).as_ref(), Ok(&value));
            assert_eq!(value.to_vec(), bytes);
            for end in [consumed - 1, consumed / 2, usize::from(bytes[16]) % consumed] {
                let Ok(Decoded::Partial { needed }) = decode_prefix(&bytes[..end]) else {
                    panic!("{end} bytes of {consumed} are a beginning");
                };
                assert!((1..=consumed - end).contains(&needed));
                let kind = DecodeErrorKind::Truncated { needed };
                assert_eq!(decode(&bytes[..end]), Err(DecodeError { offset: end, kind }));
            }
            let extra = data.len() - consumed;
            if extra > 0 {
                let kind = DecodeErrorKind::TrailingBytes { extra };
                assert_eq!(decode(data), Err(DecodeError { offset: consumed, kind }));
            }
            look(&value, bytes);
        }
        Ok(Decoded::Partial { needed }) => {
            assert!(needed > 0);
            let kind = DecodeErrorKind::Truncated { needed };
            assert_eq!(decode(data), Err(DecodeError { offset: data.len(), kind }));
        }
        Err(error) => {
            assert!(error.offset < data.len());
            // More bytes do not make it better.
            assert_eq!(decode_prefix(&[data, &[0; 9]].concat()), Err(error));
            if !matches!(error.kind, DecodeErrorKind::TooManyBits { max: 4096, .. }) {
                assert_eq!(decode(data), Err(error));
            }
        }
    }
}

/// Answers are those of the filter, from any address.
fn check_view<L: Layout, H: KeyHasher>(filter: &Filter<L, H>, view: View<'_, L, H>, bytes: &[u8]) {
    assert_eq!(view.to_filter().as_ref(), Ok(filter));
    assert_eq!(view.as_bytes(), &bytes[Header::LEN..]);
    assert_eq!(view.count_ones(), filter.count_ones());
    assert!(filter.count_ones() <= filter.params().m());
    assert!((0.0..=1.0).contains(&filter.fill()) && (0.0..=1.0).contains(&filter.rate()));
    let mut grown = filter.clone();
    for key in 0..8 {
        let (is_in, hash) = (filter.contains_u64(key), filter.hasher().hash_u64(key));
        assert_eq!(view.contains_u64(key), is_in);
        assert_eq!(view.contains(&key.to_le_bytes()), is_in);
        assert_eq!(view.contains_hash(hash), is_in);
        let probes = || L::probes(hash, filter.params());
        assert!(probes().all(|position| position < filter.params().m()));
        let set = |position| filter.words()[(position / 64) as usize] >> (position % 64) & 1 == 1;
        assert_eq!(probes().all(set), is_in);
        if key % 4 == 0 {
            let was_in = grown.contains_hash(hash);
            assert_eq!(grown.insert_hash(hash), !was_in);
            assert!(grown.contains_hash(hash));
        }
    }
    assert_eq!(filter.ones_of_difference(&grown), Ok(0));
    let mut union = filter.clone();
    assert_eq!(union.union_count(&grown), Ok(grown.count_ones()));
    assert_eq!(union, grown);
    grown.intersect(filter).expect("of one kind");
    assert_eq!(&grown, filter);
}

/// Whatever the counters are: insertion and removal neither panic nor deny what is there.
fn check_counting<H: KeyHasher>(filter: &Counting<H>, _: &[u8]) {
    let standard = filter.to_standard().expect("it is smaller than the filter");
    assert_eq!(standard.count_ones(), filter.count_ones());
    assert!(filter.saturated() <= filter.count_ones());
    let mut changed = filter.clone();
    for key in 0..8 {
        let is_in = filter.contains_u64(key);
        assert_eq!(standard.contains_u64(key), is_in);
        // Removed and put back: nothing changes if a removal is refused.
        let before = changed.clone();
        let was_in = changed.contains_u64(key);
        if !changed.remove_u64(key) {
            assert_eq!(changed, before);
        } else {
            assert!(was_in);
            changed.insert_u64(key);
            assert_eq!(changed, before);
        }
        assert_eq!(changed.insert_u64(key), !was_in);
        assert!(changed.contains_u64(key));
        assert!(changed.remove_u64(key), "it was inserted");
    }
    assert!(changed.saturated() >= filter.saturated());
}

trait Encode {
    fn to_vec(&self) -> Vec<u8>;
}

impl<L: Layout, H: KeyHasher> Encode for Filter<L, H> {
    fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        assert_eq!(bytes.len(), self.encoded_len());
        bytes
    }
}

impl<H: KeyHasher> Encode for Counting<H> {
    fn to_vec(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        assert_eq!(bytes.len(), self.encoded_len());
        bytes
    }
}
