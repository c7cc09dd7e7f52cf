//! `restore`: put a backup in the place of an embedded store, then do what every backup that was put back needs: erase again
//! whoever has been erased since it was made, and check everything.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args;
use eventstore::LogId;
use indicatif::{ProgressBar, ProgressStyle};

use super::Exit;
use super::backup::{partial, rename};
use super::doctor::{self, show};
use super::settings::{ErasureArgs, KeyArgs, StoreArgs};
use crate::data_folder::DataFolder;
use crate::directory::{Directory, Parts};
use crate::erasures::{self, ErasureList, RestoreError, Restored};
use crate::store::{Access, SqliteOpenError, StoreOptions, StoreUrl, check_pages};

const BAR: &str = "{wide_bar} {percent}% of {total_bytes}, {binary_bytes_per_sec}, {eta} left";

#[derive(Debug, Args)]
pub(super) struct RestoreArgs {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    erasures: ErasureArgs,
    /// A backup of an embedded store, to be put in its place. Without it the store itself is a backup that has been put back
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
    /// Also where a store is: what it holds is lost
    #[arg(long, requires = "from")]
    replace: bool,
}

pub(super) async fn restore(args: &RestoreArgs) -> anyhow::Result<Exit> {
    let store = &args.store.store;
    let list = args.erasures.list(store).context(
        "on PostgreSQL the list of erasures must be given: --erasure-list, the file that the service wrote",
    )?;
    let _folder = match store {
        StoreUrl::Sqlite(path) => Some(DataFolder::take(DataFolder::of(path))?),
        StoreUrl::Postgres(_) => None,
    };
    if let Some(backup) = &args.from {
        put_back(args, backup, &list).await?;
    }
    let options = args.store.options(Access::Owner);
    options.migrate().await?;
    let parts = Parts::of_an_operator(args.key.of_existing(store)?);
    let directory = Directory::open_existing(options.open().await?, parts).await?;
    let restored = reapply(&directory, &list).await?;
    if restored.erased_again == 0 {
        say!("Whoever is on the list is erased: nothing to do.");
    }
    let report = doctor::examine(&directory).await?;
    directory.store().close().await;
    Ok(show(&report))
}

/// Erases again, and says so.
pub(super) async fn reapply(directory: &Directory, list: &ErasureList) -> anyhow::Result<Restored> {
    let restored = erasures::reapply(directory, list).await.with_context(|| {
        format!("{}: the store is not served, it may hold somebody who was erased", list.path().display())
    })?;
    if restored.erased_again > 0 {
        say!(
            "  !! A restored backup: {} of {} listed erasures had been undone and were done again.",
            restored.erased_again,
            restored.listed
        );
    }
    Ok(restored)
}

/// The backup is copied and opened under another name first: one that is broken, or of another master key, or of another log
/// than the list of erasures, replaces nothing.
async fn put_back(args: &RestoreArgs, backup: &Path, list: &ErasureList) -> anyhow::Result<()> {
    let StoreUrl::Sqlite(store) = &args.store.store else {
        bail!("--from is for an embedded store. docs/operations.md says how PostgreSQL is restored");
    };
    if store.exists() && !args.replace {
        bail!("{} is there: move it away, or say --replace, and what it holds is lost", store.display());
    }
    let partial = partial(store);
    let tried = try_out(args, backup, &partial, list).await;
    // What was opened is closed, so these are empty. The copy is gone as well if it is not to be put in place.
    let leftovers =
        if tried.is_err() { &["-wal", "-shm", ".lock", ""][..] } else { &["-wal", "-shm", ".lock"] };
    remove(&partial, leftovers)?;
    tried?;
    // What was written ahead of the store that is replaced goes first: beside another file it would be taken for that one's.
    remove(store, &["-wal", "-shm"])?;
    rename(&partial, store)
}

async fn try_out(
    args: &RestoreArgs,
    backup: &Path,
    partial: &Path,
    list: &ErasureList,
) -> anyhow::Result<()> {
    copy(backup, partial)
        .with_context(|| format!("cannot copy {} to {}", backup.display(), partial.display()))?;
    check_pages(partial)?;
    let keys = args.key.of_existing(&args.store.store)?;
    let options =
        StoreOptions { url: StoreUrl::Sqlite(partial.to_owned()), ..args.store.options(Access::Reader) };
    // It may be of an older release.
    options.migrate().await?;
    let directory = Directory::open_existing(options.open().await?, Parts::of_an_operator(keys)).await?;
    let (head, log_id) = (directory.store().head().await?, directory.store().log_id());
    directory.store().close().await;
    say!("{} is of position {}", backup.display(), head.position.0);
    let nothing = || format!("{}: nothing is replaced", list.path().display());
    erasures::listed_of(list, log_id).with_context(nothing)?;
    keep_erasures(args, log_id, list).await.with_context(nothing)
}

/// What the store that is to be replaced knows of erasures goes onto the list while it is still there: its service may have
/// died before it wrote the last of them down, or the list may be an old one. Nobody is held up by a store that is broken; one
/// that is not, and yet cannot be opened, is left alone: it may know somebody who must not come back.
async fn keep_erasures(args: &RestoreArgs, log_id: LogId, list: &ErasureList) -> anyhow::Result<()> {
    let StoreUrl::Sqlite(path) = &args.store.store else { return Ok(()) };
    if !path.exists() {
        return Ok(());
    }
    let old = match args.store.options(Access::Reader).open().await {
        Ok(old) => old,
        Err(error) if is_broken(&error) => {
            unread(path, &error);
            return Ok(());
        }
        Err(error) => {
            let asked = format!(
                "{} cannot be asked who was erased in it: mend that, or move it away",
                path.display()
            );
            return Err(error.context(asked));
        }
    };
    // Whoever was erased in another log is not in this one.
    let kept = if old.log_id() == log_id { erasures::keep(&*old, list).await } else { Ok(()) };
    old.close().await;
    match kept {
        Err(RestoreError::Store(error)) => unread(path, &error.into()),
        kept => kept?,
    }
    Ok(())
}

/// Whether it is no store of ours, or none any more.
fn is_broken(error: &anyhow::Error) -> bool {
    let opening = error.chain().find_map(|cause| cause.downcast_ref::<SqliteOpenError>());
    matches!(opening, Some(SqliteOpenError::NotADatabase(_) | SqliteOpenError::NotALog(_)))
}

fn unread(path: &Path, error: &anyhow::Error) {
    say!(
        "  !! {} cannot be read ({error:#}): who was erased in it is erased again only if she is on the list.",
        path.display()
    );
}

/// For its owner alone, and on the disk.
fn copy(backup: &Path, partial: &Path) -> io::Result<()> {
    let source = File::open(backup)?;
    let bar = ProgressBar::new(source.metadata()?.len());
    let bar = bar.with_style(ProgressStyle::with_template(BAR).expect("it is a template"));
    let mut target = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(partial)?;
    let copied = io::copy(&mut bar.wrap_read(source), &mut target);
    bar.finish_and_clear();
    copied?;
    target.sync_all()
}

/// Removes files that belong to a store, where they are.
fn remove(store: &Path, parts: &[&str]) -> anyhow::Result<()> {
    for part in parts {
        let mut file = store.as_os_str().to_owned();
        file.push(part);
        match fs::remove_file(&file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("cannot remove {}", Path::new(&file).display()));
            }
            Ok(()) | Err(_) => {}
        }
    }
    Ok(())
}
