//! A directory with nobody in it, on an embedded store of its own: for the tests of what stands around one.

use std::path::Path;

use user_domain::PasswordPolicy;

use super::{Directory, LookAlikes, Parts};
use crate::Sources;
use crate::passwords::{HashingCost, Passwords};
use crate::store::{StoreOptions, StoreUrl};
use crate::vault::MasterKeys;

pub(crate) async fn directory_in(folder: &Path) -> Directory {
    let options = StoreOptions::at(StoreUrl::Sqlite(folder.join("store.db")));
    options.migrate().await.expect("there is room");
    let store = options.open().await.expect("it was made");
    let sources = Sources::system();
    let parts = Parts {
        keys: MasterKeys::parse(&MasterKeys::generate(&sources), &[]).expect("it is one"),
        passwords: Passwords::new(HashingCost::FLOOR, sources.clone()),
        policy: PasswordPolicy::default(),
        look_alikes: LookAlikes::default(),
        sources,
        runner: crate::projections::runner_settings(),
        cached_users_max: 100,
    };
    Directory::open(store, parts).await.expect("it is new")
}
