//! The fold of the whole log, or of some users: each as her events make her, and what they say she owns.
//!
//! It holds every one of them in memory: about a kilobyte each.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use cqrs::{Decider, Recorded};
use eventstore::{AggregateId, ClaimKey, EventQuery, Position, RecordedEvent, Version};
use jiff::Timestamp;
use user_domain::{User, UserEvent, Users};

use super::{DoctorError, Finding, Progress};
use crate::directory::{Directory, decode, decode_token_event, is_of_token, open};
use crate::vault::{self, Opened, UserKey};

/// How many events are read at once: a read transaction stays well under a second.
const PAGE: u32 = 1000;

/// A user as her events make her.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) user: User,
    pub(super) claims: BTreeMap<String, ClaimKey>,
    /// Of her last event, also if it cannot be read.
    pub(super) version: Version,
    erasure: Erasure,
    legibility: Legibility,
}

/// Whether the log says that a user was erased.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Erasure {
    #[default]
    Unsaid,
    Recorded,
}

/// Whether all events of a user can be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Legibility {
    #[default]
    Whole,
    Damaged,
}

impl Folded {
    /// One more thing that happened, and what it left her with if that can be read.
    pub(super) fn evolve(&mut self, happened: &Recorded<UserEvent>, opened: Option<Opened>) {
        self.version = happened.version;
        self.user = Users::evolve(std::mem::take(&mut self.user), happened);
        if let Some(opened) = opened {
            self.own(opened);
        }
        if matches!(happened.event, UserEvent::UserErased(_)) {
            self.erasure = Erasure::Recorded;
        }
    }

    /// What an event says that she owns. In a later scope it says so where that changes: it holds until it is said again, or
    /// until it is said that she owns nothing there.
    fn own(&mut self, opened: Opened) {
        let is_later = |scope: &str| Users::LATER_SCOPES.contains(&scope);
        self.claims.retain(|scope, _| is_later(scope) && !opened.forgone.contains(scope));
        self.claims.extend(opened.claims);
    }

    /// Whether she lives, by the log, and her key opens none of it.
    pub(super) fn is_locked(&self) -> bool {
        matches!(self.user, User::Erased(_)) && self.erasure == Erasure::Unsaid
    }

    /// Whether what she is and owns is known. If not, that is a finding by itself, and nothing follows from the rest.
    pub(super) fn is_known(&self) -> bool {
        self.legibility == Legibility::Whole && !self.is_locked()
    }

    /// Whether an event of hers cannot be read.
    pub(super) fn is_damaged(&self) -> bool {
        self.legibility == Legibility::Damaged
    }
}

/// The key of every user who has one; `None` for one that cannot be unwrapped.
pub(super) type Keys = HashMap<AggregateId, Option<UserKey>>;

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Fold {
    pub(super) users: HashMap<AggregateId, Folded>,
    /// The last version of each token.
    pub(super) tokens: BTreeMap<AggregateId, Version>,
    pub(super) keys: Keys,
    pub(super) events: u64,
    pub(super) head: Position,
    pub(super) findings: Vec<Finding>,
    recorded_at: Option<Timestamp>,
}

impl Fold {
    pub(super) async fn of(
        directory: &Directory,
        keys: Keys,
        told: &(impl Fn(Progress) + Sync),
    ) -> Result<Self, DoctorError> {
        let head = directory.store().head().await?.position;
        let mut fold = Self { keys, ..Self::default() };
        while fold.head < head {
            let page = directory.store().events(&EventQuery::after(fold.head, PAGE)).await?;
            if page.events.is_empty() {
                break;
            }
            for event in page.events.iter().take_while(|event| event.position <= head) {
                fold.look_at(event);
            }
            told(Progress::Read { events: fold.head.0, of: head.0 });
        }
        Ok(fold)
    }

