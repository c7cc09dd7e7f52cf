//! The settings that several commands share. All are read and checked before anything is opened.

use std::fs;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use eventstore::Durability;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use crate::data_folder::DataFolder;
use crate::data_folder::master_key_file;
use crate::store::{Access, StoreOptions, StoreUrl};
use crate::vault::MasterKeys;

/// Where the store is.
#[derive(Clone, Debug, Args)]
pub(super) struct StoreArgs {
    /// sqlite:PATH or postgres://USER:PASSWORD@HOST:PORT/DATABASE
    #[arg(
        long,
        env = "USER_SERVICE_STORE",
        default_value = "sqlite:data/user-service.db",
        hide_env_values = true
    )]
    pub(super) store: StoreUrl,
    /// The same database as its owner, for migrations (PostgreSQL); --store's if absent
    #[arg(long, env = "USER_SERVICE_MIGRATION_URL", hide_env_values = true)]
    migration_url: Option<SecretString>,
    /// The schema of this directory (PostgreSQL): another tenant is another schema
    #[arg(long, env = "USER_SERVICE_SCHEMA", default_value = "user_service")]
    schema: String,
    /// Open a store whose settings give up durability. Acknowledged changes may then be lost in a power cut
    #[arg(long)]
    accept_weak_durability: bool,
}

impl StoreArgs {
    pub(super) fn options(&self, access: Access) -> StoreOptions {
        let durability =
            if self.accept_weak_durability { Durability::MayBeWeakened } else { Durability::Required };
        StoreOptions {
            migration_url: self.migration_url.clone(),
            schema: self.schema.clone(),
            durability,
            access,
            ..StoreOptions::at(self.store.clone())
        }
    }
}

/// Where the master key comes from. Never from the command line, which every process of the machine can read.
#[derive(Clone, Debug, Args)]
pub(super) struct KeyArgs {
    /// A file with the master key: 64 hex digits. Without it and `USER_SERVICE_MASTER_KEY`, an embedded store keeps one
    /// in its data folder
    #[arg(long, env = "USER_SERVICE_MASTER_KEY_FILE")]
    master_key_file: Option<PathBuf>,
    /// The master key itself
    #[arg(skip = master_key_from_environment())]
    master_key: Option<SecretString>,
    /// A file with older master keys, one a line, that still read what they wrapped
    #[arg(long, env = "USER_SERVICE_OLD_MASTER_KEYS_FILE")]
    old_master_keys_file: Option<PathBuf>,
}

fn master_key_from_environment() -> Option<SecretString> {
    std::env::var("USER_SERVICE_MASTER_KEY").ok().filter(|key| !key.is_empty()).map(SecretString::from)
}

impl KeyArgs {
    /// The master key as it was given: in the environment, or in a file.
    pub(super) fn given(&self) -> anyhow::Result<Option<Zeroizing<String>>> {
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

    /// Together with the older ones.
    pub(super) fn parse(&self, current: &str) -> anyhow::Result<MasterKeys> {
        let older = self.old_master_keys_file.as_ref().map(read_secret).transpose()?.unwrap_or_default();
        let older: Vec<&str> = older.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Ok(MasterKeys::parse(current, &older)?)
    }
}

pub(super) fn missing() -> anyhow::Error {
    anyhow::anyhow!(
        "on PostgreSQL the master key must be given: 64 hex digits (openssl rand -hex 32) in USER_SERVICE_MASTER_KEY \
         or in a file (--master-key-file). Keep a copy: without it nobody can read the store"
    )
}

fn read_secret(path: &PathBuf) -> anyhow::Result<Zeroizing<String>> {
    fs::read_to_string(path).map(Zeroizing::new).with_context(|| format!("cannot read {}", path.display()))
}
