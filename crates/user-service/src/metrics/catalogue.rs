//! Every metric there is: its name with its unit at the end, and a help text that says what a bad value means.
//!
//! What is not in this list cannot be shown. A test holds the list against what is shown, and the dashboard against the
//! list.

use prometheus_client::metrics::MetricType;

/// A metric.
#[derive(Debug)]
pub(super) struct Metric {
    /// Without the unit: `user_service_append_batch`.
    pub(super) base: &'static str,
    /// `seconds`; empty for what is only ever 0 or 1.
    pub(super) unit: &'static str,
    pub(super) kind: Kind,
    /// The names of its labels, each of which has a bounded set of values.
    pub(super) labels: &'static [&'static str],
    /// What it is, and what a bad value means.
    pub(super) help: &'static str,
    /// Under which heading the dashboard has it.
    #[cfg_attr(not(test), expect(dead_code, reason = "the dashboard is made by a test"))]
    pub(super) section: &'static str,
}

/// What can be done with its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It grows until the process ends.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Counts by range.
    Histogram,
}

impl Kind {
    pub(super) fn metric_type(self) -> MetricType {
        match self {
            Self::Counter => MetricType::Counter,
            Self::Gauge => MetricType::Gauge,
            Self::Histogram => MetricType::Histogram,
        }
    }
}

macro_rules! catalogue {
    ($($section:literal {
        $($name:ident: $kind:ident $base:literal $unit:literal [$($label:literal),*] $help:literal;)*
    })*) => {
        $($(pub(super) static $name: Metric = Metric {
            base: $base,
            unit: $unit,
            kind: Kind::$kind,
            labels: &[$($label),*],
            help: $help,
            section: $section,
        };)*)*

        /// All of them.
        #[cfg(test)]
        pub(super) static ALL: &[&Metric] = &[$($(&$name),*),*];
    };
}

