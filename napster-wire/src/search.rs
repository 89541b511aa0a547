//! Message 200: which files a client looks for.

use alloc::vec::Vec;

use crate::cursor::{Cursor, fits};
use crate::sink::Sink;
use crate::{DecodeError, DecodeErrorKind, FieldError, LinkSpeed, MAX_FIELD, Quoted};

/// The most criteria in one search: all of them at their longest still fit a frame.
pub const MAX_CRITERIA: usize = 12;

/// Message 200, from a client: its criteria, all of which a file has to meet, in the order in which
/// they are written.
///
/// `[FILENAME CONTAINS "artist"] MAX_RESULTS <max> [FILENAME CONTAINS "song"]
/// [LINESPEED <compare> <link-type>] [BITRATE <compare> "<br>"] [FREQ <compare> "<freq>"]
/// [WMA-FILE] [LOCAL_ONLY]`
///
/// Any order is read. A criterion this crate does not know, and all that follows it, is kept as it
/// is and written back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Search<'a> {
    criteria: Vec<Criterion<'a>>,
}

/// One thing a file has to meet.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Criterion<'a> {
    /// `FILENAME CONTAINS "…"`: each word of the text is in the file's name. The two places for it,
    /// "artist" and "song", mean the same.
    FilenameContains(Quoted<'a>),
    /// `MAX_RESULTS n`: no more results than this; servers gave 100 at most.
    MaxResults(u32),
    /// `LINESPEED compare n`: the link type of the user who has it.
    LineSpeed(Comparison, LinkSpeed),
    /// `BITRATE compare "n"`: kilobits a second.
    Bitrate(Comparison, u32),
    /// `FREQ compare "n"`: hertz.
    Frequency(Comparison, u32),
    /// `WMA-FILE`: Windows Media files only.
    WmaFile,
    /// `LOCAL_ONLY`: users of this server only, not of those linked to it.
    LocalOnly,
    /// From here on, something else. Always the last criterion.
    Unknown(UnknownCriterion<'a>),
}

/// How a number is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `"AT LEAST"`
    AtLeast,
    /// `"AT BEST"`
    AtBest,
    /// `"EQUAL TO"`
    EqualTo,
}

impl Comparison {
    /// Whether `value` compares in this way with the number of the search.
    pub fn holds<T: Ord>(self, value: T, number: T) -> bool {
        match self {
            Self::AtLeast => value >= number,
            Self::AtBest => value <= number,
            Self::EqualTo => value == number,
        }
    }

    const ALL: [Self; 3] = [Self::AtLeast, Self::AtBest, Self::EqualTo];

    fn text(self) -> &'static [u8] {
        match self {
            Self::AtLeast => b"\"AT LEAST\"",
            Self::AtBest => b"\"AT BEST\"",
            Self::EqualTo => b"\"EQUAL TO\"",
        }
    }
}

/// The end of a search that this crate does not understand. Only the decoder makes one.
#[derive(Clone, PartialEq, Eq)]
pub struct UnknownCriterion<'a>(alloc::borrow::Cow<'a, [u8]>);

impl UnknownCriterion<'_> {
    /// The text, from the unknown keyword to the end of the data.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// As text, whatever is not printable ASCII escaped.
impl core::fmt::Debug for UnknownCriterion<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "\"{}\"", self.0.escape_ascii())
    }
}

impl<'a> Search<'a> {
    /// No criteria yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// What a client's search box sends: files whose names have all words of `text`, at most `max`
    /// of them.
    ///
    /// # Errors
    /// `text` holds a double quote or more than [`MAX_FIELD`] bytes.
    pub fn words(text: &'a str, max: u32) -> Result<Self, FieldError> {
        let words = Quoted::try_from(text)?;
        Ok(Self {
            criteria: alloc::vec![Criterion::FilenameContains(words), Criterion::MaxResults(max)],
        })
    }

    /// The search with one more criterion at the end.
    ///
    /// # Errors
    /// There are [`MAX_CRITERIA`] already, or the last one is unknown.
    pub fn with(mut self, criterion: Criterion<'a>) -> Result<Self, FieldError> {
        if matches!(self.criteria.last(), Some(Criterion::Unknown(_))) {
            return Err(FieldError::AfterUnknown);
        }
        if self.criteria.len() >= MAX_CRITERIA {
            return Err(FieldError::TooManyCriteria { max: MAX_CRITERIA });
        }
        self.criteria.push(criterion);
        Ok(self)
    }

    /// The criteria in the order in which they are written.
    pub fn criteria(&self) -> &[Criterion<'a>] {
        &self.criteria
    }

    /// The texts that names have to contain.
    pub fn contains(&self) -> impl Iterator<Item = &[u8]> {
        self.criteria.iter().filter_map(|criterion| match criterion {
            Criterion::FilenameContains(text) => Some(text.as_bytes()),
            _ => None,
        })
    }

    /// The most results wanted: the smallest number given, if one is.
    pub fn max_results(&self) -> Option<u32> {
        self.criteria
            .iter()
            .filter_map(|criterion| match criterion {
                Criterion::MaxResults(max) => Some(*max),
                _ => None,
            })
            .min()
    }

