//! The vault's root: one secret per store, made once and wrapped by the master key, from which every keyed hash comes.
//!
//! Rotating the master key wraps it anew and does not change it, so claims keep their keys. Unwrapping it is also what finds out, at start,
//! that the wrong master key was given.

use cqrs::Claim;
use eventstore::{ClaimKey, ColumnKind, EventStore, Fingerprint, ReadError, RequestKey, Select, Value};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use thiserror::Error;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::cipher::{self, Key, Unreadable};
use super::{AttemptKey, MasterKeyError, MasterKeyId, MasterKeys, RotationError, Wrapped};
use crate::Sources;

const PLACE: &[u8] = b"vault root";

static FIND: Select = Select {
    sql: "SELECT key_id, wrapped FROM vault_root WHERE id = 1",
    columns: &[ColumnKind::SmallInt, ColumnKind::Bytes],
};

static MAKE: &str = "INSERT INTO vault_root (id, key_id, wrapped) VALUES (1, $1, $2) ON CONFLICT DO NOTHING";

static REWRAP: &str = "UPDATE vault_root SET key_id = $1, wrapped = $2 WHERE id = 1 AND key_id = $3";

/// Every statement of this file, for the test that prepares each on both engines.
pub(super) static STATEMENTS: &[&str] = &[FIND.sql, MAKE, REWRAP];

/// The secret behind the keyed hashes of a store.
pub struct VaultRoot(Key);

/// Why the vault does not open.
#[derive(Debug, Error)]
pub enum VaultError {
    /// See its cause.
    #[error("the vault cannot be read")]
    Store(#[from] ReadError),
    /// Nothing has ever been served from this store, or its vault is lost.
    #[error("the vault is empty")]
    Missing,
    /// See its cause.
    #[error("the vault does not open")]
    MasterKey(#[from] MasterKeyError),
}

impl VaultRoot {
    /// Opens the root of a store that has one. Writes nothing.
    pub async fn open(store: &dyn EventStore, keys: &MasterKeys) -> Result<Self, VaultError> {
        let wrapped = find(store).await?.ok_or(VaultError::Missing)?;
        Ok(Self(keys.unwrap(PLACE, &wrapped)?))
    }

    /// Opens the root, or makes one in a store that has none yet. Of several instances that start at once, one makes it.
    pub async fn establish(
        store: &dyn EventStore,
        keys: &MasterKeys,
        sources: &Sources,
    ) -> Result<Self, VaultError> {
        if find(store).await?.is_none() {
            let wrapped = keys.wrap(sources, PLACE, &Key::new(sources.random()));
            store.execute(MAKE, &[Value::SmallInt(wrapped.key_id.0), Value::Bytes(wrapped.bytes)]).await?;
        }
        let found = find(store).await?.ok_or(VaultError::Missing)?;
        Ok(Self(keys.unwrap(PLACE, &found)?))
    }

    /// Wraps the root with another master key: whoever has not been given that one opens nothing from then on.
    pub(super) async fn rewrap(
        store: &dyn EventStore,
        keys: &MasterKeys,
        sources: &Sources,
        to: MasterKeyId,
    ) -> Result<(), RotationError> {
        let found = find(store).await?.ok_or(RotationError::Missing)?;
        if found.key_id == to {
            return Ok(());
        }
        let root = keys.unwrap(PLACE, &found).map_err(RotationError::Root)?;
        let anew = keys.wrap_with(to, sources, PLACE, &root).ok_or(RotationError::NotGiven(to))?;
        let old = Value::SmallInt(found.key_id.0);
        store.execute(REWRAP, &[Value::SmallInt(to.0), Value::Bytes(anew.bytes), old]).await?;
        Ok(())
    }

    /// The key under which the log knows a claim.
    pub fn claim_key(&self, claim: &Claim) -> ClaimKey {
        ClaimKey(self.id("claim", &[claim.scope.as_bytes(), claim.value.as_bytes()]))
    }

    /// The key under which the log remembers a request id.
    ///
    /// On whose behalf a trusted caller acts is part of it. The ids are made by the clients behind her, who know nothing
    /// of each other: none may be answered with what another did, or use up an id that is not hers. A retry comes from
    /// the same client. Without anybody named it is the key that it always was, so that ids stay remembered.
    pub fn request_key(
        &self,
        principal: &str,
        actor: Option<&str>,
        method: &str,
        request_id: Uuid,
    ) -> RequestKey {
        let parts = [principal.as_bytes(), method.as_bytes(), request_id.as_bytes()];
        let actor = actor.map(str::as_bytes);
        RequestKey(self.id("request", &parts.into_iter().chain(actor).collect::<Vec<_>>()))
    }

    /// What a request asked for, so that another one under the same id is found out.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> Fingerprint {
        Fingerprint(self.id("fingerprint", parts))
    }

    /// The key under which the vault counts attempts at somebody's password, or somebody's attempts.
    pub fn attempt_key(&self, parts: &[&[u8]]) -> AttemptKey {
        AttemptKey(self.id("password attempt", parts))
    }

    /// Authenticates an opaque token.
    pub fn token_tag(&self, parts: &[&[u8]]) -> [u8; 16] {
        self.hash("token", parts)
    }

    /// Encrypts what an opaque token holds, for its own place alone. The nonce is a hash of all of it: the same content
    /// gives the same token, and two contents never meet under one nonce.
    pub fn seal_token(&self, place: &[&[u8]], content: &[u8]) -> Vec<u8> {
        let hash = self.full_hash("token nonce", &[place, &[content]].concat());
        let (nonce, _) = hash.split_first_chunk().expect("SHA-256 gives 32 bytes");
        cipher::encrypt(&self.token_key(), *nonce, &self.hash("token place", place), content)
    }

    /// What [`Self::seal_token`] encrypted for the same place.
    pub fn open_token(&self, place: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
        cipher::decrypt(&self.token_key(), &self.hash("token place", place), sealed)
    }

    fn token_key(&self) -> Key {
        Key::new(self.full_hash("token key", &[]))
    }

    fn id(&self, purpose: &str, parts: &[&[u8]]) -> Uuid {
        Uuid::from_bytes(self.hash(purpose, parts))
    }

    /// HMAC-SHA-256 cut to 128 bits.
    fn hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 16] {
        let full = self.full_hash(purpose, parts);
        let (cut, _) = full.split_first_chunk().expect("SHA-256 gives 32 bytes");
        *cut
    }

