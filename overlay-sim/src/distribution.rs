//! Distributions to draw peers, sessions and workloads from.
//!
//! All functions are `libm`'s and arithmetic is IEEE's, so that a draw is the same bits on every
//! machine. A [`Distribution`] is parsed from and printed as text, as `pareto(1.5,60)`.

use core::time::Duration;
use std::sync::Arc;

use rand_core::Rng;

mod text;

pub use text::{DistributionError, DistributionErrorKind};

/// A distribution of non-negative numbers; the unit is up to its user. [`check`](Self::check) says
/// whether its parameters make sense; where they do not, draws are of no use (perhaps NaN), but
/// nothing panics.
#[derive(Clone, Debug, PartialEq)]
pub enum Distribution {
    /// Always the same.
    Constant(f64),
    /// Each number between the two is equally likely.
    Uniform {
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// Without memory: what is left of a session does not depend on how long it has lasted.
    Exponential {
        /// The mean.
        mean: f64,
    },
    /// P(X > x) = (scale / x)^shape. The mean is infinite if the shape is not above 1.
    Pareto {
        /// How light the tail is.
        shape: f64,
        /// The least.
        scale: f64,
    },
    /// A Pareto distribution cut off at `high`.
    BoundedPareto {
        /// How light the tail is.
        shape: f64,
        /// The least.
        low: f64,
        /// The greatest.
        high: f64,
    },
    /// P(X > x) = exp(−(x / scale)^shape). Stutzbach and Rejaie ("Understanding churn in
    /// peer-to-peer networks", IMC 2006) fit session lengths with shapes below 1.
    Weibull {
        /// Below 1: the longer a session has lasted, the longer it will last.
        shape: f64,
        /// Of 1/e of the draws exceeded.
        scale: f64,
    },
    /// exp(mu + sigma·Z) with a normal Z.
    LogNormal {
        /// The logarithm's mean.
        mu: f64,
        /// The logarithm's standard deviation.
        sigma: f64,
    },
    /// The ranks 1 to `items`, rank k in proportion to k^−exponent.
    Zipf {
        /// How many ranks there are.
        items: u64,
        /// How steep popularity falls.
        exponent: f64,
    },
    /// `(value, weight)`: each value in proportion to its weight.
    Steps(Arc<[(f64, f64)]>),
    /// `(probability, value)`: the points of a measured distribution function, from probability 0 to
    /// 1, with straight lines between them.
    Curve(Arc<[(f64, f64)]>),
}

/// A number above 0 and below 1, one of 2⁵².
pub(crate) fn unit(rng: &mut impl Rng) -> f64 {
    ((rng.next_u64() >> 12) as f64 + 0.5) / 4_503_599_627_370_496.0
}

/// A number of the standard normal distribution (Box and Muller, Ann. Math. Stat. 29, 1958).
fn normal(rng: &mut impl Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(unit(rng)));
    radius * libm::cos(core::f64::consts::TAU * unit(rng))
}

/// Of the gamma distribution with a shape of at least 1 (Marsaglia and Tsang, ACM TOMS 26(3), 2000).
fn gamma(shape: f64, rng: &mut impl Rng) -> f64 {
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = normal(rng);
        let v = 1.0 + c * x;
        if v > 0.0 {
            let v = v * v * v;
            if libm::log(unit(rng)) < 0.5 * x * x + d - d * v + d * libm::log(v) {
                return d * v;
            }
        }
    }
}

/// Of density proportional to x^(−shape − 1) between the two, for any shape.
fn bounded_power(shape: f64, low: f64, high: f64, rng: &mut impl Rng) -> f64 {
    let u = unit(rng);
    let span = low / high;
    if shape == 0.0 {
        return low * libm::pow(1.0 / span, u);
    }
    low * libm::pow(1.0 - u * (1.0 - libm::pow(span, shape)), -1.0 / shape)
}

/// Of density proportional to x between the two.
fn rising(low: f64, high: f64, rng: &mut impl Rng) -> f64 {
    let u = unit(rng);
    libm::sqrt(low * low + u * (high * high - low * low))
}

