//! One line of the report: a published value and ours.

use std::fmt;

use serde::{Serialize, Serializer};

/// A published value, ours, and how far they may be apart.
#[derive(Clone, Debug)]
pub struct Row {
    /// What was measured or computed, with its parameters.
    pub what: String,
    /// As published, or as predicted.
    pub published: Value,
    /// As reproduced.
    pub ours: Value,
    /// How far from the published value ours may be.
    pub tolerance: Tolerance,
}

/// A number, or anything that is compared as a text.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Value {
    Number(f64),
    Text(String),
}

/// How far ours may be from the published value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tolerance {
    /// Not at all.
    Exact,
    /// By this share of the published value.
    Relative(f64),
    /// By this, in the unit of the value.
    Absolute(f64),
    /// By five standard deviations of our measurement, of which this is one.
    FiveSigma(f64),
    /// No verdict: the two are shown beside each other.
    Report,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Holds,
    Differs,
    Reported,
}

impl Row {
    pub fn new(
        what: impl Into<String>,
        published: impl Into<Value>,
        ours: impl Into<Value>,
        tolerance: Tolerance,
    ) -> Self {
        Self { what: what.into(), published: published.into(), ours: ours.into(), tolerance }
    }

    pub fn verdict(&self) -> Verdict {
        // A NaN is near to nothing, so it differs.
        let holds = match (&self.published, &self.ours, self.tolerance) {
            (.., Tolerance::Report) => return Verdict::Reported,
            (Value::Number(published), Value::Number(ours), tolerance) => {
                (ours - published).abs() <= tolerance.around(*published)
            }
            (published, ours, _) => published == ours,
        };
        if holds { Verdict::Holds } else { Verdict::Differs }
    }
}

impl Tolerance {
    fn around(self, published: f64) -> f64 {
        match self {
            Self::Exact | Self::Report => 0.0,
            Self::Relative(share) => share * published.abs(),
            Self::Absolute(difference) => difference,
            Self::FiveSigma(sigma) => 5.0 * sigma,
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) if *number == 0.0 => write!(f, "0"),
            Self::Number(number) if (1e-2..1e7).contains(&number.abs()) => {
                // Six digits, without the zeros behind.
                let digits = (5 - number.abs().log10().floor() as i32).max(0) as usize;
                let text = format!("{number:.digits$}");
                let short = if text.contains('.') {
                    text.trim_end_matches('0').trim_end_matches('.')
                } else {
                    &text
                };
                f.write_str(short)
            }
            Self::Number(number) => write!(f, "{number:.5e}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for Tolerance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact => write!(f, "exact"),
            Self::Relative(share) if *share < 1e-4 => write!(f, "{share:e} of it"),
            Self::Relative(share) => write!(f, "{} %", Value::Number(100.0 * share)),
            Self::Absolute(difference) if *difference < 1e-4 => write!(f, "± {difference:e}"),
            Self::Absolute(difference) => write!(f, "± {difference}"),
            Self::FiveSigma(sigma) => write!(f, "5 σ = {:.1e}", 5.0 * sigma),
            Self::Report => write!(f, "–"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Holds => "holds",
            Self::Differs => "DIFFERS",
            Self::Reported => "reported",
        })
    }
}

/// A row as `--json` prints it.
#[derive(Debug, Serialize)]
pub struct Line<'a> {
    id: &'a str,
    what: &'a str,
    published: &'a Value,
    ours: &'a Value,
    #[serde(serialize_with = "as_text")]
    tolerance: Tolerance,
    #[serde(serialize_with = "as_text")]
    verdict: Verdict,
}

impl<'a> Line<'a> {
    pub fn new(id: &'a str, row: &'a Row) -> Self {
        Self {
            id,
            what: &row.what,
            published: &row.published,
            ours: &row.ours,
            tolerance: row.tolerance,
            verdict: row.verdict(),
        }
    }
}

fn as_text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{}", value.to_string().to_lowercase()))
}
