//! A disk whose power can be cut: what has been synced is there afterwards, and of the rest nobody knows.
//!
//! It is an ext4 file system of its own in a file, which is shut down as a crash of the machine would leave it. Where that
//! is not allowed, a shim keeps a copy of what is synced, and that is all that survives.

use std::fmt;
use std::fs::{File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use tempfile::TempDir;
use tokio::process::Command;
use tokio::time::sleep;

use crate::shim::{Environment, Order, Shim, open_folder};

/// If this is set, nothing is mounted: for whoever wants to see the shim at work.
const WITHOUT_MOUNTING: &str = "CAMPAIGN_WITHOUT_MOUNTING";

/// More than a campaign of a hundred cuts writes, with a server's own files. It takes no more than what is written.
const SIZE: u64 = 4 << 30;

/// The kernel lets a device go soon after its file system, not with it.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
const LOOKS_MAX: u32 = 500;

/// `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`: not even the journal is written.
const SHUTDOWN: &str = "
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
int main(int count, char **words) {
    uint32_t flags = 2;
    int fd = count == 2 ? open(words[1], O_RDONLY) : -1;
    return fd < 0 || ioctl(fd, _IOR('X', 125, uint32_t), &flags) ? 1 : 0;
}
";

/// A disk, and the folder that it shows.
#[derive(Debug)]
pub(super) struct Disk {
    /// What is stored on it.
    pub(super) root: PathBuf,
    instrument: Instrument,
    folder: TempDir,
}

#[derive(Debug)]
enum Instrument {
    /// The image, and the program that cuts the power.
    Ext4 {
        image: PathBuf,
        shutdown: PathBuf,
    },
    Shim {
        kept: PathBuf,
        shim: Shim,
    },
}

impl Disk {
    pub(super) async fn new() -> anyhow::Result<Self> {
        let folder = open_folder()?;
        let root = folder.path().join("disk");
        std::fs::create_dir(&root)?;
        let instrument = match ext4(folder.path(), &root).await {
            Ok(instrument) => instrument,
            Err(refused) => {
                println!("no file system can be mounted here ({refused:#}): a shim drops what is not synced");
                let kept = folder.path().join("kept");
                std::fs::create_dir(&kept)?;
                let shim = Shim::over(&root, Some(&kept)).await?;
                Instrument::Shim { kept, shim }
            }
        };
        open(&root)?;
        Ok(Self { root, instrument, folder })
    }

    /// What whoever stores something on it is started with.
    pub(super) fn environment(&self) -> Environment {
        match &self.instrument {
            Instrument::Ext4 { .. } => Environment::new(),
            Instrument::Shim { shim, .. } => shim.environment(),
        }
    }

    /// What has been put on it by others is synced, and may be changed by whoever owns it.
    pub(super) async fn settle(&self) -> anyhow::Result<()> {
        match &self.instrument {
            Instrument::Ext4 { .. } => run(Command::new("sync").arg("-f").arg(&self.root)).await,
            Instrument::Shim { kept, .. } => replace(kept, &self.root).await,
        }
    }

    /// From now on nothing reaches it, and whoever tries is told so.
    pub(super) async fn cut(&self) -> anyhow::Result<()> {
        match &self.instrument {
            Instrument::Ext4 { shutdown, .. } => run(Command::new(shutdown).arg(&self.root)).await,
            Instrument::Shim { shim, .. } => shim.order(Order::PowerOff, 1),
        }
    }

    /// The power is back. Nobody has anything of it open.
    pub(super) async fn come_back(&self) -> anyhow::Result<()> {
        match &self.instrument {
            Instrument::Ext4 { image, .. } => {
                run(Command::new("umount").arg(&self.root)).await?;
                let_go(image).await?;
                mount(image, &self.root).await
            }
            Instrument::Shim { kept, shim } => {
                replace(&self.root, kept).await?;
                shim.order(Order::PowerOff, 0)
            }
        }
    }
}

impl fmt::Display for Disk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.instrument {
            Instrument::Ext4 { .. } => "an ext4 file system that is shut down",
            Instrument::Shim { .. } => "a shim that drops what is not synced",
        })
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if let Instrument::Ext4 { .. } = self.instrument {
            // Lazily: whoever has been killed may not be gone yet. The device goes with the last of them.
            let unmounted = std::process::Command::new("umount").arg("--lazy").arg(&self.root).status();
            if !unmounted.is_ok_and(|status| status.success()) {
                eprintln!("{} is left mounted", self.folder.path().display());
            }
        }
    }
}

/// Makes and mounts it.
async fn ext4(folder: &Path, root: &Path) -> anyhow::Result<Instrument> {
    ensure!(std::env::var_os(WITHOUT_MOUNTING).is_none(), "{WITHOUT_MOUNTING} is set");
    let (image, shutdown) = (folder.join("image"), folder.join("shutdown"));
    let source = folder.join("shutdown.c");
    std::fs::write(&source, SHUTDOWN)?;
    run(Command::new("cc").arg("-o").arg(&shutdown).arg(&source)).await?;
    File::create(&image)?.set_len(SIZE)?;
    run(Command::new("mkfs.ext4").args(["-q", "-F", "-m", "0"]).arg(&image)).await?;
    mount(&image, root).await?;
    let instrument = Instrument::Ext4 { image: image.clone(), shutdown };
    // A kernel may mount and yet refuse to shut down.
    let tried = try_out(&instrument, root).await;
    run(Command::new("umount").arg(root)).await?;
    tried?;
    mount(&image, root).await?;
    Ok(instrument)
}

async fn try_out(instrument: &Instrument, root: &Path) -> anyhow::Result<()> {
    let Instrument::Ext4 { shutdown, .. } = instrument else { return Ok(()) };
    run(Command::new(shutdown).arg(root)).await.context("the kernel does not shut it down")
}

/// Waits until no device has the image any more: two of them would each have a cache of their own, and show what the other
/// has long written over.
async fn let_go(image: &Path) -> anyhow::Result<()> {
    for _ in 0..LOOKS_MAX {
        let devices = Command::new("losetup").arg("--associated").arg(image).output().await?;
        if devices.stdout.is_empty() {
            return Ok(());
        }
        sleep(BETWEEN_LOOKS).await;
    }
    bail!("a device keeps {}", image.display())
}

async fn mount(image: &Path, root: &Path) -> anyhow::Result<()> {
    run(Command::new("mount").args(["-o", "loop"]).arg(image).arg(root)).await
}

/// Gives a folder the content of another.
async fn replace(folder: &Path, by: &Path) -> anyhow::Result<()> {
    for entry in folder.read_dir()? {
        let path = entry?.path();
        if path.is_dir() { std::fs::remove_dir_all(path)? } else { std::fs::remove_file(path)? }
    }
    run(Command::new("cp").arg("-a").arg(by.join(".")).arg(folder)).await
}

/// Lets everybody in.
fn open(folder: &Path) -> anyhow::Result<()> {
    Ok(std::fs::set_permissions(folder, Permissions::from_mode(0o777))?)
}

async fn run(command: &mut Command) -> anyhow::Result<()> {
    let output = command.stdin(Stdio::null()).output().await.with_context(|| format!("{command:?}"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{}: {}", command.as_std().get_program().display(), said.trim());
    Ok(())
}
