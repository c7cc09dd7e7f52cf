//! A command on its way in, as campaigns send it to a directory in this process.

use std::time::{Duration, Instant};

use cqrs::Execution;
use eventstore::{AggregateId, Deadline, Metadata, NewRequest};
use user_domain::{PasswordHash, UserCommand, Users};
use user_service::directory::{Attachment, NewCredential};

/// A hash that was made elsewhere, of a password that nobody knows: so nothing waits for hashing.
pub(crate) const ARGON2ID: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Nothing takes so long; whatever does has been lost.
const PATIENCE: Duration = Duration::from_secs(30);

/// A credential that costs nothing.
pub(crate) fn hashed(hash: &str) -> anyhow::Result<NewCredential> {
    PasswordHash::parse("hash", hash)
        .map(NewCredential::Hashed)
        .map_err(|violation| anyhow::anyhow!("not a hash: {violation}"))
}

/// A command with what goes with it.
pub(crate) fn execution(
    id: AggregateId,
    command: UserCommand,
    credential: NewCredential,
    request: Option<NewRequest>,
) -> Execution<Users, Attachment> {
    Execution {
        id,
        command,
        attachment: credential.into(),
        precondition: None,
        request,
        metadata: Metadata::default(),
        deadline: deadline(),
    }
}

/// Until when a campaign waits.
pub(crate) fn deadline() -> Deadline {
    Deadline(Instant::now() + PATIENCE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_well_formed() {
        assert!(hashed(ARGON2ID).is_ok());
    }
}
