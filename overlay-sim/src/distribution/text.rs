//! Distributions as text.

use core::fmt;
use core::str::FromStr;

use super::Distribution;

/// Why a text, or a set of parameters, is no distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{kind} in `{text}`")]
pub struct DistributionError {
    /// What is wrong.
    pub kind: DistributionErrorKind,
    /// The distribution.
    pub text: String,
}

/// What is wrong with a distribution.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DistributionErrorKind {
    /// No distribution of this name.
    #[error(
        "unknown distribution, expected a number, constant(value), uniform(low,high), \
         exponential(mean), pareto(shape,scale), bounded-pareto(shape,low,high), \
         weibull(shape,scale), lognormal(mu,sigma), zipf(items,exponent), steps(value:weight,…) or \
         curve(probability:value,…)"
    )]
    Unknown,
    /// A parameter that is no number.
    #[error("parameter {parameter} is no number")]
    NotANumber {
        /// Counted from 1.
        parameter: usize,
    },
    /// Too many or too few parameters.
    #[error("{found} parameters, expected {expected}")]
    Parameters {
        /// How many there are.
        found: usize,
        /// How many there should be.
        expected: usize,
    },
    /// A parameter out of its range.
    #[error("{parameter} is {value}, expected {expected}")]
    OutOfRange {
        /// Which parameter.
        parameter: &'static str,
        /// What it is.
        value: f64,
        /// What it may be.
        expected: &'static str,
    },
}

use DistributionErrorKind::{NotANumber, OutOfRange, Parameters, Unknown};

impl Distribution {
    /// Whether the parameters make sense.
    ///
    /// # Errors
    /// They do not; says which.
    pub fn check(&self) -> Result<(), DistributionError> {
        self.find_fault().map_err(|kind| DistributionError { kind, text: self.to_string() })
    }

    fn find_fault(&self) -> Result<(), DistributionErrorKind> {
        let fault = |ok: bool, parameter, value: f64, expected| match ok {
            true => Ok(()),
            false => Err(OutOfRange { parameter, value, expected }),
        };
        let finite = |parameter, value: f64| {
            fault(
                (0.0..f64::INFINITY).contains(&value),
                parameter,
                value,
                "a finite number from 0 on",
            )
        };
        let positive = |parameter, value: f64| {
            fault(value > 0.0 && value.is_finite(), parameter, value, "a finite number above 0")
        };
        match *self {
            Self::Constant(value) => finite("value", value),
            Self::Uniform { low, high } => {
                finite("low", low)?;
                fault(low < high && high.is_finite(), "high", high, "more than low")
            }
            Self::Exponential { mean } => positive("mean", mean),
            Self::Pareto { shape, scale } | Self::Weibull { shape, scale } => {
                positive("shape", shape)?;
                positive("scale", scale)
            }
            Self::BoundedPareto { shape, low, high } => {
                positive("shape", shape)?;
                positive("low", low)?;
                fault(low < high && high.is_finite(), "high", high, "more than low")
            }
            Self::LogNormal { mu, sigma } => {
                fault(mu.is_finite(), "mu", mu, "a finite number")?;
                positive("sigma", sigma)
            }
            Self::Zipf { items, exponent } => {
                fault(items > 0, "items", items as f64, "at least 1")?;
                finite("exponent", exponent)
            }
            Self::Steps(ref steps) => {
                for &(value, weight) in steps.iter() {
                    finite("value", value)?;
                    finite("weight", weight)?;
                }
                let sum = steps.iter().map(|step| step.1).sum();
                positive("sum of the weights", sum)
            }
            Self::Curve(ref points) => {
                let (first, last) = (points.first(), points.last());
                let (first, last) = (first.map_or(-1.0, |p| p.0), last.map_or(-1.0, |p| p.0));
                fault(first == 0.0, "first probability", first, "0")?;
                fault(last == 1.0, "last probability", last, "1")?;
                for pair in points.windows(2) {
                    fault(pair[0].0 <= pair[1].0, "probability", pair[1].0, "no less than before")?;
                    fault(pair[0].1 <= pair[1].1, "value", pair[1].1, "no less than before")?;
                }
                finite("value", points[0].1)?;
                finite("value", points[points.len() - 1].1)
            }
        }
    }
}

