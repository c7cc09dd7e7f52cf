//! Where a cluster's data lies and how much memory it may take, by what it is for.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::repository;
use crate::shell;

/// Free memory that the tests' cluster wants before it lies in memory: containers often have 64 MB there.
const MEMORY_KIB_MIN: u64 = 4 * 1024 * 1024;

/// What a cluster is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Purpose {
    /// Many small databases that live for seconds: in memory where there is room.
    Tests,
    /// Long runs under load: on disk, which also takes more than memory has.
    Campaign,
    /// Timed runs: on disk, with the memory that a server of its own would be given.
    Benchmark,
}

impl Purpose {
    /// Folders to try, in order, for a new folder of the cluster's own.
    pub(crate) fn parents(self) -> Vec<PathBuf> {
        let disk = [std::env::temp_dir(), PathBuf::from("/var/tmp"), PathBuf::from("/tmp")];
        match self {
            Self::Tests => memory().into_iter().chain(disk).collect(),
            Self::Campaign => disk.to_vec(),
            // /tmp may itself lie in memory, where a commit costs nothing and a measurement says nothing.
            Self::Benchmark => {
                let build = repository::target_dir().ok().filter(|build| !in_memory(build));
                build.into_iter().chain(disk).filter(|folder| !in_memory(folder)).collect()
            }
        }
    }

    /// Lines of postgresql.conf. Durability stays as in production: the stores read it at start-up and refuse
    /// weaker settings.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Tests | Self::Campaign => "shared_buffers = 128MB\nmax_wal_size = 1GB\n",
            Self::Benchmark => "shared_buffers = 1GB\nmax_wal_size = 4GB\n",
        }
    }
}

/// The file system in memory that Linux has, when it is large enough.
fn memory() -> Option<PathBuf> {
    let folder = PathBuf::from("/dev/shm");
    let table = shell::output(Command::new("df").arg("-Pk").arg(&folder)).ok()?;
    (free_kib(&table)? >= MEMORY_KIB_MIN).then_some(folder)
}

fn in_memory(folder: &Path) -> bool {
    let table = shell::output(Command::new("df").arg("-Pk").arg(folder));
    table.is_ok_and(|table| table.lines().nth(1).is_some_and(|line| line.starts_with("tmpfs")))
}

/// The column "Available" of `df -Pk`.
fn free_kib(table: &str) -> Option<u64> {
    table.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_space_is_the_fourth_column() {
        let table = "Filesystem 1024-blocks Used Available Capacity Mounted on\n\
                     tmpfs            65536    0     65530       0% /dev/shm\n";
        assert_eq!(free_kib(table), Some(65530));
        assert_eq!(free_kib("df: /dev/shm: No such file or directory"), None);
    }
}
