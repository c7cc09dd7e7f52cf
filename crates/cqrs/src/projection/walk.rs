//! A step of a generation that is built from history: some whole streams, folded one by one, written in bulk.
//!
//! Where to go on after a crash is always between two streams. A stream that is too long for one step is written in
//! pieces: what is about nobody, and what is parked, waits for the last of them, since it could not be taken back.
//!
//! While the store writes some streams, the next ones are read and folded: the one waits for a disk, the other computes.

use eventstore::{AggregateId, Phase, Position, Progress, RecordedEvent, StreamCursor, Version, Writing};

use super::divergence;
use super::fold::Fold;
use super::rows::is_about_streams;
use super::tended::{Moved, Tended, streams_of};
use super::workplace::{Trouble, Workplace};

/// Where a walk is between two steps.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// Whether nobody has left pieces of a stream behind.
    clean: bool,
    /// The stream that is being written in pieces.
    long: Option<LongStream>,
    /// What follows a stream that has been written.
    ahead: Option<(AggregateId, Part)>,
}

/// A stream that is being written in pieces.
#[derive(Debug)]
struct LongStream {
    cursor: StreamCursor,
    fold: Fold,
    events: u64,
}

/// Takes a step.
pub(super) async fn step<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    after: Option<AggregateId>,
) -> Result<Moved, Trouble> {
    if let Some(reason) = divergence::found(&*place.store, &tended.generation.checkpoint).await? {
        tended.pause(place, reason).await?;
        return Ok(Moved::Paused);
    }
    let (up_to, limit) = (tended.generation.checkpoint.position, tended.pace.events());
    if let Some(long) = tended.walk.long.take() {
        let page = Page::read(place, Some(long.cursor), up_to, limit).await?;
        go_on(place, tended, long, page).await?;
    } else {
        let ahead = tended.walk.ahead.take().filter(|(written, _)| Some(*written) == after);
        match ahead {
            Some((_, part)) => take(place, tended, part, limit).await?,
            None => take(place, tended, Part::after(place, after, up_to, limit).await?, limit).await?,
        }
    }
    tended.pause_if_too_much_is_parked(place).await?;
    Ok(Moved::Far)
}

/// What follows in the order of streams.
#[derive(Debug)]
enum Part {
    /// Nothing.
    End,
    /// As many whole streams as a step takes, folded.
    Streams { fold: Fold, first: AggregateId, whole: Whole },
    /// A stream that is too long for one step.
    Long(Page),
}

impl Part {
    async fn after<E: Send + Sync + 'static>(
        place: &Workplace<E>,
        after: Option<AggregateId>,
        up_to: Position,
        limit: u32,
    ) -> Result<Self, Trouble> {
        let cursor = after.map(|aggregate_id| StreamCursor { aggregate_id, version: Version(u64::MAX) });
        let mut page = Page::read(place, cursor, up_to, limit).await?;
        let Some(first) = page.events.first().map(|event| event.aggregate_id) else { return Ok(Self::End) };
        page.events.truncate(match page.whole() {
            0 => return Ok(Self::Long(page)),
            whole => whole,
        });
        let (last, events) = (page.events[page.events.len() - 1].aggregate_id, page.events.len());
        let mut fold = Fold::default();
        fold.all(&*place.projector, &place.read(page.events).await?);
        Ok(Self::Streams { fold, first, whole: Whole { last, events } })
    }
}

/// Writes what follows.
async fn take<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    part: Part,
    limit: u32,
) -> Result<(), Trouble> {
    match part {
        Part::End => {
            let slot = tended.generation.slot;
            place.projections().walked(place.layout, slot, tended.fence).await?;
            tended.generation.phase = Phase::Tailing;
        }
        Part::Long(page) => {
            let cursor = StreamCursor { aggregate_id: page.events[0].aggregate_id, version: Version::NONE };
            go_on(place, tended, LongStream { cursor, fold: Fold::default(), events: 0 }, page).await?;
        }
        Part::Streams { mut fold, first, whole } => {
            let (last, up_to) = (whole.last, tended.generation.checkpoint.position);
            let (written, next) = tokio::join!(
                write(place, tended, &mut fold, first, Some(whole)),
                Part::after(place, Some(last), up_to, limit)
            );
            written?;
            // What could not be read is read again by the next step, which says so if it fails.
            tended.walk.ahead = next.ok().map(|part| (last, part));
        }
    }
    Ok(())
}

