//! The settings that several commands share. All are read and checked before anything is opened.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use eventstore::Durability;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::Sources;
use crate::data_folder::{DataFolder, Freshness, admin_socket, master_key_file};
use crate::erasures::ErasureList;
use crate::store::{Access, Notify, StoreOptions, StoreUrl};
use crate::vault::MasterKeys;

/// Where the store is.
#[derive(Clone, Debug, Args)]
pub(super) struct StoreArgs {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE. To a server elsewhere with
    /// ?sslmode=verify-full&sslrootcert=FILE, the certificates of who signs for it; sslcert and sslkey name one of ours
    #[arg(
        long,
        global = true,
        env = "USER_SERVICE_STORE",
        default_value = "sqlite:data/user-service.db",
        hide_env_values = true
    )]
    pub(super) store: StoreUrl,
    /// The same database as its owner, for migrations (PostgreSQL); --store's if absent
    #[arg(long, global = true, env = "USER_SERVICE_MIGRATION_URL", hide_env_values = true)]
    migration_url: Option<SecretString>,
    /// The schema of this directory (PostgreSQL): another tenant is another schema
    #[arg(long, global = true, env = "USER_SERVICE_SCHEMA", default_value = "user_service")]
    schema: String,
    /// Open a store whose settings give up durability. Acknowledged changes may then be lost in a power cut
    #[arg(long, global = true, env = "USER_SERVICE_ACCEPT_WEAK_DURABILITY")]
    accept_weak_durability: bool,
    /// Neither tell other instances of changes nor listen to them (PostgreSQL): for a pooler that does not keep sessions.
    /// What follows the log then looks about once a second
    #[arg(long, global = true, env = "USER_SERVICE_WITHOUT_NOTIFY")]
    without_notify: bool,
}

impl StoreArgs {
    /// Where the data is, for people: without the password.
    pub(super) fn shown(&self) -> String {
        match &self.store {
            StoreUrl::Sqlite(path) => path.display().to_string(),
            StoreUrl::Postgres(url) => {
                let place = url.expose_secret().rsplit(['@', '/']).take(2).collect::<Vec<_>>();
                let place: Vec<_> =
                    place.iter().rev().map(|part| part.split('?').next().unwrap_or(part)).collect();
                format!("PostgreSQL {}, schema {}", place.join("/"), self.schema)
            }
        }
    }

    pub(super) fn options(&self, access: Access) -> StoreOptions {
        let durability =
            if self.accept_weak_durability { Durability::MayBeWeakened } else { Durability::Required };
        StoreOptions {
            migration_url: self.migration_url.clone(),
            schema: self.schema.clone(),
            durability,
            access,
            notify: if self.without_notify { Notify::Off } else { Notify::On },
            ..StoreOptions::at(self.store.clone())
        }
    }
}

/// Which running service is meant.
#[derive(Clone, Debug, Args)]
pub(super) struct AdminArgs {
    #[command(flatten)]
    pub(super) store: StoreArgs,
    /// The service's admin socket; that of the data folder if absent. A service on PostgreSQL has one if it was started
    /// with --admin-socket
    #[arg(long, global = true, env = "USER_SERVICE_ADMIN_SOCKET")]
    admin_socket: Option<PathBuf>,
}

impl AdminArgs {
    /// Where it is reached.
    pub(super) fn socket(&self) -> anyhow::Result<PathBuf> {
        self.known_socket()
            .context("say --admin-socket: the one that the service on PostgreSQL was started with")
    }

    /// The same for who can do without a service.
    pub(super) fn known_socket(&self) -> Option<PathBuf> {
        match (&self.admin_socket, &self.store.store) {
            (Some(socket), _) => Some(socket.clone()),
            (None, StoreUrl::Sqlite(path)) => Some(admin_socket(DataFolder::of(path))),
            (None, StoreUrl::Postgres(_)) => None,
        }
    }
}

/// Where erasures are written down.
#[derive(Clone, Debug, Args)]
pub(super) struct ErasureArgs {
    /// Where erasures are written down beside the store: whoever is on it is erased from a restored backup before it is
    /// served. Keep it out of the store's backups [default: erasures.jsonl beside an embedded store, none on PostgreSQL]
    #[arg(long, env = "USER_SERVICE_ERASURE_LIST")]
    erasure_list: Option<PathBuf>,
}

impl ErasureArgs {
    /// The list of a store, if it has one.
    pub(super) fn list(&self, store: &StoreUrl) -> Option<ErasureList> {
        match (&self.erasure_list, store) {
            (Some(path), _) => Some(ErasureList::at(path)),
            (None, StoreUrl::Sqlite(path)) => {
                Some(ErasureList::at(&DataFolder::of(path).join("erasures.jsonl")))
            }
            (None, StoreUrl::Postgres(_)) => None,
        }
    }
}

