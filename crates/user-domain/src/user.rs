//! What the events of one user add up to. A live user is never logged: her `Debug` is for tests and shows personal data.

use cqrs::{Claim, Recorded};
use eventstore::{AggregateId, Position, Version};
use jiff::Timestamp;

use crate::values::caseless;
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

    /// What she is searched by: address, name here, first and last name, a line each, case-folded.
    pub fn searched(&self) -> String {
        let names = [self.first_name.as_ref(), self.last_name.as_ref()].into_iter().flatten();
        let lines =
            [self.email.as_str(), self.username.as_str()].into_iter().chain(names.map(PersonName::as_str));
        lines.map(caseless).collect::<Vec<_>>().join("\n")
    }

    /// What nobody else may own as long as she lives, deleted or not.
    pub fn claims(&self) -> Vec<Claim> {
        vec![self.email.claim(), self.username.claim(), self.username.look_alike_claim()]
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

#[cfg(test)]
mod tests {
    use cqrs::Decider;
    use cqrs::testkit::record;
    use jiff::SignedDuration;

    use super::*;
    use crate::alice::{self, given, person_name};
    use crate::{Changed, PasswordChangeKind, ProfileUpdatedPersonal, UserSuspended, Users};

    fn live(history: impl IntoIterator<Item = UserEvent>) -> LiveUser {
        match given(history).state() {
            User::Live(live) => *live,
            other => panic!("{other:?}"),
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    #[test]
    fn a_user_has_the_times_of_her_events() {
        let user = live([alice::created(), alice::deactivated(), alice::deleted_from(Status::Inactive)]);
        assert_eq!((user.created_at, user.updated_at, user.deleted_at), (at(1), at(3), Some(at(3))));
        assert_eq!((user.version, user.position), (Version(3), Position(3)));
        assert_eq!(
            live([alice::created(), alice::deleted(), alice::restored_to(Status::Active)]).deleted_at,
            None
        );
    }

    #[test]
    fn every_change_is_seen() {
        let last_name = Some(Changed { from: Some(person_name("Liddell")), to: None });
        let user = live([
            alice::created(),
            alice::email_changed("Alice@example.org", "alice@example.com"),
            alice::username_changed("Alice", "alix"),
            alice::profile_updated(ProfileUpdatedPersonal { last_name, ..Default::default() }),
            alice::password_changed(PasswordChangeKind::Own, 1),
        ]);
        assert_eq!((user.email.as_str(), user.username.as_str()), ("alice@example.com", "alix"));
        assert_eq!((user.first_name, user.last_name), (Some(person_name("Alice")), None));
        assert_eq!(user.credential.version, 2);
    }

    #[test]
    fn of_an_erased_user_only_ids_times_and_counts_remain() {
        let remains = ErasedUser {
            id: live([alice::created()]).id,
            created_at: at(1),
            updated_at: at(3),
            version: Version(3),
            position: Position(3),
        };
        assert_eq!(given(alice::erased()).state(), User::Erased(remains));
    }

    #[test]
    fn an_event_that_cannot_be_read_any_more_leaves_no_half_known_user() {
        let UserEvent::UserSuspended(suspended) = alice::suspended() else { panic!("suspended") };
        let redacted = UserSuspended { personal: Redactable::Erased, ..suspended };
        assert_eq!(given([alice::created(), redacted.into()]).state().status(), Some(Status::Erased));
    }

    #[test]
    fn a_history_without_its_beginning_makes_no_user() {
        assert_eq!(given([alice::deleted()]).state(), User::Absent);
    }

    #[test]
    fn a_user_owns_her_address_and_her_name_in_any_case() {
        let claims: Vec<_> = given([alice::created()]).state().claims();
        let claims: Vec<_> = claims.iter().map(|claim| (claim.scope, claim.value.as_str())).collect();
        assert_eq!(
            claims,
            [("email.1", "alice@example.org"), ("username.1", "alice"), ("username_look_alike.1", "allce")]
        );
    }

    #[test]
    fn a_prefix_of_a_history_is_her_past() {
        let history =
            record::<Users>([alice::created(), alice::suspended(), alice::reinstated_to(Status::Active)]);
        let statuses: Vec<_> = (0..=3).map(|end| Users::fold(&history[..end]).status()).collect();
        assert_eq!(statuses, [None, Some(Status::Active), Some(Status::Suspended), Some(Status::Active)]);
    }
}
