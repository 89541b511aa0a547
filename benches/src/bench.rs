//! A benchmark program: its options, which cases to run, where the results go.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::case::{Case, Unit};
use crate::report::Report;

/// What every benchmark program takes from its command line.
#[derive(Clone, Debug, Parser)]
#[command(about = "Times our code and other people's, in turns, in one process")]
pub struct Options {
    /// A line of JSON for each case
    #[arg(long)]
    pub json: bool,
    /// Only this case (may be given several times)
    #[arg(long, value_name = "CASE")]
    pub only: Vec<String>,
    /// Turns that each contender has; results are medians of them
    #[arg(long, value_name = "N", default_value_t = 25, value_parser = rounds)]
    pub rounds: usize,
}

fn rounds(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("a median needs at least one round".to_owned()),
        Ok(rounds) => Ok(rounds),
        Err(error) => Err(format!("{error}")),
    }
}

/// A running benchmark program.
#[derive(Debug)]
pub struct Bench {
    name: &'static str,
    options: Options,
    cases: Vec<&'static str>,
}

impl Bench {
    /// A program of this name. Ends the process if the command line can not be understood.
    pub fn from_args(name: &'static str) -> Self {
        Self { name, options: Options::parse(), cases: Vec::new() }
    }

    /// A new case to add contenders to; `None` if it is not wanted.
    pub fn case<'a>(&mut self, name: &'static str, unit: Unit) -> Option<Case<'a>> {
        self.cases.push(name);
        let only = &self.options.only;
        let wanted = only.is_empty() || only.iter().any(|wanted| wanted == name);
        wanted.then(|| Case::new(name, unit))
    }

    /// Measures the case and prints the result.
    ///
    /// # Panics
    /// If the case has no contender of ours or several.
    ///
    /// # Errors
    /// The result could not be printed.
    pub fn run(&self, case: Case<'_>) -> io::Result<()> {
        let measured = case.measure(self.options.rounds);
        let report = Report { bench: self.name, measured: &measured };
        let mut out = io::stdout().lock();
        if self.options.json {
            writeln!(out, "{}", report.to_json()?)?;
        } else {
            writeln!(out, "{report}")?;
        }
        out.flush()
    }

    /// Fails if a case was asked for that the program does not have.
    pub fn finish(self) -> ExitCode {
        let mut only = self.options.only.iter();
        match only.find(|wanted| !self.cases.contains(&wanted.as_str())) {
            None => ExitCode::SUCCESS,
            Some(unknown) => {
                eprintln!("error: no case {unknown}, expected: {}", self.cases.join(" "));
                ExitCode::from(2)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bench(args: &[&str]) -> Bench {
        let options = Options::parse_from([&["bench"], args].concat());
        Bench { name: "bench", options, cases: Vec::new() }
    }

    #[test]
    fn only_the_wanted_cases() {
        let mut bench = bench(&["--only", "b", "--rounds", "3"]);
        assert!(bench.case("a", Unit::Nanoseconds).is_none());
        assert!(bench.case("b", Unit::Nanoseconds).is_some());
        assert_eq!(bench.options.rounds, 3);
        assert_eq!(bench.finish(), ExitCode::SUCCESS);
    }

    #[test]
    fn an_unknown_case_is_an_error() {
        let mut bench = bench(&["--only", "c"]);
        assert!(bench.case("a", Unit::Nanoseconds).is_none());
        assert_eq!(bench.finish(), ExitCode::from(2));
    }

    #[test]
    fn no_rounds_are_refused() {
        assert!(Options::try_parse_from(["bench", "--rounds", "0"]).is_err());
    }
}
