//! `ImportUsers`: settings, then rows, each a command of its own. The answer tells of each, in the order of the rows.

use std::collections::HashMap;
use std::pin::pin;

use connectrpc::{ConnectError, ErrorCode, InboundStream, StreamMessage};
use cqrs::{Claim, Execution, Rehearsed};
use eventstore::{ClaimKey, NewRequest};
use futures_util::{StreamExt, TryStreamExt};
use user_api::v1::import_users_request::Part;
use user_api::{ApiError, v1};
use user_domain::{Refusal, User, Users};
use uuid::Uuid;

use super::call::Call;
use super::errors;
use super::fields::Fields;
use super::import_row::{Row, request_id};
use super::import_turns::Turns;
use crate::directory::{Attachment, Directory, LookAlikes};
use crate::imports::{Import, ImportError, Imports, ROWS_IN_FLIGHT};

/// Rows of one call: an answer of a megabyte, and some seconds to a minute of work.
const ROWS_MAX: usize = 10_000;

type Pieces = InboundStream<v1::ImportUsersRequest>;
type Piece = Result<StreamMessage<v1::ImportUsersRequest>, ConnectError>;
type Outcome = v1::ImportOutcome;

pub(super) async fn import_users(
    imports: &Imports,
    call: &Call,
    pieces: Pieces,
) -> Result<v1::ImportUsersResponse, ConnectError> {
    let import = imports.begin().map_err(errors::of_import)?;
    tokio::select! {
        told = import_all(imports.directory(), &import, call, pieces) => told,
        () = imports.stopped() => Err(errors::of_import(ImportError::Stopping).into()),
    }
}

async fn import_all(
    directory: &Directory,
    import: &Import,
    call: &Call,
    mut pieces: Pieces,
) -> Result<v1::ImportUsersResponse, ConnectError> {
    let settings = settings(pieces.next().await.transpose().map_err(unread)?)?;
    let importing = Importing { directory, import, call, settings };
    let mut turns = Turns::default();
    let rows = pieces.enumerate().map(|(n, piece)| {
        let row = row_of(n, piece)?;
        Ok::<_, ConnectError>(importing.begin(row, &mut turns))
    });
    let mut ends = pin!(rows.try_buffered(ROWS_IN_FLIGHT));
    let mut tally = Tally::default();
    while let Some(end) = ends.try_next().await? {
        tally.add(end);
    }
    Ok(tally.told)
}

/// What holds for all rows.
struct Settings {
    import_id: Uuid,
    /// It is only a rehearsal.
    validate_only: bool,
    look_alikes: LookAlikes,
}

fn settings(first: Option<StreamMessage<v1::ImportUsersRequest>>) -> Result<Settings, ApiError> {
    let mut fields = Fields::default();
    let Some(Part::Settings(settings)) = first.and_then(|first| first.to_owned_message().part) else {
        fields.wrong("settings", "REQUIRED", "the first message has the settings of the import");
        return Err(fields.error());
    };
    let import_id = fields.listed_id("settings.import_id", &settings.import_id);
    let look_alikes = if settings.accept_look_alikes { LookAlikes::Accept } else { LookAlikes::Refuse };
    let import_id = import_id.ok_or_else(|| fields.error())?;
    Ok(Settings { import_id, validate_only: settings.validate_only, look_alikes })
}

/// What the stack could not read, with the reason that it has in other calls.
fn unread(error: ConnectError) -> ConnectError {
    let reason = match error.code {
        ErrorCode::InvalidArgument => "MALFORMED_REQUEST",
        ErrorCode::ResourceExhausted => "MESSAGE_TOO_LARGE",
        _ => return error,
    };
    ApiError::new(error.code, reason, error.message.unwrap_or_default()).into()
}

fn row_of(n: usize, piece: Piece) -> Result<v1::ImportRow, ConnectError> {
    let mut fields = Fields::default();
    match piece.map_err(unread)?.to_owned_message().part {
        Some(Part::Row(row)) if n < ROWS_MAX => return Ok(*row),
        Some(Part::Row(_)) => {
            let error = ApiError::new(ErrorCode::InvalidArgument, "TOO_MANY_ROWS", "a call takes 10000 rows");
            return Err(error.with_metadata("rows_max", ROWS_MAX.to_string()).into());
        }
        Some(Part::Settings(_)) => {
            fields.wrong("settings", "GIVEN_TWICE", "must be in the first message alone");
        }
        None => fields.wrong("row", "REQUIRED", "each message but the first has a row"),
    }
    Err(fields.error().into())
}

/// A call at work.
struct Importing<'a> {
    directory: &'a Directory,
    import: &'a Import,
    call: &'a Call,
    settings: Settings,
}

/// How a row ended.
struct RowEnd {
    told: v1::ImportResult,
    position: u64,
    /// What she would own, in a rehearsal.
    claims: Vec<(Claim, ClaimKey)>,
}

