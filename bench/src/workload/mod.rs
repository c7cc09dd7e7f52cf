//! What callers ask for: users who are created and changed, the same for every contender.
//!
//! Of a hundred commands 20 create a user (three claims, a key, a credential), 10 change an e-mail address (a claim
//! moves), 5 a password, 65 a profile. Each emits one event. Nothing is hashed or encrypted here: keys, sealed parts
//! and hashes are random, in their real lengths.

mod rung;
mod user;
mod event;
mod rows;

pub(crate) use rung::Rung;
pub(crate) use user::User;

use eventstore::{Append, ClaimChanges, ClaimKey, ClaimMove, Fingerprint, Metadata, NewRequest, RequestKey};
use fastrand::Rng;
use uuid::Uuid;

/// No caller changes more users than this. Whoever has so many updates profiles instead of creating more.
const USERS_MAX: usize = 2000;

/// What a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Create,
    ChangeEmail,
    ChangePassword,
    UpdateProfile,
}

/// How a command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Accepted,
    Conflict,
    ClaimTaken,
}

/// One command: what our port takes, and the same in plain words for those who store it otherwise.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) kind: Kind,
    pub(crate) append: Append,
    /// The user before; `None` if she is new.
    pub(crate) before: Option<User>,
    /// The user after.
    pub(crate) after: User,
    /// The answer that is right.
    pub(crate) due: Answer,
}

/// What callers do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mix {
    /// Everything, and so many of a hundred commands are to be refused.
    Refused(u8),
    /// Profiles of so many users are updated, and nothing else.
    Updates(usize),
}

/// One caller, its users, and its luck.
#[derive(Debug)]
pub(crate) struct Caller {
    rung: Rung,
    mix: Mix,
    random: Rng,
    users: Vec<User>,
    /// The user as she is if the last command is accepted, and her place.
    pending: Option<(usize, User)>,
}

/// Callers with different numbers have different users and luck.
pub(crate) fn callers(first: usize, count: usize, rung: Rung, mix: Mix) -> Vec<Caller> {
    (first..first + count).map(|number| Caller::new(number, rung, mix)).collect()
}

impl Caller {
    fn new(number: usize, rung: Rung, mix: Mix) -> Self {
        let random = Rng::with_seed(number as u64 + 1);
        Self { rung, mix, random, users: Vec::new(), pending: None }
    }

    /// The next command that makes a user who must be there before anything is measured.
    pub(crate) fn missing(&mut self) -> Option<Command> {
        match self.mix {
            Mix::Updates(users) if self.users.len() < users => Some(self.command_of(Kind::Create)),
            Mix::Updates(_) | Mix::Refused(_) => None,
        }
    }

    /// The next command.
    pub(crate) fn next(&mut self) -> Command {
        if let Mix::Refused(percent) = self.mix
            && self.random.u8(..100) < percent
            && let Some(command) = self.refused()
        {
            return command;
        }
        let kind = self.kind();
        self.command_of(kind)
    }

    fn command_of(&mut self, kind: Kind) -> Command {
        let (place, before) = if kind == Kind::Create { (self.users.len(), None) } else { self.pick() };
        let command = self.command(kind, before);
        self.pending = Some((place, command.after.clone()));
        command
    }

    /// The last command was accepted.
    pub(crate) fn accepted(&mut self) {
        match self.pending.take() {
            Some((place, user)) if place == self.users.len() => self.users.push(user),
            Some((place, user)) => self.users[place] = user,
            None => {}
        }
    }

    fn kind(&mut self) -> Kind {
        if self.users.is_empty() {
            return Kind::Create;
        }
        if let Mix::Updates(_) = self.mix {
            return Kind::UpdateProfile;
        }
        match self.random.u8(..100) {
            0..20 if self.users.len() < USERS_MAX => Kind::Create,
            20..30 => Kind::ChangeEmail,
            30..35 => Kind::ChangePassword,
            _ => Kind::UpdateProfile,
        }
    }

    fn pick(&mut self) -> (usize, Option<User>) {
        let place = self.random.usize(..self.users.len());
        (place, Some(self.users[place].clone()))
    }

    /// A command that must be refused, half of them for an old version, half for a username that another user has.
    fn refused(&mut self) -> Option<Command> {
        self.pending = None;
        let other = self.users.get(self.random.usize(..self.users.len().max(1)))?.clone();
        if self.random.bool() {
            let mut command = self.command(Kind::Create, None);
            command.append.claims.taken[1] = other.username_key;
            return Some(Command { due: Answer::ClaimTaken, ..command });
        }
        let behind = User { version: other.version.checked_sub(1).filter(|version| *version > 0)?, ..other };
        let command = self.command(Kind::UpdateProfile, Some(behind));
        Some(Command { due: Answer::Conflict, ..command })
    }

    fn command(&mut self, kind: Kind, before: Option<User>) -> Command {
        let after = User::after(kind, before.as_ref(), &mut self.random);
        let append = self.append(kind, before.as_ref(), &after);
        Command { kind, append, before, after, due: Answer::Accepted }
    }

    fn append(&mut self, kind: Kind, before: Option<&User>, after: &User) -> Append {
        let request = self.random.u128(..);
        Append {
            aggregate_type: "user",
            aggregate_id: after.id,
            expected: eventstore::Version(after.version - 1),
            events: vec![event::event(kind, &mut self.random)],
            metadata: Metadata {
                actor: Some(ACTOR.to_owned()),
                request_id: Some(Uuid::from_u128(request)),
                correlation_id: Some(Uuid::from_u128(self.random.u128(..))),
                causation_id: None,
            },
            claims: if self.rung >= Rung::Claims { claims(before, after) } else { ClaimChanges::default() },
            rows: rows::rows(self.rung, kind, after, &mut self.random),
            derived: eventstore::Derived::Kept,
            request: (self.rung >= Rung::Requests).then(|| NewRequest {
                key: RequestKey(Uuid::from_u128(!request)),
                fingerprint: Fingerprint(Uuid::from_u128(self.random.u128(..))),
            }),
        }
    }
}

impl Mix {
    /// Everything, nothing refused.
    pub(crate) const ALL_ACCEPTED: Self = Self::Refused(0);
}

/// Who asks: a service account.
const ACTOR: &str = "service:accounts-frontend";

fn claims(before: Option<&User>, after: &User) -> ClaimChanges {
    match before {
        None => ClaimChanges {
            taken: vec![after.email_key, after.username_key, after.likeness_key],
            ..ClaimChanges::default()
        },
        Some(before) => {
            let moved = |from: ClaimKey, to: ClaimKey| (from != to).then_some(ClaimMove { from, to });
            let moved = moved(before.email_key, after.email_key).into_iter().collect();
            ClaimChanges { moved, ..ClaimChanges::default() }
        }
    }
}
