//! One step of a projection: rows and progress move together, from where it stands, or not at all.

use jiff::Timestamp;

use super::projecting::{
    counted, generation, head, named, note, owned, progress, rows, states, step, tailing, unreadable,
};
use super::scene::{changes, creates, document, open, stream};
use super::tables::{
    DOCUMENTS, NAMED, NOTE, NOTES, PROJECTED_DOCUMENT, SECRET, WORD, new_document, new_secret,
};
use super::{DOCUMENT, Fixture};
use crate::{
    EventId, EventStore, Phase, Position, ProjectionChange, ProjectionError, ReadError, Row, Slot, Value,
};

fn assert_moved(result: &Result<(), ProjectionError>) {
    assert!(matches!(result, Err(ProjectionError::Moved)), "{result:?}");
}

fn assert_malformed(result: &Result<(), ProjectionError>) {
    assert!(matches!(result, Err(ProjectionError::Store(ReadError::Malformed(_)))), "{result:?}");
}

const NOTHING: Vec<Row> = Vec::new();

pub async fn rows_and_progress_move_together<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    step(&*store, &NOTES, Slot::Live, fence)
        .await
        .noting(1, 1, "good", 5)
        .counting("good", 1)
        .done(&*store)
        .await;
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, [note(1, 1, Some("good"), 5)]);
    assert_eq!(rows(&*store, &WORD, Slot::Live).await, [counted("good", 1)]);
    let notes = progress(&*store, &NOTES, Slot::Live).await;
    assert_eq!((notes.checkpoint, notes.phase), (head(&*store).await, Phase::Tailing));
}

pub async fn a_step_from_elsewhere_is_refused_and_leaves_nothing<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    let here = step(&*store, &NOTES, Slot::Live, fence).await;
    let here = here.noting(1, 1, "doubled", 5).counting("doubled", 1).parking(unreadable(1, 1, 1));
    let mut elsewhere = [here.clone(), here.clone(), here.clone(), here.clone()];
    elsewhere[0].0.from.checkpoint.position = Position(1);
    elsewhere[1].0.from.checkpoint.event_id = Some(EventId(stream(9).0));
    elsewhere[2].0.from.checkpoint.log_id.0 = stream(9).0;
    elsewhere[3].0.from.phase = Phase::Walking { after: None, events_done: 0 };
    let before = generation(&*store, &NOTES, Slot::Live).await;
    for step in elsewhere {
        assert_moved(&step.on(&*store).await);
    }
    assert_eq!(generation(&*store, &NOTES, Slot::Live).await, before);
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, NOTHING);
    here.clone().done(&*store).await;
    assert_moved(&here.on(&*store).await);
    assert_eq!(rows(&*store, &WORD, Slot::Live).await, [counted("doubled", 1)], "once");
}

pub async fn a_step_of_a_walk_goes_on_from_its_place<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    let fence = owned(&*store, &NOTES).await;
    let first = step(&*store, &NOTES, Slot::Live, fence).await.noting(1, 1, "good", 1).having_walked(1, 1);
    first.clone().done(&*store).await;
    assert_moved(&first.on(&*store).await);
    let mut again = step(&*store, &NOTES, Slot::Live, fence).await.having_walked(2, 2);
    again.0.from.phase = Phase::Walking { after: Some(stream(1)), events_done: 9 };
    assert_moved(&again.on(&*store).await);
}

pub async fn a_step_of_a_missing_generation_is_refused<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    for slot in [Slot::Next, Slot::Prior] {
        let mut step = step(&*store, &NOTES, Slot::Live, fence).await;
        step.0.slot = slot;
        let result = step.on(&*store).await;
        assert!(matches!(result, Err(ProjectionError::Missing)), "{result:?}");
        let result = store.projections().states(&NOTE, slot, &[stream(1)]).await;
        assert!(matches!(result, Err(ProjectionError::Missing)), "{result:?}");
    }
}

