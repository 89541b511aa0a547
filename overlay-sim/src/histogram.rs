//! Counts of values of any size in little memory.

use core::fmt::{self, Write};

/// Values below this are counted exactly, and each power of two above in this many buckets.
const FINE: u64 = 1 << FINE_BITS;
const FINE_BITS: u32 = 7;

/// How often which values occurred: exact below 128, above to within 1 part in 128 of the value, as
/// the histograms of HdrHistogram (Tene). Takes 8 bytes a bucket up to the largest value, 60 kB at
/// most; two histograms of parts add up to that of the whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    sum: u128,
    least: u64,
    most: u64,
}

/// Which bucket a value falls in.
fn bucket(value: u64) -> usize {
    if value < FINE {
        return value as usize;
    }
    // So many low bits do not count.
    let coarse = value.ilog2() - FINE_BITS;
    ((u64::from(coarse) + 1) * FINE + (value >> coarse) - FINE) as usize
}

/// The least and the greatest value of a bucket.
fn range(bucket: usize) -> (u64, u64) {
    let (power, place) = (bucket as u64 / FINE, bucket as u64 % FINE);
    match power {
        0 => (place, place),
        _ => {
            let least = (FINE + place) << (power - 1);
            (least, least + ((1 << (power - 1)) - 1))
        }
    }
}

impl Histogram {
    /// Nothing counted yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a value.
    pub fn record(&mut self, value: u64) {
        self.record_many(value, 1);
    }

    /// Counts a value so many times.
    pub fn record_many(&mut self, value: u64, times: u64) {
        if times == 0 {
            return;
        }
        let bucket = bucket(value);
        if self.buckets.len() <= bucket {
            self.buckets.resize(bucket + 1, 0);
        }
        self.buckets[bucket] += times;
        self.least = if self.count == 0 { value } else { self.least.min(value) };
        self.most = self.most.max(value);
        self.count += times;
        self.sum += u128::from(value) * u128::from(times);
    }

    /// Adds the counts of another histogram.
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0 {
            return;
        }
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.least = if self.count == 0 { other.least } else { self.least.min(other.least) };
        self.most = self.most.max(other.most);
        self.count += other.count;
        self.sum += other.sum;
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Their exact sum.
    pub fn sum(&self) -> u128 {
        self.sum
    }

    /// Their mean; 0 of none.
    pub fn mean(&self) -> f64 {
        self.sum as f64 / self.count.max(1) as f64
    }

    /// The least of them, exactly; 0 of none.
    pub fn least(&self) -> u64 {
        self.least
    }

    /// The greatest of them, exactly; 0 of none.
    pub fn most(&self) -> u64 {
        self.most
    }

    /// The value that a share (0 to 1) of the values do not exceed, to within 1 part in 128 and never
    /// below it: `quantile(0.5)` is the median. 0 of none.
    pub fn quantile(&self, share: f64) -> u64 {
        // Rounding is exact in IEEE arithmetic, hence the same everywhere.
        let rank = (share.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (_, greatest, count) in self.buckets() {
            seen += count;
            if seen >= rank {
                return greatest.min(self.most);
            }
        }
        self.most
    }

    /// The buckets that hold anything: `(least, greatest, count)`, in the order of values.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> {
        let full = self.buckets.iter().enumerate().filter(|(_, count)| **count > 0);
        full.map(|(bucket, &count)| {
            let (least, greatest) = range(bucket);
            (least, greatest, count)
        })
    }

    /// Writes `{"count":…,"sum":…,"mean":…,"min":…,"p50":…,"p90":…,"p99":…,"max":…,"buckets":[[least,
    /// greatest,count],…]}`.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_json(&self, out: &mut impl Write) -> fmt::Result {
        let [p50, p90, p99] = [0.5, 0.9, 0.99].map(|share| self.quantile(share));
        let (count, sum, mean) = (self.count, self.sum, self.mean());
        write!(out, "{{\"count\":{count},\"sum\":{sum},\"mean\":{mean},\"min\":{}", self.least)?;
        write!(out, ",\"p50\":{p50},\"p90\":{p90},\"p99\":{p99},\"max\":{}", self.most)?;
        out.write_str(",\"buckets\":[")?;
        for (index, (least, greatest, count)) in self.buckets().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            write!(out, "{comma}[{least},{greatest},{count}]")?;
        }
        out.write_str("]}")
    }

    /// Writes a line `least,greatest,count` a bucket, after one that says so.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write_csv(&self, out: &mut impl Write) -> fmt::Result {
        out.write_str("least,greatest,count\n")?;
        self.buckets()
            .try_for_each(|(least, greatest, count)| writeln!(out, "{least},{greatest},{count}"))
    }
}

impl Extend<u64> for Histogram {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, values: I) {
        values.into_iter().for_each(|value| self.record(value));
    }
}

impl FromIterator<u64> for Histogram {
    fn from_iter<I: IntoIterator<Item = u64>>(values: I) -> Self {
        let mut histogram = Self::new();
        histogram.extend(values);
        histogram
    }
}
