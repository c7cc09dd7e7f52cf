//! What holds of every history, checked on random ones.

use cqrs::{Decider, Recorded, testkit};
use proptest::prelude::*;

use crate::{
    ActivateUser, AvatarUrl, ChangeEmail, ChangePassword, ChangeUsername, CreateUser, CredentialAlgorithm,
    DeactivateUser, DeleteUser, Email, EraseUser, OldPassword, Patch, PersonName, Personal, ProfilePatch,
    Reason, ReinstateUser, RestoreUser, SetPassword, SuspendUser, UpdateProfile, UpdateUser, User,
    UserCommand, UserEvent, Username, Users,
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

/// Erasing ends the story, so it comes rarely.
fn command() -> impl Strategy<Value = UserCommand> {
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
fn history() -> impl Strategy<Value = Vec<Recorded<UserEvent>>> {
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

fn through_the_log(event: &UserEvent, key_is_gone: bool) -> UserEvent {
    let encoded = event.encode();
    let personal = match &encoded.personal {
        None => Personal::None,
        Some(_) if key_is_gone => Personal::Erased,
        Some(text) => Personal::Present(text),
    };
    let decoded = UserEvent::decode(event.event_type(), event.schema_version(), &encoded.data, personal);
    decoded.expect("what was encoded can be decoded")
}

proptest! {
    #[test]
    fn the_version_is_the_number_of_events(history in history()) {
        let user = Users::fold(&history);
        prop_assert_eq!(Users::version(&user).0, history.len() as u64);
    }

    #[test]
    fn an_event_comes_out_of_the_log_as_it_went_in(history in history()) {
        for Recorded { event, .. } in &history {
            let decoded = through_the_log(event, false);
            prop_assert_eq!(&decoded, event);
            prop_assert_eq!(decoded.encode(), event.encode());
        }
    }

    #[test]
    fn saying_it_twice_changes_nothing_more(history in history(), command in command()) {
        let user = Users::fold(&history);
        let Ok(events) = Users::decide(&user, &command) else { return Ok(()) };
        let all = history.iter().map(|recorded| recorded.event.clone()).chain(events);
        let after = Users::fold(&testkit::record::<Users>(all));
        match command {
            // Each of these is a new credential.
            UserCommand::ChangePassword(_) | UserCommand::SetPassword(_) => {}
            command => prop_assert_eq!(Users::decide(&after, &command).unwrap_or_default(), []),
        }
    }

    #[test]
    fn without_her_key_a_user_is_erased_however_much_of_her_history_is_read(history in history(), end in 1..40_usize) {
        let redacted: Vec<_> = history
            .iter()
            .take(end)
            .map(|recorded| Recorded { event: through_the_log(&recorded.event, true), ..recorded.clone() })
            .collect();
        let user = Users::fold(&redacted);
        prop_assert!(matches!(user, User::Erased(_)));
        prop_assert_eq!(Users::version(&user).0, redacted.len() as u64);
        prop_assert_eq!(Users::claims(&user), []);
    }

    #[test]
    fn evolve_takes_any_events_in_any_order(histories in prop::collection::vec(history(), 1..4), turn in 0..40_usize) {
        let mut events: Vec<_> = histories.into_iter().flatten().map(|recorded| recorded.event).collect();
        let length = events.len();
        events.rotate_left(turn % length);
        let history = testkit::record::<Users>(events);
        prop_assert_eq!(Users::fold(&history), Users::fold(&history));
    }

    #[test]
    fn the_status_that_events_tell_is_the_status_that_comes_of_them(history in history()) {
        let mut user = User::default();
        for recorded in &history {
            let before = user.status().map(crate::Status::as_str);
            user = Users::evolve(user, recorded);
            let after = user.status().map(crate::Status::as_str);
            let told = recorded.event.changes().into_iter().find(|change| change.field == "status");
            let (from, to) = match &told {
                Some(change) => (change.from.as_deref(), change.to.as_deref()),
                None => (before, before),
            };
            prop_assert_eq!((from, to), (before, after));
        }
    }
}
