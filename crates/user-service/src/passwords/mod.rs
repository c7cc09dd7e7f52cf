//! Passwords: hashed and verified in a pool of their own, so that no other request waits for them.

mod argon2id;
mod pool;
mod turns;

use std::sync::Arc;

use subtle::ConstantTimeEq;
use thiserror::Error;
use tokio::sync::oneshot;
use user_domain::{CredentialAlgorithm, PasswordHash};
use zeroize::Zeroizing;

pub use argon2id::{CostError, HashingCost};
use pool::Pool;
use turns::Turns;

use crate::Sources;

/// Hashes and verifies passwords. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Passwords {
    pool: Arc<Pool>,
    cost: HashingCost,
    sources: Sources,
    nobody: Arc<PasswordHash>,
    turns: Arc<Turns>,
}

/// A password on its way to its hash. It wipes itself and cannot be printed.
pub struct PlainPassword(Zeroizing<String>);

/// What came of verifying a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It is another password.
    Wrong,
    /// It is the password.
    Right,
    /// It is the password, and its hash is weaker than what is hashed today.
    RightButWeak,
}

/// Too many passwords wait to be hashed. Nothing has been done; back off, then retry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("too many passwords wait to be hashed")]
pub struct Saturated;

impl Passwords {
    /// A pool with a thread per core. Each keeps its memory while there is work.
    #[must_use]
    pub fn new(cost: HashingCost, sources: Sources) -> Self {
        let nobody = argon2id::hash(cost, sources.random(), b"", &mut Vec::new());
        Self { pool: Arc::new(Pool::new()), cost, sources, nobody: Arc::new(nobody), turns: Arc::default() }
    }

    /// Turns at the passwords of users.
    pub(crate) fn turns(&self) -> &Turns {
        &self.turns
    }

    /// Hashes a password.
    pub async fn hash(&self, password: PlainPassword) -> Result<PasswordHash, Saturated> {
        let (cost, salt) = (self.cost, self.sources.random());
        self.run(move |memory| argon2id::hash(cost, salt, password.0.as_bytes(), memory)).await
    }

    /// What looks like the hash of a password and is that of none: to verify against it is the usual work, in vain.
    #[must_use]
    pub fn hash_of_none(&self) -> PasswordHash {
        argon2id::written(self.cost, self.sources.random(), self.sources.random())
    }

    /// Verifies a password against a stored hash, or against nobody's: the work is the same.
    pub async fn verify(
        &self,
        password: PlainPassword,
        stored: Option<PasswordHash>,
    ) -> Result<Verified, Saturated> {
        let (cost, nobody) = (self.cost, Arc::clone(&self.nobody));
        self.run(move |memory| {
            let verified = verify(cost, password.0.as_bytes(), stored.as_ref().unwrap_or(&nobody), memory);
            if stored.is_some() { verified } else { Verified::Wrong }
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Vec<argon2::Block>) -> T + Send + 'static,
    ) -> Result<T, Saturated> {
        let (reply, answer) = oneshot::channel();
        self.pool.submit(Box::new(move |memory| {
            // Whoever has gone meanwhile needs no answer: after a burst, those who still wait come sooner.
            if !reply.is_closed() {
                drop(reply.send(work(memory)));
            }
        }))?;
        answer.await.map_err(|_| Saturated)
    }
}

fn verify(
    cost: HashingCost,
    password: &[u8],
    stored: &PasswordHash,
    memory: &mut Vec<argon2::Block>,
) -> Verified {
    let (right, weak) = match stored.algorithm() {
        CredentialAlgorithm::Argon2id => argon2id::verify(cost, password, stored.expose(), memory),
        CredentialAlgorithm::Bcrypt => (bcrypt::verify(password, stored.expose()).unwrap_or(false), true),
    };
    match (right, weak) {
        (false, _) => Verified::Wrong,
        (true, false) => Verified::Right,
        (true, true) => Verified::RightButWeak,
    }
}

impl PlainPassword {
    /// Takes a copy that wipes itself.
    #[must_use]
    pub fn new(password: &str) -> Self {
        Self(Zeroizing::new(password.to_owned()))
    }

    pub(crate) fn copy(&self) -> Self {
        Self(self.0.clone())
    }
}

impl std::fmt::Debug for PlainPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PlainPassword")
    }
}

fn equal(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cheap() -> Passwords {
        Passwords::new(HashingCost::FLOOR, Sources::system())
    }

    #[tokio::test]
    async fn a_password_is_verified_against_its_own_hash_only() {
        let passwords = cheap();
        let hash = passwords.hash(PlainPassword::new("correct horse")).await.expect("the pool is idle");
        let verify =
            |word: &str, hash: &PasswordHash| passwords.verify(PlainPassword::new(word), Some(hash.clone()));
        assert_eq!(verify("correct horse", &hash).await, Ok(Verified::Right));
        assert_eq!(verify("correct horsf", &hash).await, Ok(Verified::Wrong));
        assert_eq!(passwords.verify(PlainPassword::new(""), None).await, Ok(Verified::Wrong));
    }

    #[tokio::test]
    async fn a_bcrypt_hash_verifies_and_is_called_weak() {
        let bcrypt = bcrypt::hash("correct horse", 4).expect("a cost of 4 is allowed");
        let stored = PasswordHash::parse("hash", &bcrypt).expect("it is well formed");
        let passwords = cheap();
        let right = passwords.verify(PlainPassword::new("correct horse"), Some(stored.clone())).await;
        assert_eq!(right, Ok(Verified::RightButWeak));
        assert_eq!(passwords.verify(PlainPassword::new("wrong"), Some(stored)).await, Ok(Verified::Wrong));
    }

    #[tokio::test]
    async fn a_hash_of_lower_cost_is_called_weak() {
        let hash = cheap().hash(PlainPassword::new("correct horse")).await.expect("the pool is idle");
        let stronger = HashingCost::at_least_floor(19_456, 3, 1).expect("it is above the floor");
        let passwords = Passwords::new(stronger, Sources::system());
        let verified = passwords.verify(PlainPassword::new("correct horse"), Some(hash)).await;
        assert_eq!(verified, Ok(Verified::RightButWeak));
    }

    #[tokio::test]
    async fn the_hash_of_no_password_is_not_that_of_an_empty_one() {
        let passwords = cheap();
        let hash = passwords.hash_of_none();
        assert_eq!(passwords.verify(PlainPassword::new(""), Some(hash)).await, Ok(Verified::Wrong));
        assert_ne!(passwords.hash_of_none().expose(), passwords.hash_of_none().expose());
    }

    #[test]
    fn a_plain_password_cannot_be_printed() {
        assert_eq!(format!("{:?}", PlainPassword::new("correct horse")), "PlainPassword");
    }
}
