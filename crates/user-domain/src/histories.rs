//! Random users and what they go through, for properties of whatever is made of events.

use cqrs::{Decider, Recorded, testkit};
use proptest::prelude::*;

use crate::{
    ActivateUser, AvatarUrl, ChangeEmail, ChangePassword, ChangeUsername, CreateUser, CredentialAlgorithm,
    DeactivateUser, DeleteUser, Email, EraseUser, OldPassword, Patch, PersonName, ProfilePatch, Reason,
    ReinstateUser, RestoreUser, SetPassword, SuspendUser, UpdateProfile, UpdateUser, UserCommand, UserEvent,
    Username, Users,
};

fn email() -> impl Strategy<Value = Email> {
    "[aAbB]{1,2}@[ab]\\.org".prop_filter_map("an address", |text| Email::parse(&text).ok())
}

fn username() -> impl Strategy<Value = Username> {
    "[aAäß\"\\\\]{1,3}".prop_filter_map("a name", |text| Username::parse(&text).ok())
}

fn person_name() -> impl Strategy<Value = PersonName> {
    "\\PC{1,4}".prop_filter_map("a name", |text| PersonName::parse("first_name", &text).ok())
}

fn avatar_url() -> impl Strategy<Value = AvatarUrl> {
    "https://a\\.org/[a-c]".prop_filter_map("a URL", |text| AvatarUrl::parse(&text).ok())
}

fn algorithm() -> impl Strategy<Value = CredentialAlgorithm> {
    prop::sample::select(CredentialAlgorithm::ALL.to_vec())
}

fn old_password() -> impl Strategy<Value = OldPassword> {
    prop_oneof![
        Just(OldPassword::Differs),
        (1..4_u32).prop_map(|credential_version| OldPassword::Matches { credential_version }),
    ]
}

fn patch<T: Clone + std::fmt::Debug + 'static>(
    value: impl Strategy<Value = T> + 'static,
) -> BoxedStrategy<Patch<T>> {
    prop_oneof![Just(Patch::Keep), Just(Patch::Clear), value.prop_map(Patch::Set)].boxed()
}

fn profile() -> impl Strategy<Value = ProfilePatch> {
    (patch(person_name()), patch(person_name()), patch(avatar_url()))
        .prop_map(|(first_name, last_name, avatar_url)| ProfilePatch { first_name, last_name, avatar_url })
}

fn create() -> impl Strategy<Value = CreateUser> {
    use prop::option::of as optional;
    let names = (optional(person_name()), optional(person_name()), optional(avatar_url()));
    (email(), username(), names, algorithm()).prop_map(
        |(email, username, (first_name, last_name, avatar_url), algorithm)| CreateUser {
            email,
            username,
            first_name,
            last_name,
            avatar_url,
            algorithm,
        },
    )
}

fn update() -> impl Strategy<Value = UpdateUser> {
    (prop::option::of(email()), prop::option::of(username()), profile())
        .prop_map(|(email, username, profile)| UpdateUser { email, username, profile })
}

/// Anything that can be asked of a user. Erasing ends the story, so it comes rarely.
pub fn command() -> impl Strategy<Value = UserCommand> {
    prop_oneof![
        2 => create().prop_map(Into::into),
        2 => email().prop_map(|email| ChangeEmail { email }.into()),
        2 => username().prop_map(|username| ChangeUsername { username }.into()),
        2 => profile().prop_map(|profile| UpdateProfile { profile }.into()),
        2 => update().prop_map(Into::into),
        2 => (old_password(), algorithm())
            .prop_map(|(old_password, algorithm)| ChangePassword { old_password, algorithm }.into()),
        2 => algorithm().prop_map(|algorithm| SetPassword { algorithm }.into()),
        3 => Just(ActivateUser.into()),
        3 => Just(DeactivateUser.into()),
        3 => "[a-z \"]{1,9}".prop_filter_map("a reason", |text| Reason::parse(&text).ok())
            .prop_map(|reason| SuspendUser { reason }.into()),
        3 => Just(ReinstateUser.into()),
        2 => Just(DeleteUser.into()),
        3 => Just(RestoreUser.into()),
        1 => Just(EraseUser.into()),
    ]
}

/// What a user who is created and then asked all of this goes through.
pub fn history() -> impl Strategy<Value = Vec<Recorded<UserEvent>>> {
    (create(), prop::collection::vec(command(), 0..40)).prop_map(|(create, commands)| {
        let mut events = Vec::new();
        for command in std::iter::once(create.into()).chain(commands) {
            let user = Users::fold(&testkit::record::<Users>(events.iter().cloned()));
            let decision = Users::decide(&user, &command);
            assert_eq!(decision, Users::decide(&user, &command), "decide is not deterministic");
            events.extend(decision.unwrap_or_default());
        }
        testkit::record::<Users>(events)
    })
}
