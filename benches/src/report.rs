//! Results, as a line of JSON or a table.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use crate::case::Unit;

/// A case's results, in its unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The case.
    pub case: &'static str,
    /// Of all numbers here.
    pub unit: Unit,
    /// Ours.
    pub ours: f64,
    /// Of those that did equal work of the same kind.
    pub peers: Vec<(&'static str, f64)>,
    /// Of those that did work of another kind.
    pub other: Vec<(&'static str, f64)>,
}

impl Measured {
    pub(crate) fn new(case: &'static str, unit: Unit) -> Self {
        Self { case, unit, ours: f64::NAN, peers: Vec::new(), other: Vec::new() }
    }

    /// How many times as fast as this result ours is.
    pub fn ratio(&self, theirs: f64) -> f64 {
        if self.unit.less_is_better() { theirs / self.ours } else { self.ours / theirs }
    }
}

/// One case of one benchmark program.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The program, such as `bencode_vs`.
    pub bench: &'a str,
    /// The case.
    pub measured: &'a Measured,
}

impl Report<'_> {
    /// `{"bench","case","unit","ours","peers":{name:value}}`, and `"other":{name:value}` if there is
    /// any.
    ///
    /// # Errors
    /// None that is known: names and numbers have a JSON form.
    pub fn to_json(&self) -> serde_json::Result<String> {
        #[derive(Serialize)]
        struct Line<'a> {
            bench: &'a str,
            case: &'a str,
            unit: &'a str,
            ours: f64,
            peers: BTreeMap<&'a str, f64>,
            #[serde(skip_serializing_if = "BTreeMap::is_empty")]
            other: BTreeMap<&'a str, f64>,
        }
        let Measured { case, unit, ours, peers, other } = self.measured;
        serde_json::to_string(&Line {
            bench: self.bench,
            case,
            unit: unit.name(),
            ours: tenths(*ours),
            peers: peers.iter().map(|(name, value)| (*name, tenths(*value))).collect(),
            other: other.iter().map(|(name, value)| (*name, tenths(*value))).collect(),
        })
    }
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// A table for people, with how many times as fast ours is.
impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Measured { case, unit, ours, peers, other } = self.measured;
        let better = if unit.less_is_better() { "less" } else { "more" };
        writeln!(f, "{} {case} ({}, {better} is better)", self.bench, unit.name())?;
        writeln!(f, "  {:<28}{:>14.1}", "ours", ours)?;
        for (title, values) in [("peers", peers), ("other kinds of work", other)] {
            if !values.is_empty() {
                writeln!(f, " {title}")?;
            }
            for (name, value) in values {
                let ratio = self.measured.ratio(*value);
                writeln!(f, "  {name:<28}{value:>14.1}  ours is {ratio:>6.2}x")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_these_keys() {
        let mut measured = Measured::new("decode", Unit::Nanoseconds);
        measured.ours = 10.04;
        measured.peers = vec![("zebra", 25.06), ("ant", 5.0)];
        let line = Report { bench: "bencode_vs", measured: &measured }.to_json().unwrap();
        assert_eq!(
            line,
            r#"{"bench":"bencode_vs","case":"decode","unit":"ns","ours":10.0,"peers":{"ant":5.0,"zebra":25.1}}"#
        );

        measured.peers.clear();
        measured.other.push(("memcpy", 1.0));
        let line = Report { bench: "bencode_vs", measured: &measured }.to_json().unwrap();
        assert!(line.ends_with(r#""ours":10.0,"peers":{},"other":{"memcpy":1.0}}"#), "{line}");
        assert!(serde_json::from_str::<serde_json::Value>(&line).unwrap().is_object());
    }

    #[test]
    fn the_ratio_says_how_much_better_ours_is() {
        let mut measured = Measured::new("times", Unit::Nanoseconds);
        measured.ours = 10.0;
        assert_eq!(measured.ratio(25.0), 2.5);
        measured.unit = Unit::MegabytesPerSecond { bytes: 1 };
        assert_eq!(measured.ratio(25.0), 0.4);
    }

    #[test]
    fn the_table_shows_the_ratio() {
        let mut measured = Measured::new("times", Unit::Nanoseconds);
        measured.ours = 10.0;
        measured.peers.push(("slow", 31.0));
        let table = Report { bench: "b", measured: &measured }.to_string();
        assert!(table.contains("ours is   3.10x"), "{table}");
    }
}
