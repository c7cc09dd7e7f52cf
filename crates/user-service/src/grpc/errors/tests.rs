//! The whole map, printed: every failure with its code, its reason and the fields that are to blame.

use std::fmt::Write as _;

use connectrpc::ConnectError;
use cqrs::CommandError::{
    Broken, Contended, DeadlineBeforeStart, Erased, OutcomeUnknown, Overloaded, PreconditionFailed, Refused,
    RequestReused, StoreDown, WriterRefused,
};
use eventstore::{Position, ProjectionError, WriterRefusal};
use insta::assert_snapshot;
use user_domain::{DecodeError, Scope};

use super::*;
use crate::directory::HistoryError;
use crate::queries::BadToken;
use crate::vault::MasterKeyError;

/// What must never be sent: the text of a cause.
const INTERNAL: &str = "relation user_secret does not exist";

fn command_failures() -> impl Iterator<Item = CommandError<Refusal>> {
    let others = [
        PreconditionFailed { actual: Version(2) },
        Contended,
        RequestReused,
        Erased,
        Overloaded,
        DeadlineBeforeStart,
        StoreDown,
        WriterRefused(WriterRefusal::TooOld),
        WriterRefused(WriterRefusal::ClockJumped),
        OutcomeUnknown,
        Broken(INTERNAL.into()),
    ];
    Refusal::ALL.map(Refused).into_iter().chain(others)
}

/// The name of a variant, the compiler's witness that none is missing, and what a caller is told.
fn commands() -> Vec<(String, ApiError)> {
    command_failures().map(|failure| (name(&failure), of_command(failure))).collect()
}

/// The same for a row of an import, with how it ended.
fn rows() -> Vec<(String, ApiError)> {
    let row = |failure| {
        let name = name(&failure);
        let (outcome, error) = of_row(failure);
        (format!("Row({name}) {outcome:?}"), error)
    };
    command_failures().filter(|failure| !matches!(failure, Refused(_))).map(row).collect()
}

fn imports() -> Vec<(String, ApiError)> {
    let failures = [ImportError::TooMany, ImportError::Stopping];
    failures.into_iter().map(|failure| (format!("Import({failure:?})"), of_import(failure))).collect()
}

fn name(failure: &CommandError<Refusal>) -> String {
    match failure {
        Refused(refusal) => format!("Refused({refusal:?})"),
        WriterRefused(refusal) => format!("WriterRefused({refusal:?})"),
        PreconditionFailed { .. } => "PreconditionFailed".to_owned(),
        Broken(_) => "Broken".to_owned(),
        Contended | RequestReused | Erased | Overloaded | DeadlineBeforeStart | StoreDown
        | OutcomeUnknown => format!("{failure:?}"),
    }
}

fn queries() -> Vec<(String, ApiError)> {
    let decode = DecodeError::UnknownType { event_type: INTERNAL.to_owned() };
    let failures = [
        QueryError::Store(ReadError::StoreDown(INTERNAL.into())),
        QueryError::Store(ReadError::Corrupt(INTERNAL.to_owned())),
        QueryError::Store(ReadError::Malformed(INTERNAL.into())),
        QueryError::Overloaded,
        QueryError::TooManyAttempts { retry_after: Duration::from_secs(8) },
        QueryError::NotReached { head: Position(7) },
        QueryError::ReplicaBehind { head: Position(7) },
        projection(NotReached::Behind { at: Position(7) }),
        projection(NotReached::Building { done: 7, total: 9 }),
        projection(NotReached::Unknown),
        projection(NotReached::Paused(INTERNAL.to_owned())),
        projection(NotReached::Diverged(INTERNAL.to_owned())),
        projection(NotReached::Store(ReadError::StoreDown(INTERNAL.into()).into())),
        projection(NotReached::Store(ProjectionError::Missing)),
        QueryError::BadToken(BadToken),
        QueryError::History(HistoryError::Decode { position: 1, source: decode }),
        QueryError::Key(MasterKeyError::Unknown),
    ];
    failures.into_iter().map(|failure| (query_name(&failure).to_owned(), of_query(&failure))).collect()
}

