//! The vault: what must not be in an immutable log. Users' keys, their passwords' hashes, and the root of all hashes.
//!
//! Log and vault together are the truth; everything else can be rebuilt from them.

mod cipher;
mod master_key;
mod root;
mod sealing;
mod user_secret;

pub use cipher::Unreadable;
pub use master_key::{MasterKeyError, MasterKeyId, MasterKeys, Wrapped};
pub use root::{VaultError, VaultRoot};
pub use sealing::{Opened, Place, UserKey};
pub use user_secret::{StoredCredential, USER_SECRET, credential, key, replace_hash};
pub(crate) use user_secret::{delete, insert, update};
