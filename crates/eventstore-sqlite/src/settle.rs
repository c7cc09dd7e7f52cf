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

/// For the test that looks at their plans.
#[cfg(test)]
pub(crate) const STATEMENTS: &[&str] = &[EVENT, REQUEST];

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

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

    use eventstore::append_task::{BatchWriter, CommitError, CommitMode, Health, Releases, Verdict};
    use eventstore::{
        AggregateId, ClaimChanges, Clock, EventId, Fingerprint, Metadata, NewEvent, NewRequest,
        ProjectionError, ReadError, RequestKey, RowWitness, Version, Witnessed,
    };
    use rusqlite::Connection;
    use tempfile::TempDir;
    use uuid::Uuid;

    use super::*;
    use crate::projection::Step;
    use crate::{Options, connection, migrate};

    async fn writer(folder: &TempDir) -> Writer {
        telling_writer(folder, Witnessed::default()).await
    }

    async fn telling_writer(folder: &TempDir, rows: Witnessed) -> Writer {
        let options = Options::at(folder.path().join("log.db"));
        migrate(&options).await.unwrap();
        let lock = connection::lock(&options.path).unwrap();
        let (connection, weakened) = connection::owner(&options).unwrap();
        let clock = Clock::system();
        let health = Arc::new(Health::new(clock.now(), weakened));
        let releases = Arc::new(Releases::new(&[], &[]));
        Writer::new(connection, options, releases, clock, health, rows, lock).unwrap()
    }

    /// As after an error at COMMIT.
    fn lose_connection(writer: &mut Writer) {
        writer.work(|_| Err::<(), _>(ReadError::Corrupt(String::new()))).unwrap_err();
    }

    fn append(n: u128, events: usize, size: usize) -> Append {
        let event = |m| NewEvent {
            event_id: EventId(Uuid::from_u128(100 * n + m as u128)),
            event_type: "document.changed",
            schema_version: 1,
            data: "x".repeat(size),
            sealed: None,
        };
        let (key, fingerprint) = (RequestKey(Uuid::from_u128(n)), Fingerprint(Uuid::from_u128(n)));
        Append {
            aggregate_type: "document",
            aggregate_id: AggregateId(Uuid::from_u128(n)),
            expected: Version::NONE,
            events: (0..events).map(event).collect(),
            metadata: Metadata::default(),
            claims: ClaimChanges::default(),
            rows: Vec::new(),
            request: Some(NewRequest { key, fingerprint }),
            derived: eventstore::Derived::Kept,
        }
    }

    #[tokio::test]
    async fn what_took_place_is_found_after_the_connection_was_lost() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder).await;
        let batch = [append(1, 2, 1), append(2, 1, 1), append(3, 0, 0)];
        let verdicts = writer.commit(&batch, CommitMode::Optimistic).await.unwrap();
        lose_connection(&mut writer);
        let found = writer.settle(&batch).await.unwrap();
        for (verdict, found) in verdicts.into_iter().zip(found) {
            assert_eq!(Some(verdict), found.map(Verdict::Appended));
        }
        let others =
            [append(4, 1, 1), append(5, 0, 0), Append { events: append(6, 2, 1).events, ..append(1, 0, 0) }];
        assert_eq!(
            writer.settle(&others).await.unwrap(),
            [None, None, None],
            "neither these, nor others in their place"
        );
    }

    #[tokio::test]
    async fn each_loss_is_fenced_off_by_a_page_of_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder).await;
        for losses in 1..=3 {
            lose_connection(&mut writer);
            writer.settle(&[]).await.unwrap();
            let fences = |row: &Row<'_>| row.get::<_, i32>(0);
            assert_eq!(
                writer.connection().unwrap().pragma_query_value(None, "user_version", fences).unwrap(),
                losses
            );
        }
    }

    #[tokio::test]
    async fn a_full_file_refuses_definitely_and_takes_appends_again_when_there_is_room() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder).await;
        let pages: i64 =
            writer.connection().unwrap().pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
        let room = |writer: &mut Writer, pages: i64| {
            writer
                .connection()
                .unwrap()
                .pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
                .unwrap();
        };
        room(&mut writer, pages + 1);
        let batch = [append(1, 1, 10), append(2, 3, 100_000)];
        let result = writer.commit(&batch, CommitMode::Optimistic).await;
        assert!(matches!(result, Err(CommitError::NotExecuted(_))), "{result:?}");
        assert_eq!(writer.settle(&batch).await.unwrap(), [None, None], "nor half of the batch");
        room(&mut writer, pages + 1000);
        let verdicts = writer.commit(&batch, CommitMode::Optimistic).await.unwrap();
        assert!(
            matches!(verdicts[1], Verdict::Appended(Appended { position: Position(4), .. })),
            "{verdicts:?}"
        );
    }

    /// Whether any row may be changing by what was told, and how often it was told that it has.
    #[derive(Debug, Default)]
    struct Heard(AtomicBool, AtomicU32);

    impl Heard {
        fn is_changing(&self) -> bool {
            self.0.load(Ordering::Relaxed)
        }

        fn changes(&self) -> u32 {
            self.1.swap(0, Ordering::Relaxed)
        }
    }

    impl RowWitness for Heard {
        fn changing(&self, _: &mut dyn Iterator<Item = AggregateId>) {}

        fn changed(&self, _: &mut dyn Iterator<Item = AggregateId>) {}

        fn any_changing(&self) {
            self.0.store(true, Ordering::Relaxed);
        }

        fn any_changed(&self) {
            self.0.store(false, Ordering::Relaxed);
            self.1.fetch_add(1, Ordering::Relaxed);
        }
    }

    async fn heard_writer(folder: &TempDir) -> (Writer, Arc<Heard>) {
        let (rows, heard) = (Witnessed::default(), Arc::new(Heard::default()));
        assert!(rows.by(Arc::<Heard>::clone(&heard)));
        (telling_writer(folder, rows).await, heard)
    }

    #[tokio::test]
    async fn whatever_may_have_changed_is_told_of_as_soon_as_the_file_is_open_again() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, heard) = heard_writer(&folder).await;
        writer.connection().unwrap();
        assert_eq!(heard.changes(), 0);
        lose_connection(&mut writer);
        writer.connection().unwrap();
        assert_eq!(heard.changes(), 1);
        writer.losable_step(|_| Ok(())).unwrap();
        assert_eq!(heard.changes(), 0, "a batch of a projection touches no such rows");
        writer.step(|_| Ok(())).unwrap();
        assert_eq!(heard.changes(), 1, "another generation may be live now");
    }

    #[tokio::test]
    async fn what_changes_any_row_is_told_of_until_it_is_known_to_be_done() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, heard) = heard_writer(&folder).await;
        lose_connection(&mut writer);
        let step = |_: &Step<'_>| {
            assert!(heard.is_changing(), "also where the file had to be opened for it");
            Err::<(), _>(ProjectionError::Store(ReadError::Corrupt(String::new())))
        };
        writer.step(step).unwrap_err();
        assert!(heard.is_changing(), "nobody knows before the file is open again");
        writer.connection().unwrap();
        assert!(!heard.is_changing());
    }

    #[tokio::test]
    async fn what_comes_after_a_losable_step_waits_for_the_disk() {
        let folder = tempfile::tempdir().unwrap();
        let mut writer = writer(&folder).await;
        let synchronous = |connection: &Connection| -> i64 {
            connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap()
        };
        for result in [Ok(()), Err(ProjectionError::Moved), Err(ReadError::Corrupt(String::new()).into())] {
            let done = writer.losable_step(|step| {
                assert_eq!(synchronous(step.connection), 1);
                result
            });
            drop(done);
            assert_eq!(synchronous(writer.connection().unwrap()), 2);
        }
    }
}
