//! Alice, as the tests know her: what is asked for her and what happens to her.

use cqrs::testkit;

use crate::{
    Changed, CreateUser, CredentialAlgorithm, CredentialState, Email, EmailChanged, PasswordChangeKind,
    PasswordChanged, PersonName, ProfileUpdated, ProfileUpdatedPersonal, Reason, Redactable, Status,
    UserActivated, UserCreated, UserCreatedPersonal, UserDeactivated, UserDeleted, UserErased, UserEvent,
    UserReinstated, UserRestored, UserSuspended, UserSuspendedPersonal, Username, UsernameChanged, Users,
};

pub(crate) fn given(history: impl IntoIterator<Item = UserEvent>) -> testkit::Given<Users> {
    testkit::given(history)
}

pub(crate) fn email() -> Email {
    Email::parse("Alice@example.org").expect("an address")
}

pub(crate) fn username() -> Username {
    Username::parse("Alice").expect("a name")
}

pub(crate) fn person_name(name: &str) -> PersonName {
    PersonName::parse("name", name).expect("a name")
}

pub(crate) fn create() -> CreateUser {
    CreateUser {
        email: email(),
        username: username(),
        first_name: Some(person_name("Alice")),
        last_name: Some(person_name("Liddell")),
        avatar_url: None,
        algorithm: CredentialAlgorithm::Argon2id,
    }
}

pub(crate) fn created() -> UserEvent {
    let personal = Redactable::Known(UserCreatedPersonal {
        email: email(),
        username: username(),
        first_name: Some(person_name("Alice")),
        last_name: Some(person_name("Liddell")),
        avatar_url: None,
    });
    let credential = CredentialState { version: 1, algorithm: CredentialAlgorithm::Argon2id };
    UserCreated { status: Status::Active, credential, personal }.into()
}

pub(crate) fn email_changed(from: &str, to: &str) -> UserEvent {
    EmailChanged::new(&Email::from_stored(from), &Email::from_stored(to)).into()
}

pub(crate) fn username_changed(from: &str, to: &str) -> UserEvent {
    UsernameChanged::new(&Username::from_stored(from), &Username::from_stored(to)).into()
}

pub(crate) fn profile_updated(personal: ProfileUpdatedPersonal) -> UserEvent {
    ProfileUpdated { personal: Redactable::Known(personal) }.into()
}

pub(crate) fn password_changed(kind: PasswordChangeKind, from: u32) -> UserEvent {
    let credential = |version| CredentialState { version, algorithm: CredentialAlgorithm::Argon2id };
    PasswordChanged { kind, from: credential(from), to: credential(from + 1) }.into()
}

pub(crate) fn activated() -> UserEvent {
    UserActivated { status: Changed { from: Status::Inactive, to: Status::Active } }.into()
}

pub(crate) fn deactivated() -> UserEvent {
    UserDeactivated { status: Changed { from: Status::Active, to: Status::Inactive } }.into()
}

pub(crate) fn suspended() -> UserEvent {
    suspended_from(Status::Active)
}

pub(crate) fn suspended_from(from: Status) -> UserEvent {
    let personal =
        Redactable::Known(UserSuspendedPersonal { reason: Reason::parse("spam").expect("a reason") });
    UserSuspended { status: Changed { from, to: Status::Suspended }, personal }.into()
}

pub(crate) fn reinstated_to(to: Status) -> UserEvent {
    UserReinstated { status: Changed { from: Status::Suspended, to } }.into()
}

pub(crate) fn deleted() -> UserEvent {
    deleted_from(Status::Active)
}

pub(crate) fn deleted_from(from: Status) -> UserEvent {
    UserDeleted { status: Changed { from, to: Status::Deleted } }.into()
}

pub(crate) fn restored_to(to: Status) -> UserEvent {
    UserRestored { status: Changed { from: Status::Deleted, to } }.into()
}

pub(crate) fn erasure() -> UserEvent {
    UserErased { status: Changed { from: Status::Deleted, to: Status::Erased } }.into()
}

/// Her whole life.
pub(crate) fn erased() -> [UserEvent; 3] {
    [created(), deleted(), erasure()]
}
