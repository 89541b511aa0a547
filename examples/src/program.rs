//! What every program here does around its work.

use std::process::{ExitCode, Termination};

use clap::Parser;

use crate::escape;

/// Why a program failed: one line for people.
pub type Failure = Box<dyn std::error::Error>;

/// The `main` of a program: parses the command line and does the work. What fails is one line on standard
/// error, which steers no terminal, and exit code 1.
pub fn program<O: Parser, T: Termination>(work: impl FnOnce(&O) -> Result<T, Failure>) -> ExitCode {
    let options = match O::try_parse() {
        Ok(options) => options,
        Err(error) => {
            let _ = error.print();
            return if error.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match work(&options) {
        Ok(done) => done.report(),
        Err(error) => {
            eprintln!("error: {}", escape::text(error.to_string().as_bytes()));
            ExitCode::FAILURE
        }
    }
}