fn feeds() -> Vec<(String, ApiError)> {
    let failures = [
        FeedError::BadToken,
        FeedError::BeyondHead { head: Position(7) },
        FeedError::Diverged,
        FeedError::TooMany,
        FeedError::NoSnapshot(NotReached::Behind { at: Position(1) }),
        FeedError::NoSnapshot(NotReached::Building { done: 1, total: 2 }),
        FeedError::NoSnapshot(NotReached::Paused(INTERNAL.to_owned())),
        FeedError::NoSnapshot(NotReached::Unknown),
        FeedError::Stopping,
        FeedError::Read(QueryError::Store(ReadError::StoreDown(INTERNAL.into()))),
    ];
    failures.into_iter().map(|failure| (feed_name(&failure).to_owned(), of_feed(&failure))).collect()
}

fn feed_name(failure: &FeedError) -> &'static str {
    match failure {
        FeedError::BadToken => "Feed(BadToken)",
        FeedError::BeyondHead { .. } => "Feed(BeyondHead)",
        FeedError::Diverged => "Feed(Diverged)",
        FeedError::TooMany => "Feed(TooMany)",
        FeedError::NoSnapshot(NotReached::Behind { .. }) => "Feed(NoSnapshot(Behind))",
        FeedError::NoSnapshot(NotReached::Building { .. }) => "Feed(NoSnapshot(Building))",
        FeedError::NoSnapshot(NotReached::Paused(_)) => "Feed(NoSnapshot(Paused))",
        FeedError::NoSnapshot(NotReached::Diverged(_)) => "Feed(NoSnapshot(Diverged))",
        FeedError::NoSnapshot(NotReached::Unknown) => "Feed(NoSnapshot(Unknown))",
        FeedError::NoSnapshot(NotReached::Store(_)) => "Feed(NoSnapshot(Store))",
        FeedError::Stopping => "Feed(Stopping)",
        FeedError::Read(_) => "Feed(Read)",
    }
}

fn projection(cause: NotReached) -> QueryError {
    QueryError::Projection { projection: "user_search", cause }
}

fn query_name(failure: &QueryError) -> &'static str {
    match failure {
        QueryError::Store(ReadError::StoreDown(_)) => "Store(StoreDown)",
        QueryError::Store(ReadError::Corrupt(_)) => "Store(Corrupt)",
        QueryError::Store(ReadError::Malformed(_)) => "Store(Malformed)",
        QueryError::Overloaded => "Overloaded",
        QueryError::TooManyAttempts { .. } => "TooManyAttempts",
        QueryError::NotReached { .. } => "NotReached",
        QueryError::ReplicaBehind { .. } => "ReplicaBehind",
        QueryError::Projection { cause: NotReached::Behind { .. }, .. } => "Projection(Behind)",
        QueryError::Projection { cause: NotReached::Building { .. }, .. } => "Projection(Building)",
        QueryError::Projection { cause: NotReached::Unknown, .. } => "Projection(Unknown)",
        QueryError::Projection { cause: NotReached::Paused(_), .. } => "Projection(Paused)",
        QueryError::Projection { cause: NotReached::Diverged(_), .. } => "Projection(Diverged)",
        QueryError::Projection { cause: NotReached::Store(_), .. } => "Projection(Store)",
        QueryError::BadToken(_) => "BadToken",
        QueryError::History(_) => "History",
        QueryError::Key(_) => "Key",
    }
}

fn exports() -> Vec<(String, ApiError)> {
    let failures = [
        ExportError::Query(QueryError::Overloaded),
        ExportError::TooMany,
        ExportError::Stopping,
        ExportError::BeyondHead { head: Position(7) },
    ];
    failures.into_iter().map(|failure| (export_name(&failure).to_owned(), of_export(&failure))).collect()
}

fn export_name(failure: &ExportError) -> &'static str {
    match failure {
        ExportError::Query(_) => "Export(Query)",
        ExportError::TooMany => "Export(TooMany)",
        ExportError::Stopping => "Export(Stopping)",
        ExportError::BeyondHead { .. } => "Export(BeyondHead)",
    }
}