    /// The fold of these users alone, up to what is there now.
    pub(super) async fn of_users(
        directory: &Directory,
        ids: &BTreeSet<AggregateId>,
    ) -> Result<Self, DoctorError> {
        let store = directory.store();
        let mut fold = Self { head: store.head().await?.position, ..Self::default() };
        for id in ids.iter().copied() {
            fold.users.entry(id).or_default();
            if let Some(wrapped) = vault::key(store, id).await? {
                fold.keys.insert(id, UserKey::unwrap(directory.keys(), id, &wrapped).ok());
            }
            let mut after = Version::NONE;
            loop {
                let page = store.stream(id, after, PAGE).await?;
                let Some(last) = page.last() else { break };
                after = last.version;
                fold.events += page.len() as u64;
                for event in &page {
                    fold.evolve(event);
                }
            }
        }
        Ok(fold)
    }

    fn look_at(&mut self, event: &RecordedEvent) {
        let (expected, found) = (self.head.0 + 1, event.position.0);
        if found != expected {
            self.findings.push(Finding::PositionGap { expected, found });
        }
        if self.recorded_at.is_some_and(|before| before > event.recorded_at) {
            self.findings.push(Finding::TimeBackwards { position: found });
        }
        self.head = event.position;
        self.recorded_at = Some(event.recorded_at);
        self.events += 1;
        if is_of_token(event) {
            self.evolve_token(event);
        } else {
            self.evolve(event);
        }
    }

    fn evolve_token(&mut self, event: &RecordedEvent) {
        let id = event.aggregate_id;
        let version = self.tokens.entry(id).or_default();
        let (expected, found) = (version.0 + 1, event.version.0);
        *version = event.version;
        if found != expected {
            self.findings.push(Finding::VersionGap { id, expected, found });
        }
        if let Err(error) = decode_token_event(event) {
            self.findings.push(Finding::Unreadable { position: event.position.0, cause: error.to_string() });
        }
    }

    fn evolve(&mut self, event: &RecordedEvent) {
        let id = event.aggregate_id;
        let folded = self.users.entry(id).or_default();
        let (expected, found) = (folded.version.0 + 1, event.version.0);
        if found != expected {
            self.findings.push(Finding::VersionGap { id, expected, found });
        }
        let key = self.keys.get(&id).and_then(Option::as_ref);
        let read = decode(event, key).and_then(|happened| Ok((happened, open(event, key)?)));
        match read {
            Ok((happened, opened)) => folded.evolve(&happened, opened),
            Err(error) => {
                folded.version = event.version;
                folded.legibility = Legibility::Damaged;
                let cause = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
                self.findings.push(Finding::Unreadable { position: event.position.0, cause });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use user_domain::{Email, Username};
    use uuid::Uuid;

    use super::*;

    const OLD: [&str; 2] = [Email::SCOPE, Username::SCOPE];
    const LOOKS: &str = Username::LOOK_ALIKE_SCOPE;

    /// What she owns after events whose sealed parts speak of these claims.
    fn owned(events: &[(u128, &[&str])]) -> BTreeMap<String, ClaimKey> {
        let mut folded = Folded::default();
        for (key, scopes) in events {
            let key = ClaimKey(Uuid::from_u128(*key));
            let claims = scopes.iter().map(|scope| ((*scope).to_owned(), key)).collect();
            folded.own(Opened { personal: None, claims, forgone: BTreeSet::new(), origin: None });
        }
        folded.claims
    }

    #[test]
    fn who_is_older_than_a_scope_owns_nothing_in_it() {
        let scopes: Vec<_> = owned(&[(1, &OLD), (2, &OLD)]).into_keys().collect();
        assert_eq!(scopes, OLD);
    }

    #[test]
    fn what_is_owned_in_a_later_scope_holds_until_it_is_said_again() {
        let all = [OLD[0], OLD[1], LOOKS];
        assert_eq!(owned(&[(1, &all), (2, &OLD)])[LOOKS], ClaimKey(Uuid::from_u128(1)));
        assert_eq!(owned(&[(1, &all), (2, &all)])[LOOKS], ClaimKey(Uuid::from_u128(2)));
    }

    #[test]
    fn what_somebody_goes_without_she_does_not_own() {
        let key = ClaimKey(Uuid::from_u128(1));
        let mut folded = Folded { claims: BTreeMap::from([(LOOKS.to_owned(), key)]), ..Folded::default() };
        let forgone = BTreeSet::from([LOOKS.to_owned()]);
        folded.own(Opened { personal: None, claims: BTreeMap::new(), forgone, origin: None });
        assert!(folded.claims.is_empty());
    }
}
