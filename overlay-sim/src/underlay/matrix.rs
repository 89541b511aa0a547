//! Delays between each two of some places, as of a data set of measurements.

use core::time::Duration;

/// One-way delays in microseconds, from each place to each, which need not be the same both ways.
/// Takes 4 bytes a pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LatencyMatrix {
    places: u32,
    /// Row by row: the row is where from.
    micros: Vec<u32>,
}

/// What is wrong with a text, and in which line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {kind}")]
pub struct MatrixError {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub kind: MatrixErrorKind,
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MatrixErrorKind {
    /// Something else where a delay has to be.
    #[error("field {field} is no delay of 0 to 4294967295 microseconds")]
    NotADelay {
        /// Counted from 1.
        field: usize,
    },
    /// A row that is longer or shorter than the others make it.
    #[error("row {row} has {fields} fields, expected {expected}")]
    Fields {
        /// Counted from 1.
        row: usize,
        /// How many there are.
        fields: usize,
        /// How many there should be.
        expected: usize,
    },
    /// The text ends before the matrix is square.
    #[error("{rows} rows of {fields} fields are no square")]
    NotSquare {
        /// How many rows there are.
        rows: usize,
        /// How many fields each has.
        fields: usize,
    },
}

impl LatencyMatrix {
    /// A matrix of the delays that `delay` gives from one place to another.
    ///
    /// # Panics
    /// If a delay is longer than 2³² µs (71 minutes).
    pub fn new(places: u32, mut delay: impl FnMut(u32, u32) -> Duration) -> Self {
        let mut micros = Vec::with_capacity(places as usize * places as usize);
        for from in 0..places {
            micros.extend((0..places).map(|to| {
                let delay = delay(from, to);
                u32::try_from(delay.as_micros()).unwrap_or_else(|_| panic!("a delay of {delay:?}"))
            }));
        }
        Self { places, micros }
    }

    /// Reads a text with a row a line, its fields with blanks or commas between them, in multiples of
    /// `unit`, fractions allowed. Either each row has as many fields as there are rows, or row `i`
    /// has `i`: then it is the lower half of a symmetric matrix. Lines that are empty or start with
    /// `#` do not count.
    ///
    /// # Errors
    /// A field is no number, or the rows are of other lengths.
    pub fn parse(text: &[u8], unit: Duration) -> Result<Self, MatrixError> {
        let unit = unit.as_micros() as f64;
        let mut rows: Vec<Vec<u32>> = Vec::new();
        for (number, line) in text.split(|&byte| byte == b'\n').enumerate() {
            let error = |kind| MatrixError { line: number + 1, kind };
            let blank = |byte: &u8| byte.is_ascii_whitespace() || *byte == b',';
            let fields = line.split(blank).filter(|field| !field.is_empty());
            if line.trim_ascii_start().first().is_none_or(|&byte| byte == b'#') {
                continue;
            }
            let row = fields.enumerate().map(|(index, field)| {
                let value = core::str::from_utf8(field).ok().and_then(|f| f.parse::<f64>().ok());
                let micros = value.map(|value| (value * unit).round());
                let fits = |&micros: &f64| (0.0..=f64::from(u32::MAX)).contains(&micros);
                let micros = micros.filter(fits).map(|micros| micros as u32);
                micros.ok_or_else(|| error(MatrixErrorKind::NotADelay { field: index + 1 }))
            });
            let row: Vec<u32> = row.collect::<Result<_, _>>()?;
            // The first row of a lower half has one field, as the second has two.
            let half = rows.first().map_or(row.len() == 1, |first| first.len() == 1);
            let expected = match (half, rows.first()) {
                (true, _) => rows.len() + 1,
                (false, Some(first)) => first.len(),
                (false, None) => row.len(),
            };
            if row.len() != expected || (!half && rows.len() == expected) {
                let fields = row.len();
                let kind = MatrixErrorKind::Fields { row: rows.len() + 1, fields, expected };
                return Err(error(kind));
            }
            rows.push(row);
        }
        let places = rows.len();
        if let Some(first) = rows.first()
            && first.len() != 1
            && first.len() != places
        {
            let kind = MatrixErrorKind::NotSquare { rows: places, fields: first.len() };
            return Err(MatrixError { line: text.split(|&byte| byte == b'\n').count(), kind });
        }
        let at = |from: usize, to: usize| match rows[from].get(to) {
            Some(&micros) => micros,
            None => rows[to][from],
        };
        let pairs = (0..places).flat_map(|from| (0..places).map(move |to| (from, to)));
        let micros = pairs.map(|(from, to)| at(from, to)).collect();
        Ok(Self { places: places as u32, micros })
    }

    /// How many places there are.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// The one-way delay from one place to another.
    ///
    /// # Panics
    /// If there is no such place.
    pub fn delay(&self, from: u32, to: u32) -> Duration {
        assert!(from < self.places && to < self.places, "place {from} or {to} of {}", self.places);
        let index = from as usize * self.places as usize + to as usize;
        Duration::from_micros(u64::from(self.micros[index]))
    }
}
