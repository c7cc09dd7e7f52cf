//! The naive fold: the whole log in memory, gone through from its beginning for each question.
//!
//! It reads an event once, when it is new; so it still knows what the product must have forgotten, and tells nothing of it.

use std::collections::{BTreeMap, HashMap};

use cqrs::projection::Decode;
use cqrs::{Claim, Decider, Recorded};
use eventstore::{AggregateId, EventQuery, Position, Version};
use jiff::Timestamp;
use user_domain::{AvatarUrl, PersonName, User, UserEvent, Users};
use user_service::directory::Directory;

use super::seen::{Difference, Seen};

const PAGE: u32 = 1000;

/// Everything that has happened.
#[derive(Debug, Default)]
pub(super) struct Fold {
    log: Vec<Recorded<UserEvent>>,
    erased: HashMap<AggregateId, (Position, Timestamp)>,
}

impl Fold {
    /// Reads what has been written since.
    pub(super) async fn follow(&mut self, directory: &Directory) -> anyhow::Result<()> {
        loop {
            let events = directory.store().events(&EventQuery::after(self.head(), PAGE)).await?.events;
            if events.is_empty() {
                return Ok(());
            }
            for decoded in directory.decoder().decode(&events).await? {
                let happened = decoded?.happened;
                if matches!(happened.event, UserEvent::UserErased(_)) {
                    let when = (happened.position, happened.recorded_at);
                    self.erased.insert(happened.aggregate_id, when);
                }
                self.log.push(happened);
            }
        }
    }

    pub(super) fn head(&self) -> Position {
        self.log.last().map_or(Position::START, |last| last.position)
    }

    pub(super) fn log(&self) -> &[Recorded<UserEvent>] {
        &self.log
    }

    /// Whether she has been erased after a position.
    pub(super) fn erased_after(&self, id: &str, position: Position) -> bool {
        self.erased.iter().any(|(erased, (when, _))| *when > position && erased.to_string() == id)
    }

    /// Where the last event stands that had been recorded by then.
    pub(super) fn position_at(&self, time: Timestamp) -> Position {
        let by_then = self.log.iter().filter(|event| event.recorded_at <= time);
        by_then.map(|event| event.position).max().unwrap_or(Position::START)
    }

    /// How many events there are of her to this day.
    pub(super) fn version(&self, id: AggregateId) -> Version {
        self.log.iter().rfind(|event| event.aggregate_id == id).map_or(Version::NONE, |last| last.version)
    }

    /// One user at a position; `None` before her first event.
    pub(super) fn user_at(&self, id: AggregateId, at: Position) -> Option<Seen> {
        let hers = self.log.iter().filter(|event| event.aggregate_id == id && event.position <= at);
        self.seen(&hers.collect::<Vec<_>>())
    }

    /// One user at a version.
    pub(super) fn user_at_version(&self, id: AggregateId, version: Version) -> Option<Seen> {
        let hers = self.log.iter().filter(|event| event.aggregate_id == id && event.version <= version);
        self.seen(&hers.collect::<Vec<_>>())
    }

    /// Everybody at a position, the newest first.
    pub(super) fn users_at(&self, at: Position) -> Vec<Seen> {
        let mut users: Vec<_> = self.histories(at).into_values().collect();
        users.sort_by_key(|events| std::cmp::Reverse(events[0].position));
        users.iter().filter_map(|events| self.seen(events)).collect()
    }

    /// Whose it was at a position, as far as that can still be told.
    pub(super) fn owner_at(&self, claim: &Claim, at: Position) -> Option<Seen> {
        let known = self.histories(at).into_values().filter(|events| !self.is_erased(events));
        let mut owners = known.filter(|events| live(events).claims().contains(claim));
        owners.next().and_then(|events| self.seen(&events))
    }

    /// Who differs between two positions, by where each changed last.
    pub(super) fn differences(&self, from: Position, to: Position) -> Vec<Difference> {
        let mut later: Vec<_> = self.histories(to).into_values().collect();
        later.retain(|events| events.last().is_some_and(|last| last.position > from));
        later.sort_by_key(|events| events.last().map(|last| last.position));
        let difference = |events: &Vec<&Recorded<UserEvent>>| {
            let earlier: Vec<_> = events.iter().copied().filter(|event| event.position <= from).collect();
            Difference::between(self.seen(&earlier).as_ref(), &self.seen(events)?)
        };
        later.iter().filter_map(difference).collect()
    }

    fn histories(&self, at: Position) -> BTreeMap<AggregateId, Vec<&Recorded<UserEvent>>> {
        let mut histories: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for event in self.log.iter().filter(|event| event.position <= at) {
            histories.entry(event.aggregate_id).or_default().push(event);
        }
        histories
    }

    fn is_erased(&self, events: &[&Recorded<UserEvent>]) -> bool {
        events.first().is_some_and(|first| self.erased.contains_key(&first.aggregate_id))
    }

    fn seen(&self, events: &[&Recorded<UserEvent>]) -> Option<Seen> {
        let (first, last) = (events.first()?, events.last()?);
        let nothing_personal = Seen {
            id: first.aggregate_id.to_string(),
            personal: Default::default(),
            status: "erased",
            created_at: Some(first.recorded_at),
            updated_at: Some(last.recorded_at),
            deleted_at: None,
            version: last.version.0,
        };
        if let Some((position, time)) = self.erased.get(&first.aggregate_id) {
            let deleted_at = (*position <= last.position).then_some(*time);
            return Some(Seen { deleted_at, ..nothing_personal });
        }
        let User::Live(user) = live(events) else { return Some(nothing_personal) };
        Some(Seen {
            personal: [
                Some(user.email.as_str().to_owned()),
                Some(user.username.as_str().to_owned()),
                user.first_name.as_ref().map(|name| PersonName::as_str(name).to_owned()),
                user.last_name.as_ref().map(|name| PersonName::as_str(name).to_owned()),
                user.avatar_url.as_ref().map(|url| AvatarUrl::as_str(url).to_owned()),
            ],
            status: user.status().as_str(),
            deleted_at: user.deleted_at,
            ..nothing_personal
        })
    }
}

fn live(events: &[&Recorded<UserEvent>]) -> User {
    Users::fold(events.iter().copied())
}