/// Code and reason, then the fields that are to blame, and after what time a retry makes sense.
fn told(error: ApiError) -> String {
    let error = ConnectError::from(error);
    let mut told = error.code.as_str().to_owned();
    for detail in error.details.iter().filter_map(|detail| detail.debug.as_ref()) {
        let fields = detail["fieldViolations"].as_array().into_iter().flatten();
        let fields = fields.map(|violation| &violation["field"]);
        for word in [&detail["reason"], &detail["retryDelay"]].into_iter().chain(fields) {
            if let Some(word) = word.as_str() {
                write!(told, " {word}").expect("memory does not fail");
            }
        }
    }
    let whole = serde_json::to_string(&error).expect("it has a JSON form");
    assert!(!whole.contains(INTERNAL), "internal text would be sent: {whole}");
    told
}

#[test]
fn who_was_not_there_then_is_told_from_who_never_was() {
    let failures = [of_absence(Absence::Never), of_absence(Absence::NotYet), version_not_reached(Version(3))];
    assert_eq!(
        failures.map(told),
        [
            "not_found USER_NOT_FOUND",
            "not_found USER_NOT_YET_CREATED",
            "out_of_range VERSION_NOT_REACHED version"
        ]
    );
}

fn all() -> impl Iterator<Item = (String, ApiError)> {
    [commands(), rows(), queries(), exports(), imports(), feeds()].into_iter().flatten()
}

#[test]
fn who_is_not_let_in_is_told_why() {
    let denials = [
        Denial::Missing,
        Denial::Malformed("it is too long"),
        Denial::Unknown,
        Denial::Expired,
        Denial::ScopeMissing { scope: Scope::Admin, method: "EraseUser" },
        Denial::Overloaded,
        Denial::Unavailable(ReadError::StoreDown(INTERNAL.into())),
    ];
    assert_eq!(
        denials.map(|denial| told(of_denial(&denial))),
        [
            "unauthenticated MISSING_TOKEN",
            "unauthenticated INVALID_TOKEN",
            "unauthenticated INVALID_TOKEN",
            "unauthenticated TOKEN_EXPIRED",
            "permission_denied SCOPE_MISSING",
            "resource_exhausted OVERLOADED 0.500s",
            "unavailable STORE_DOWN 0.500s",
        ]
    );
}

