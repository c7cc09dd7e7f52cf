//! What a listener holds of all that she was told, and the oracle that compares it with the log itself.

use std::collections::BTreeMap;

use eventstore::RecordedEvent;
use user_api::v1;
use user_api::v1::watch_events_response::Step as Wire;

use super::door::{Asked, Step};
use crate::verdict::Findings;

/// A user as the wire tells of her, by the names of her fields.
pub(super) type Fields = BTreeMap<String, String>;

/// Who there is, by id.
pub(super) type Users = BTreeMap<String, Fields>;

/// What a listener was told.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// Everything after here; `None` while she does not know where she began.
    after: Option<u64>,
    /// Up to here.
    pub(super) position: u64,
    /// Takes the feed up again from there.
    pub(super) token: String,
    events: Vec<Got>,
    /// A snapshot that is not complete.
    copying: Users,
    /// A snapshot, and what became of it.
    users: Option<Users>,
}

/// An event as it was told.
#[derive(Debug)]
struct Got {
    position: u64,
    event_id: String,
}

impl Held {
    pub(super) fn take(&mut self, step: Step) {
        match step.told {
            Wire::User(user) => drop(self.copying.insert(user.id.clone(), fields(&user))),
            Wire::Event(event) => {
                self.after.get_or_insert(event.position.saturating_sub(1));
                self.events.push(Got { position: event.position, event_id: event.event_id.clone() });
                if let Some(users) = &mut self.users {
                    fold(users.entry(event.user_id.clone()).or_default(), &event);
                }
            }
            Wire::Mark(mark) => {
                self.after.get_or_insert(step.position);
                if mark == v1::FeedMark::SnapshotComplete {
                    self.users = Some(std::mem::take(&mut self.copying));
                }
            }
        }
        if !step.token.is_empty() {
            (self.token, self.position) = (step.token, step.position);
        }
    }

    /// A snapshot that broke off begins anew.
    pub(super) fn forget_the_incomplete(&mut self) {
        self.copying.clear();
    }

    /// How many events she was told.
    pub(super) fn count(&self) -> usize {
        self.events.len()
    }

    /// Compares what she was told with what the log has for her.
    pub(super) fn compare(&self, who: &str, wants: &Asked, log: &[RecordedEvent], findings: &mut Findings) {
        let (mut last, mut told) = (self.after.unwrap_or_default(), BTreeMap::new());
        for got in &self.events {
            if got.position <= last {
                let example = format!("{who}: {} after {last}", got.position);
                findings.add("an event is told twice, or out of order", example);
            }
            last = last.max(got.position);
            told.insert(got.position, got);
        }
        let hers = |event: &&RecordedEvent| {
            event.position.0 > self.after.unwrap_or(u64::MAX)
                && event.position.0 <= self.position
                && (wants.types.is_empty() || wants.types.contains(&event.event_type))
                && (wants.users.is_empty() || wants.users.contains(&event.aggregate_id))
        };
        for event in log.iter().filter(hers) {
            match told.remove(&event.position.0) {
                Some(got) if got.event_id == event.event_id.to_string() => {}
                Some(got) => {
                    let example = format!("{who}: {} at {}", got.event_id, got.position);
                    findings.add("an event was told that is not in the log", example);
                }
                None => findings.add("an event was not told", format!("{who}: {}", event.position)),
            }
        }
        for got in told.values() {
            findings.add("an event was told to whom it is nothing", format!("{who}: {}", got.position));
        }
    }

    /// Compares what became of a snapshot with who there is.
    pub(super) fn compare_users(&self, who: &str, wants: &Asked, now: &Users, findings: &mut Findings) {
        let Some(users) = self.users.as_ref().filter(|_| wants.types.is_empty()) else { return };
        let wanted = |id: &String| {
            wants.users.is_empty() || wants.users.iter().any(|wanted| wanted.to_string() == *id)
        };
        for (id, expected) in now.iter().filter(|(id, _)| wanted(id)) {
            match users.get(id) {
                Some(found) if found == expected => {}
                Some(found) => findings.add(
                    "a snapshot and its tail make another user",
                    format!("{who}: {id}: {found:?}, not {expected:?}"),
                ),
                None => {
                    findings.add("somebody is missing in a snapshot and its tail", format!("{who}: {id}"));
                }
            }
        }
        let living = users.iter().filter(|(_, user)| user.get("status").is_none_or(|it| it != "erased"));
        for (id, _) in living.filter(|(id, _)| !now.contains_key(*id)) {
            findings.add("somebody is left in a snapshot and its tail", format!("{who}: {id}"));
        }
    }

    /// Whether there is a snapshot to compare.
    pub(super) fn has_users(&self) -> bool {
        self.users.is_some()
    }
}

/// A user in words, as far as events tell of her.
pub(super) fn fields(user: &v1::User) -> Fields {
    let status = user.status.to_string();
    let status = status.strip_prefix("USER_STATUS_").unwrap_or(&status).to_lowercase();
    let given = |value: &str| Some(value.to_owned()).filter(|value| !value.is_empty());
    let all = [
        ("email", given(&user.email)),
        ("username", given(&user.username)),
        ("first_name", user.first_name.clone()),
        ("last_name", user.last_name.clone()),
        ("avatar_url", user.avatar_url.clone()),
        ("status", Some(status)),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// What an event makes of her. What nobody can read any more was of somebody who is erased further on.
fn fold(user: &mut Fields, event: &v1::UserEvent) {
    for change in &event.changes {
        match &change.to {
            Some(to) => drop(user.insert(change.field.clone(), to.clone())),
            None => drop(user.remove(&change.field)),
        }
    }
    for beside in ["reason", "credential", "changed_by"] {
        user.remove(beside);
    }
}