catalogue! {
    "The log and its store" {
        LOG_EVENTS: Counter "user_service_log" "events" []
            "Events in the log, the same on every instance: use max, not sum. Its rate is the write rate. Falling: \
             an older backup was restored.";
        STORE_REACHABLE: Gauge "user_service_store_reachable" "" []
            "1 if the store answered this scrape. 0: it is down or too slow, and whatever is read from it is missing \
             here.";
        STORE_WARNING: Gauge "user_service_store_warning" "" ["warning"]
            "1 if the store warns of this. writer_too_old: upgrade this instance. clock_jumped: set the clock right \
             or accept it. store_down: nothing is written. clock_behind: times stand still. weakened: durability was \
             given up on purpose.";
        CLOCK_BEHIND: Gauge "user_service_log_clock_behind" "seconds" []
            "How far the clock is behind the latest event. Above 5: times of new events stand still until it catches \
             up, so look at the clock's synchronisation.";
        REPLAY_LAG: Gauge "user_service_store_replay_lag" "seconds" []
            "How long ago that was written which a replica applied last, if it has more to apply: reads here are as old. \
             Growing: the replica has lost its primary, or cannot keep up. Missing: this is no replica.";
        STORE_EVENTS_BYTES: Gauge "user_service_store_events" "bytes" []
            "The table of events. It only grows: compare with the room on the disk. Missing: the store cannot tell.";
        STORE_INDEXES_BYTES: Gauge "user_service_store_indexes" "bytes" []
            "The indexes of the table of events. More than the table itself: they are bloated, reindex. Missing: the \
             store cannot tell.";
        STORE_TOTAL_BYTES: Gauge "user_service_store_total" "bytes" []
            "Everything that the store holds, read models included. Growing much faster than the events: a \
             projection's old generation was not retired, or rows are not vacuumed.";
        STORE_WAL_BYTES: Gauge "user_service_store_wal" "bytes" []
            "What is written ahead and not yet in the tables. Growing without end: something holds an old read open, \
             or the checkpoint does not keep up. Missing: the store cannot tell.";
        LOG_EVENTS_COUNTED: Counter "user_service_log_counted" "events" ["aggregate_type", "event_type"]
            "Events by type, as projection user_activity has counted them: as fresh as that is. A type that suddenly \
             grows: something runs wild. Missing: there is no such projection yet.";
    }
    "Appends" {
        APPENDS: Counter "user_service" "appends" ["outcome"]
            "Appends of this instance by their end. Many conflict: callers fight over the same users. overloaded: \
             commands are shed, there are more than the store commits. unknown: connections break during commits. \
             store_down, writer_refused: nothing is written.";
        APPENDED_EVENTS: Counter "user_service_appended" "events" []
            "Events that this instance appended. No rate while there are calls: nothing is written.";
        APPEND_WAITING: Gauge "user_service_append_waiting" "appends" []
            "Appends that wait for their batch. Near the most that may wait: commits are too slow, and commands are \
             about to be shed.";
        APPEND_WAITING_MAX: Gauge "user_service_append_waiting_max" "appends" []
            "How many appends may wait. Whatever comes then is refused as overloaded.";
        APPEND_BATCH_APPENDS: Histogram "user_service_append_batch" "appends" []
            "How many appends were committed together. Always 1 under load: they do not find together, because they \
             touch the same users or come one after the other.";
        APPEND_BATCH_SECONDS: Histogram "user_service_append_batch" "seconds" []
            "Time to commit a batch, with all attempts. High: the disk's flush or the database is slow, or another \
             instance holds the append lock.";
        APPEND_JUDGED: Counter "user_service_append_judged" "batches" []
            "Batches whose appends were judged one by one, which is slower. Many: there are many conflicts.";
        APPEND_RETRIES: Counter "user_service_append_retries" "attempts" ["cause"]
            "Commits that were tried again. mismatch: a conflict was only found while writing. transient: deadlocks, \
             which should not happen.";
        APPEND_NOT_EXECUTED: Counter "user_service_append_not_executed" "batches" []
            "Batches that the store did not take at all. Any: the store is down, full, or refuses this writer.";
        APPEND_UNKNOWN: Counter "user_service_append_unknown" "appends" []
            "Appends whose commit went unanswered. Any: connections to the store break, or the disk fails.";
        APPEND_SETTLED: Counter "user_service_append_settled" "appends" ["found"]
            "Unknown appends whose fate was found out. Fewer than there are unknown ones: callers were told to retry \
             with their request id.";
        APPEND_SETTLE_FAILURES: Counter "user_service_append_settle_failures" "attempts" []
            "Attempts to find out the fate of appends that failed. Growing: the store stays away after a commit that \
             nobody answered.";
    }
    "Reads" {
        QUERY_SECONDS: Histogram "user_service_query" "seconds" ["query"]
            "Time of each question about users. High: the store is slow or an index is missing. verify_password \
             includes the hash, which is slow on purpose.";
        READ_CONNECTIONS: Gauge "user_service_read_connections" "connections" ["state"]
            "Connections that read. None idle for long: reads wait for each other.";
        READS_WAITING: Gauge "user_service_reads_waiting" "reads" []
            "Reads that wait for a connection. Above 0 for long: the pool is too small or the database too slow. \
             Always 0 on the embedded store, where nobody waits.";
        STATEMENTS: Counter "user_service_statement_cache" "reads" ["result"]
            "Reads of users by whether their statement was prepared on the connection. Many misses: connections are \
             opened again and again.";
        PASSWORD_THROTTLED: Counter "user_service_password_throttled" "attempts" ["by"]
            "Attempts at passwords that were told to wait, since too many had failed: for this user, or from this caller. \
             Many: somebody guesses. From one caller: a service that sends no source address may be all your users.";
    }
    "Projections" {
        PROJECTION_LAG_EVENTS: Gauge "user_service_projection_lag" "events" ["projection"]
            "Events that are not in the projection's rows yet. Growing: it is slower than the writers, stuck, or \
             paused. The same on every instance: use max.";
        PROJECTION_LAG_SECONDS: Gauge "user_service_projection_lag" "seconds" ["projection"]
            "How long ago the first event was recorded that is not in the rows yet; 0 when there is none. Above a \
             minute: searches and histories are that stale, see its owner's log.";
        PROJECTION_DELAY_SECONDS: Gauge "user_service_projection_delay" "seconds" ["projection"]
            "Time between the last projected event and its projection, where this instance did it. Above a second \
             while caught up: nobody wakes the runner, it polls.";
        PROJECTION_STEP_SECONDS: Gauge "user_service_projection_step" "seconds" ["projection"]
            "How long the last step kept the store. Far above 0.02: commands wait for it on the embedded store.";
        PROJECTION_HOLD_SECONDS: Gauge "user_service_projection_hold" "seconds" ["projection"]
            "How long writers stood still for the last switch of an inline projection. Near 5: it was given up, try \
             again at a quieter time.";
        PROJECTED_EVENTS: Counter "user_service_projected" "events" ["projection"]
            "Events that went through the projector here, rebuilds included. No rate on the owner while events are \
             written: it is stuck.";
        PROJECTION_FAILURES: Counter "user_service_projection_failed" "steps" ["projection"]
            "Steps that failed and are tried again. Growing: the store is away, or a defect shows; the log has the \
             cause.";
        PROJECTION_RETRIES: Counter "user_service_projection_retried" "steps" ["projection"]
            "Tries after a failure. Growing without events getting through: it will not mend itself.";
        PROJECTION_PARKED_EVENTS: Counter "user_service_projection_parked" "events" ["projection"]
            "Events that this instance has set aside since it started because they could not be projected. Any: look \
             at what is parked.";
        PROJECTION_PARKED_STREAMS: Gauge "user_service_projection_parked" "streams" ["projection"]
            "Users who are set aside now: their rows are stale until the cause is mended and they are retried. Any: \
             projection parked list. The same on every instance: use max.";
        PROJECTION_OWNED: Gauge "user_service_projection_owned" "" ["projection"]
            "1 if this instance does the projection's work. 0 on every instance for longer than a lease lasts: \
             nobody does.";
        PROJECTION_ORPHANED: Gauge "user_service_projection_orphaned" "" ["projection"]
            "1 if no instance does the projection's work. For more than some seconds: runners are down or cannot \
             reach the store.";
        PROJECTION_PAUSED: Gauge "user_service_projection_paused" "" ["projection"]
            "1 if the projection does not go on: by an operator's wish, a diverged log, or too much that is parked. \
             projection list says why.";
        PROJECTION_TAKEN_OVER: Counter "user_service_projection_taken" "leases" ["projection"]
            "How often this instance took the work over. Often: instances restart, or lose their leases to pauses.";
        PROJECTION_FENCED: Counter "user_service_projection_lost" "leases" ["projection"]
            "How often this instance lost the work while it was at it. Any: it stood still for longer than a lease \
             lasts.";
        PROJECTION_BUILD_RATIO: Gauge "user_service_projection_build" "ratio" ["projection"]
            "How much of a new generation is built; missing while none is. Standing still below 1: the build is \
             stuck.";
        PROJECTION_BUILD_REMAINING: Gauge "user_service_projection_build_remaining" "seconds" ["projection"]
            "How long the build takes from here at its present rate. Growing: it is slower than the writers.";
    }
    "Calls" {
        CALLS: Counter "user_service_rpc" "calls" ["method", "code"]
            "Calls by method and gRPC code; streams count when they end. internal, unknown, data_loss: look at the \
             log. unavailable, resource_exhausted: down or overloaded. deadline_exceeded: too slow for its callers.";
        CALL_SECONDS: Histogram "user_service_rpc" "seconds" ["method"]
            "Time from the request's headers to its answer, without streams. High: see the queries for reads, the \
             batches for writes, and the processor for logins.";
        CALLS_OPEN: Gauge "user_service_rpc_open" "calls" ["method"]
            "Calls that are being answered now. Growing without end: something hangs; for WatchEvents it is how many \
             watch.";
    }
    "Limits" {
        EXECUTING: Gauge "user_service_executing" "calls" ["kind"]
            "Calls that are executed now, by kind: read, write, password. Near the most that the settings allow: calls \
             of this kind are about to be shed.";
        SHED: Counter "user_service_shed" "calls" ["kind", "cause"]
            "Calls that were turned away as OVERLOADED before anything was done for them. Cause kind: more of this kind \
             than are executed at a time. address: one caller asks too much. all: too many calls are open.";
        CONNECTIONS: Gauge "user_service_open" "connections" []
            "Connections of callers. Near the most that the settings allow: new ones are about to be refused.";
        CONNECTIONS_REFUSED: Counter "user_service_refused" "connections" ["cause"]
            "Connections that were closed as soon as they were made. Cause all: there are too many. address: one caller \
             opens too many.";
        STALLED: Counter "user_service_stalled" "answers" []
            "Answers that were dropped because their callers had stopped reading. Many: somebody holds memory on \
             purpose, or a client hangs.";
    }
    "Certificates" {
        CERTIFICATE_EXPIRES: Gauge "user_service_certificate_expires_timestamp" "seconds" ["certificate"]
            "Until when the certificate of the service, and those of who signs for its callers, are valid, in seconds \
             since 1970. Less than two weeks away: put a newer one in the file; after it nobody can call.";
        CERTIFICATE_REFUSED: Gauge "user_service_certificate_refused" "" []
            "1 if the files hold a certificate that cannot be used, and the one from before is served. For longer than \
             it takes to replace a pair of files: the log says what is wrong.";
    }
    "Checks" {
        ROUNDS_CHECKED: Counter "user_service_doctor_checked" "users" []
            "Users drawn at random and checked against the log. Standing still: the checks are switched off, \
             or fail and say why in the log.";
        ROUNDS_WRONG: Counter "user_service_doctor_wrong" "findings" []
            "Things found wrong with them, each time one is seen. Any: the log says what, doctor --repair \
             mends it.";
        ROUNDS_LAST: Gauge "user_service_doctor_last_check_time" "seconds" []
            "When the latest check ended, in seconds since 1970; missing before the first. Older than some \
             checks: they fail.";
    }
    "The process" {
        BUILD: Gauge "user_service_build_info" "" ["version"]
            "1 for the version that runs. Several versions at once: an upgrade is under way, or was left half done.";
        RESIDENT_BYTES: Gauge "process_resident_memory" "bytes" []
            "Memory in use. Growing without end: a leak.";
        CPU_SECONDS: Counter "process_cpu" "seconds" []
            "Processor time. Its rate near the number of cores: saturated; hashing passwords is what usually costs \
             it.";
        OPEN_FDS: Gauge "process_open" "fds" []
            "Open file descriptors. Near the most: connections will be refused.";
        MAX_FDS: Gauge "process_max" "fds" []
            "How many file descriptors may be open. Below a few thousand: raise the limit.";
        START_SECONDS: Gauge "process_start_time" "seconds" []
            "When the process started, in seconds since 1970. Changing often: it crashes or is killed.";
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write as _;

    use super::*;

    /// What labels may be called. Each has few values, known beforehand; none is about anybody.
    const LABELS: [&str; 15] = [
        "aggregate_type",
        "by",
        "cause",
        "certificate",
        "code",
        "event_type",
        "found",
        "kind",
        "method",
        "outcome",
        "projection",
        "query",
        "result",
        "state",
        "warning",
    ];

    #[test]
    fn every_metric_has_a_unit_and_says_what_a_bad_value_means() {
        let mut names = BTreeSet::new();
        for metric in ALL {
            let name = metric.name();
            assert!(names.insert(name.clone()), "{name} is declared twice");
            assert!(!metric.unit.is_empty() || metric.help.starts_with("1 "), "{name} has no unit");
            let sentences = metric.help.split_terminator(['.', ';']).count();
            let explained = metric.help.contains(':') || metric.help.contains("refused");
            assert!(sentences >= 2 && metric.help.ends_with('.'), "{name} does not say what is bad");
            assert!(explained, "{name} does not say what a bad value means");
            let known = |label: &&&str| LABELS.contains(label) || **label == "version";
            assert_eq!(metric.labels.iter().filter(known).count(), metric.labels.len(), "{name}");
        }
    }

    #[test]
    fn the_catalogue() {
        let mut list = String::new();
        for metric in ALL {
            writeln!(list, "{} {:?}\n    {}", metric.name(), metric.labels, metric.help)
                .expect("memory does not fail");
        }
        insta::assert_snapshot!(list);
    }
}
