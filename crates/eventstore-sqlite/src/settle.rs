//! What became of a batch whose COMMIT failed. The file has been opened again by then, so what it holds now is all that
//! it will ever hold of that batch.

use std::thread;
use std::time::Duration;

use eventstore::{Append, Appended, BoxError, Position};
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::read;
use crate::row::signed;
use crate::writer::Writer;

const EVENT: &str =
    "SELECT position, recorded_at FROM events WHERE aggregate_id = ?1 AND version = ?2 AND event_id = ?3";

/// Its time is that of the event at which the log stood; any will do for an append that recorded nothing.
const REQUEST: &str =
    "SELECT position, coalesce((SELECT recorded_at FROM events WHERE events.position = requests.position), 0)
    FROM requests WHERE key = ?1 AND fingerprint = ?2 AND aggregate_id = ?3 AND version = ?4";

/// Between two attempts to open a file that cannot be opened: the disk may be full, and somebody may be clearing it.
const PAUSE: Duration = Duration::from_millis(100);

impl Writer {
    pub(crate) fn settle_batch(&mut self, batch: &[Append]) -> Result<Vec<Option<Appended>>, BoxError> {
        let found = self.connection().and_then(|connection| {
            let found = batch.iter().map(|append| find(connection, append));
            Ok(found.collect::<rusqlite::Result<_>>()?)
        });
        if found.is_err() {
            thread::sleep(PAUSE);
        }
        found
    }
}

/// An append took place if its last event stands where it would have been put; one without events, if its request id is
/// remembered as having changed nothing.
fn find(connection: &Connection, append: &Append) -> rusqlite::Result<Option<Appended>> {
    let version = append.version_after();
    let appended = |row: &Row<'_>| {
        Ok(Appended { position: Position(read::count(row, 0)?), version, recorded_at: read::time(row, 1)? })
    };
    let (stream, version) = (append.aggregate_id.0.as_bytes(), signed(version.0));
    if let Some(last) = append.events.last() {
        let row = params![stream, version, last.event_id.0.as_bytes()];
        connection.prepare_cached(EVENT)?.query_row(row, appended).optional()
    } else if let Some(request) = &append.request {
        let row = params![request.key.0.as_bytes(), request.fingerprint.0.as_bytes(), stream, version];
        connection.prepare_cached(REQUEST)?.query_row(row, appended).optional()
    } else {
        Ok(None)
    }
}
