//! A library that is preloaded into a process, and breaks the disk or the clock under it when it is told to. It is built where
//! it is needed: whoever builds Rust has a C compiler.

use std::fs::{File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::process::Command;

/// What a process is started with.
pub(crate) type Environment = Vec<(&'static str, String)>;

const SOURCE: &str = include_str!("shim.c");

/// What can be ordered, by its place in the page that processes look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What each sync fails with: a number of the system's.
    SyncError,
    /// What each write fails with that makes a file longer.
    GrowthError,
    /// How much longer a sync takes.
    SyncMicroseconds,
    /// By how much the clock is wrong.
    ClockSeconds,
    /// Nothing is written any more.
    PowerOff,
}

/// How many there are.
const ORDERS: u64 = 5;

/// The library, and the page by which those who have it are told.
#[derive(Debug)]
pub(crate) struct Shim {
    object: PathBuf,
    page: PathBuf,
    orders: File,
    root: PathBuf,
    /// Where what has been synced is kept besides.
    kept: Option<PathBuf>,
    _folder: TempDir,
}

impl Shim {
    /// One that meddles with what lies under a folder, and keeps what is synced in another.
    pub(crate) async fn over(root: &Path, kept: Option<&Path>) -> anyhow::Result<Self> {
        let folder = open_folder()?;
        let (object, page) = (folder.path().join("shim.so"), folder.path().join("orders"));
        let source = folder.path().join("shim.c");
        std::fs::write(&source, SOURCE)?;
        let mut cc = Command::new("cc");
        cc.args(["-shared", "-fPIC", "-O2", "-o"]).arg(&object).arg(&source).stdin(Stdio::null());
        let built = cc.output().await.context("there is no C compiler: cc")?;
        ensure!(
            built.status.success(),
            "the shim cannot be built: {}",
            String::from_utf8_lossy(&built.stderr)
        );
        let orders = File::create(&page)?;
        orders.set_len(ORDERS * 8)?;
        // Whoever runs as somebody else reads them, too.
        for path in [&object, &page] {
            std::fs::set_permissions(path, Permissions::from_mode(0o755))?;
        }
        // Processes see their files by the names that the system gives them.
        let root = root.canonicalize()?;
        let kept = kept.map(Path::canonicalize).transpose()?;
        Ok(Self { object, page, orders, root, kept, _folder: folder })
    }

    /// What a process is started with to have it.
    pub(crate) fn environment(&self) -> Environment {
        let mut environment = vec![
            ("LD_PRELOAD", self.object.display().to_string()),
            ("CAMPAIGN_ORDERS", self.page.display().to_string()),
            ("CAMPAIGN_ROOT", self.root.display().to_string()),
        ];
        environment.extend(self.kept.iter().map(|kept| ("CAMPAIGN_KEPT", kept.display().to_string())));
        environment
    }

    /// Everybody who has it sees to it at once; zero takes an order back.
    pub(crate) fn order(&self, order: Order, value: i64) -> anyhow::Result<()> {
        Ok(self.orders.write_all_at(&value.to_ne_bytes(), 8 * order as u64)?)
    }
}

/// A folder that every user of the machine can enter.
pub(crate) fn open_folder() -> anyhow::Result<TempDir> {
    let folder = tempfile::Builder::new().prefix("campaign-").tempdir().context("no room for a folder")?;
    std::fs::set_permissions(&folder, Permissions::from_mode(0o755))?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the system calls "no space left on device".
    const ENOSPC: i64 = 28;

    /// Whether a process that has the shim can make a file longer, and brings it to the disk.
    async fn writes(shim: &Shim, file: &Path) -> bool {
        let mut dd = Command::new("dd");
        dd.args(["if=/dev/zero", "bs=100", "count=1", "conv=fsync,notrunc"])
            .arg(format!("of={}", file.display()));
        dd.envs(shim.environment()).output().await.expect("dd is everywhere").status.success()
    }

    #[tokio::test]
    async fn what_is_not_synced_is_not_kept_and_errors_are_as_ordered() {
        let (root, kept) = (open_folder().expect("there is room"), open_folder().expect("there is room"));
        let shim = Shim::over(root.path(), Some(kept.path())).await.expect("it can be built");
        assert!(writes(&shim, &root.path().join("synced")).await);
        let mut sh = Command::new("sh");
        sh.args(["-c", "printf lost > \"$0\""]).arg(root.path().join("unsynced")).envs(shim.environment());
        assert!(sh.status().await.expect("sh is everywhere").success());
        let survives = |name| std::fs::read(kept.path().join(name)).map(|bytes| bytes.len()).ok();
        assert_eq!((survives("synced"), survives("unsynced")), (Some(100), None));
        for order in [Order::SyncError, Order::GrowthError, Order::PowerOff] {
            shim.order(order, ENOSPC).expect("it is our file");
            assert!(!writes(&shim, &root.path().join(format!("{order:?}"))).await, "{order:?}");
            shim.order(order, 0).expect("it is our file");
        }
        assert!(writes(&shim, &root.path().join("more")).await);
    }

    #[tokio::test]
    async fn the_clock_is_wrong_by_what_is_ordered() {
        let root = open_folder().expect("there is room");
        let shim = Shim::over(root.path(), None).await.expect("it can be built");
        shim.order(Order::ClockSeconds, -1_000_000_000).expect("it is our file");
        let mut date = Command::new("date");
        let said = date.arg("+%s").envs(shim.environment()).output().await.expect("date is everywhere");
        let shown: i64 = String::from_utf8_lossy(&said.stdout).trim().parse().expect("a number");
        let now = std::time::SystemTime::UNIX_EPOCH.elapsed().expect("it is later").as_secs();
        assert!(now.cast_signed() - shown >= 999_999_000, "{shown}");
    }
}