    /// HMAC-SHA-256. Each part goes in with its length, so that no two lists look alike.
    fn full_hash(&self, purpose: &str, parts: &[&[u8]]) -> [u8; 32] {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.as_slice()).expect("HMAC takes a key of any length");
        for part in [&[purpose.as_bytes()], parts].concat() {
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(test)]
impl VaultRoot {
    pub(crate) fn for_test() -> Self {
        Self(Key::new([1; 32]))
    }
}

pub(super) async fn find(store: &dyn EventStore) -> Result<Option<Wrapped>, ReadError> {
    let rows = store.select(&FIND, &[]).await?;
    match rows.into_iter().next().as_deref() {
        None => Ok(None),
        Some([Value::SmallInt(key_id), Value::Bytes(bytes)]) => {
            Ok(Some(Wrapped { key_id: MasterKeyId(*key_id), bytes: bytes.clone() }))
        }
        Some(_) => Err(ReadError::Corrupt("a row of vault_root does not fit its columns".to_owned())),
    }
}

impl fmt::Debug for VaultRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultRoot")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_lists_of_parts_hash_alike() {
        let root = VaultRoot(Key::new([1; 32]));
        assert_ne!(root.fingerprint(&[b"ab", b"c"]), root.fingerprint(&[b"a", b"bc"]));
        assert_ne!(root.fingerprint(&[b"a"]), root.fingerprint(&[b"a", b""]));
        assert_eq!(root.fingerprint(&[b"a", b"b"]), root.fingerprint(&[b"a", b"b"]));
    }

    #[test]
    fn a_claim_is_known_by_scope_and_value_under_this_root_alone() {
        let claim = |scope| Claim { scope, value: "alice".to_owned() };
        let (root, other) = (VaultRoot(Key::new([1; 32])), VaultRoot(Key::new([2; 32])));
        assert_ne!(root.claim_key(&claim("email.1")), root.claim_key(&claim("username.1")));
        assert_ne!(root.claim_key(&claim("email.1")), other.claim_key(&claim("email.1")));
    }
}
