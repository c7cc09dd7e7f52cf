//! Appends and connections, as the store counts them.

use eventstore::{AppendOutcome, AppendStats, StoreStats};

use super::catalogue as of;
use super::sheet::Sheet;

pub(super) fn read(sheet: &mut Sheet, stats: &StoreStats) {
    if let Some(appends) = &stats.appends {
        append(sheet, appends);
    }
    let readers = stats.readers;
    sheet.put_each(&of::READ_CONNECTIONS, [("idle", readers.idle), ("busy", readers.busy)]);
    sheet.put(&of::READS_WAITING, readers.waiting);
    let statements = stats.statements;
    sheet.put_each(&of::STATEMENTS, [("hit", statements.found), ("miss", statements.prepared)]);
}

fn append(sheet: &mut Sheet, stats: &AppendStats) {
    let ended = AppendOutcome::ALL.map(|outcome| (outcome.as_str(), stats.ended(outcome)));
    sheet.put_each(&of::APPENDS, ended);
    sheet.put(&of::APPENDED_EVENTS, stats.events);
    sheet.put(&of::APPEND_WAITING, stats.waiting);
    sheet.put(&of::APPEND_WAITING_MAX, stats.waiting_max);
    sheet.distribution(&of::APPEND_BATCH_APPENDS, stats.batch_appends.clone());
    sheet.distribution(&of::APPEND_BATCH_SECONDS, stats.batch_seconds.clone());
    sheet.put(&of::APPEND_JUDGED, stats.judged);
    let retries = [("mismatch", stats.mismatches), ("transient", stats.transients)];
    sheet.put_each(&of::APPEND_RETRIES, retries);
    sheet.put(&of::APPEND_NOT_EXECUTED, stats.not_executed);
    sheet.put(&of::APPEND_UNKNOWN, stats.unknown);
    let settled = [("executed", stats.settled_executed), ("not_executed", stats.settled_not_executed)];
    sheet.put_each(&of::APPEND_SETTLED, settled);
    sheet.put(&of::APPEND_SETTLE_FAILURES, stats.settle_failures);
}
