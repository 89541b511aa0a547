//! Splitting names and queries into keywords.

use core::fmt;
use core::iter::{Filter, FlatMap};
use core::str::{Chars, Utf8Chunks};

use unicode_normalization::char::{decompose_compatible, is_combining_mark};
use unicode_normalization::{Decompositions, Recompositions, UnicodeNormalization};

/// The keywords of a file name, a path or a query, in order, with repetitions.
///
/// The rule: a keyword is a longest run of alphanumeric characters (Unicode's Alphabetic and
/// Numeric) and the marks on them. Everything else separates: spaces, punctuation, `_`, and bytes
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
            let start = self.valid.trim_start_matches(|c| !begins(c));
            if start.is_empty() {
                self.valid = self.chunks.next()?.valid();
                continue;
            }
            let end = start.find(|c| !continues(c)).unwrap_or(start.len());
            let (word, rest) = start.split_at(end);
            self.valid = rest;
            return Some(Keyword(word));
        }
    }
}

/// Alphanumeric, and not with a mark in front once it is folded.
fn begins(c: char) -> bool {
    if c.is_ascii() {
        return c.is_alphanumeric();
    }
    let mut first = None;
    decompose_compatible(c, |part| first = first.or(Some(part).filter(|part| is_kept(*part))));
    c.is_alphanumeric() && first.is_some_and(|part| !is_mark(part))
}

fn continues(c: char) -> bool {
    c.is_alphanumeric() || is_mark(c)
}

fn is_mark(c: char) -> bool {
    !c.is_ascii() && is_combining_mark(c)
}

/// One keyword. Two are equal if they fold to the same, which is also how it is displayed: in lower case
/// and without accents.
///
/// ```
/// # use gnutella_wire::keywords;
/// assert!(keywords("Café".as_bytes()).eq(keywords("CAFE\u{301}".as_bytes())));
/// assert!(keywords("Café".as_bytes()).eq(keywords(b"cafe")));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Keyword<'a>(&'a str);

impl<'a> Keyword<'a> {
    /// The keyword as it was written.
    pub fn as_written(&self) -> &'a str {
        self.0
    }

    /// Its characters folded, as gtk-gnutella does before it compares or hashes: Unicode's compatibility
    /// decomposition (NFKD), in lower case, without the marks of European scripts (U+0300 to U+036F),
    /// composed again (NFC). Never none.
    ///
    /// gtk-gnutella also drops the vowel points of Hebrew and Arabic, and splits words where the script
    /// changes.
    pub fn chars(&self) -> Folded<'a> {
        Folded(if self.0.is_ascii() {
            Form::Ascii(self.0.bytes())
        } else {
            let lower: fn(char) -> core::char::ToLowercase = char::to_lowercase;
            let kept: fn(&char) -> bool = |c| is_kept(*c);
            Form::Any(self.0.nfkd().flat_map(lower).filter(kept).nfc())
        })
    }
}

/// Whether it stays when a keyword is folded.
fn is_kept(c: char) -> bool {
    continues(c) && !is_accent(c)
}

/// U+0345, the iota below Greek vowels, is a letter when it stands alone.
fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}') && c != '\u{345}'
}

impl PartialEq for Keyword<'_> {
    fn eq(&self, other: &Self) -> bool {
        if self.0.is_ascii() && other.0.is_ascii() {
            self.0.eq_ignore_ascii_case(other.0)
        } else {
            self.chars().eq(other.chars())
        }
    }
}

impl Eq for Keyword<'_> {}

impl fmt::Display for Keyword<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|c| fmt::Write::write_char(f, c))
    }
}

/// The characters of a [`Keyword`], folded.
#[derive(Clone)]
pub struct Folded<'a>(Form<'a>);

#[derive(Clone)]
#[allow(clippy::large_enum_variant, reason = "it is on the stack, for as long as a word takes")]
enum Form<'a> {
    Ascii(core::str::Bytes<'a>),
    Any(Recompositions<Kept<'a>>),
}

type Lower<'a> = FlatMap<
    Decompositions<Chars<'a>>,
    core::char::ToLowercase,
    fn(char) -> core::char::ToLowercase,
>;
type Kept<'a> = Filter<Lower<'a>, fn(&char) -> bool>;

impl Iterator for Folded<'_> {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match &mut self.0 {
            Form::Ascii(bytes) => bytes.next().map(|byte| byte.to_ascii_lowercase().into()),
            Form::Any(chars) => chars.next(),
        }
    }

    /// Looks once which form it is.
    fn fold<T, F: FnMut(T, char) -> T>(self, start: T, step: F) -> T {
        match self.0 {
            Form::Ascii(bytes) => {
                bytes.map(|byte| byte.to_ascii_lowercase().into()).fold(start, step)
            }
            Form::Any(chars) => chars.fold(start, step),
        }
    }
}

impl fmt::Debug for Folded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}
