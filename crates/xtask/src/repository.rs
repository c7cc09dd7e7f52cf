//! Where things lie in this checkout.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use anyhow::Context;

/// The folder with the workspace's Cargo.toml. Cargo says at run time where this crate lies: where it was built may be
/// another checkout that shares the build folder.
pub(crate) fn root() -> &'static Path {
    static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let crates = Path::new(&own).parent().and_then(Path::parent);
        crates.expect("this crate lies in crates/xtask").to_path_buf()
    });
    &ROOT
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
