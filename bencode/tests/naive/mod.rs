//! A strict decoder written the plain way, recursively, to compare with.

use std::collections::BTreeMap;

use bytes::Bytes;
use overlay_bencode::{Integer, Value};

/// A whole message in canonical form.
pub fn decode(input: &[u8]) -> Option<Value> {
    let (value, rest) = value(input)?;
    rest.is_empty().then_some(value)
}

fn value(input: &[u8]) -> Option<(Value, &[u8])> {
    match input.first()? {
        b'i' => {
            let end = input.iter().position(|&byte| byte == b'e')?;
            let text = std::str::from_utf8(&input[1..end]).ok()?;
            let integer = Integer::from_digits(text)?;
            // Canonical digits are those that come out again.
            let canonical = integer.to_string() == text && text.trim_start_matches('-').len() <= 20;
            canonical.then_some((Value::Integer(integer), &input[end + 1..]))
        }
        b'l' => {
            let mut items = Vec::new();
            let mut rest = &input[1..];
            while *rest.first()? != b'e' {
                let (item, after) = value(rest)?;
                items.push(item);
                rest = after;
            }
            Some((Value::List(items), &rest[1..]))
        }
        b'd' => {
            let mut entries = BTreeMap::<Bytes, Value>::new();
            let mut rest = &input[1..];
            while *rest.first()? != b'e' {
                let (key, after) = string(rest)?;
                if entries.last_key_value().is_some_and(|(last, _)| **last >= *key) {
                    return None;
                }
                let (item, after) = value(after)?;
                entries.insert(Bytes::copy_from_slice(key), item);
                rest = after;
            }
            Some((Value::from(entries), &rest[1..]))
        }
        _ => {
            let (content, rest) = string(input)?;
            Some((Value::from(content), rest))
        }
    }
}

fn string(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = input.iter().position(|&byte| byte == b':')?;
    let digits = std::str::from_utf8(&input[..colon]).ok()?;
    let length: usize = digits.parse().ok()?;
    if length.to_string() != digits {
        return None;
    }
    input[colon + 1..].split_at_checked(length)
}