/// Rejection-inversion (Hörmann and Derflinger, "Rejection-inversion to generate variates from
/// monotone discrete distributions", ACM TOMACS 6(3), 1996), for exponents above 0.
fn zipf(items: u64, exponent: f64, rng: &mut impl Rng) -> f64 {
    let n = items.max(1) as f64;
    let weight = |x: f64| libm::pow(x, -exponent);
    let q = 1.0 - exponent;
    // The integral of the weight from 1, and its inverse.
    let area = |x: f64| if q == 0.0 { libm::log(x) } else { libm::expm1(q * libm::log(x)) / q };
    let place = |area: f64| match q == 0.0 {
        true => libm::exp(area),
        false => libm::exp(libm::log1p((q * area).max(-1.0)) / q),
    };
    let first = area(1.5) - 1.0;
    let last = area(n + 0.5);
    let sure = 2.0 - place(area(2.5) - weight(2.0));
    loop {
        let drawn = last + unit(rng) * (first - last);
        let x = place(drawn);
        let k = libm::floor(x + 0.5).clamp(1.0, n);
        // Not to loop on parameters that make no sense.
        if k - x <= sure || drawn >= area(k + 0.5) - weight(k) || x.is_nan() {
            return k;
        }
    }
}

/// One of some things, in proportion to their weights.
fn weighted(weights: impl Iterator<Item = f64> + Clone, rng: &mut impl Rng) -> usize {
    let sum: f64 = weights.clone().sum();
    let mut left = unit(rng) * sum;
    let mut last = 0;
    for (index, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = index;
            left -= weight;
            if left < 0.0 {
                break;
            }
        }
    }
    last
}

/// The pieces of a curve between its points: `(probability, low, high)`.
fn pieces(points: &[(f64, f64)]) -> impl Iterator<Item = (f64, f64, f64)> + Clone {
    points.windows(2).map(|pair| (pair[1].0 - pair[0].0, pair[0].1, pair[1].1))
}

impl Distribution {
    /// Draws a number.
    pub fn sample(&self, rng: &mut impl Rng) -> f64 {
        match *self {
            Self::Constant(value) => value,
            Self::Uniform { low, high } => low + unit(rng) * (high - low),
            Self::Exponential { mean } => -mean * libm::log(unit(rng)),
            Self::Pareto { shape, scale } => scale * libm::pow(unit(rng), -1.0 / shape),
            Self::BoundedPareto { shape, low, high } => bounded_power(shape, low, high, rng),
            Self::Weibull { shape, scale } => scale * libm::pow(-libm::log(unit(rng)), 1.0 / shape),
            Self::LogNormal { mu, sigma } => libm::exp(mu + sigma * normal(rng)),
            Self::Zipf { items, exponent } if exponent > 0.0 => zipf(items, exponent, rng),
            Self::Zipf { items, .. } => libm::floor(unit(rng) * items as f64) + 1.0,
            Self::Steps(ref steps) => {
                let chosen = weighted(steps.iter().map(|step| step.1), rng);
                steps.get(chosen).map_or(0.0, |step| step.0)
            }
            Self::Curve(ref points) => {
                let chosen = weighted(pieces(points).map(|piece| piece.0), rng);
                let piece = pieces(points).nth(chosen);
                piece.map_or(0.0, |(_, low, high)| low + unit(rng) * (high - low))
            }
        }
    }

    /// Draws a number of seconds, in whole microseconds; negative ones count as 0.
    pub fn sample_secs(&self, rng: &mut impl Rng) -> Duration {
        secs(self.sample(rng))
    }

    /// Draws the rest of a session that someone who comes by at a random time finds under way: part
    /// of a session drawn in proportion to its length (the equilibrium distribution of renewal
    /// theory; Cox, "Renewal theory", 1962, section 5.2). Infinite if the mean is.
    pub fn sample_rest(&self, rng: &mut impl Rng) -> f64 {
        unit(rng) * self.sample_by_length(rng)
    }

    /// The rest of a session in seconds, in whole microseconds; an infinite one is longer than any
    /// run.
    pub fn sample_rest_secs(&self, rng: &mut impl Rng) -> Duration {
        secs(self.sample_rest(rng))
    }

    /// Draws a number with its probability in proportion to itself.
    fn sample_by_length(&self, rng: &mut impl Rng) -> f64 {
        match *self {
            Self::Constant(value) => value,
            Self::Uniform { low, high } => rising(low, high, rng),
            Self::Exponential { mean } => mean * gamma(2.0, rng),
            Self::Pareto { shape, .. } if shape <= 1.0 => f64::INFINITY,
            Self::Pareto { shape, scale } => Self::Pareto { shape: shape - 1.0, scale }.sample(rng),
            Self::BoundedPareto { shape, low, high } => bounded_power(shape - 1.0, low, high, rng),
            Self::Weibull { shape, scale } => {
                scale * libm::pow(gamma(1.0 + 1.0 / shape, rng), 1.0 / shape)
            }
            Self::LogNormal { mu, sigma } => {
                Self::LogNormal { mu: mu + sigma * sigma, sigma }.sample(rng)
            }
            Self::Zipf { items, exponent } if exponent >= 1.0 => {
                Self::Zipf { items, exponent: exponent - 1.0 }.sample(rng)
            }
            Self::Zipf { items, exponent } => loop {
                let k = libm::floor(unit(rng) * items as f64) + 1.0;
                if unit(rng) <= libm::pow(k / items as f64, 1.0 - exponent) || items == 0 {
                    return k;
                }
            },
            Self::Steps(ref steps) => {
                let chosen = weighted(steps.iter().map(|step| step.0 * step.1), rng);
                steps.get(chosen).map_or(0.0, |step| step.0)
            }
            Self::Curve(ref points) => {
                let mass = |(share, low, high): (f64, f64, f64)| share * (low + high) / 2.0;
                let chosen = weighted(pieces(points).map(mass), rng);
                let piece = pieces(points).nth(chosen);
                piece.map_or(0.0, |(_, low, high)| rising(low, high, rng))
            }
        }
    }

