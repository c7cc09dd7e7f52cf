//! Whoever makes things happen while others listen: over the wire, at whatever service there is. What became of a request
//! is no matter here: the log says.

use std::time::Duration;

use connectrpc::ConnectError;
use eventstore::AggregateId;
use fastrand::Rng;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use user_api::v1;

use super::listener::Whereabouts;
use crate::wire::{Client, client};

const PAUSE: Duration = Duration::from_millis(5);

/// A service that is killed does not answer; nobody waits for that.
const PATIENCE: Duration = Duration::from_secs(2);

/// Of a hundred requests so many make somebody new, which is mostly hashing.
const NEWCOMERS: u8 = 3;

#[derive(Debug)]
pub(super) struct Scribe {
    pub(super) name: String,
    pub(super) people: Vec<AggregateId>,
    pub(super) whereabouts: Whereabouts,
    pub(super) rng: Rng,
}

impl Scribe {
    /// Writes until it is to stop.
    pub(super) async fn write(mut self, stop: CancellationToken) -> anyhow::Result<()> {
        let (mut connected, mut count) = (None, 0);
        while !stop.is_cancelled() {
            let door = self.whereabouts.borrow().clone();
            let Some(door) = door else {
                sleep(PAUSE).await;
                continue;
            };
            let client = match connected.take() {
                Some((address, client)) if address == door.address => client,
                Some(_) | None => client(door.address)?,
            };
            count += 1;
            drop(timeout(PATIENCE, self.ask(&client, count)).await);
            connected = Some((door.address, client));
            sleep(PAUSE).await;
        }
        Ok(())
    }

    async fn ask(&mut self, client: &Client, count: u64) -> Result<(), ConnectError> {
        let fresh = format!("{}-{count}-{:08x}", self.name, self.rng.u32(..));
        let Some(id) = self.rng.choice(&self.people).map(ToString::to_string) else { return Ok(()) };
        if self.rng.u8(..100) < NEWCOMERS {
            return create(client, fresh).await;
        }
        match self.rng.u8(..16) {
            0..3 => {
                let email = Some(format!("{fresh}@example.org"));
                client.update_user(v1::UpdateUserRequest { id, email, ..Default::default() }).await?;
            }
            3..8 => {
                let first_name = Some(fresh);
                client.update_user(v1::UpdateUserRequest { id, first_name, ..Default::default() }).await?;
            }
            8 | 9 => {
                let request = v1::DeactivateUserRequest { id, ..Default::default() };
                client.deactivate_user(request).await?;
            }
            10 | 11 => {
                drop(client.activate_user(v1::ActivateUserRequest { id, ..Default::default() }).await?);
            }
            12 => {
                let reason = "as a campaign wants it".to_owned();
                client.suspend_user(v1::SuspendUserRequest { id, reason, ..Default::default() }).await?;
            }
            13 => {
                let request = v1::ReinstateUserRequest { id, ..Default::default() };
                client.reinstate_user(request).await?;
            }
            14 => {
                client.delete_user(v1::DeleteUserRequest { id, ..Default::default() }).await?;
            }
            _ if self.rng.u8(..4) == 0 => {
                client.erase_user(v1::EraseUserRequest { id, ..Default::default() }).await?;
            }
            _ => {
                client.restore_user(v1::RestoreUserRequest { id, ..Default::default() }).await?;
            }
        }
        Ok(())
    }
}

async fn create(client: &Client, username: String) -> Result<(), ConnectError> {
    let email = format!("{username}@example.org");
    let password = "correct horse battery".to_owned();
    client
        .create_user(v1::CreateUserRequest { email, username, password, ..Default::default() })
        .await
        .map(drop)
}
