//! What must hold after every run of a store: questions in SQL that both dialects understand, each answered with 0.
//!
//! A rate that is reached by doing less is no rate.

use crate::workload::Rung;

/// What is asked, and the statement.
pub(crate) type Question = (&'static str, &'static str);

/// About the log's order: a store that promises none is not asked.
pub(crate) const ORDER: [Question; 2] = [
    ("positions are dense", "SELECT count(*) - coalesce(max(position), 0) FROM events"),
    (
        "times never go back",
        "SELECT count(*) FROM (SELECT recorded_at, lag(recorded_at) OVER (ORDER BY position) AS before FROM events) e \
         WHERE recorded_at < before",
    ),
];

/// About the rows that a rung writes.
pub(crate) fn contents(rung: Rung) -> Vec<Question> {
    let mut questions = vec![(
        "versions are 1 to n",
        "SELECT count(*) FROM (SELECT aggregate_id FROM events GROUP BY aggregate_id \
         HAVING max(version) <> count(*) OR min(version) <> 1) s",
    )];
    if rung >= Rung::Claims {
        questions.push((
            "each user has three claims",
            "SELECT (SELECT count(*) FROM claims) - 3 * (SELECT count(DISTINCT aggregate_id) FROM events)",
        ));
    }
    if rung >= Rung::Sealed {
        questions.push((
            "each user has a key",
            "SELECT (SELECT count(*) FROM user_secret) - (SELECT count(DISTINCT aggregate_id) FROM events)",
        ));
    }
    if rung >= Rung::Requests {
        questions.push((
            REMEMBERED,
            "SELECT (SELECT count(*) FROM events) - (SELECT count(*) FROM requests r JOIN events e \
             ON e.position = r.position AND e.aggregate_id = r.aggregate_id AND e.version = r.version)",
        ));
    }
    if rung == Rung::Row {
        questions.push((
            "each user's row is that of her last event",
            "SELECT (SELECT count(DISTINCT aggregate_id) FROM events) - (SELECT count(*) FROM user_read_model m \
             JOIN (SELECT aggregate_id, max(version) AS version, max(position) AS position FROM events \
             GROUP BY aggregate_id) e \
             ON e.aggregate_id = m.id AND e.version = m.version AND e.position = m.position)",
        ));
    }
    questions
}

/// The same after calls that nobody may repeat: the service remembers only those that carry an id.
pub(crate) fn without_requests() -> Vec<Question> {
    contents(Rung::Row).into_iter().filter(|question| question.0 != REMEMBERED).collect()
}

const REMEMBERED: &str = "each command is remembered at its event";

/// How many events a commit held: those of one commit carry one time.
pub(crate) const COMMITS: &str = "SELECT count(DISTINCT recorded_at) FROM events";

/// How many events there are.
pub(crate) const EVENTS: &str = "SELECT count(*) FROM events";
