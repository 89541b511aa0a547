//! From bytes to every value visited, in the ways of each library. All count the same [`Tally`].

use overlay_benches::Tally;
use overlay_bencode::{Event, Node};

/// Ours: along a tape. Integers are parsed here, which trees did while decoding.
pub fn tape(root: Node<'_, '_>) -> Tally {
    let mut sums = Tally::default();
    for event in root.walk() {
        match event {
            Event::Integer(number) => sums.integer(number.as_int().expect("it fits")),
            Event::Bytes(bytes) => sums.string(bytes),
            Event::List => sums.list(),
            Event::Dict => sums.dict(),
            Event::End => {}
        }
    }
    sums
}

/// Ours: over an owned tree.
pub fn value(root: &overlay_bencode::Value) -> Tally {
    use overlay_bencode::Value;
    fn add(sums: &mut Tally, value: &Value) {
        match value {
            Value::Integer(number) => sums.integer(number.as_int().expect("it fits")),
            Value::Bytes(bytes) => sums.string(bytes),
            Value::List(items) => {
                sums.list();
                items.iter().for_each(|item| add(sums, item));
            }
            Value::Dict(entries) => {
                sums.dict();
                for (key, value) in entries {
                    sums.string(key);
                    add(sums, value);
                }
            }
            Value::Raw(_) => unreachable!("no decoder of ours makes one"),
        }
    }
    let mut sums = Tally::default();
    add(&mut sums, root);
    sums
}

#[cfg(feature = "peers")]
pub use peers::*;

#[cfg(feature = "peers")]
mod peers {
    use std::hash::Hash;

    use overlay_benches::Tally;

    pub fn librqbit<B: AsRef<[u8]> + Hash + Eq>(root: &librqbit_bencode::BencodeValue<B>) -> Tally {
        use librqbit_bencode::BencodeValue;
        fn add<B: AsRef<[u8]> + Hash + Eq>(sums: &mut Tally, value: &BencodeValue<B>) {
            match value {
                BencodeValue::Integer(number) => sums.integer(*number),
                BencodeValue::Bytes(bytes) => sums.string(bytes.as_ref()),
                BencodeValue::List(items) => {
                    sums.list();
                    items.iter().for_each(|item| add(sums, item));
                }
                BencodeValue::Dict(entries) => {
                    sums.dict();
                    #[allow(clippy::iter_over_hash_type, reason = "sums have no order")]
                    for (key, value) in entries {
                        sums.string(key.as_ref());
                        add(sums, value);
                    }
                }
            }
        }
        let mut sums = Tally::default();
        add(&mut sums, root);
        sums
    }

    pub fn bt_bencode(root: &bt_bencode::Value) -> Tally {
        use bt_bencode::{Value, value::Number};
        fn add(sums: &mut Tally, value: &Value) {
            match value {
                Value::Int(Number::Signed(number)) => sums.integer(*number),
                Value::Int(Number::Unsigned(number)) => sums.integer(*number as i64),
                Value::ByteStr(bytes) => sums.string(bytes),
                Value::List(items) => {
                    sums.list();
                    items.iter().for_each(|item| add(sums, item));
                }
                Value::Dict(entries) => {
                    sums.dict();
                    for (key, value) in entries {
                        sums.string(key);
                        add(sums, value);
                    }
                }
            }
        }
        let mut sums = Tally::default();
        add(&mut sums, root);
        sums
    }

    pub fn bendy(root: &bendy::value::Value<'_>) -> Tally {
        use bendy::value::Value;
        fn add(sums: &mut Tally, value: &Value<'_>) {
            match value {
                Value::Integer(number) => sums.integer(*number),
                Value::Bytes(bytes) => sums.string(bytes),
                Value::List(items) => {
                    sums.list();
                    items.iter().for_each(|item| add(sums, item));
                }
                Value::Dict(entries) => {
                    sums.dict();
                    for (key, value) in entries {
                        sums.string(key);
                        add(sums, value);
                    }
                }
            }
        }
        let mut sums = Tally::default();
        add(&mut sums, root);
        sums
    }

    /// bendy's pull decoder, which builds nothing.
    pub fn bendy_pull(input: &[u8]) -> Tally {
        use bendy::decoding::{Decoder, Error, Object};
        fn add(sums: &mut Tally, object: Object<'_, '_>) -> Result<(), Error> {
            match object {
                Object::Integer(digits) => sums.integer(digits.parse()?),
                Object::Bytes(bytes) => sums.string(bytes),
                Object::List(mut items) => {
                    sums.list();
                    while let Some(item) = items.next_object()? {
                        add(sums, item)?;
                    }
                }
                Object::Dict(mut entries) => {
                    sums.dict();
                    while let Some((key, value)) = entries.next_pair()? {
                        sums.string(key);
                        add(sums, value)?;
                    }
                }
            }
            Ok(())
        }
        let mut sums = Tally::default();
        let mut decoder = Decoder::new(input).with_max_depth(100);
        let root = decoder.next_object().expect("a message").expect("a message");
        add(&mut sums, root).expect("a message");
        sums
    }

    pub fn serde_bencode(root: &serde_bencode::value::Value) -> Tally {
        use serde_bencode::value::Value;
        fn add(sums: &mut Tally, value: &Value) {
            match value {
                Value::Int(number) => sums.integer(*number),
                Value::Bytes(bytes) => sums.string(bytes),
                Value::List(items) => {
                    sums.list();
                    items.iter().for_each(|item| add(sums, item));
                }
                Value::Dict(entries) => {
                    sums.dict();
                    #[allow(clippy::iter_over_hash_type, reason = "sums have no order")]
                    for (key, value) in entries {
                        sums.string(key);
                        add(sums, value);
                    }
                }
            }
        }
        let mut sums = Tally::default();
        add(&mut sums, root);
        sums
    }

    pub fn lava(root: &lava_torrent::bencode::BencodeElem) -> Tally {
        use lava_torrent::bencode::BencodeElem;
        fn add(sums: &mut Tally, value: &BencodeElem) {
            match value {
                BencodeElem::Integer(number) => sums.integer(*number),
                BencodeElem::String(text) => sums.string(text.as_bytes()),
                BencodeElem::Bytes(bytes) => sums.string(bytes),
                BencodeElem::List(items) => {
                    sums.list();
                    items.iter().for_each(|item| add(sums, item));
                }
                BencodeElem::Dictionary(entries) => {
                    sums.dict();
                    #[allow(clippy::iter_over_hash_type, reason = "sums have no order")]
                    for (key, value) in entries {
                        sums.string(key.as_bytes());
                        add(sums, value);
                    }
                }
                BencodeElem::RawDictionary(entries) => {
                    sums.dict();
                    #[allow(clippy::iter_over_hash_type, reason = "sums have no order")]
                    for (key, value) in entries {
                        sums.string(key);
                        add(sums, value);
                    }
                }
            }
        }
        let mut sums = Tally::default();
        add(&mut sums, root);
        sums
    }
}