pub async fn what_is_put_replaces_and_counters_add<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    for (text, stars) in [("good", 5), ("better", 1), ("worse", -2)] {
        let step = step(&*store, &NOTES, Slot::Live, fence).await;
        step.noting(1, 1, text, stars).counting("all", 1).done(&*store).await;
    }
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, [note(1, 1, Some("worse"), 4)]);
    assert_eq!(rows(&*store, &WORD, Slot::Live).await, [counted("all", 3)]);
    let nothing = ProjectionChange::Put(note(1, 1, None, 0));
    step(&*store, &NOTES, Slot::Live, fence).await.writing(&NOTE, nothing).done(&*store).await;
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, [note(1, 1, None, 4)], "null replaces too");
}

pub async fn deletions_come_before_what_is_put<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    for n in 1..=2 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let first = step(&*store, &NOTES, Slot::Live, fence).await;
    let first = first.noting(1, 1, "a", 1).noting(1, 2, "b", 1).noting(2, 1, "c", 1).noting(2, 2, "d", 1);
    first.naming(1, "Ada").naming(2, "Bea").done(&*store).await;
    let key = vec![Value::Uuid(stream(2).0), Value::BigInt(1)];
    step(&*store, &NOTES, Slot::Live, fence)
        .await
        .noting(1, 2, "new", 7)
        .writing(&NOTE, ProjectionChange::Delete(key.clone()))
        .writing(&NOTE, ProjectionChange::DeleteStream(stream(1)))
        .writing(&NAMED, ProjectionChange::DeleteStream(stream(2)))
        .done(&*store)
        .await;
    assert_eq!(
        rows(&*store, &NOTE, Slot::Live).await,
        [note(1, 2, Some("new"), 7), note(2, 2, Some("d"), 1)]
    );
    assert_eq!(rows(&*store, &NAMED, Slot::Live).await, [named(1, "Ada")]);
    let gone = step(&*store, &NOTES, Slot::Live, fence).await.writing(&NOTE, ProjectionChange::Delete(key));
    gone.writing(&NOTE, ProjectionChange::DeleteStream(stream(9))).done(&*store).await;
}

pub async fn the_state_of_a_stream_is_its_row_with_the_greatest_key<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    for n in 1..=3 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let step = step(&*store, &NOTES, Slot::Live, fence).await;
    let step = step.noting(1, 2, "second", 1).noting(1, -7, "first", 1).noting(1, 10, "last", 1);
    step.noting(2, 1, "only", 1).counting("only", 1).done(&*store).await;
    let found = states(&*store, &NOTE, Slot::Live, &[3, 2, 1, 4]).await;
    assert_eq!(found, [note(1, 10, Some("last"), 1), note(2, 1, Some("only"), 1)]);
    assert_eq!(states(&*store, &NOTE, Slot::Live, &[]).await, NOTHING);
}

pub async fn rows_are_read_in_pages_in_the_order_of_keys<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    let mut filling = step(&*store, &NOTES, Slot::Live, fence).await;
    for n in 1..=4 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let mut expected = Vec::new();
    for (n, number) in [(1, 1), (1, 2), (1, 3), (2, 1), (3, -1), (3, 1), (4, 0)] {
        filling = filling.noting(n, number, "x", number);
        expected.push(note(n, number, Some("x"), number));
    }
    filling.0.rows.reverse();
    filling.done(&*store).await;
    for limit in [1, 2, 3, 7, 100] {
        let (mut found, mut after): (Vec<Row>, Option<Row>) = (Vec::new(), None);
        loop {
            let page = store.projections().rows_after(&NOTE, Slot::Live, after.as_ref(), limit).await;
            let page = page.expect("the table is read");
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            after = Some(last.clone());
            found.extend(page);
        }
        assert_eq!(found, expected);
    }
    let key = vec![Value::Uuid(stream(1).0), Value::BigInt(3)];
    let page = store.projections().rows_after(&NOTE, Slot::Live, Some(&key), 2).await.expect("it is read");
    assert_eq!(page, expected[3..5], "after a key alone");
}

