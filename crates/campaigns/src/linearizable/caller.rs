//! A caller: reads and writes the same few users as everybody else, and writes down what it was told and when.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context;
use fastrand::Rng;
use user_api::oneof::get_user_request;
use user_api::v1;

use super::history::{NEVER, Operation, What, name, value, version};
use crate::wire::{Client, Failure, NOT_TRIED, failure};

/// Of a hundred operations so many read, and so many write only what they have seen; the others write in any case.
const READS: u8 = 50;
const EXPECTING: u8 = 35;

pub(super) struct Caller {
    /// No other has it: its values begin with it.
    pub(super) number: u64,
    pub(super) client: Client,
    /// The ids of the users.
    pub(super) users: Arc<Vec<String>>,
    /// How many operations are left for all callers.
    pub(super) left: Arc<AtomicU64>,
    pub(super) began: Instant,
    pub(super) rng: Rng,
}

/// What a caller did, to each user.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) histories: Vec<Vec<Operation>>,
    /// How often the service would not even try: nothing follows from that.
    pub(super) not_tried: u64,
}

impl Caller {
    pub(super) async fn call(mut self) -> anyhow::Result<Told> {
        let mut told = Told { histories: vec![Vec::new(); self.users.len()], not_tried: 0 };
        // What she has seen last of each.
        let mut etags = vec![String::new(); self.users.len()];
        let (mut count, take) = (self.number << 32, |left: u64| left.checked_sub(1));
        while self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok() {
            let user = self.rng.usize(..self.users.len());
            let invoked = self.now();
            let what = match self.rng.u8(..100) {
                kind if kind < READS => Some(self.read(user, &mut etags[user]).await?),
                kind => {
                    count += 1;
                    let etag = if kind < READS + EXPECTING { etags[user].clone() } else { String::new() };
                    self.write(user, etag, count, &mut etags[user]).await?
                }
            };
            let Some(what) = what else {
                told.not_tried += 1;
                continue;
            };
            let answered = if matches!(what, What::Unknown { .. }) { NEVER } else { self.now() };
            told.histories[user].push(Operation { invoked, answered, what });
        }
        Ok(told)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(NEVER)
    }

    async fn read(&self, user: usize, seen: &mut String) -> anyhow::Result<What> {
        let by = Some(get_user_request::By::Id(self.users[user].clone()));
        let request = v1::GetUserRequest { by, ..Default::default() };
        let answer = self.client.get_user(request).await?.into_owned();
        let user = answer.user.into_option().context("she is there")?;
        let version = version(&user.etag).context("an etag names a version")?;
        *seen = user.etag;
        Ok(What::Read { version, value: user.first_name.as_deref().and_then(value) })
    }

    /// `None` if the service did not even try.
    async fn write(
        &self,
        user: usize,
        etag: String,
        value: u64,
        seen: &mut String,
    ) -> anyhow::Result<Option<What>> {
        let expected = version(&etag);
        let request = v1::UpdateUserRequest {
            id: self.users[user].clone(),
            first_name: Some(name(value)),
            etag,
            ..Default::default()
        };
        match self.client.update_user(request).await {
            Ok(answer) => {
                let user = answer.into_owned().user.into_option().context("she is there")?;
                let version = version(&user.etag).context("an etag names a version")?;
                *seen = user.etag;
                Ok(Some(What::Wrote { expected, version, value }))
            }
            Err(error) => match (failure(&error), expected) {
                (Failure::NotExecuted(reason), Some(expected)) if reason == "ETAG_MISMATCH" => {
                    Ok(Some(What::Refused { expected }))
                }
                (Failure::NotExecuted(reason), _) if NOT_TRIED.contains(&reason.as_str()) => Ok(None),
                (Failure::NotExecuted(_), _) => Err(error.into()),
                (Failure::Unknown(_), _) => Ok(Some(What::Unknown { value })),
            },
        }
    }
}
