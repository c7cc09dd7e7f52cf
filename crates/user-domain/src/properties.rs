//! What holds of every history, checked on random ones.

use cqrs::{Decider, Recorded, testkit};
use proptest::prelude::*;

use crate::histories::{command, history};
use crate::{Outline, Personal, User, UserCommand, UserEvent, Users};

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
    fn the_outline_is_the_standing_that_events_lead_to(history in history()) {
        let (mut user, mut outline) = (User::default(), None);
        for recorded in &history {
            user = Users::evolve(user, recorded);
            outline = Outline::after(outline, &recorded.event);
            prop_assert_eq!(outline.map(Outline::status), user.status());
            if let User::Live(live) = &user {
                prop_assert_eq!(outline.map(|outline| outline.standing), Some(live.standing));
            }
        }
    }

    #[test]
    fn the_outline_stays_when_the_key_is_gone(history in history()) {
        let outlines = |key_is_gone| {
            let events = history.iter().map(move |recorded| through_the_log(&recorded.event, key_is_gone));
            events.scan(None, |outline, event| { *outline = Outline::after(*outline, &event); Some(*outline) })
        };
        prop_assert_eq!(outlines(true).collect::<Vec<_>>(), outlines(false).collect::<Vec<_>>());
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