    /// The same search with its own bytes.
    pub fn into_owned(self) -> Search<'static> {
        Search { criteria: self.criteria.into_iter().map(Criterion::into_owned).collect() }
    }

    pub(crate) fn read(mut cursor: Cursor<'a>) -> Result<Self, DecodeError> {
        let mut search = Self::new();
        if cursor.rest().is_empty() {
            return Ok(search);
        }
        loop {
            if search.criteria.len() >= MAX_CRITERIA {
                let kind = DecodeErrorKind::TooManyCriteria { max: MAX_CRITERIA };
                return Err(kind.at(cursor.offset()));
            }
            let criterion = Criterion::read(&mut cursor)?;
            search.criteria.push(criterion);
            if cursor.rest().is_empty() {
                return Ok(search);
            }
            cursor.space("search criterion")?;
        }
    }

    pub(crate) fn write(&self, out: &mut impl Sink) {
        for (index, criterion) in self.criteria.iter().enumerate() {
            if index > 0 {
                out.space();
            }
            criterion.write(out);
        }
    }
}

const CONTAINS: &[u8] = b"FILENAME CONTAINS ";
const MAX_RESULTS: &[u8] = b"MAX_RESULTS ";
const LINESPEED: &[u8] = b"LINESPEED ";
const BITRATE: &[u8] = b"BITRATE ";
const FREQUENCY: &[u8] = b"FREQ ";
const WMA_FILE: &[u8] = b"WMA-FILE";
const LOCAL_ONLY: &[u8] = b"LOCAL_ONLY";

impl<'a> Criterion<'a> {
    fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        if cursor.skip_prefix(CONTAINS) {
            return cursor.quoted("text to search").map(Self::FilenameContains);
        }
        if cursor.skip_prefix(MAX_RESULTS) {
            return cursor.u32("number of results").map(Self::MaxResults);
        }
        if cursor.skip_prefix(LINESPEED) {
            let comparison = read_comparison(cursor)?;
            return Ok(Self::LineSpeed(comparison, LinkSpeed(cursor.u32("link type")?)));
        }
        if cursor.skip_prefix(BITRATE) {
            let comparison = read_comparison(cursor)?;
            return Ok(Self::Bitrate(comparison, read_quoted_u32(cursor, "bitrate")?));
        }
        if cursor.skip_prefix(FREQUENCY) {
            let comparison = read_comparison(cursor)?;
            return Ok(Self::Frequency(comparison, read_quoted_u32(cursor, "frequency")?));
        }
        let keyword = cursor.rest().split(|byte| *byte == b' ').next().unwrap_or_default();
        if keyword == WMA_FILE || keyword == LOCAL_ONLY {
            cursor.skip(keyword.len());
            return Ok(if keyword == WMA_FILE { Self::WmaFile } else { Self::LocalOnly });
        }
        let rest = cursor.rest();
        if rest.is_empty() {
            let kind = DecodeErrorKind::Missing { field: "search criterion" };
            return Err(kind.at(cursor.offset()));
        }
        fits(rest, "unknown search criterion", cursor.offset())?;
        cursor.skip(rest.len());
        Ok(Self::Unknown(UnknownCriterion(rest.into())))
    }

    fn write(&self, out: &mut impl Sink) {
        match self {
            Self::FilenameContains(text) => {
                out.put(CONTAINS);
                out.quoted(text);
            }
            Self::MaxResults(max) => {
                out.put(MAX_RESULTS);
                out.number(*max);
            }
            Self::LineSpeed(comparison, speed) => {
                out.put(LINESPEED);
                out.put(comparison.text());
                out.space();
                out.number(speed.0);
            }
            Self::Bitrate(comparison, number) => {
                out.put(BITRATE);
                write_quoted_comparison(*comparison, *number, out);
            }
            Self::Frequency(comparison, number) => {
                out.put(FREQUENCY);
                write_quoted_comparison(*comparison, *number, out);
            }
            Self::WmaFile => out.put(WMA_FILE),
            Self::LocalOnly => out.put(LOCAL_ONLY),
            Self::Unknown(rest) => out.put(rest.as_bytes()),
        }
    }

    fn into_owned(self) -> Criterion<'static> {
        match self {
            Self::FilenameContains(text) => Criterion::FilenameContains(text.into_owned()),
            Self::MaxResults(max) => Criterion::MaxResults(max),
            Self::LineSpeed(comparison, speed) => Criterion::LineSpeed(comparison, speed),
            Self::Bitrate(comparison, number) => Criterion::Bitrate(comparison, number),
            Self::Frequency(comparison, number) => Criterion::Frequency(comparison, number),
            Self::WmaFile => Criterion::WmaFile,
            Self::LocalOnly => Criterion::LocalOnly,
            Self::Unknown(UnknownCriterion(rest)) => {
                Criterion::Unknown(UnknownCriterion(rest.into_owned().into()))
            }
        }
    }
}

/// The comparison and the space behind it.
fn read_comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, DecodeError> {
    for comparison in Comparison::ALL {
        if cursor.skip_prefix(comparison.text()) {
            cursor.space("number to compare with")?;
            return Ok(comparison);
        }
    }
    Err(DecodeErrorKind::UnknownComparison.at(cursor.offset()))
}

fn read_quoted_u32(cursor: &mut Cursor<'_>, field: &'static str) -> Result<u32, DecodeError> {
    // The range is checked by the cursor.
    cursor.quoted_number(u64::from(u32::MAX), field).map(|value| value as u32)
}

fn write_quoted_comparison(comparison: Comparison, number: u32, out: &mut impl Sink) {
    out.put(comparison.text());
    out.put(b" \"");
    out.number(number);
    out.put(b"\"");
}

// A search at its longest fits the 16 bits of a frame's length.
const _: () = assert!(MAX_CRITERIA * (MAX_FIELD + 64) <= u16::MAX as usize);
