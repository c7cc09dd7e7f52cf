//! The parts of CI, each a command that a person can type, with its time budget on two cores from a fresh clone.

use std::process::Command;
use std::time::Duration;

use crate::campaign::{CAMPAIGNS, VIOLATIONS_FOUND};
use crate::repository::cargo;

pub(super) struct Part {
    pub(super) name: String,
    pub(super) budget: Duration,
    pub(super) command: Command,
    /// The exit code that means that all is well.
    pub(super) expected: i32,
}

/// In this order: what fails fast first, the tests last.
pub(super) fn all() -> anyhow::Result<Vec<Part>> {
    let mut docs = cargo();
    docs.env("RUSTDOCFLAGS", "-D warnings");
    let lint = ["clippy", "--workspace", "--all-targets", "--all-features", "--", "-D", "warnings"];
    let xtask = std::env::current_exe()?;
    let mut parts = vec![
        part("format", 15, cargo(), &["fmt", "--all", "--check"]),
        part("tidy", 15, Command::new(&xtask), &["tidy"]),
        part("deny", 75, Command::new(&xtask), &["deny"]),
        part("clippy", 180, cargo(), &lint),
        part("docs", 45, docs, &["doc", "--workspace", "--no-deps", "--all-features"]),
        // As it is shipped: everything else is built with every feature.
        part("check the shipped", 30, cargo(), &["check", "--quiet", "--package", "user-service"]),
        // All of it in one go: programs that are built without the tests have other features.
        part("build", 345, cargo(), &["build", "--quiet", "--workspace", "--all-targets", "--all-features"]),
    ];
    for campaign in &CAMPAIGNS {
        let name = format!("campaign {}", campaign.name);
        parts.push(part(&name, 12, Command::new(&xtask), &["campaign", campaign.name]));
        let words = ["campaign", campaign.name, "--control", campaign.control];
        let name = format!("control {} {}", campaign.name, campaign.control);
        let control = part(&name, 5, Command::new(&xtask), &words);
        parts.push(Part { expected: i32::from(VIOLATIONS_FOUND), ..control });
    }
    parts.push(part("sessions of the documents", 45, Command::new(&xtask), &["sessions"]));
    parts.push(part("fuzz", 15, Command::new(&xtask), &["fuzz", "--seconds", "5"]));
    let on_18 = ["test", "--postgres", "18", "-p", "eventstore-postgres"];
    parts.push(part("conformance on PostgreSQL 18", 45, Command::new(&xtask), &on_18));
    parts.push(part("tests", 255, Command::new(&xtask), &["test"]));
    Ok(parts)
}

fn part(name: &str, seconds: u64, mut command: Command, arguments: &[&str]) -> Part {
    command.args(arguments);
    Part { name: name.to_owned(), budget: Duration::from_secs(seconds), command, expected: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_budgets_stay_below_twenty_five_minutes() {
        let parts = all().expect("the parts need nothing but our own path");
        let sum: Duration = parts.iter().map(|part| part.budget).sum();
        assert!(sum <= Duration::from_mins(25), "{sum:?}");
    }

    #[test]
    fn every_control_is_to_fail_by_its_oracle_and_by_nothing_else() {
        let parts = all().expect("the parts need nothing but our own path");
        let controls: Vec<_> = parts.iter().filter(|part| part.name.starts_with("control ")).collect();
        assert_eq!(controls.len(), CAMPAIGNS.len());
        assert!(controls.iter().all(|part| part.expected == i32::from(VIOLATIONS_FOUND)));
    }
}
