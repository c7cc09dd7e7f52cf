//! Every command in every state, as one table: `·` changes nothing, `→` tells the status that comes of it, a number how
//! many events come of it when the status stays. `… inactive` was inactive before she was suspended, and so on.

use std::fmt::Write;

use cqrs::{Decider, testkit};

use super::*;
use crate::alice::{self, person_name};
use crate::{CredentialAlgorithm, Email, Reason, Status, UserEvent, Username, Users};

fn states() -> Vec<(&'static str, Vec<UserEvent>)> {
    let inactive = || vec![alice::created(), alice::deactivated()];
    let suspended = || vec![alice::created(), alice::suspended()];
    let with = |mut history: Vec<UserEvent>, event: UserEvent| {
        history.push(event);
        history
    };
    vec![
        ("absent", vec![]),
        ("active", vec![alice::created()]),
        ("inactive", inactive()),
        ("suspended", suspended()),
        ("… inactive", with(inactive(), alice::suspended_from(Status::Inactive))),
        ("deleted", vec![alice::created(), alice::deleted()]),
        ("… suspended", with(suspended(), alice::deleted_from(Status::Suspended))),
        ("erased", alice::erased().into()),
    ]
}

/// In the order of the enum; each asks for something that does not hold yet.
fn commands() -> Vec<UserCommand> {
    let email = Email::from_stored("alice@example.com");
    let username = Username::from_stored("alix");
    let profile = ProfilePatch { first_name: Patch::Set(person_name("Alix")), ..Default::default() };
    let algorithm = CredentialAlgorithm::Argon2id;
    let old_password = OldPassword::Matches { credential_version: 1 };
    vec![
        alice::create().into(),
        ImportUser { user: alice::create(), inactive: true }.into(),
        ChangeEmail { email: email.clone() }.into(),
        ChangeUsername { username: username.clone() }.into(),
        UpdateProfile { profile: profile.clone() }.into(),
        UpdateUser { email: Some(email), username: Some(username), profile }.into(),
        ChangePassword { old_password, algorithm }.into(),
        SetPassword { algorithm }.into(),
        ActivateUser.into(),
        DeactivateUser.into(),
        SuspendUser { reason: Reason::from_stored("spam") }.into(),
        ReinstateUser.into(),
        DeleteUser.into(),
        RestoreUser.into(),
        EraseUser.into(),
    ]
}

/// What comes of it, in a word.
fn outcome(history: &[UserEvent], command: &UserCommand) -> String {
    let user = Users::fold(&testkit::record::<Users>(history.iter().cloned()));
    let events = match Users::decide(&user, command) {
        Err(refusal) => return format!("{refusal:?}"),
        Ok(events) if events.is_empty() => return "·".to_owned(),
        Ok(events) => events,
    };
    let after = Users::fold(&testkit::record::<Users>(history.iter().cloned().chain(events.iter().cloned())));
    match after.status() {
        status if status == user.status() => format!("{} changed", events.len()),
        status => format!("→ {}", status.map_or("absent", Status::as_str)),
    }
}

fn row(first: &str, cells: impl Iterator<Item = String>) -> String {
    let mut line = format!("{first:16}");
    for cell in cells {
        write!(line, "{cell:15}").expect("a string takes all that memory takes");
    }
    line.trim_end().to_owned()
}

#[test]
fn every_command_in_every_state() {
    let commands = commands();
    assert_eq!(commands.iter().map(UserCommand::name).collect::<Vec<_>>(), UserCommand::NAMES);
    let mut table = vec![row("", states().iter().map(|(name, _)| (*name).to_owned()))];
    for command in &commands {
        table.push(row(command.name(), states().iter().map(|(_, history)| outcome(history, command))));
    }
    insta::assert_snapshot!(table.join("\n"), @"
                    absent         active         inactive       suspended      … inactive     deleted        … suspended    erased
    create_user     → active       AlreadyExists  AlreadyExists  AlreadyExists  AlreadyExists  AlreadyExists  AlreadyExists  UserErased
    import_user     → inactive     AlreadyExists  AlreadyExists  AlreadyExists  AlreadyExists  AlreadyExists  AlreadyExists  UserErased
    change_email    UserNotFound   1 changed      1 changed      1 changed      1 changed      UserDeleted    UserDeleted    UserErased
    change_username UserNotFound   1 changed      1 changed      1 changed      1 changed      UserDeleted    UserDeleted    UserErased
    update_profile  UserNotFound   1 changed      1 changed      1 changed      1 changed      UserDeleted    UserDeleted    UserErased
    update_user     UserNotFound   3 changed      3 changed      3 changed      3 changed      UserDeleted    UserDeleted    UserErased
    change_password UserNotFound   1 changed      UserNotActive  UserNotActive  UserNotActive  UserDeleted    UserDeleted    UserErased
    set_password    UserNotFound   1 changed      1 changed      1 changed      1 changed      UserDeleted    UserDeleted    UserErased
    activate_user   UserNotFound   ·              → active       UserSuspended  UserSuspended  UserDeleted    UserDeleted    UserErased
    deactivate_user UserNotFound   → inactive     ·              UserSuspended  UserSuspended  UserDeleted    UserDeleted    UserErased
    suspend_user    UserNotFound   → suspended    → suspended    ·              ·              UserDeleted    UserDeleted    UserErased
    reinstate_user  UserNotFound   ·              ·              → active       → inactive     UserDeleted    UserDeleted    UserErased
    delete_user     UserNotFound   → deleted      → deleted      → deleted      → deleted      ·              ·              UserErased
    restore_user    UserNotFound   ·              ·              ·              ·              → active       → suspended    UserErased
    erase_user      UserNotFound   NotDeleted     NotDeleted     NotDeleted     NotDeleted     → erased       → erased       ·
    ");
}

#[test]
fn the_commands_that_bring_a_credential_are_those_whose_events_say_so() {
    for command in commands() {
        let decisions = states().into_iter().map(|(_, history)| {
            Users::decide(&Users::fold(&testkit::record::<Users>(history)), &command).unwrap_or_default()
        });
        let brings = decisions.flatten().any(|event| event.changes().iter().any(|c| c.field == "credential"));
        assert_eq!(command.changes_credential(), brings, "{}", command.name());
    }
}
