//! People and what becomes of them: real decisions on real users, so that every event is one the service would write.
//!
//! Whoever came early has been through more: at an early moment most of what stands in the history is of later times.

use cqrs::{Decider, PENDING_POSITION, PENDING_TIME, Recorded};
use eventstore::{AggregateId, Version};
use fastrand::Rng;
use user_domain::{
    ActivateUser, ChangeEmail, ChangeUsername, CreateUser, CredentialAlgorithm, DeactivateUser, DeleteUser,
    Email, EraseUser, Patch, PersonName, ProfilePatch, Reason, ReinstateUser, RestoreUser, Status,
    SuspendUser, UpdateProfile, User, UserCommand, UserEvent, Username, Users,
};
use user_service::vault::Wrapped;
use uuid::Builder;

/// A person, as whoever writes her history knows her.
#[derive(Debug)]
pub(super) struct Person {
    pub(super) id: AggregateId,
    pub(super) user: User,
    /// `None` before she is written and after she is erased.
    pub(super) key: Option<Wrapped>,
}

/// What happens next, to whom.
#[derive(Debug)]
pub(super) struct Happening {
    pub(super) who: usize,
    pub(super) events: Vec<Recorded<UserEvent>>,
    pub(super) before: User,
    pub(super) after: User,
}

/// Everybody, and their luck.
#[derive(Debug)]
pub(super) struct People {
    pub(super) all: Vec<Person>,
    count_max: usize,
    happened: u64,
    random: Rng,
}

/// Of so many happenings in a thousand somebody new comes, as long as there are to be more: 3.5 events each in the end.
const NEW_OF_1000: u16 = 286;

/// The first millisecond of 2026. Ids count on from here, so that they come in the order of their making.
const EPOCH_MILLIS: u64 = 1_767_225_600_000;

impl People {
    pub(super) fn new(count_max: usize) -> Self {
        Self {
            all: Vec::with_capacity(count_max),
            count_max,
            happened: 0,
            random: Rng::with_seed(20_260_503),
        }
    }

    /// Whether everybody has come.
    pub(super) fn are_all_there(&self) -> bool {
        self.all.len() == self.count_max
    }

    /// The next happening that changes something.
    pub(super) fn next(&mut self) -> Happening {
        loop {
            self.happened += 1;
            let is_new =
                self.all.is_empty() || (!self.are_all_there() && self.random.u16(..1000) < NEW_OF_1000);
            let who = if is_new { self.comes() } else { self.random.usize(..self.all.len()) };
            let command = if is_new { self.create() } else { self.change(who) };
            let person = &self.all[who];
            // Whoever was erased stays erased, and whoever is deleted is not suspended.
            let Ok(events) = Users::decide(&person.user, &command) else { continue };
            if !events.is_empty() {
                return self.happens(who, events);
            }
        }
    }

    fn happens(&mut self, who: usize, events: Vec<UserEvent>) -> Happening {
        let person = &mut self.all[who];
        let before = person.user.clone();
        let place = |(version, event)| Recorded {
            aggregate_id: person.id,
            version: Version(version),
            position: PENDING_POSITION,
            recorded_at: PENDING_TIME,
            event,
        };
        let events: Vec<_> = (Users::version(&before).0 + 1..).zip(events).map(place).collect();
        person.user = events.iter().fold(before.clone(), Users::evolve);
        Happening { who, events, before, after: person.user.clone() }
    }

    fn comes(&mut self) -> usize {
        let mut bytes = [0; 10];
        self.random.fill(&mut bytes);
        let millis = EPOCH_MILLIS + self.all.len() as u64;
        let id = AggregateId(Builder::from_unix_timestamp_millis(millis, &bytes).into_uuid());
        self.all.push(Person { id, user: User::Absent, key: None });
        self.all.len() - 1
    }

    fn create(&self) -> UserCommand {
        let n = self.all.len();
        CreateUser {
            email: email(&format!("person.{n}@{}", DOMAINS[n % DOMAINS.len()])),
            username: username(&format!("person_{n}")),
            first_name: Some(name("Ada")),
            last_name: Some(name(&format!("Lovelace {n}"))),
            avatar_url: None,
            algorithm: CredentialAlgorithm::Argon2id,
        }
        .into()
    }

    fn change(&mut self, who: usize) -> UserCommand {
        let (n, dice) = (self.happened, self.random.u8(..100));
        match self.all[who].user.status() {
            Some(Status::Suspended) if dice < 50 => ReinstateUser.into(),
            Some(Status::Inactive) if dice < 30 => ActivateUser.into(),
            Some(Status::Deleted) if dice < 5 => EraseUser.into(),
            Some(Status::Deleted) => RestoreUser.into(),
            _ => match dice {
                0..8 => SuspendUser { reason: reason() }.into(),
                8..12 => DeactivateUser.into(),
                12..15 => DeleteUser.into(),
                15..25 => ChangeEmail { email: email(&format!("changed.{n}@example.org")) }.into(),
                25..30 => ChangeUsername { username: username(&format!("changed_{n}")) }.into(),
                _ => {
                    let first_name = Patch::Set(name(&format!("Ada {n}")));
                    UpdateProfile { profile: ProfilePatch { first_name, ..ProfilePatch::default() } }.into()
                }
            },
        }
    }
}

const DOMAINS: [&str; 4] = ["example.org", "example.com", "example.net", "mail.example.org"];

const FITS: &str = "it is made to fit";

fn email(text: &str) -> Email {
    Email::parse(text).expect(FITS)
}

fn username(text: &str) -> Username {
    Username::parse(text).expect(FITS)
}

fn name(text: &str) -> PersonName {
    PersonName::parse("name", text).expect(FITS)
}

fn reason() -> Reason {
    Reason::parse("letters to strangers").expect(FITS)
}
