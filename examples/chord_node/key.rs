//! Keys and values as they stand on the command line.

use std::convert::Infallible;
use std::str::FromStr;

use overlay_chord::{Id, Id160};

/// A key: what the user calls it, and its place on the ring.
#[derive(Clone, Debug)]
pub struct Key {
    pub text: String,
    pub id: Id160,
}

/// A key and what is to be published there.
#[derive(Clone, Debug)]
pub struct Pair {
    pub key: Key,
    pub value: String,
}

impl FromStr for Key {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        let id = text.parse().unwrap_or_else(|_| Id160::of_key(text.as_bytes()));
        Ok(Self { text: text.to_owned(), id })
    }
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((key, value)) = text.split_once('=') else {
            return Err("expected KEY=VALUE".to_owned());
        };
        if key.is_empty() {
            return Err("expected KEY=VALUE, and the key is empty".to_owned());
        }
        let Ok(key) = key.parse();
        Ok(Self { key, value: value.to_owned() })
    }
}
