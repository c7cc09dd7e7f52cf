//! The service in this process: where it takes the place of one that was killed, and what it says is compared.

use buffa::MessageField;
use eventstore::{EventQuery, Position, RecordedEvent};
use user_api::v1;
use user_service::Sources;
use user_service::directory::Directory;
use user_service::feed::{FeedLimits, RingBounds};

use super::door::Door;
use super::held::{self, Users};
use crate::ground::Ground;
use crate::instance::{self, Served};
use crate::projecting::Projecting;
use crate::wire::client;

/// Recent events that it keeps: so few that whoever is slow falls behind.
const RECENT_MAX: usize = 8;

const PAGE: u32 = 1000;

/// The service in this process, with little memory.
pub(super) struct Ours {
    pub(super) directory: Directory,
    served: Served,
    projecting: Projecting,
}

impl Ours {
    pub(super) async fn start(ground: &Ground) -> anyhow::Result<Self> {
        let store = ground.options()?.open().await?;
        let directory = instance::directory(store, Sources::system()).await?;
        let ring = RingBounds { events_max: RECENT_MAX, ..RingBounds::default() };
        let limits = FeedLimits { ring, ..FeedLimits::default() };
        let served = Served::start_with(directory.clone(), limits).await?;
        let projecting = Projecting::start(directory.projections().clone());
        Ok(Self { directory, served, projecting })
    }

    pub(super) fn door(&self) -> Door {
        Door { address: self.served.address, feeds: Some(self.served.feeds.clone()) }
    }

    pub(super) async fn stop(self) -> anyhow::Result<()> {
        self.served.stop().await?;
        self.projecting.stop().await?;
        self.directory.store().close().await;
        Ok(())
    }

    /// All that has happened.
    pub(super) async fn log(&self) -> anyhow::Result<Vec<RecordedEvent>> {
        let mut log: Vec<RecordedEvent> = Vec::new();
        loop {
            let after = log.last().map_or(Position::START, |last| last.position);
            let page = self.directory.store().events(&EventQuery::after(after, PAGE)).await?.events;
            if page.is_empty() {
                return Ok(log);
            }
            log.extend(page);
        }
    }

    /// Everybody who is not erased, as the service lists them.
    pub(super) async fn users(&self) -> anyhow::Result<Users> {
        let (client, mut users, mut token) = (client(self.served.address)?, Users::new(), String::new());
        let statuses = [
            v1::UserStatus::Active,
            v1::UserStatus::Inactive,
            v1::UserStatus::Suspended,
            v1::UserStatus::Deleted,
        ];
        let filter = v1::ListUsersFilter {
            statuses: statuses.map(Into::into).into(),
            ..v1::ListUsersFilter::default()
        };
        loop {
            let request = v1::ListUsersRequest {
                page_size: 200,
                page_token: token,
                filter: MessageField::some(filter.clone()),
                ..v1::ListUsersRequest::default()
            };
            let page = client.list_users(request).await?.into_owned();
            users.extend(page.users.iter().map(|user| (user.id.clone(), held::fields(user))));
            token = page.next_page_token;
            if token.is_empty() {
                return Ok(users);
            }
        }
    }
}
