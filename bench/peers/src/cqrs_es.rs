//! cqrs-es with postgres-es, put together by its own `postgres_cqrs`: events alone are the truth, no snapshots, no queries.
//! A command selects the stream and folds it, then BEGIN, INSERT, COMMIT. Two at once are told apart by the primary key.

use ::cqrs_es::event_sink::EventSink;
use ::cqrs_es::{Aggregate, DomainEvent};
use postgres_es::{PostgresCqrs, postgres_cqrs};
use sqlx::{Pool, Postgres};
use uuid::Uuid;

use crate::load::Library;
use crate::user::{Command, Event, Refusal, User};

/// The table that its `db/init.sql` shows, which is all that is needed without snapshots.
const TABLE: &str = "CREATE TABLE events (
    aggregate_type text NOT NULL,
    aggregate_id   text NOT NULL,
    sequence       bigint NOT NULL CHECK (sequence >= 0),
    event_type     text NOT NULL,
    event_version  text NOT NULL,
    payload        json NOT NULL,
    metadata       json NOT NULL,
    PRIMARY KEY (aggregate_type, aggregate_id, sequence)
)";

pub(crate) struct CqrsEs(PostgresCqrs<User>);

impl CqrsEs {
    pub(crate) async fn on(pool: Pool<Postgres>) -> anyhow::Result<Self> {
        sqlx::query(TABLE).execute(&pool).await?;
        Ok(Self(postgres_cqrs(pool, Vec::new(), ())))
    }
}

impl Library for CqrsEs {
    /// Who is created is loaded too: the framework knows no other way.
    async fn execute(&self, id: Uuid, command: Command) -> anyhow::Result<()> {
        Ok(self.0.execute(&id.to_string(), command).await?)
    }
}

impl Aggregate for User {
    const TYPE: &'static str = "user";
    type Command = Command;
    type Event = Event;
    type Error = Refusal;
    type Services = ();

    async fn handle(&mut self, command: Command, (): &(), sink: &EventSink<Self>) -> Result<(), Refusal> {
        sink.write(self.decide(command)?, self).await;
        Ok(())
    }

    fn apply(&mut self, event: Event) {
        *self = std::mem::take(self).evolve(event);
    }
}

impl DomainEvent for Event {
    fn event_type(&self) -> String {
        let name = match self {
            Self::Created { .. } => "Created",
            Self::EmailChanged { .. } => "EmailChanged",
            Self::PasswordChanged { .. } => "PasswordChanged",
            Self::ProfileUpdated { .. } => "ProfileUpdated",
        };
        name.to_owned()
    }

    fn event_version(&self) -> String {
        "1.0".to_owned()
    }
}
