//! `cargo xtask deny`: licences, bans and sources of every dependency, as deny.toml says. Advisories are left to
//! whoever has the network for them: `cargo deny check advisories`.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::repository::{cargo, root, target_dir};
use crate::shell;

/// Pinned: a new version may judge differently, and that is a change of ours to make.
const VERSION: &str = "0.20.2";

pub(crate) fn run() -> anyhow::Result<ExitCode> {
    let mut check = Command::new(program()?);
    check.current_dir(root()).args(["--all-features", "check", "licenses", "bans", "sources"]);
    Ok(if shell::show(&mut check)?.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The user's own when it is this version, else one that is built once into Cargo's build folder.
fn program() -> anyhow::Result<PathBuf> {
    let tools = target_dir()?.join("tools");
    let own = tools.join("bin").join("cargo-deny");
    if let Some(found) = [PathBuf::from("cargo-deny"), own.clone()].into_iter().find(is_wanted) {
        return Ok(found);
    }
    let mut install = cargo();
    // Unoptimised: built in a minute and a half instead of several, and it runs for two seconds.
    install.args(["install", "--quiet", "--locked", "--debug", "cargo-deny", "--version", VERSION]);
    // Without a build folder of its own Cargo takes a temporary one and deletes it: a gigabyte.
    install.arg("--root").arg(&tools).env_remove("CARGO_TARGET_DIR");
    shell::run(&mut install)?;
    Ok(own)
}

fn is_wanted(program: &PathBuf) -> bool {
    let said = shell::output(Command::new(program).arg("--version"));
    said.is_ok_and(|said| said.split_whitespace().any(|word| word == VERSION))
}
