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
use crate::queries::{Export, ExportError, Exports};

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
    /// What has been read and not been sent: lines with the positions of their events.
    waiting: VecDeque<(Position, String)>,
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
                Some(part) => self.waiting.extend(part.events.into_iter().map(|event| {
                    let position = event.recorded().position;
                    (position, self.lines.line(&user_event::listed(event)))
                })),
                None if self.header.is_none() => return Ok(None),
                None => {}
            }
        }
        let mut chunk = self.header.take().unwrap_or_default();
        while chunk.len() < CHUNK_BYTES
            && let Some((position, line)) = self.waiting.pop_front()
        {
            chunk.push_str(&line);
            self.position = position;
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