    /// The mean, which may be infinite. Takes `items` steps for [`Zipf`](Self::Zipf).
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Constant(value) => value,
            Self::Uniform { low, high } => (low + high) / 2.0,
            Self::Exponential { mean } => mean,
            Self::Pareto { shape, .. } if shape <= 1.0 => f64::INFINITY,
            Self::Pareto { shape, scale } => shape * scale / (shape - 1.0),
            Self::BoundedPareto { shape, low, high } => {
                // ∫ x^(−a) over ∫ x^(−a−1), where a power of 0 makes a logarithm.
                let integral = |power: f64| match power == 0.0 {
                    true => libm::log(high / low),
                    false => (libm::pow(high, power) - libm::pow(low, power)) / power,
                };
                integral(1.0 - shape) / integral(-shape)
            }
            Self::Weibull { shape, scale } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Self::LogNormal { mu, sigma } => libm::exp(mu + sigma * sigma / 2.0),
            Self::Zipf { items, exponent } => {
                let sum = |s: f64| (1..=items).map(|k| libm::pow(k as f64, -s)).sum::<f64>();
                sum(exponent - 1.0) / sum(exponent)
            }
            Self::Steps(ref steps) => {
                let sum: f64 = steps.iter().map(|step| step.1).sum();
                steps.iter().map(|step| step.0 * step.1).sum::<f64>() / sum
            }
            Self::Curve(ref points) => {
                pieces(points).map(|(share, low, high)| share * (low + high) / 2.0).sum()
            }
        }
    }

    /// P(X > x). Takes `items` steps for [`Zipf`](Self::Zipf).
    pub fn survival(&self, x: f64) -> f64 {
        let below = |low: f64, tail: f64| if x < low { 1.0 } else { tail.clamp(0.0, 1.0) };
        match *self {
            Self::Constant(value) => f64::from(u8::from(value > x)),
            Self::Uniform { low, high } => below(low, (high - x) / (high - low)),
            Self::Exponential { mean } => below(0.0, libm::exp(-x / mean)),
            Self::Pareto { shape, scale } => below(scale, libm::pow(scale / x, shape)),
            Self::BoundedPareto { shape, low, high } => {
                let end = libm::pow(low / high, shape);
                below(low, (libm::pow(low / x, shape) - end) / (1.0 - end))
            }
            Self::Weibull { shape, scale } => below(0.0, libm::exp(-libm::pow(x / scale, shape))),
            Self::LogNormal { mu, sigma } => {
                let z = (libm::log(x) - mu) / sigma;
                below(0.0, libm::erfc(z / core::f64::consts::SQRT_2) / 2.0)
            }
            Self::Zipf { items, exponent } => {
                let weight = |k: u64| libm::pow(k as f64, -exponent);
                let above = (1..=items).filter(|&k| k as f64 > x).map(weight).sum::<f64>();
                above / (1..=items).map(weight).sum::<f64>()
            }
            Self::Steps(ref steps) => {
                let sum: f64 = steps.iter().map(|step| step.1).sum();
                steps.iter().filter(|step| step.0 > x).map(|step| step.1).sum::<f64>() / sum
            }
            Self::Curve(ref points) => {
                let above = |(share, low, high): (f64, f64, f64)| {
                    if x < low {
                        share
                    } else if x < high {
                        share * (high - x) / (high - low)
                    } else {
                        0.0
                    }
                };
                pieces(points).map(above).sum()
            }
        }
    }
}

/// In whole microseconds; negative ones count as 0.
pub(crate) fn secs(seconds: f64) -> Duration {
    // A cast saturates, and takes what is no number to 0.
    Duration::from_micros((seconds * 1_000_000.0) as u64)
}