impl Importing<'_> {
    /// A row, which goes on when its turn comes. Rows are begun in the order in which they were sent.
    fn begin(
        &self,
        row: v1::ImportRow,
        turns: &mut Turns,
    ) -> impl Future<Output = Result<RowEnd, ConnectError>> + use<'_> {
        let number = row.row;
        let row = Row::parse(self.directory, row).map(|row| {
            let claims = row.command.user.claims();
            let execution = self.execution(number, row);
            (turns.next(&self.wanted(&claims, &execution)), execution)
        });
        async move {
            Ok(match row {
                Ok((turn, execution)) => {
                    turn.comes().await;
                    self.end(number, execution).await
                }
                Err(error) => RowEnd::without(number, Outcome::Invalid, &error),
            })
        }
    }

    async fn end(&self, number: u64, execution: Execution<Users, Attachment>) -> RowEnd {
        let end = if self.settings.validate_only {
            self.import.rehearse(&execution).await.map(|what| RowEnd::rehearsed(number, what))
        } else {
            self.import.carry_out(execution).await.map(|outcome| RowEnd::done(number, &outcome))
        };
        end.unwrap_or_else(|failure| {
            let (outcome, error) = errors::of_row(failure);
            RowEnd::without(number, outcome, &error)
        })
    }

    /// What another row could want, too: its number, and what its user would own.
    fn wanted(&self, claims: &[Claim], execution: &Execution<Users, Attachment>) -> Vec<Uuid> {
        let claims = claims.iter().map(|claim| self.directory.root().claim_key(claim).0);
        claims.chain(execution.request.map(|request| request.key.0)).collect()
    }

    fn execution(&self, number: u64, row: Row) -> Execution<Users, Attachment> {
        let (root, request_id) = (self.directory.root(), request_id(self.settings.import_id, number));
        let request = NewRequest {
            key: root.request_key(self.call.principal.name(), self.call.actor(), "ImportUsers", request_id),
            fingerprint: root.fingerprint(&[&row.bytes]),
        };
        Execution {
            id: row.id,
            command: row.command.into(),
            attachment: Attachment {
                credential: row.credential,
                origin: self.call.origin.clone(),
                look_alikes: self.settings.look_alikes,
            },
            precondition: None,
            request: Some(request),
            metadata: self.call.metadata(Some(request_id)),
            deadline: self.call.deadline,
        }
    }
}

impl RowEnd {
    fn done(row: u64, outcome: &cqrs::Outcome<User>) -> Self {
        let how = if outcome.replayed { Outcome::AlreadyImported } else { Outcome::Created };
        let user_id = outcome.id.to_string();
        let told = v1::ImportResult { row, outcome: how.into(), user_id, ..Default::default() };
        Self { told, position: outcome.position.0, claims: Vec::new() }
    }

    fn rehearsed(row: u64, what: Rehearsed) -> Self {
        let (outcome, claims) = match what {
            Rehearsed::Repeats => (Outcome::AlreadyImported, Vec::new()),
            Rehearsed::WouldOwn(claims) => (Outcome::Valid, claims),
        };
        let told = v1::ImportResult { row, outcome: outcome.into(), ..Default::default() };
        Self { told, position: 0, claims }
    }

    fn without(row: u64, outcome: Outcome, error: &ApiError) -> Self {
        let (field, description) = error.violation().unwrap_or(("", error.message()));
        let told = v1::ImportResult {
            row,
            outcome: outcome.into(),
            user_id: String::new(),
            reason: error.reason().to_owned(),
            field: field.to_owned(),
            description: description.to_owned(),
        };
        Self { told, position: 0, claims: Vec::new() }
    }
}

/// What is told at the end.
#[derive(Default)]
struct Tally {
    told: v1::ImportUsersResponse,
    /// In a rehearsal: what the rows so far would own, and which of them.
    wanted: HashMap<ClaimKey, u64>,
}

impl Tally {
    fn add(&mut self, end: RowEnd) {
        let end = self.unless_wanted_twice(end);
        let told = &mut self.told;
        let count = match end.told.outcome.as_known() {
            Some(Outcome::Created) => &mut told.created,
            Some(Outcome::AlreadyImported) => &mut told.already_imported,
            Some(Outcome::Valid) => &mut told.valid,
            Some(Outcome::Refused) => &mut told.refused,
            Some(Outcome::Invalid) => &mut told.invalid,
            Some(Outcome::NotExecuted) => &mut told.not_executed,
            Some(Outcome::Unknown | Outcome::Unspecified) | None => &mut told.unknown,
        };
        *count += 1;
        told.position = told.position.max(end.position);
        told.results.push(end.told);
    }

    /// Of two rows that want the same, the first would get it.
    fn unless_wanted_twice(&mut self, end: RowEnd) -> RowEnd {
        let row = end.told.row;
        let taken = end.claims.iter().find(|(_, key)| self.wanted.contains_key(key));
        let refusal =
            taken.and_then(|(claim, key)| Some((Refusal::of_taken_claim(claim.scope)?, self.wanted[key])));
        let Some((refusal, first)) = refusal else {
            self.wanted.extend(end.claims.iter().map(|(_, key)| (*key, row)));
            return end;
        };
        let mut end = RowEnd::without(row, Outcome::Refused, &errors::of_refusal(refusal));
        end.told.description = format!("is wanted by row {first}, too");
        end
    }
}