#[test]
fn every_failure_has_a_code_and_a_reason() {
    let mut table = String::new();
    for (failure, error) in all() {
        writeln!(table, "{failure}: {}", told(error)).expect("memory does not fail");
    }
    assert_snapshot!(table, @"
    Refused(UserNotFound): not_found USER_NOT_FOUND
    Refused(UserErased): not_found USER_ERASED
    Refused(UserDeleted): failed_precondition USER_DELETED
    Refused(UserSuspended): failed_precondition USER_SUSPENDED
    Refused(UserNotActive): failed_precondition USER_NOT_ACTIVE
    Refused(NotDeleted): failed_precondition USER_NOT_DELETED
    Refused(AlreadyExists): already_exists USER_ALREADY_EXISTS
    Refused(EmailTaken): already_exists EMAIL_TAKEN email
    Refused(UsernameTaken): already_exists USERNAME_TAKEN username
    Refused(UsernameTooSimilar): already_exists USERNAME_CONFUSABLE username
    Refused(UsernameReserved): invalid_argument USERNAME_RESERVED username
    Refused(WrongPassword): permission_denied WRONG_PASSWORD old_password
    Refused(CredentialChanged): aborted CREDENTIAL_CHANGED
    PreconditionFailed: aborted ETAG_MISMATCH etag
    Contended: aborted CONTENDED 0.500s
    RequestReused: invalid_argument REQUEST_ID_REUSED request_id
    Erased: not_found ERASED
    Overloaded: resource_exhausted OVERLOADED 0.500s
    DeadlineBeforeStart: deadline_exceeded DEADLINE_BEFORE_START
    StoreDown: unavailable STORE_DOWN 0.500s
    WriterRefused(TooOld): unavailable WRITER_REFUSED
    WriterRefused(ClockJumped): unavailable WRITER_REFUSED
    OutcomeUnknown: deadline_exceeded OUTCOME_UNKNOWN
    Broken: internal INTERNAL
    Row(PreconditionFailed) IMPORT_OUTCOME_REFUSED: aborted ETAG_MISMATCH etag
    Row(Contended) IMPORT_OUTCOME_NOT_EXECUTED: aborted CONTENDED 0.500s
    Row(RequestReused) IMPORT_OUTCOME_REFUSED: invalid_argument ROW_REUSED row
    Row(Erased) IMPORT_OUTCOME_ALREADY_IMPORTED: not_found ERASED
    Row(Overloaded) IMPORT_OUTCOME_NOT_EXECUTED: resource_exhausted OVERLOADED 0.500s
    Row(DeadlineBeforeStart) IMPORT_OUTCOME_NOT_EXECUTED: deadline_exceeded DEADLINE_BEFORE_START
    Row(StoreDown) IMPORT_OUTCOME_NOT_EXECUTED: unavailable STORE_DOWN 0.500s
    Row(WriterRefused(TooOld)) IMPORT_OUTCOME_NOT_EXECUTED: unavailable WRITER_REFUSED
    Row(WriterRefused(ClockJumped)) IMPORT_OUTCOME_NOT_EXECUTED: unavailable WRITER_REFUSED
    Row(OutcomeUnknown) IMPORT_OUTCOME_UNKNOWN: deadline_exceeded OUTCOME_UNKNOWN
    Row(Broken) IMPORT_OUTCOME_NOT_EXECUTED: internal INTERNAL
    Store(StoreDown): unavailable STORE_DOWN 0.500s
    Store(Corrupt): internal INTERNAL
    Store(Malformed): internal INTERNAL
    Overloaded: resource_exhausted OVERLOADED 0.500s
    TooManyAttempts: resource_exhausted TOO_MANY_ATTEMPTS 8s
    NotReached: out_of_range POSITION_NOT_REACHED
    ReplicaBehind: deadline_exceeded REPLICA_BEHIND 0.500s
    Projection(Behind): deadline_exceeded PROJECTION_BEHIND 0.500s
    Projection(Building): unavailable PROJECTION_BUILDING 10s
    Projection(Unknown): unavailable PROJECTION_BUILDING 0.500s
    Projection(Paused): failed_precondition PROJECTION_PAUSED
    Projection(Diverged): failed_precondition LOG_DIVERGED
    Projection(Store): unavailable STORE_DOWN 0.500s
    Projection(Store): internal INTERNAL
    BadToken: invalid_argument BAD_PAGE_TOKEN page_token
    History: internal INTERNAL
    Key: internal INTERNAL
    Export(Query): resource_exhausted OVERLOADED 0.500s
    Export(TooMany): resource_exhausted TOO_MANY_EXPORTS 10s
    Export(Stopping): unavailable STOPPING 0.500s
    Export(BeyondHead): out_of_range POSITION_NOT_REACHED after_position
    Import(TooMany): resource_exhausted TOO_MANY_IMPORTS 10s
    Import(Stopping): unavailable STOPPING 0.500s
    Feed(BadToken): invalid_argument BAD_RESUME_TOKEN resume_token
    Feed(BeyondHead): out_of_range POSITION_NOT_REACHED after_position
    Feed(Diverged): failed_precondition LOG_DIVERGED
    Feed(TooMany): resource_exhausted TOO_MANY_FEEDS 10s
    Feed(NoSnapshot(Behind)): deadline_exceeded PROJECTION_BEHIND 0.500s
    Feed(NoSnapshot(Building)): unavailable PROJECTION_BUILDING 10s
    Feed(NoSnapshot(Paused)): failed_precondition PROJECTION_PAUSED
    Feed(NoSnapshot(Unknown)): unavailable PROJECTION_BUILDING 0.500s
    Feed(Stopping): unavailable STOPPING 0.500s
    Feed(Read): unavailable STORE_DOWN 0.500s
    ");
}
