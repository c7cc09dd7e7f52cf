//! The folder of the embedded store: the file, its master key, a lock, and the socket of whoever runs it.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use zeroize::Zeroizing;

use crate::Sources;
use crate::vault::MasterKeys;

/// A data folder that belongs to this process until it is dropped.
#[derive(Debug)]
pub(crate) struct DataFolder {
    path: PathBuf,
    _lock: File,
}

impl DataFolder {
    /// Makes the folder if there is none, for its owner alone, and takes it. Two services never share one.
    pub(crate) fn take(path: &Path) -> anyhow::Result<Self> {
        let mut builder = fs::DirBuilder::new();
        builder
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&lock_path);
        let lock = lock.with_context(|| format!("cannot open {}", lock_path.display()))?;
        if lock.try_lock().is_err() {
            bail!("another service is using {}; stop it, or give another --store", path.display());
        }
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The folder of a store file.
    #[must_use]
    pub(crate) fn of(store: &Path) -> &Path {
        store.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    /// Where whoever runs the service reaches it.
    #[must_use]
    pub(crate) fn admin_socket(&self) -> PathBuf {
        admin_socket(&self.path)
    }

    /// The master key of this folder; a fresh one if the store is to be made as well. Says whether it is fresh.
    pub(crate) fn master_key(
        &self,
        store: &Path,
        sources: &Sources,
    ) -> anyhow::Result<(Zeroizing<String>, Freshness)> {
        let path = master_key_file(&self.path);
        match fs::read_to_string(&path) {
            Ok(text) => return Ok((Zeroizing::new(text), Freshness::Kept)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
        if store.exists() {
            bail!(
                "{} is missing, and without it nobody can read {}: restore it, or give the key in \
                 USER_SERVICE_MASTER_KEY",
                path.display(),
                store.display()
            );
        }
        let key = MasterKeys::generate(sources);
        write_secret(&path, &key).with_context(|| format!("cannot write {}", path.display()))?;
        Ok((key, Freshness::Fresh))
    }
}

/// Whether a master key was made just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Freshness {
    /// Just now: its owner has to hear about it.
    Fresh,
    /// It was there.
    Kept,
}

/// Where the master key of a folder is kept.
#[must_use]
pub(crate) fn master_key_file(folder: &Path) -> PathBuf {
    folder.join("master.key")
}

/// Where whoever runs the service of a folder reaches it.
#[must_use]
pub(crate) fn admin_socket(folder: &Path) -> PathBuf {
    folder.join("admin.sock")
}

/// For its owner alone, and on the disk before anything is encrypted with it. A crash leaves no half of it behind.
fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(secret.as_bytes())?;
    file.write_all(b"\n")?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_one_owner_at_a_time() {
        let folder = tempfile::tempdir().expect("there is room");
        let first = DataFolder::take(folder.path()).expect("it is free");
        let refused = DataFolder::take(folder.path()).expect_err("it is taken");
        assert!(refused.to_string().contains("another service"), "{refused}");
        drop(first);
        DataFolder::take(folder.path()).expect("it is free again");
    }

    #[test]
    fn a_master_key_is_made_once_for_its_owner_alone() {
        let folder = tempfile::tempdir().expect("there is room");
        let (store, sources) = (folder.path().join("store.db"), Sources::system());
        let taken = DataFolder::take(folder.path()).expect("it is free");
        let (key, freshness) = taken.master_key(&store, &sources).expect("there is room");
        assert_eq!(freshness, Freshness::Fresh);
        let mode = fs::metadata(master_key_file(folder.path())).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let (again, freshness) = taken.master_key(&store, &sources).expect("it is there");
        assert_eq!((again.trim(), freshness), (key.trim(), Freshness::Kept));
    }

    #[test]
    fn a_store_without_its_key_gets_no_other() {
        let folder = tempfile::tempdir().expect("there is room");
        let store = folder.path().join("store.db");
        fs::write(&store, "a store").expect("there is room");
        let taken = DataFolder::take(folder.path()).expect("it is free");
        let refused = taken.master_key(&store, &Sources::system()).expect_err("its key is missing");
        assert!(refused.to_string().contains("is missing"), "{refused}");
    }
}