/// Events in the order of streams.
#[derive(Debug)]
struct Page {
    events: Vec<RecordedEvent>,
    at_end: bool,
}

impl Page {
    async fn read<E: Send + Sync + 'static>(
        place: &Workplace<E>,
        after: Option<StreamCursor>,
        up_to: Position,
        limit: u32,
    ) -> Result<Self, Trouble> {
        let events = place.store.streams(after, up_to, limit).await?;
        Ok(Self { at_end: events.len() < limit as usize, events })
    }

    /// How many events belong to streams that end in this page.
    fn whole(&self) -> usize {
        match self.events.last() {
            Some(last) if !self.at_end => {
                self.events.partition_point(|event| event.aggregate_id < last.aggregate_id)
            }
            _ => self.events.len(),
        }
    }
}

/// The next piece of a stream.
async fn go_on<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    mut long: LongStream,
    mut page: Page,
) -> Result<(), Trouble> {
    let stream = long.cursor.aggregate_id;
    let own = page.events.partition_point(|event| event.aggregate_id <= stream);
    let ends = own < page.events.len() || page.at_end;
    page.events.truncate(own);
    if let Some(last) = page.events.last() {
        long.cursor.version = last.version;
    }
    long.events += page.events.len() as u64;
    long.fold.all(&*place.projector, &place.read(page.events).await?);
    if ends {
        let events = usize::try_from(long.events).unwrap_or(usize::MAX);
        return write(place, tended, &mut long.fold, stream, Some(Whole { last: stream, events })).await;
    }
    write(place, tended, &mut long.fold, stream, None).await?;
    tended.walk.long = Some(long);
    Ok(())
}

/// The streams up to here are in the rows.
#[derive(Debug)]
struct Whole {
    last: AggregateId,
    events: usize,
}

/// Writes what a fold has come to: all of it, or, in the midst of a stream, only what could be taken back.
async fn write<E: Send + Sync + 'static>(
    place: &Workplace<E>,
    tended: &mut Tended,
    fold: &mut Fold,
    first: AggregateId,
    whole: Option<Whole>,
) -> Result<(), Trouble> {
    let fresh = tended.walk.clean && fold.pieces == 0 && whole.is_some();
    let writing = if fresh { Writing::Fresh } else { Writing::Upsert };
    let mut batch = tended.batch(place);
    let mut rows = match &whole {
        Some(_) => std::mem::take(&mut fold.rows),
        None => fold.rows.take_about_streams(),
    };
    if !tended.walk.clean {
        // What another process may have written of the first stream before it died goes first.
        for table in place.layout.tables.iter().copied().filter(|table| is_about_streams(table)) {
            rows.delete_first(table, first);
        }
    }
    batch.rows = rows.into_batch(writing);
    batch.writing = writing;
    batch.streams = streams_of(&batch.rows, fold.streams.iter().copied());
    fold.pieces += 1;
    let mut events = 0;
    if let (Some(whole), Phase::Walking { events_done, .. }) = (&whole, batch.from.phase) {
        events = whole.events;
        let phase = Phase::Walking { after: Some(whole.last), events_done: events_done + events as u64 };
        batch.to = Progress { phase, ..batch.from };
        batch.park = std::mem::take(&mut fold.park);
    }
    let (to, park, rows) = (batch.to, batch.park.clone(), batch.rows.len());
    let time = place.apply(batch, events).await?;
    tended.walk.clean = true;
    tended.moved(to, &park);
    tended.pace.took(events.max(rows), time);
    Ok(())
}
