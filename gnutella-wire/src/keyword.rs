//! Splitting names and queries into keywords.

use core::fmt;
use core::iter::FlatMap;
use core::str::{Chars, Utf8Chunks};

/// The keywords of a file name, a path or a query, in order, with repetitions.
///
/// The rule: a keyword is a longest run of alphanumeric characters (Unicode's Alphabetic and
/// Numeric), compared in lower case. Everything else separates: spaces, punctuation, `_`, and bytes
/// that are not UTF-8. No keyword is too short.
///
/// ```
/// # use gnutella_wire::keywords;
/// let words: Vec<String> = keywords(b"Arctic_Monkeys - 03.mp3").map(|w| w.to_string()).collect();
/// assert_eq!(words, ["arctic", "monkeys", "03", "mp3"]);
/// ```
pub fn keywords(text: &[u8]) -> Keywords<'_> {
    Keywords { chunks: text.utf8_chunks(), valid: "" }
}

/// The iterator of [`keywords`].
#[derive(Clone, Debug)]
pub struct Keywords<'a> {
    chunks: Utf8Chunks<'a>,
    /// What is left of the current run of valid UTF-8.
    valid: &'a str,
}

impl<'a> Iterator for Keywords<'a> {
    type Item = Keyword<'a>;

    fn next(&mut self) -> Option<Keyword<'a>> {
        loop {
            let start = self.valid.trim_start_matches(|c: char| !c.is_alphanumeric());
            if start.is_empty() {
                self.valid = self.chunks.next()?.valid();
                continue;
            }
            let end = start.find(|c: char| !c.is_alphanumeric()).unwrap_or(start.len());
            let (word, rest) = start.split_at(end);
            self.valid = rest;
            return Some(Keyword(word));
        }
    }
}

/// One keyword. Two are equal if they are in lower case, which is also how it is displayed.
#[derive(Clone, Copy, Debug)]
pub struct Keyword<'a>(&'a str);

impl<'a> Keyword<'a> {
    /// The keyword as it was written.
    pub fn as_written(&self) -> &'a str {
        self.0
    }

    /// Its characters in lower case.
    pub fn chars(
        &self,
    ) -> FlatMap<Chars<'a>, core::char::ToLowercase, fn(char) -> core::char::ToLowercase> {
        self.0.chars().flat_map(char::to_lowercase)
    }
}

impl PartialEq for Keyword<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.chars().eq(other.chars())
    }
}

impl Eq for Keyword<'_> {}

impl fmt::Display for Keyword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| fmt::Write::write_char(f, c))
    }
}