impl FromStr for Distribution {
    type Err = DistributionError;

    /// Reads what [`Display`](fmt::Display) prints; a number alone is a constant.
    fn from_str(text: &str) -> Result<Self, DistributionError> {
        let parsed = parse(text).and_then(|parsed| parsed.find_fault().map(|()| parsed));
        parsed.map_err(|kind| DistributionError { kind, text: text.into() })
    }
}

fn parse(text: &str) -> Result<Distribution, DistributionErrorKind> {
    let text = text.trim();
    if let Ok(value) = text.parse() {
        return Ok(Distribution::Constant(value));
    }
    let (name, rest) = text.split_once('(').ok_or(Unknown)?;
    let parameters = rest.strip_suffix(')').ok_or(Unknown)?;
    let number = |(index, text): (usize, &str)| {
        text.trim().parse::<f64>().map_err(|_| NotANumber { parameter: index + 1 })
    };
    let numbers = || parameters.split(',').enumerate().map(number).collect::<Result<Vec<_>, _>>();
    let pairs = || {
        let pair = |(index, text): (usize, &str)| {
            let (a, b) = text.split_once(':').ok_or(NotANumber { parameter: index + 1 })?;
            Ok((number((index, a))?, number((index, b))?))
        };
        parameters.split(',').enumerate().map(pair).collect::<Result<_, _>>()
    };
    fn exactly<const N: usize>(numbers: Vec<f64>) -> Result<[f64; N], DistributionErrorKind> {
        let found = numbers.len();
        numbers.try_into().map_err(|_| Parameters { found, expected: N })
    }
    Ok(match name.trim() {
        "constant" => {
            let [value] = exactly(numbers()?)?;
            Distribution::Constant(value)
        }
        "uniform" => {
            let [low, high] = exactly(numbers()?)?;
            Distribution::Uniform { low, high }
        }
        "exponential" => {
            let [mean] = exactly(numbers()?)?;
            Distribution::Exponential { mean }
        }
        "pareto" => {
            let [shape, scale] = exactly(numbers()?)?;
            Distribution::Pareto { shape, scale }
        }
        "bounded-pareto" => {
            let [shape, low, high] = exactly(numbers()?)?;
            Distribution::BoundedPareto { shape, low, high }
        }
        "weibull" => {
            let [shape, scale] = exactly(numbers()?)?;
            Distribution::Weibull { shape, scale }
        }
        "lognormal" => {
            let [mu, sigma] = exactly(numbers()?)?;
            Distribution::LogNormal { mu, sigma }
        }
        "zipf" => {
            let [items, exponent] = exactly(numbers()?)?;
            // A cast saturates; a fraction of an item does not count.
            Distribution::Zipf { items: items as u64, exponent }
        }
        "steps" => Distribution::Steps(pairs()?),
        "curve" => Distribution::Curve(pairs()?),
        _ => return Err(Unknown),
    })
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pairs = |f: &mut fmt::Formatter<'_>, name: &str, pairs: &[(f64, f64)]| {
            write!(f, "{name}(")?;
            for (index, (a, b)) in pairs.iter().enumerate() {
                write!(f, "{}{a}:{b}", if index > 0 { "," } else { "" })?;
            }
            f.write_str(")")
        };
        match *self {
            Self::Constant(value) => write!(f, "constant({value})"),
            Self::Uniform { low, high } => write!(f, "uniform({low},{high})"),
            Self::Exponential { mean } => write!(f, "exponential({mean})"),
            Self::Pareto { shape, scale } => write!(f, "pareto({shape},{scale})"),
            Self::BoundedPareto { shape, low, high } => {
                write!(f, "bounded-pareto({shape},{low},{high})")
            }
            Self::Weibull { shape, scale } => write!(f, "weibull({shape},{scale})"),
            Self::LogNormal { mu, sigma } => write!(f, "lognormal({mu},{sigma})"),
            Self::Zipf { items, exponent } => write!(f, "zipf({items},{exponent})"),
            Self::Steps(ref steps) => pairs(f, "steps", steps),
            Self::Curve(ref points) => pairs(f, "curve", points),
        }
    }
}