/// Where the master key comes from. Never from the command line, which every process of the machine can read.
#[derive(Clone, Debug, Args)]
pub(super) struct KeyArgs {
    /// A file with the master key: 64 hex digits. Without it and `USER_SERVICE_MASTER_KEY`, an embedded store keeps one
    /// in its data folder
    #[arg(long, global = true, env = "USER_SERVICE_MASTER_KEY_FILE")]
    master_key_file: Option<PathBuf>,
    /// The master key itself
    #[arg(skip = master_key_from_environment())]
    master_key: Option<SecretString>,
    /// A file with older master keys, one a line, that still read what they wrapped
    #[arg(long, global = true, env = "USER_SERVICE_OLD_MASTER_KEYS_FILE")]
    old_master_keys_file: Option<PathBuf>,
}

fn master_key_from_environment() -> Option<SecretString> {
    std::env::var("USER_SERVICE_MASTER_KEY").ok().filter(|key| !key.is_empty()).map(SecretString::from)
}

impl KeyArgs {
    /// The master key as it was given: in the environment, or in a file.
    fn given(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
        if let Some(key) = &self.master_key {
            return Ok(Some(Zeroizing::new(key.expose_secret().to_owned())));
        }
        self.master_key_file.as_ref().map(read_secret).transpose()
    }

    /// The master key of a store that exists.
    pub(super) fn of_existing(&self, store: &StoreUrl) -> anyhow::Result<MasterKeys> {
        let given = match (self.given()?, store) {
            (Some(key), _) => key,
            (None, StoreUrl::Sqlite(path)) => read_secret(&master_key_file(DataFolder::of(path)))?,
            (None, StoreUrl::Postgres(_)) => return Err(missing()),
        };
        self.parse(&given)
    }

    /// The master key of a store that may have to be made: as it was given, else the one that the data folder keeps, or is
    /// made to keep.
    pub(super) fn of_store(
        &self,
        store: &StoreUrl,
        folder: Option<&DataFolder>,
        sources: &Sources,
    ) -> anyhow::Result<(MasterKeys, Freshness)> {
        if let Some(given) = self.given()? {
            return Ok((self.parse(&given)?, Freshness::Kept));
        }
        match (store, folder) {
            (StoreUrl::Sqlite(path), Some(folder)) => {
                let (key, freshness) = folder.master_key(path, sources)?;
                Ok((self.parse(&key)?, freshness))
            }
            (StoreUrl::Sqlite(_) | StoreUrl::Postgres(_), _) => Err(missing()),
        }
    }

    /// Together with the older ones.
    fn parse(&self, current: &str) -> anyhow::Result<MasterKeys> {
        let older = self.old_master_keys_file.as_ref().map(read_secret).transpose()?.unwrap_or_default();
        let older: Vec<&str> = older.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Ok(MasterKeys::parse(current, &older)?)
    }
}

/// The master key that is to take the place of the current one, if it was given.
pub(super) fn new_master_key(file: Option<&PathBuf>) -> anyhow::Result<Option<MasterKeys>> {
    let in_environment = std::env::var("USER_SERVICE_NEW_MASTER_KEY").ok().filter(|key| !key.is_empty());
    let given = match (in_environment, file) {
        (Some(key), _) => Some(Zeroizing::new(key)),
        (None, file) => file.map(read_secret).transpose()?,
    };
    Ok(given.map(|key| MasterKeys::parse(&key, &[])).transpose()?)
}

/// Says that a master key was made, if it was.
pub(super) fn announce_key(store: &StoreUrl, freshness: Freshness) {
    if let (Freshness::Fresh, StoreUrl::Sqlite(path)) = (freshness, store) {
        say!();
        say!("  !! A master key was made: {}", master_key_file(DataFolder::of(path)).display());
        say!(
            "  !! Keep a copy of it elsewhere. Whoever loses it has lost every user: nothing can be read without it."
        );
    }
}

fn missing() -> anyhow::Error {
    anyhow::anyhow!(
        "on PostgreSQL the master key must be given: 64 hex digits (openssl rand -hex 32) in USER_SERVICE_MASTER_KEY \
         or in a file (--master-key-file). Keep a copy: without it nobody can read the store"
    )
}

pub(super) fn read_secret(path: &PathBuf) -> anyhow::Result<Zeroizing<String>> {
    fs::read_to_string(path).map(Zeroizing::new).with_context(|| format!("cannot read {}", path.display()))
}
