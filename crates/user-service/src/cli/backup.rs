//! `backup`: copy an embedded store to a file, beside whoever uses it, and check the copy before it gets its name.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use eventstore::Head;
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::doctor::{self, show};
use super::settings::{KeyArgs, StoreArgs};
use crate::data_folder::DataFolder;
use crate::directory::{Directory, Parts};
use crate::doctor::Report;
use crate::store::{Access, BackupLimits, StoreOptions, StoreUrl};
use crate::vault::MasterKeys;

const BAR: &str = "{wide_bar} {percent}% of {len} pages, {eta} left";

#[derive(Debug, Args)]
pub(super) struct BackupArgs {
    /// The file to make. It must not be there yet
    #[arg(long, value_name = "FILE")]
    to: PathBuf,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    /// Do not compare the copy with its own log, as `doctor` does: its pages alone are looked at, and no master key is needed
    #[arg(long)]
    no_verify: bool,
    /// By how many MiB the store's -wal file may grow meanwhile, before the copy is given up
    #[arg(long, value_name = "MIB", default_value_t = 1_024)]
    wal_growth_max_mib: u32,
}

pub(super) async fn back_up(args: &BackupArgs) -> anyhow::Result<Exit> {
    refuse_existing(&args.to)?;
    let verify = if args.no_verify { None } else { Some(args.key.of_existing(&args.store.store)?) };
    let partial = partial(&args.to);
    let made = make(args, &partial, verify).await;
    if made.is_err() {
        // What keeps it from going is worth less than why there is no backup.
        let _ = fs::remove_file(&partial);
    }
    made
}

/// The copy has another name until it is known to be whole.
async fn make(args: &BackupArgs, partial: &Path, verify: Option<MasterKeys>) -> anyhow::Result<Exit> {
    copy(args, partial).await?;
    let report = match verify {
        Some(keys) => {
            let (head, report) = examine(args.store.options(Access::Reader), partial, keys).await?;
            say!("A copy of the store at position {}{}", head.position.0, named(&head));
            Some(report)
        }
        None => None,
    };
    put_in_place(partial, &args.to)?;
    say!("{}", args.to.display());
    say!("It holds users' keys as the master key wrapped them: keep the two apart.");
    Ok(report.map_or(Exit::Success, |report| show(&report)))
}

async fn copy(args: &BackupArgs, partial: &Path) -> anyhow::Result<()> {
    // One that was left behind by a backup that was killed.
    let _ = fs::remove_file(partial);
    let limits = BackupLimits { wal_growth_bytes_max: u64::from(args.wal_growth_max_mib) * 1024 * 1024 };
    let (options, partial) = (args.store.options(Access::Reader), partial.to_owned());
    let bar = ProgressBar::new(0).with_style(ProgressStyle::with_template(BAR)?);
    let shown = bar.clone();
    let copying = tokio::task::spawn_blocking(move || {
        options.back_up(&partial, limits, |reached| {
            shown.set_length(reached.pages_total);
            shown.set_position(reached.pages);
        })
    });
    let copied = copying.await?;
    bar.finish_and_clear();
    copied
}

async fn examine(options: StoreOptions, copy: &Path, keys: MasterKeys) -> anyhow::Result<(Head, Report)> {
    let options = StoreOptions { url: StoreUrl::Sqlite(copy.to_owned()), ..options };
    let directory = Directory::open_existing(options.open().await?, Parts::of_an_operator(keys)).await?;
    let head = directory.store().head().await?;
    let report = doctor::examine(&directory).await?;
    directory.store().close().await;
    Ok((head, report))
}

fn named(head: &Head) -> String {
    match (head.event_id, head.recorded_at) {
        (Some(event), Some(at)) => format!(", event {} of {at}", event.0),
        (_, _) => String::new(),
    }
}

fn refuse_existing(path: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(path).is_ok() {
        bail!("{} is there already: give another name", path.display());
    }
    Ok(())
}

/// In the same folder, so that it can be renamed.
pub(super) fn partial(path: &Path) -> PathBuf {
    path.with_added_extension("partial")
}

/// Gives a file that is whole and on the disk its name, for good. Nobody's file is replaced.
fn put_in_place(partial: &Path, path: &Path) -> anyhow::Result<()> {
    refuse_existing(path)?;
    rename(partial, path)
}

/// The same over whatever has that name.
pub(super) fn rename(partial: &Path, path: &Path) -> anyhow::Result<()> {
    fs::rename(partial, path).with_context(|| format!("cannot make {}", path.display()))?;
    let folder = DataFolder::of(path);
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.with_context(|| format!("cannot sync {}", folder.display()))
}
