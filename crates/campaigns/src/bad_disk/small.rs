//! A disk that is soon full: a file system in memory of its own. Where none can be mounted, the shim lets no file grow.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::shim::{Order, Shim, open_folder};

/// What the system calls "no space left on device".
const ENOSPC: i64 = 28;

/// If this is set, nothing is mounted: for whoever wants to see the shim at work.
const WITHOUT_MOUNTING: &str = "CAMPAIGN_WITHOUT_MOUNTING";

/// What others give back meanwhile is taken at once.
const PAUSE: Duration = Duration::from_millis(5);

const CHUNK: usize = 1 << 20;

/// The disk, and the shim that whoever writes to it has.
#[derive(Debug)]
pub(super) struct SmallDisk {
    pub(super) root: PathBuf,
    pub(super) shim: Shim,
    mounted: Mounted,
    _folder: TempDir,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mounted {
    Yes,
    No,
}

impl SmallDisk {
    pub(super) async fn new(mebibytes: u32) -> anyhow::Result<Self> {
        let folder = open_folder()?;
        let root = folder.path().join("disk");
        std::fs::create_dir(&root)?;
        let mounted = match mount(&root, mebibytes).await {
            Ok(()) => Mounted::Yes,
            Err(refused) => {
                println!("no file system can be mounted here ({refused:#}): a shim lets no file grow");
                Mounted::No
            }
        };
        let shim = Shim::over(&root, None).await?;
        Ok(Self { root, shim, mounted, _folder: folder })
    }

    /// Fills it, and keeps it full until the answer is given back.
    pub(super) fn fill(&self) -> anyhow::Result<Full> {
        match self.mounted {
            Mounted::No => {
                self.shim.order(Order::GrowthError, ENOSPC)?;
                Ok(Full::NothingGrows)
            }
            Mounted::Yes => {
                let (ballast, stop) = (self.root.join("ballast"), Arc::<AtomicBool>::default());
                take_all(&ballast)?;
                let keeping = tokio::spawn(keep_full(ballast.clone(), Arc::clone(&stop)));
                Ok(Full::Ballast { ballast, stop, keeping })
            }
        }
    }

    /// There is room again.
    pub(super) async fn make_room(&self, full: Full) -> anyhow::Result<()> {
        match full {
            Full::NothingGrows => self.shim.order(Order::GrowthError, 0),
            Full::Ballast { ballast, stop, keeping } => {
                stop.store(true, Ordering::Relaxed);
                keeping.await??;
                Ok(std::fs::remove_file(ballast)?)
            }
        }
    }
}

/// What keeps it full.
#[derive(Debug)]
pub(super) enum Full {
    NothingGrows,
    Ballast { ballast: PathBuf, stop: Arc<AtomicBool>, keeping: JoinHandle<anyhow::Result<()>> },
}

impl fmt::Display for SmallDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.mounted {
            Mounted::Yes => "a small file system",
            Mounted::No => "a shim that lets no file grow",
        })
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if self.mounted == Mounted::Yes {
            // Lazily: whoever has been killed may not be gone yet.
            let unmounted = std::process::Command::new("umount").arg("--lazy").arg(&self.root).status();
            if !unmounted.is_ok_and(|status| status.success()) {
                eprintln!("{} is left mounted", self.root.display());
            }
        }
    }
}

async fn mount(root: &Path, mebibytes: u32) -> anyhow::Result<()> {
    ensure!(std::env::var_os(WITHOUT_MOUNTING).is_none(), "{WITHOUT_MOUNTING} is set");
    let options = format!("size={mebibytes}m,mode=0777");
    let mut mount = Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &options, "campaign"]).arg(root);
    let output = mount.output().await.context("there is no mount")?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr).trim());
    Ok(())
}

async fn keep_full(ballast: PathBuf, stop: Arc<AtomicBool>) -> anyhow::Result<()> {
    while !stop.load(Ordering::Relaxed) {
        take_all(&ballast)?;
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Makes the ballast as large as there is room.
fn take_all(ballast: &Path) -> anyhow::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).open(ballast)?;
    let chunk = vec![0; CHUNK];
    loop {
        match file.write_all(&chunk) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}
