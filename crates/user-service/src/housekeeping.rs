//! What a running service does by itself: it forgets request ids that are older than they are kept, and attempts at passwords
//! that count no more.
//!
//! In slices with pauses between them, so that commands never wait for it. Several instances may do it at once.

use std::time::Duration;

use eventstore::{Position, ReadError};
use jiff::SignedDuration;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::directory::Directory;
use crate::vault::forget_attempts;

/// How often. What is kept a little longer than promised costs nobody anything.
const ROUND: Duration = Duration::from_hours(1);

/// How often attempts at passwords are forgotten. Each is a row of a few bytes, and there are few.
const ATTEMPTS_ROUND: Duration = Duration::from_mins(5);

/// How many request ids are looked at between two pauses: about a millisecond of the writer's time.
const SLICE: u32 = 500;

const PAUSE: Duration = Duration::from_millis(20);

/// Forgets, round by round, until `stop`.
pub(crate) async fn forget_old_requests(directory: Directory, kept: SignedDuration, stop: CancellationToken) {
    let mut rounds = interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let forget = async {
        loop {
            rounds.tick().await;
            match one_round(&directory, kept).await {
                Ok(before) => debug!(%before, "old request ids are forgotten"),
                Err(error) => warn!(%error, "old request ids could not be forgotten"),
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forget => {}
    }
}

/// Forgets attempts at passwords of an hour ago, round by round, until `stop`.
pub(crate) async fn forget_old_attempts(directory: Directory, stop: CancellationToken) {
    let mut rounds = interval(ATTEMPTS_ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let forget = async {
        loop {
            rounds.tick().await;
            if let Err(error) = forget_attempts(directory.store(), directory.sources().now()).await {
                warn!(%error, "old attempts at passwords could not be forgotten");
            }
        }
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = forget => {}
    }
}

/// Forgets everything that is older than `kept` now. Answers up to which position.
pub(crate) async fn one_round(directory: &Directory, kept: SignedDuration) -> Result<Position, ReadError> {
    let Ok(moment) = directory.sources().now().checked_sub(kept) else { return Ok(Position::START) };
    // Not the event at that moment itself: a command that changed nothing is remembered where the log stood, and may be
    // younger than the event there. It is older than the next one.
    let before = Position(directory.store().position_at(moment).await?.0.saturating_sub(1));
    let mut after = directory.store().prune_requests(before, None, SLICE).await?;
    while after.is_some() {
        sleep(PAUSE).await;
        after = directory.store().prune_requests(before, after, SLICE).await?;
    }
    Ok(before)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicI64, Ordering};
    use std::time::Instant;

    use cqrs::Execution;
    use eventstore::{AggregateId, Clock, Deadline, Fingerprint, Metadata, NewRequest, RequestKey};
    use jiff::Timestamp;
    use user_domain::{CreateUser, CredentialAlgorithm, Email, PasswordHash, PasswordPolicy, Username};
    use uuid::Uuid;

    use super::*;
    use crate::Sources;
    use crate::directory::{LookAlikes, NewCredential, Parts};
    use crate::passwords::{HashingCost, Passwords};
    use crate::store::{StoreOptions, StoreUrl};
    use crate::vault::MasterKeys;

    const HASH: &str = "$2b$10$abcdefghijklmnopqrstuuPH8v1mo9KDzJDAbYTH9yUNnXzaUVJZK";

    async fn create(directory: &Directory, n: u8) -> RequestKey {
        let key = RequestKey(Uuid::from_u128(n.into()));
        let command = CreateUser {
            email: Email::parse(&format!("user{n}@example.org")).expect("it is one"),
            username: Username::parse(&format!("user{n}")).expect("it is one"),
            first_name: None,
            last_name: None,
            avatar_url: None,
            algorithm: CredentialAlgorithm::Bcrypt,
        };
        let execution = Execution {
            id: AggregateId(directory.sources().uuid()),
            command: command.into(),
            attachment: NewCredential::Hashed(PasswordHash::parse("hash", HASH).expect("it is one")).into(),
            precondition: None,
            request: Some(NewRequest { key, fingerprint: Fingerprint(Uuid::nil()) }),
            metadata: Metadata::default(),
            deadline: Deadline(Instant::now() + Duration::from_secs(10)),
        };
        directory.execute(&execution).await.expect("nobody has the name");
        key
    }

    #[tokio::test]
    async fn a_request_id_is_forgotten_when_its_time_is_over_and_not_before() {
        let folder = tempfile::tempdir().expect("there is room");
        let hour = Arc::new(AtomicI64::new(0));
        let shown = Arc::clone(&hour);
        let clock = Clock::new(move || {
            Timestamp::UNIX_EPOCH + SignedDuration::from_mins(50 * shown.load(Ordering::Relaxed))
        });
        let url = StoreUrl::Sqlite(folder.path().join("store.db"));
        let options = StoreOptions { clock: Some(clock.clone()), ..StoreOptions::at(url) };
        options.migrate().await.expect("there is room");
        let store = options.open().await.expect("it was made");
        let sources = Sources::new(|bytes| getrandom::fill(bytes).expect("there is some"), clock);
        let key = MasterKeys::generate(&sources);
        let parts = Parts {
            keys: MasterKeys::parse(&key, &[]).expect("it is one"),
            passwords: Passwords::new(HashingCost::FLOOR, sources.clone()),
            policy: PasswordPolicy::default(),
            look_alikes: LookAlikes::default(),
            sources,
            runner: crate::projections::runner_settings(),
            cached_users_max: 100,
        };
        let directory = Directory::open(store, parts).await.expect("it is new");
        let old = create(&directory, 1).await;
        for n in 2..5 {
            hour.fetch_add(1, Ordering::Relaxed);
            create(&directory, n).await;
        }
        let young = create(&directory, 5).await;
        let known = async |key| directory.store().request(key).await.expect("it can be read").is_some();
        one_round(&directory, SignedDuration::from_hours(100)).await.expect("it can be read");
        assert!(known(old).await && known(young).await, "both are young enough");
        one_round(&directory, SignedDuration::from_hours(1)).await.expect("it can be read");
        assert!(!known(old).await, "it is two and a half hours old");
        assert!(known(young).await, "it is new");
    }
}
