//! The log that came back beside the one that it was: the same up to the moment, and what was done again since.

use eventstore::RecordedEvent;

use super::moment::Moment;
use crate::verdict::Findings;

/// Who erases again, as the events say.
const RESTORE: &str = "restore";

/// How far the two are the same.
pub(super) fn compare(
    was: &[RecordedEvent],
    is: &[RecordedEvent],
    moment: &Moment,
    findings: &mut Findings,
) -> usize {
    let same = was.iter().zip(is).take_while(|(was, is)| was.event_id == is.event_id).count();
    for (was, is) in was.iter().zip(is).take(same).filter(|(was, is)| was != is) {
        findings.add("an event is not as it was", format!("{was:?}, now {is:?}"));
    }
    let acknowledged = moment.before.acknowledged.iter();
    for (request, position) in acknowledged.filter(|(_, position)| **position > same as u64) {
        let example = format!("{request} at {position}, of {same}");
        findings.add("what was acknowledged before the moment is lost", example);
    }
    for event in &is[..same] {
        if event.metadata.request_id.is_some_and(|request| !moment.after.begun.contains(&request)) {
            findings.add("what was asked for after the moment is there", event.position);
        }
    }
    for event in is[same..].iter().filter(|event| event.metadata.actor.as_deref() != Some(RESTORE)) {
        findings.add("something is there that never happened", format!("{event:?}"));
    }
    same
}
