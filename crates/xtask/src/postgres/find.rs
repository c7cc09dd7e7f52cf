//! Looks for the programs of a `PostgreSQL` server on this machine. Starts and installs nothing.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use crate::shell;

/// The oldest version that the product supports.
pub(super) const MAJOR_MIN: u32 = 15;

/// Folders with one version of `PostgreSQL` in each entry: where the entries lie, how their names begin, and where
/// the programs are inside.
const VERSIONED: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),         // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                  // the PostgreSQL project's packages for Red Hat
    ("/opt/homebrew/opt", "postgresql", "bin"), // Homebrew on Apple silicon
    ("/usr/local/opt", "postgresql", "bin"),    // Homebrew on Intel
    ("/home/linuxbrew/.linuxbrew/opt", "postgresql", "bin"),
];

/// The programs of one `PostgreSQL` server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Installation {
    pub bin: PathBuf,
    /// What must be copied for the programs to work elsewhere.
    pub prefix: PathBuf,
    pub version: String,
    pub major: u32,
}

impl Installation {
    /// Asks the server in a folder for its version.
    pub(crate) fn inspect(bin: &Path) -> anyhow::Result<Self> {
        for program in ["initdb", "pg_ctl", "postgres"] {
            ensure!(bin.join(program).is_file(), "there is no `{program}` in {}", bin.display());
        }
        let said = shell::output(Command::new(bin.join("postgres")).arg("--version"))?;
        let (version, major) =
            version(&said).with_context(|| format!("cannot read a version in {said:?}"))?;
        // A link in PATH leads to the folder where everything else lies that the server needs.
        let server = bin.join("postgres").canonicalize().context("cannot follow the link `postgres`")?;
        let bin = server.parent().unwrap_or(bin).to_path_buf();
        let prefix = bin.parent().unwrap_or(&bin).to_path_buf();
        Ok(Self { bin, prefix, version, major })
    }
}

/// The first usable installation, of one major version when that matters. `PG_BIN` is an order, not a hint: when
/// it is wrong that is an error.
pub(super) fn find(wanted: Option<u32>) -> anyhow::Result<Option<Installation>> {
    if let Some(bin) = std::env::var_os("PG_BIN") {
        let found =
            Installation::inspect(Path::new(&bin)).context("PG_BIN does not name a PostgreSQL server")?;
        if !usable(&found, wanted) {
            bail!("PG_BIN names PostgreSQL {}, wanted is {}", found.version, range(wanted));
        }
        return Ok(Some(found));
    }
    let found = path().into_iter().chain(pg_config()).chain(versioned());
    Ok(found.filter_map(|bin| Installation::inspect(&bin).ok()).find(|found| usable(found, wanted)))
}

/// What was wanted, for messages.
pub(super) fn range(wanted: Option<u32>) -> String {
    wanted.map_or_else(|| format!("{MAJOR_MIN} or newer"), |major| major.to_string())
}

fn usable(found: &Installation, wanted: Option<u32>) -> bool {
    wanted.map_or(found.major >= MAJOR_MIN, |major| found.major == major)
}

fn path() -> Vec<PathBuf> {
    std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect()).unwrap_or_default()
}

/// Debian's `pg_config` belongs to the client library and may name a folder without a server: `inspect` decides.
fn pg_config() -> Option<PathBuf> {
    let said = shell::output(Command::new("pg_config").arg("--bindir")).ok()?;
    Some(PathBuf::from(said.trim()))
}

/// The folders that packages use, newest version first.
fn versioned() -> Vec<PathBuf> {
    let mut found = Vec::new();
    for (parent, begin, inside) in VERSIONED {
        for entry in std::fs::read_dir(parent).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if let Some(rest) = name.strip_prefix(begin) {
                found.push((major_in(rest), entry.path().join(inside)));
            }
        }
    }
    found.sort_by_key(|(major, _)| Reverse(*major));
    found.into_iter().map(|(_, bin)| bin).collect()
}

/// The number in `15`, `@15` or nothing (Homebrew's plain `postgresql` is some version: tried last).
fn major_in(name: &str) -> u32 {
    name.trim_start_matches('@').parse().unwrap_or(0)
}

/// `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)` is ("15.18", 15).
fn version(said: &str) -> Option<(String, u32)> {
    let version = said.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()))?;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    Some((version.to_owned(), digits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_read_from_what_the_server_says() {
        let check = |said, expected: Option<(&str, u32)>| {
            assert_eq!(version(said), expected.map(|(version, major)| (version.to_owned(), major)));
        };
        check("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n", Some(("15.18", 15)));
        check("postgres (PostgreSQL) 18.6\n", Some(("18.6", 18)));
        check("postgres (PostgreSQL) 19beta1\n", Some(("19beta1", 19)));
        check("bash: postgres: command not found", None);
    }

    #[test]
    fn an_old_server_is_not_used() {
        let found = |major: u32| Installation {
            bin: PathBuf::new(),
            prefix: PathBuf::new(),
            version: major.to_string(),
            major,
        };
        assert!(!usable(&found(14), None));
        assert!(usable(&found(15), None));
        assert!(!usable(&found(15), Some(16)));
        assert!(usable(&found(14), Some(14)), "an explicit order is followed");
    }

    #[test]
    fn the_newest_of_several_names_wins() {
        assert_eq!(major_in("15"), 15);
        assert_eq!(major_in("@18"), 18);
        assert_eq!(major_in(""), 0);
    }
}
