//! The log and its store, looked at when somebody asks. What cannot be known is left out, never 0.

use eventstore::{ColumnKind, EventStore, Row, Select, StoreSize, Value, Warning, WriterRefusal};

use super::catalogue as of;
use super::sheet::Sheet;

/// A row a day and type: some thousands a year, and no look at the log.
static COUNTED: Select = Select {
    sql: "SELECT event_type, CAST(SUM(events) AS BIGINT) FROM activity_day GROUP BY event_type ORDER BY event_type",
    columns: &[ColumnKind::Text, ColumnKind::BigInt],
};

/// The read of this file, for the test that prepares each on both engines.
pub static STATEMENTS: &[&Select] = &[&COUNTED];

pub(super) async fn read(sheet: &mut Sheet, store: &dyn EventStore) {
    // Said first: a look that takes too long is broken off where it is.
    let head = store.head().await;
    sheet.put(&of::STORE_REACHABLE, head.is_ok());
    if let Ok(head) = head {
        sheet.put(&of::LOG_EVENTS, head.position.0);
    }
    if let Ok(Some(lag)) = store.replay_lag().await {
        sheet.put(&of::REPLAY_LAG, lag.as_secs_f64());
    }
    warnings(sheet, &store.warnings().await);
    if let Ok(taken) = store.size().await {
        size(sheet, taken);
    }
    if let Ok(counted) = store.select(&COUNTED, &[]).await {
        by_type(sheet, counted);
    }
}

fn warnings(sheet: &mut Sheet, warnings: &[Warning]) {
    let behind = warnings.iter().find_map(|warning| match warning {
        Warning::ClockBehind { seconds } => Some(*seconds),
        Warning::WriterRefused(_) | Warning::StoreDown | Warning::Weakened(_) => None,
    });
    let raised = |name: &'static str| (name, warnings.iter().any(|warning| name_of(warning) == name));
    let names = ["clock_behind", "writer_too_old", "clock_jumped", "store_down", "weakened"];
    sheet.put_each(&of::STORE_WARNING, names.map(raised));
    sheet.put(&of::CLOCK_BEHIND, behind.unwrap_or(0));
}

fn name_of(warning: &Warning) -> &'static str {
    match warning {
        Warning::ClockBehind { .. } => "clock_behind",
        Warning::WriterRefused(WriterRefusal::TooOld) => "writer_too_old",
        Warning::WriterRefused(WriterRefusal::ClockJumped) => "clock_jumped",
        Warning::StoreDown => "store_down",
        Warning::Weakened(_) => "weakened",
    }
}

/// The kind of the stream stands in front of the type: `user.created`.
fn by_type(sheet: &mut Sheet, counted: Vec<Row>) {
    let counts = counted.into_iter().filter_map(|row| match <[Value; 2]>::try_from(row) {
        Ok([Value::Text(event_type), Value::BigInt(events)]) => {
            let kind = event_type.split('.').next().unwrap_or_default().to_owned();
            Some((vec![kind, event_type], u64::try_from(events).unwrap_or_default().into()))
        }
        Ok(_) | Err(_) => None,
    });
    sheet.values(&of::LOG_EVENTS_COUNTED, counts);
}

fn size(sheet: &mut Sheet, taken: StoreSize) {
    let StoreSize { events, indexes, total, wal } = taken;
    sheet.put(&of::STORE_EVENTS_BYTES, events);
    if let Some(indexes) = indexes {
        sheet.put(&of::STORE_INDEXES_BYTES, indexes);
    }
    sheet.put(&of::STORE_TOTAL_BYTES, total);
    if let Some(wal) = wal {
        sheet.put(&of::STORE_WAL_BYTES, wal);
    }
}
