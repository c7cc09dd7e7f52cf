//! One store with its directory, as the script meets it. Two of them have the same seed and the same clock, so whatever
//! they make of the same script must be the same bytes.

use std::sync::Arc;

use cqrs::Recorded;
use eventstore::{
    AggregateId, ClaimKey, ColumnKind, EventQuery, EventStore, NewRequest, Position, RecordedEvent, Row,
    Select,
};
use user_domain::{CredentialAlgorithm, Email, LiveUser, Status, UserCommand, UserEvent};
use user_service::directory::{Directory, NewCredential};
use user_service::queries::{
    EventQuestion, Freshness, ListQuestion, ListedEvent, PageOf, PageToken, UserPage, UserRef, find_user,
    list_user_events, list_users,
};
use user_service::read_model::{USER, UserOrder};
use user_service::store::StoreOptions;
use uuid::Uuid;

use super::answer::Answer;
use super::script::Step;
use super::virtual_clock::VirtualClock;
use crate::command::{ARGON2ID, deadline, execution, hashed};
use crate::ground::{Ground, Kind};
use crate::instance;
use crate::seed::Seed;

const PAGE: u32 = 1000;

/// A bcrypt hash of a password that nobody knows.
const BCRYPT: &str = "$2b$10$.....................................................";

static USERS: Select = Select {
    sql: "SELECT id, email, username, first_name, last_name, avatar_url, status, standing, created_at, last_updated, \
          deleted_at, version, position FROM user_read_model ORDER BY id",
    columns: USER,
};

static SECRETS: Select = Select {
    sql: "SELECT user_id, key_id, wrapped_key, credential_version, hash, changed_at FROM user_secret ORDER BY user_id",
    columns: &[
        ColumnKind::Uuid,
        ColumnKind::SmallInt,
        ColumnKind::Bytes,
        ColumnKind::BigInt,
        ColumnKind::Text,
        ColumnKind::Time,
    ],
};

static REQUESTS: Select = Select {
    sql: "SELECT key, fingerprint, aggregate_id, version, position FROM requests ORDER BY key",
    columns: &[ColumnKind::Uuid, ColumnKind::Uuid, ColumnKind::Uuid, ColumnKind::BigInt, ColumnKind::BigInt],
};

/// Every table beside the log, by name.
pub(super) static TABLES: [(&str, &Select); 3] =
    [("user_read_model", &USERS), ("user_secret", &SECRETS), ("requests", &REQUESTS)];

/// A store with its directory.
#[derive(Debug)]
pub(super) struct Party {
    _ground: Ground,
    pub(super) directory: Directory,
}

impl Party {
    pub(super) async fn on(kind: Kind, seed: Seed, clock: &VirtualClock) -> anyhow::Result<Self> {
        let ground = Ground::new(kind).await?;
        let options = StoreOptions { clock: Some(clock.clock()), ..ground.options()? };
        options.migrate().await?;
        let store = options.open().await?;
        let directory = instance::directory(store, seed.sources(clock.clock())).await?;
        Ok(Self { _ground: ground, directory })
    }

    pub(super) async fn execute(&self, step: &Step) -> anyhow::Result<Answer> {
        let root = self.directory.root();
        let request = step.request_id.map(|request_id| NewRequest {
            key: root.request_key("campaign", None, "differential", request_id),
            fingerprint: root.fingerprint(&[step.asked().as_bytes()]),
        });
        let mut execution = execution(step.id, step.command.clone(), credential(&step.command)?, request);
        execution.precondition = step.precondition;
        execution.metadata.request_id = step.request_id;
        Ok(self.directory.execute(&execution).await.into())
    }

    pub(super) async fn find(&self, email: &Email) -> anyhow::Result<Option<LiveUser>> {
        let found = find_user(&self.directory, &UserRef::Email(email.clone())).await?;
        Ok(found.map(Arc::unwrap_or_clone))
    }

    pub(super) async fn list(&self, statuses: &[Status], size: u32) -> anyhow::Result<UserPage> {
        let question = ListQuestion::of(statuses, UserOrder::NEWEST_FIRST);
        let freshness = Freshness { min_position: None, deadline: deadline() };
        Ok(list_users(&self.directory, &question, size, "", freshness).await?)
    }

    pub(super) fn store(&self) -> &dyn EventStore {
        self.directory.store()
    }

    /// The log after a position.
    pub(super) async fn events(&self, mut after: Position) -> anyhow::Result<Vec<RecordedEvent>> {
        let mut events = Vec::new();
        loop {
            let page = self.store().events(&EventQuery::after(after, PAGE)).await?;
            if page.events.is_empty() {
                return Ok(events);
            }
            after = page.scanned_to;
            events.extend(page.events);
        }
    }

    /// What happened to a user, unsealed.
    pub(super) async fn history(&self, id: AggregateId) -> anyhow::Result<Vec<Recorded<UserEvent>>> {
        let (mut history, mut token) = (Vec::new(), String::new());
        let binding = PageToken { method: "campaign", question: id.0.as_bytes() };
        loop {
            let page = PageOf { size: PAGE, token: &token, binding };
            let page = list_user_events(&self.directory, id.0, &EventQuestion::default(), page).await?;
            let Some(page) = page else { return Ok(history) };
            for event in page.events {
                match event {
                    ListedEvent::Readable(entry) => history.push(entry.event),
                    ListedEvent::OfToken(_) => anyhow::bail!("a user has an event of a token"),
                    ListedEvent::Unreadable(event) => {
                        anyhow::bail!("event {} cannot be read", event.position)
                    }
                }
            }
            match page.next {
                Some(next) => token = next,
                None => return Ok(history),
            }
        }
    }

    pub(super) async fn rows(&self, table: &'static Select) -> anyhow::Result<Vec<Row>> {
        Ok(self.store().select(table, &[]).await?)
    }

    /// All of them, in the order of their keys.
    pub(super) async fn claims(&self) -> anyhow::Result<Vec<(ClaimKey, AggregateId)>> {
        let mut claims: Vec<(ClaimKey, AggregateId)> = Vec::new();
        loop {
            let page = self.store().claims(claims.last().map(|(key, _)| *key), PAGE).await?;
            if page.is_empty() {
                return Ok(claims);
            }
            claims.extend(page);
        }
    }
}

fn credential(command: &UserCommand) -> anyhow::Result<NewCredential> {
    let algorithm = match command {
        UserCommand::CreateUser(create) => create.algorithm,
        UserCommand::SetPassword(set) => set.algorithm,
        UserCommand::ChangePassword(change) => change.algorithm,
        command => {
            debug_assert!(!command.changes_credential(), "{}", command.name());
            return Ok(NewCredential::None);
        }
    };
    match algorithm {
        CredentialAlgorithm::Argon2id => hashed(ARGON2ID),
        CredentialAlgorithm::Bcrypt => hashed(BCRYPT),
    }
}

/// The ids of a page, and what else can be compared of it.
pub(super) fn shown(page: &UserPage) -> (Vec<Uuid>, Option<&str>, Position) {
    (page.users.iter().map(|user| user.id.0).collect(), page.next.as_deref(), page.position)
}
