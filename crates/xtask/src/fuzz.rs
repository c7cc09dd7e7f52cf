//! `cargo xtask fuzz`: the properties of every parser that meets bytes from outside, on many more of them than the tests
//! try. Round after round until the time is over; what fails is made small and shown.
//!
//! Not guided by coverage: that needs a nightly compiler. Well-formed inputs that are damaged get nearly as far.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use crate::repository::cargo;
use crate::shell;

/// What all these properties are called.
const TARGETS: &str = "outside_bytes";

/// Inputs for each target in a round: about a second of work.
const CASES: u32 = 2000;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// A part of the name of a target; all of them if absent
    #[arg(default_value = TARGETS)]
    name: String,

    /// For how long; a round that has begun is finished
    #[arg(long, default_value_t = 10)]
    seconds: u64,
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let end = Instant::now() + Duration::from_secs(arguments.seconds);
    loop {
        let mut round = cargo();
        round.args(["test", "--quiet", "--workspace", "--all-features", "--lib", "--", &arguments.name]);
        round.env("PROPTEST_CASES", CASES.to_string());
        if !shell::show(&mut round)?.success() {
            return Ok(ExitCode::FAILURE);
        }
        if Instant::now() >= end {
            return Ok(ExitCode::SUCCESS);
        }
    }
}
