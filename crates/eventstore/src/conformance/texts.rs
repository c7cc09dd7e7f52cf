//! What a text is contained in: an index may not know, but what it says is so.

use std::collections::BTreeSet;

use super::Fixture;
use super::projecting::{head, note, step, tailing};
use super::scene::{changes, creates, open, stream};
use super::tables::{DOCUMENT, NOTE, NOTES, NOTES_OF_TOMORROW, new_document, no};
use crate::{Derived, EventStore, Fence, ProjectionChange, Row, Slot, Value};

/// More than there are.
const MANY: u32 = 100;

/// A live generation with an index of what is noted, and people to note something on.
async fn people<F: Fixture>(fixture: &F, store: &impl EventStore, count: u64) -> Fence {
    fixture.raw(&F::text_index(NOTE.name, "text")).await.expect("the index is made");
    let fence = tailing(store).await;
    for n in 1..=count {
        creates(n).writing(new_document(stream(n), "new")).done(store).await;
    }
    fence
}

/// One note on each of the first so many people.
async fn note_all(store: &impl EventStore, slot: Slot, fence: Fence, texts: &[&str]) {
    let mut noting = step(store, &NOTES, slot, fence).await;
    for (n, text) in (1..).zip(texts) {
        noting = noting.noting(n, 1, text, 0);
    }
    noting.done(store).await;
}

/// The notes with a text in them; `None` if no index can tell.
async fn found(store: &impl EventStore, text: &str) -> Option<BTreeSet<String>> {
    let rows = rows(store, text, MANY).await?;
    let text = |row: &Row| match &row[2] {
        Value::Text(text) => text.clone(),
        _ => panic!("what has no text contains none"),
    };
    Some(rows.iter().map(text).collect())
}

async fn rows(store: &impl EventStore, text: &str, limit: u32) -> Option<Vec<Row>> {
    store.projections().containing(&NOTE, "text", text, limit).await.expect("the index is asked")
}

fn holding(texts: &[&str], text: &str) -> BTreeSet<String> {
    texts.iter().filter(|held| held.contains(text)).map(|held| (*held).to_owned()).collect()
}

/// Signs that mean something to `LIKE` and to SQL, and letters of more than one byte.
const SIGNS: [&str; 14] = [
    "hello world",
    "HELLO WORLD",
    "hello_world",
    "50%off",
    "50xoff",
    r"back\slash",
    "o'brien -- drop",
    r#"say "yes" now"#,
    "cats AND dogs",
    "NOT near(abc)",
    "col:abc* ^abc",
    "müller straße",
    "Müller Strasse",
    "日本語の名前",
];

pub async fn a_text_is_found_wherever_it_stands_and_means_itself<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = people(fixture, &*store, SIGNS.len() as u64).await;
    note_all(&*store, Slot::Live, fence, &SIGNS).await;
    for text in [
        "hello",
        "world",
        "ello wor",
        "HELLO",
        "hello_w",
        "hello%world",
        "50%off",
        "0%off",
        "50_off",
        r"back\slash",
        r"k\sla",
        "o'brien",
        "'brien -- drop",
        r#""yes""#,
        "cats AND dogs",
        "cats OR dogs",
        "NOT near",
        "near(abc)",
        "col:abc*",
        "abc* ^abc",
        "abc*",
        "straße",
        "Strasse",
        "nowhere",
    ] {
        let found = found(&*store, text).await;
        assert_eq!(found, Some(holding(&SIGNS, text)), "{text}: letter by letter, also in which case");
    }
}

/// A list is looked through then, which is slower and as right.
pub async fn what_an_index_cannot_tell_it_does_not_say<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = people(fixture, &*store, SIGNS.len() as u64).await;
    note_all(&*store, Slot::Live, fence, &SIGNS).await;
    for text in
        ["h", "he", "%", "_", "%%%", r"\", "'", "\"", "\"\"\"", "*", "ü", "üll", "本", "日本語", "語の名"]
    {
        if let Some(found) = found(&*store, text).await {
            assert_eq!(found, holding(&SIGNS, text), "{text}");
        }
    }
    assert_eq!(rows(&*store, "hello", 2).await.map(|rows| rows.len()), Some(2));
    assert_eq!(rows(&*store, "hello", 1).await, None, "more come into question");
    assert_eq!(found(&*store, "").await, None);
    let stars = store.projections().containing(&NOTE, "stars", "hello", MANY).await;
    assert_eq!(stars.expect("nobody is asked"), None, "it has no index");
}

pub async fn whatever_holds_a_text_no_longer_is_not_found<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = people(fixture, &*store, 4).await;
    note_all(&*store, Slot::Live, fence, &["needle one", "needle two", "needle three", "needle four"]).await;
    note_all(&*store, Slot::Live, fence, &["needle one", "straw two"]).await;
    let (gone, silent) =
        (ProjectionChange::DeleteStream(stream(3)), ProjectionChange::Put(note(1, 1, None, 0)));
    assert_eq!(rows(&*store, "needle", MANY).await.map(|rows| rows.len()), Some(3));
    step(&*store, &NOTES, Slot::Live, fence).await.about(3).writing(&NOTE, gone).done(&*store).await;
    step(&*store, &NOTES, Slot::Live, fence).await.about(1).writing(&NOTE, silent).done(&*store).await;
    assert_eq!(rows(&*store, "needle", MANY).await, Some(vec![note(4, 1, Some("needle four"), 0)]));
    assert_eq!(rows(&*store, "straw", MANY).await, Some(vec![note(2, 1, Some("straw two"), 0)]));
    let mut erased = changes(4, 1).writing(no(&DOCUMENT));
    erased.0.derived = Derived::Erased;
    erased.done(&*store).await;
    assert_eq!(rows(&*store, "needle", MANY).await, Some(Vec::new()));
}

pub async fn a_text_is_looked_for_in_the_live_generation<F: Fixture>(fixture: &F) {
    let store = open(fixture).await;
    let fence = people(fixture, &*store, 2).await;
    note_all(&*store, Slot::Live, fence, &["before all", "before them"]).await;
    let (projections, up_to) = (store.projections(), head(&*store).await.position);
    projections.begin(&NOTES_OF_TOMORROW, fence, up_to).await.expect("it is begun");
    projections.walked(&NOTES_OF_TOMORROW, Slot::Next, fence).await.expect("it has walked");
    note_all(&*store, Slot::Next, fence, &["after all"]).await;
    let told = async || {
        let found = [rows(&*store, "before", MANY).await, rows(&*store, "after", MANY).await];
        found.map(|rows| rows.map(|rows| rows.len()))
    };
    assert_eq!(told().await, [Some(2), Some(0)]);
    projections.swap(&NOTES_OF_TOMORROW, fence, Slot::Next).await.expect("they are swapped");
    assert_eq!(told().await, [Some(0), Some(1)]);
    note_all(&*store, Slot::Prior, fence, &["after me"]).await;
    note_all(&*store, Slot::Live, fence, &["after all", "before and after"]).await;
    assert_eq!(told().await, [Some(1), Some(2)], "each has an index of its own that follows it");
    projections.swap(&NOTES_OF_TOMORROW, fence, Slot::Prior).await.expect("they are swapped back");
    assert_eq!(told().await, [Some(1), Some(1)]);
}
