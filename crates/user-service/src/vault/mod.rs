//! The vault: what must not be in an immutable log. Users' keys, their passwords' hashes, the hashes of tokens' secrets,
//! and the root of all keyed hashes.
//!
//! Log and vault together are the truth; everything else can be rebuilt from them.

mod cipher;
mod master_key;
mod root;
mod origin;
mod sealing;
mod user_secret;
mod password_attempts;
mod rotation;
mod api_token;

pub use api_token::{API_TOKEN, SecretHash, StoredToken, token, tokens};
pub(crate) use api_token::{delete_token, insert_token};
pub use cipher::Unreadable;
pub use master_key::{BadMasterKeyId, MasterKeyError, MasterKeyId, MasterKeys, Wrapped};
pub use origin::Origin;
pub use password_attempts::{
    Admission, AttemptKey, caller_admission, clear_attempts, count_failure, forget_attempts,
    give_attempt_back, reserve_attempt,
};
pub use root::{VaultError, VaultRoot};
pub use rotation::{RotationError, Step, Wrapping, rotate_some, wrapping};
pub(crate) use sealing::Contents;
pub use sealing::{Opened, Place, UserKey};
pub use user_secret::{
    Login, LoginBy, StoredCredential, USER_SECRET, credential, key, keys, login, replace_hash,
};
pub(crate) use user_secret::{delete, insert, update};

/// Every statement of the vault, for the test that prepares each on both engines.
pub static STATEMENTS: [&[&str]; 5] = [
    root::STATEMENTS,
    user_secret::STATEMENTS,
    api_token::STATEMENTS,
    password_attempts::STATEMENTS,
    rotation::STATEMENTS,
];
