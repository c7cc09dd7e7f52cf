//! What became of a batch whose answer was lost.
//!
//! A look-up that finds nothing proves nothing while the old backend may still be committing. So it is ended first,
//! and the look-up stands under the append lock, which it had to hold.

use std::time::Duration;

use eventstore::{Append, Appended, BoxError, Position};
use tokio::time::timeout;
use tokio_postgres::{Client, Row};

use crate::connection::{Backend, Door, Session};
use crate::row::{Moment, signed, unsigned};
use crate::said::Said;
use crate::verdict::BEGIN_LOCKED;

/// How long the server may take to end a backend, in milliseconds.
const END_PATIENCE: i64 = 5000;

/// How long one attempt may take, with the waiting for the lock. Nobody's append goes on meanwhile.
const PATIENCE: Duration = Duration::from_secs(30);

const END: &str =
    "SELECT pg_terminate_backend(pid, $3) FROM pg_stat_activity WHERE pid = $1 AND backend_start = $2";

const EVENT: &str =
    "SELECT position, recorded_at FROM events WHERE aggregate_id = $1 AND version = $2 AND event_id = $3";

/// An append without events has no time of its own: that of the event before it will do.
const REQUEST: &str = "SELECT r.position, coalesce(e.recorded_at, clock_timestamp()) FROM requests r \
    LEFT JOIN events e ON e.position = r.position \
    WHERE r.key = $1 AND r.fingerprint = $2 AND r.aggregate_id = $3 AND r.version = $4";

/// A commit that writes waits for the standby, and so for everything that was committed before it. One that has
/// written nothing would not.
const COMMIT_WRITING: &str = "SELECT pg_logical_emit_message(true, 'eventstore', 'settled'); COMMIT";

/// Answers which appends took place, on a connection of its own. After it nothing of the lost attempt can happen.
pub(crate) async fn settle(
    door: &Door,
    lost: Option<Backend>,
    batch: &[Append],
) -> Result<Vec<Option<Appended>>, Said> {
    let attempt = timeout(PATIENCE, attempt(door, lost, batch));
    attempt.await.unwrap_or_else(|_| Err(Said::nothing(PATIENCE).into())).map_err(|error| Said::by(&*error))
}

async fn attempt(
    door: &Door,
    lost: Option<Backend>,
    batch: &[Append],
) -> Result<Vec<Option<Appended>>, BoxError> {
    let session = door.login().await?;
    if let Some(backend) = lost {
        end(&session, backend).await?;
    }
    door.enter(&session).await?;
    session.client.batch_execute(BEGIN_LOCKED).await?;
    let mut found = Vec::with_capacity(batch.len());
    for append in batch {
        found.push(look(&session.client, append).await?);
    }
    session.take_warning();
    session.client.batch_execute(COMMIT_WRITING).await?;
    if session.take_warning() {
        return Err("the settling itself may not have reached the standby".into());
    }
    Ok(found)
}

/// Ends a backend. Not there any more is as good.
async fn end(session: &Session, backend: Backend) -> Result<(), BoxError> {
    let row = session.client.query_opt(END, &[&backend.pid, &backend.started, &END_PATIENCE]).await?;
    match row {
        Some(row) if !row.try_get::<_, bool>(0)? => Err("the old backend does not end".into()),
        Some(_) | None => Ok(()),
    }
}

async fn look(client: &Client, append: &Append) -> Result<Option<Appended>, BoxError> {
    let row = match (append.events.first(), append.request) {
        (Some(event), _) => {
            let version = signed(append.expected.next().0);
            client.query_opt(EVENT, &[&append.aggregate_id.0, &version, &event.event_id.0]).await?
        }
        (None, Some(request)) => {
            let version = signed(append.expected.0);
            let asked = (request.key.0, request.fingerprint.0, append.aggregate_id.0);
            client.query_opt(REQUEST, &[&asked.0, &asked.1, &asked.2, &version]).await?
        }
        // It would have changed nothing: whether it took place makes no difference.
        (None, None) => None,
    };
    row.map(|row| appended(&row, append)).transpose()
}

fn appended(row: &Row, append: &Append) -> Result<Appended, BoxError> {
    let first = unsigned(row.try_get(0)?)?;
    // The events of an append stand together: nobody else writes between them.
    let after = append.events.len().saturating_sub(1) as u64;
    Ok(Appended {
        position: Position(first + after),
        version: append.version_after(),
        recorded_at: row.try_get::<_, Moment>(1)?.timestamp()?,
    })
}
