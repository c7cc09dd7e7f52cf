//! The fold of the whole log: each user as her events make her, and what they say she owns.
//!
//! It holds every user in memory: about a kilobyte each.

use std::collections::{BTreeMap, HashMap};

use cqrs::Decider;
use eventstore::{AggregateId, ClaimKey, EventQuery, Position, RecordedEvent};
use jiff::Timestamp;
use user_domain::{User, Users};

use super::{DoctorError, Finding};
use crate::directory::{Directory, decode, open};
use crate::vault::UserKey;

/// How many events are read at once: a read transaction stays well under a second.
const PAGE: u32 = 1000;

/// A user as her events make her.
#[derive(Debug, Default)]
pub(super) struct Folded {
    pub(super) user: User,
    pub(super) claims: BTreeMap<String, ClaimKey>,
}

/// All of them.
#[derive(Debug)]
pub(super) struct Fold {
    pub(super) users: HashMap<AggregateId, Folded>,
    pub(super) keys: HashMap<AggregateId, UserKey>,
    pub(super) events: u64,
    pub(super) head: Position,
    pub(super) findings: Vec<Finding>,
    recorded_at: Option<Timestamp>,
}

impl Fold {
    pub(super) async fn of(
        directory: &Directory,
        keys: HashMap<AggregateId, UserKey>,
    ) -> Result<Self, DoctorError> {
        let head = directory.store().head().await?.position;
        let mut fold = Self {
            users: HashMap::new(),
            keys,
            events: 0,
            head: Position::START,
            findings: Vec::new(),
            recorded_at: None,
        };
        while fold.head < head {
            let page = directory.store().events(&EventQuery::after(fold.head, PAGE)).await?;
            if page.events.is_empty() {
                break;
            }
            for event in page.events.iter().take_while(|event| event.position <= head) {
                fold.look_at(event);
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
        self.evolve(event);
    }

    fn evolve(&mut self, event: &RecordedEvent) {
        let id = event.aggregate_id;
        let folded = self.users.entry(id).or_default();
        let (expected, found) = (Users::version(&folded.user).0 + 1, event.version.0);
        if found != expected {
            self.findings.push(Finding::VersionGap { id, expected, found });
        }
        let key = self.keys.get(&id);
        let read = decode(event, key).and_then(|happened| Ok((happened, open(event, key)?)));
        match read {
            Ok((happened, opened)) => {
                folded.user = Users::evolve(std::mem::take(&mut folded.user), &happened);
                if let Some(opened) = opened {
                    folded.claims = opened.claims;
                }
            }
            Err(error) => {
                let cause = std::error::Error::source(&error).map_or(error.to_string(), ToString::to_string);
                self.findings.push(Finding::Unreadable { position: event.position.0, cause });
            }
        }
    }
}
