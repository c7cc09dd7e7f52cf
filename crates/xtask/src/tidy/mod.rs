//! `cargo xtask tidy`: the house rules that a program can check. Each rule is a pure function from the files of
//! the checkout to findings, with a planted violation in its tests.
//! What is refused fails CI; what is only reported is for a person to judge.

mod adrs;
mod attributes;
mod duplicates;
mod edges;
mod functions;
mod headers;
mod machine_paths;
mod names;
mod ratchet;
mod reasons;
mod siblings;
mod source;
mod walkthroughs;

use std::fmt;
use std::process::ExitCode;

use source::File;

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Write the sizes of today's large files into the ratchet file
    #[arg(long)]
    ratchet: bool,
}

/// One violation: where, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Finding {
    path: String,
    line: Option<usize>,
    message: String,
}

impl Finding {
    fn new(path: &str, line: impl Into<Option<usize>>, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: line.into(), message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(out, "{}:{line}: {}", self.path, self.message),
            None => write!(out, "{}: {}", self.path, self.message),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let files = source::files()?;
    if arguments.ratchet {
        ratchet::write(&files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut findings = refused(&files)?;
    findings.sort();
    for finding in &findings {
        println!("{finding}");
    }
    report(&files);
    println!("tidy: {} files, {} refused", files.len(), findings.len());
    Ok(if findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn refused(files: &[File]) -> anyhow::Result<Vec<Finding>> {
    let rules = [
        headers::check,
        names::check,
        attributes::check,
        siblings::check,
        walkthroughs::check,
        adrs::check,
        machine_paths::check,
        reasons::check,
        ratchet::check,
    ];
    let mut findings: Vec<_> = rules.iter().flat_map(|rule| rule(files)).collect();
    findings.extend(edges::check()?);
    Ok(findings)
}

fn report(files: &[File]) {
    ratchet::report(files);
    functions::report(files);
    duplicates::report(files);
}
