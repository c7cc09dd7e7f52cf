//! `ExportEvents`: everything that happened as text, in chunks of whole lines.

use std::collections::VecDeque;

use connectrpc::ServiceStream;
use eventstore::{Direction, Position};
use futures_util::stream;
use user_api::{ApiError, v1};

use super::call::Call;
use super::event_lines::EventLines;
use super::fields::Fields;
use super::{errors, event_filter, user_event};
use crate::queries::{Export, ExportError, Exports, ListedEvent};

/// A chunk ends with the line that goes beyond this: large enough to cost little, small enough to wait for a slow reader.
const CHUNK_BYTES: usize = 24 * 1024;

pub(super) async fn export_events(
    exports: &Exports,
    _call: &Call,
    request: v1::ExportEventsRequest,
) -> Result<ServiceStream<v1::ExportEventsResponse>, ApiError> {
    let mut fields = Fields::default();
    let (asked, oldest_first) = (request.filter.as_option(), v1::EventOrder::OldestFirst.into());
    let question = event_filter::question(&mut fields, asked, oldest_first, Direction::OldestFirst);
    let lines = match request.format.as_known() {
        Some(v1::ExportFormat::Unspecified | v1::ExportFormat::JsonLines) => EventLines::Json,
        Some(v1::ExportFormat::Csv) => EventLines::Csv,
        None => {
            fields.wrong("format", "UNKNOWN_FORMAT", "must be JSON Lines or CSV");
            EventLines::Json
        }
    };
    fields.done()?;
    let after = Position(request.after_position);
    let export = exports.begin(question, after).await.map_err(|error| errors::of_export(&error))?;
    Ok(Box::pin(stream::unfold(Some(Writing::new(export, lines, after)), async |writing| {
        let mut writing = writing?;
        match writing.next().await {
            Ok(chunk) => chunk.map(|chunk| (Ok(chunk), Some(writing))),
            Err(error) => Some((Err(writing.broke_off(&error).into()), None)),
        }
    })))
}

/// An export on its way out.
struct Writing {
    export: Export,
    lines: EventLines,
    /// What has been read and not been sent. A reader may take her time between two chunks: whoever is erased meanwhile
    /// is not told.
    waiting: VecDeque<ListedEvent>,
    /// Everything up to here has been sent.
    position: Position,
    events: u64,
    /// What the first chunk begins with; `None` once it has been sent.
    header: Option<String>,
}

impl Writing {
    /// Who goes on after a position has the header already.
    fn new(export: Export, lines: EventLines, after: Position) -> Self {
        let header = if after == Position::START { lines.header() } else { String::new() };
        Self { export, lines, waiting: VecDeque::new(), position: after, events: 0, header: Some(header) }
    }

    /// The next chunk, after one read at most. The first comes in any case, so that an empty log has its header and its
    /// numbers too.
    async fn next(&mut self) -> Result<Option<v1::ExportEventsResponse>, ExportError> {
        if self.waiting.is_empty() {
            match self.export.next().await? {
                Some(part) => self.waiting.extend(part.events),
                None if self.header.is_none() => return Ok(None),
                None => {}
            }
        } else {
            self.export.forget_erased(self.waiting.iter_mut()).await?;
        }
        let mut chunk = self.header.take().unwrap_or_default();
        while chunk.len() < CHUNK_BYTES
            && let Some(event) = self.waiting.pop_front()
        {
            self.position = event.recorded().position;
            chunk.push_str(&self.lines.line(&user_event::listed(event)));
            self.events += 1;
        }
        if self.waiting.is_empty() {
            self.position = self.export.position();
        }
        Ok(Some(v1::ExportEventsResponse {
            chunk: chunk.into_bytes(),
            position: self.position.0,
            end_position: self.export.end().0,
            events: self.events,
        }))
    }

    /// What the caller is told, with what she needs to go on.
    fn broke_off(&self, error: &ExportError) -> ApiError {
        errors::of_export(error).with_metadata("after_position", self.position.to_string())
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use cqrs::Execution;
    use eventstore::{AggregateId, Deadline, Metadata};
    use tokio_util::sync::CancellationToken;
    use user_domain::{
        AvatarUrl, CreateUser, CredentialAlgorithm, DeleteUser, Email, EraseUser, PasswordHash, Patch,
        ProfilePatch, UpdateProfile, UserCommand, Username,
    };

    use super::*;
    use crate::directory::{Directory, NewCredential, directory_in};
    use crate::queries::EventQuestion;

    const HASH: &str =
        "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// Long enough that some dozens of changes do not fit one chunk.
    const NAME: &str = "kanarienvogel-kanarienvogel-kanarienvogel-kanarienvogel-kanarienvogel-kanarienvogel";

    async fn execute(directory: &Directory, id: AggregateId, command: impl Into<UserCommand>) {
        let command = command.into();
        let credential = if command.changes_credential() {
            NewCredential::Hashed(PasswordHash::parse("hash", HASH).expect("it is one"))
        } else {
            NewCredential::None
        };
        let execution = Execution {
            id,
            command,
            attachment: credential.into(),
            precondition: None,
            request: None,
            metadata: Metadata::default(),
            deadline: Deadline(Instant::now() + Duration::from_secs(30)),
        };
        directory.execute(&execution).await.expect("nobody is in the way");
    }

    #[tokio::test]
    async fn whoever_is_erased_while_her_events_wait_is_not_told() {
        let folder = tempfile::tempdir().expect("there is room");
        let directory = directory_in(folder.path()).await;
        let id = AggregateId(directory.sources().uuid());
        let create = CreateUser {
            email: Email::parse("kanarienvogel@example.org").expect("an address"),
            username: Username::parse("kanarienvogel").expect("a name"),
            first_name: None,
            last_name: None,
            avatar_url: None,
            algorithm: CredentialAlgorithm::Argon2id,
        };
        execute(&directory, id, create).await;
        for n in 0..60 {
            let url = AvatarUrl::parse(&format!("https://example.org/{NAME}/{n}.png")).expect("a URL");
            let profile = ProfilePatch { avatar_url: Patch::Set(url), ..ProfilePatch::default() };
            execute(&directory, id, UpdateProfile { profile }).await;
        }
        let exports = Exports::new(directory.clone(), CancellationToken::new());
        let export = exports.begin(EventQuestion::default(), Position::START).await.expect("there is room");
        let mut writing = Writing::new(export, EventLines::Json, Position::START);
        let first = writing.next().await.expect("it is read").expect("there is one");
        assert!(String::from_utf8_lossy(&first.chunk).contains(NAME));
        assert!(!writing.waiting.is_empty(), "the rest was read with it");
        execute(&directory, id, DeleteUser).await;
        execute(&directory, id, EraseUser).await;
        let mut rest = String::new();
        while let Some(chunk) = writing.next().await.expect("it is read") {
            rest.push_str(&String::from_utf8_lossy(&chunk.chunk));
        }
        assert!(rest.contains("user.profile_updated"), "that it happened is told");
        assert!(!rest.contains("kanarienvogel"), "what it was is not");
    }
}
