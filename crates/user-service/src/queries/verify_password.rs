//! Is this her password? Whoever is unknown, not active, or wrong costs one hash and gets the same answer, and whoever fails
//! too often waits before another.

use tracing::warn;
use user_domain::Status;
use uuid::Uuid;

use super::attempt::Attempt;
use super::{Attempter, QueryError, UserRef};
use crate::directory::Directory;
use crate::metrics::Query;
use crate::passwords::{PlainPassword, Verified};
use crate::vault::{self, LoginBy, StoredCredential};

/// The id of the active user whose password it is.
pub async fn verify_password(
    directory: &Directory,
    user: &UserRef,
    password: PlainPassword,
    attempter: Attempter<'_>,
) -> Result<Option<Uuid>, QueryError> {
    let _timed = directory.metrics().queries().time(Query::VerifyPassword);
    let by = match user {
        UserRef::Id(id) => LoginBy::Id(*id),
        UserRef::Email(email) => LoginBy::Claim(directory.root().claim_key(&email.claim())),
        UserRef::Username(username) => LoginBy::Claim(directory.root().claim_key(&username.claim())),
    };
    let login = vault::login(directory.store(), by).await?;
    let known = login.as_ref().map(|login| login.id);
    let attempt = Attempt::at(directory, user, known, attempter).await?;
    let login = login.filter(|login| login.status == Status::Active);
    if let Some(login) = &login {
        directory.metrics().most_asked().about(login.id);
    }
    let stored = login.as_ref().map(|login| login.credential.hash.clone());
    match (attempt.verify(password.copy(), stored).await?, login) {
        (Verified::Right, Some(login)) => Ok(Some(login.id)),
        (Verified::RightButWeak, Some(login)) => {
            // Not awaited: who has a weak hash must not be recognised by the time that the answer takes.
            tokio::spawn(hash_again(directory.clone(), login.id, login.credential, password));
            Ok(Some(login.id))
        }
        (Verified::Wrong, _) | (Verified::Right | Verified::RightButWeak, None) => Ok(None),
    }
}

/// Replaces a weak hash. If it fails, the next login tries again.
async fn hash_again(directory: Directory, id: Uuid, old: StoredCredential, password: PlainPassword) {
    let Ok(new) = directory.passwords().hash(password).await else { return };
    if let Err(error) = vault::replace_hash(directory.store(), id, &old, &new).await {
        warn!(user_id = %id, %error, "a weak password hash could not be replaced");
    }
}

/// The version of the credential that a password opens, if it is this user's and she is active. It is guessed no faster here
/// than at a login.
pub async fn verify_old_password(
    directory: &Directory,
    id: Uuid,
    password: PlainPassword,
    attempter: Attempter<'_>,
) -> Result<Option<u32>, QueryError> {
    let _timed = directory.metrics().queries().time(Query::VerifyOldPassword);
    let login = vault::login(directory.store(), LoginBy::Id(id)).await?;
    let attempt = Attempt::at(directory, &UserRef::Id(id), Some(id), attempter).await?;
    let credential = login.filter(|login| login.status == Status::Active).map(|login| login.credential);
    let (version, hash) = credential.map(|credential| (credential.version, credential.hash)).unzip();
    let verified = attempt.verify(password, hash).await?;
    Ok(version.filter(|_| verified != Verified::Wrong))
}
