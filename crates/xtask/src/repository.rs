//! Where things lie in this checkout.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context;

/// The folder with the workspace's Cargo.toml.
pub(crate) fn root() -> &'static Path {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent();
    crates.and_then(Path::parent).expect("this crate lies in crates/xtask")
}

/// Cargo's build folder. Taken from where this program itself was built, so that `CARGO_TARGET_DIR` and
/// `build.target-dir` are respected without asking Cargo.
pub(crate) fn target_dir() -> anyhow::Result<PathBuf> {
    let xtask = std::env::current_exe().context("cannot tell where this program lies")?;
    let profile = xtask.parent().and_then(Path::parent);
    Ok(profile.context("this program does not lie in Cargo's build folder")?.to_path_buf())
}

/// The Cargo that started this program, run from the root of the workspace.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}