pub async fn many_rows_are_one_step<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in 1..=40 {
        creates(n).writing(new_document(stream(n), "new")).done(&*store).await;
    }
    let fence = owned(&*store, &NOTES).await;
    for half in [1..=20, 21..=40] {
        let mut walking =
            step(&*store, &NOTES, Slot::Live, fence).await.having_walked(*half.end(), *half.end());
        for n in half {
            walking = walking.naming(n, &format!("name {n}"));
            for number in 1..=50 {
                walking = walking.noting(n, number, "Zoë 🦆\t\\N\n\"quoted\"", number);
            }
        }
        walking.counting("all", 1000).counting("duck", 20).done(&*store).await;
    }
    let found = rows(&*store, &NOTE, Slot::Live).await;
    assert_eq!((found.len(), &found[1999]), (2000, &note(40, 50, Some("Zoë 🦆\t\\N\n\"quoted\""), 50)));
    assert_eq!(rows(&*store, &WORD, Slot::Live).await, [counted("all", 2000), counted("duck", 40)]);
    assert_eq!(rows(&*store, &NAMED, Slot::Live).await.len(), 40);
}

pub async fn a_row_that_does_not_fit_is_malformed_and_leaves_nothing<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    creates(1).writing(new_document(stream(1), "new")).done(&*store).await;
    let id = || Value::Uuid(stream(1).0);
    let misfits = [
        ProjectionChange::Put(vec![id(), Value::BigInt(1)]),
        ProjectionChange::Put(vec![id(), Value::Text("one".to_owned()), Value::Null, Value::BigInt(1)]),
        ProjectionChange::Put(vec![id(), Value::LastPosition, Value::Null, Value::BigInt(1)]),
        ProjectionChange::Delete(vec![id()]),
    ];
    for misfit in misfits {
        let step = step(&*store, &NOTES, Slot::Live, fence).await.noting(1, 7, "fits", 1);
        assert_malformed(&step.writing(&NOTE, misfit).on(&*store).await);
    }
    let strange = step(&*store, &NOTES, Slot::Live, fence)
        .await
        .writing(&PROJECTED_DOCUMENT, ProjectionChange::DeleteStream(stream(1)));
    assert_malformed(&strange.on(&*store).await);
    assert_eq!(rows(&*store, &NOTE, Slot::Live).await, NOTHING);
    assert!(document(&*store, 1).await.is_some());
}

pub async fn rows_of_inline_tables_are_read_whole<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    for n in 1..=3 {
        let creation = creates(n).writing(new_document(stream(n), "new"));
        creation.writing(new_secret(stream(n), b"s")).done(&*store).await;
    }
    let streams = [stream(2), stream(9), stream(3)];
    let found = store.projections().inline_rows(&DOCUMENT, &streams).await.expect("rows are read");
    assert_eq!(found.len(), 2);
    for n in [2, 3] {
        let document = document(&*store, n).await.expect("it is there");
        assert!(found.contains(&document), "{found:?}");
    }
    let secrets = store.projections().inline_rows(&SECRET, &streams[..1]).await.expect("rows are read");
    assert_eq!(secrets, [[Value::Uuid(stream(2).0), Value::Bytes(b"s".to_vec())]]);
}

pub async fn an_inline_projection_is_mended_at_the_head<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    creates(1).writing(new_document(stream(1), "right")).done(&*store).await;
    let fence = owned(&*store, &DOCUMENTS).await;
    let right = document(&*store, 1).await.expect("it is there");
    store.execute("UPDATE document SET title = 'wrong', shelf = 9", &[]).await.expect("somebody did that");
    let held = store.projections().hold_appends().await.expect("appends are held");
    let mending = step(&*store, &DOCUMENTS, Slot::Live, fence).await.about(1);
    let mending = mending.writing(&PROJECTED_DOCUMENT, ProjectionChange::Put(right.clone()));
    mending.clone().done(&*store).await;
    drop(held);
    assert_eq!(document(&*store, 1).await, Some(right));
    changes(1, 1).done(&*store).await;
    assert_moved(&mending.on(&*store).await);
}

pub async fn moments_of_a_step_are_kept<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = tailing(&*store).await;
    let moment = Timestamp::from_microsecond(1_778_142_600_123_456).expect("a moment of our time");
    let row = vec![Value::Text("then".to_owned()), Value::BigInt(1), Value::Time(moment)];
    let step = step(&*store, &NOTES, Slot::Live, fence).await;
    step.writing(&WORD, ProjectionChange::Put(row.clone())).done(&*store).await;
    assert_eq!(rows(&*store, &WORD, Slot::Live).await, [row]);
}
