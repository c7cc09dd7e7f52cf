//! What the events of one user add up to. A live user is never logged: her `Debug` is for tests and shows personal data.

use cqrs::{Claim, Recorded};
use eventstore::{AggregateId, Position, Version};
use jiff::Timestamp;

use crate::{
    AvatarUrl, CredentialState, Email, PersonName, Redactable, Refusal, Standing, Status, UserCreated,
    UserEvent, Username,
};

/// A user at some point of her history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum User {
    /// No event yet.
    #[default]
    Absent,
    /// With personal data: active, inactive, suspended or deleted. Boxed, since the other two are small.
    Live(Box<LiveUser>),
    /// Without: her key is gone, or nobody could read it any more while her history was folded.
    Erased(ErasedUser),
}

/// A user with her personal data. Its fields are public, so that a stored row can be turned into it as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveUser {
    /// Her stream.
    pub id: AggregateId,
    /// Reserved for her, also while she is deleted.
    pub email: Email,
    /// Reserved for her, also while she is deleted.
    pub username: Username,
    /// First name, if known.
    pub first_name: Option<PersonName>,
    /// Last name, if known.
    pub last_name: Option<PersonName>,
    /// Picture, if known.
    pub avatar_url: Option<AvatarUrl>,
    /// Where she stands.
    pub standing: Standing,
    /// Which credential the vault must hold for her.
    pub credential: CredentialState,
    /// When her first event was recorded.
    pub created_at: Timestamp,
    /// When her last event was recorded, whatever it was.
    pub updated_at: Timestamp,
    /// When she was deleted, while she is.
    pub deleted_at: Option<Timestamp>,
    /// How many events add up to this.
    pub version: Version,
    /// Where the last of them stands in the log.
    pub position: Position,
}

/// What remains of a user whose personal data is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ErasedUser {
    /// Her stream. Never used again.
    pub id: AggregateId,
    /// When her first event was recorded.
    pub created_at: Timestamp,
    /// When her last event was recorded: after a whole history, the time of erasure.
    pub updated_at: Timestamp,
    /// How many events add up to this.
    pub version: Version,
    /// Where the last of them stands in the log.
    pub position: Position,
}

impl LiveUser {
    /// What callers see of her standing.
    pub fn status(&self) -> Status {
        self.standing.status()
    }

    /// What nobody else may own as long as she lives, deleted or not.
    pub fn claims(&self) -> Vec<Claim> {
        vec![self.email.claim(), self.username.claim()]
    }
}

impl User {
    /// What callers see of her standing; `None` before the first event.
    pub fn status(&self) -> Option<Status> {
        match self {
            Self::Absent => None,
            Self::Live(live) => Some(live.status()),
            Self::Erased(_) => Some(Status::Erased),
        }
    }

    /// How many events add up to this.
    pub fn version(&self) -> Version {
        match self {
            Self::Absent => Version::NONE,
            Self::Live(live) => live.version,
            Self::Erased(erased) => erased.version,
        }
    }

    /// What nobody else may own as long as she lives.
    pub fn claims(&self) -> Vec<Claim> {
        match self {
            Self::Live(live) => live.claims(),
            Self::Absent | Self::Erased(_) => Vec::new(),
        }
    }

    /// For commands that also a deleted user accepts.
    pub(crate) fn live(&self) -> Result<&LiveUser, Refusal> {
        match self {
            Self::Absent => Err(Refusal::UserNotFound),
            Self::Live(live) => Ok(live),
            Self::Erased(_) => Err(Refusal::UserErased),
        }
    }

    /// For commands that only a user who is not deleted accepts.
    pub(crate) fn present(&self) -> Result<&LiveUser, Refusal> {
        let live = self.live()?;
        if live.standing.deleted { Err(Refusal::UserDeleted) } else { Ok(live) }
    }
}

pub(crate) fn evolve(user: User, recorded: &Recorded<UserEvent>) -> User {
    match user {
        User::Absent => first(recorded),
        User::Live(live) => next(live, recorded),
        User::Erased(erased) => User::Erased(ErasedUser {
            updated_at: recorded.recorded_at,
            version: recorded.version,
            position: recorded.position,
            ..erased
        }),
    }
}

/// No command lets a stream start with another event; if one does, there is nothing to make a user of.
fn first(recorded: &Recorded<UserEvent>) -> User {
    let UserEvent::UserCreated(created) = &recorded.event else { return User::Absent };
    let Redactable::Known(personal) = &created.personal else {
        return User::Erased(remains(recorded.recorded_at, recorded));
    };
    User::Live(Box::new(born(created, personal, recorded)))
}

fn born(
    created: &UserCreated,
    personal: &crate::UserCreatedPersonal,
    recorded: &Recorded<UserEvent>,
) -> LiveUser {
    LiveUser {
        id: recorded.aggregate_id,
        email: personal.email.clone(),
        username: personal.username.clone(),
        first_name: personal.first_name.clone(),
        last_name: personal.last_name.clone(),
        avatar_url: personal.avatar_url.clone(),
        standing: Standing::ACTIVE,
        credential: created.credential,
        created_at: recorded.recorded_at,
        updated_at: recorded.recorded_at,
        deleted_at: None,
        version: recorded.version,
        position: recorded.position,
    }
}

/// An event whose personal part cannot be read any more says that the user has been erased, even when the event that
/// says so in words comes later in the stream. So no state is half known.
fn next(mut live: Box<LiveUser>, recorded: &Recorded<UserEvent>) -> User {
    let erased = matches!(recorded.event, UserEvent::UserErased(_)) || recorded.event.is_redacted();
    if erased {
        return User::Erased(remains(live.created_at, recorded));
    }
    recorded.event.apply(&mut live, recorded.recorded_at);
    live.updated_at = recorded.recorded_at;
    live.version = recorded.version;
    live.position = recorded.position;
    User::Live(live)
}

fn remains(created_at: Timestamp, recorded: &Recorded<UserEvent>) -> ErasedUser {
    ErasedUser {
        id: recorded.aggregate_id,
        created_at,
        updated_at: recorded.recorded_at,
        version: recorded.version,
        position: recorded.position,
    }
}
