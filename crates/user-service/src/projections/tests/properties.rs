//! What holds of every projector, on random histories of several users: its rows are the fold of the domain, also when
//! they are made anew after somebody has been erased.

use std::collections::BTreeMap;

use cqrs::{Decider, Recorded};
use eventstore::{AggregateId, Row, Value};
use proptest::prelude::*;
use user_domain::{LiveUser, Status, User, UserEvent, Users};

use super::log::{decoded, erased, logs};
use super::tables::Tables;
use crate::projections::{
    ACTIVITY_DAY, ACTIVITY_STATUS, ACTIVITY_USER, STILL_HOLDS, USER_HISTORY_TABLE, USER_SEARCH_PROJECTOR,
    USER_SEARCH_TABLE, USERS_PROJECTOR, USERS_TABLE, UserActivity, UserHistory, projectors,
};
use crate::read_model::full_row;
use crate::vault::VaultRoot;

/// The users of a log as they are after its last event.
fn users(log: &[Recorded<UserEvent>]) -> Vec<User> {
    let mut streams: BTreeMap<AggregateId, Vec<&Recorded<UserEvent>>> = BTreeMap::new();
    for recorded in log {
        streams.entry(recorded.aggregate_id).or_default().push(recorded);
    }
    streams.into_values().map(Users::fold).collect()
}

/// The rows that the read model has of live users. No row says which credential counts.
fn rows_of_live(log: &[Recorded<UserEvent>]) -> Vec<Row> {
    let live = |user| match user {
        User::Live(user) => Some(full_row(&user)),
        User::Absent | User::Erased(_) => None,
    };
    users(log).into_iter().filter_map(live).collect()
}

fn held_at(row: &Row, position: usize) -> bool {
    let position = i64::try_from(position).expect("it is short");
    let (Value::BigInt(from), Value::BigInt(to)) = (&row[2], &row[3]) else { panic!("{row:?}") };
    (*from..*to).contains(&position)
}

/// A state as a row of the read model, and its claims.
fn as_user(row: &Row) -> (Row, Vec<Value>) {
    let user = [&row[..1], &row[5..15], &row[1..3]].concat();
    (user, row[15..17].to_vec())
}

fn claims(user: &LiveUser) -> Vec<Value> {
    let key = |claim| Value::Uuid(VaultRoot::for_test().claim_key(&claim).0);
    [user.email.claim(), user.username.claim()].into_iter().map(key).collect()
}

fn status_of(row: &Row, column: usize) -> Status {
    let Value::Text(status) = &row[column] else { panic!("{row:?}") };
    Status::parse(status).expect("it is one")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn rows_that_are_made_anew_after_erasures_are_those_that_were_cleaned(log in logs()) {
        for projector in projectors() {
            let mut live = Tables::default();
            for (event, happened) in decoded(&log, &[]).iter().zip(&log) {
                live.take(&*projector, event);
                if matches!(happened.event, UserEvent::UserErased(_)) {
                    live.clean(projector.layout(), happened.aggregate_id);
                }
            }
            let anew = Tables::after(&*projector, &decoded(&log, &erased(&log)));
            prop_assert_eq!(&live, &anew, "{}", projector.layout().name);
            let mut walked = decoded(&log, &erased(&log));
            walked.sort_by_key(|event| (event.raw.aggregate_id, event.raw.version));
            prop_assert_eq!(&Tables::after(&*projector, &walked), &anew, "stream by stream");
        }
    }

    #[test]
    fn a_key_that_goes_while_events_are_projected_leaves_nothing_personal(log in logs(), turn in 0..60_usize) {
        let (known, gone) = (decoded(&log, &[]), decoded(&log, &erased(&log)));
        let turn = turn.min(log.len());
        for projector in projectors() {
            let mut tables = Tables::default();
            for event in known[..turn].iter().chain(&gone[turn..]) {
                tables.take(&*projector, event);
            }
            for id in erased(&log) {
                tables.clean(projector.layout(), id);
            }
            prop_assert_eq!(&tables, &Tables::after(&*projector, &gone), "{}", projector.layout().name);
        }
    }

    #[test]
    fn live_users_are_what_the_domain_says(log in logs()) {
        let events = decoded(&log, &[]);
        let wanted = rows_of_live(&log);
        let rows = Tables::after(&USERS_PROJECTOR, &events);
        prop_assert_eq!(rows.of(USERS_TABLE.name).into_iter().cloned().collect::<Vec<_>>(), wanted.clone());
        let rows = Tables::after(&USER_SEARCH_PROJECTOR, &events);
        let searched: Vec<_> = rows.of(USER_SEARCH_TABLE.name).into_iter().map(|row| row[..13].to_vec()).collect();
        prop_assert_eq!(searched, wanted);
    }

    #[test]
    fn at_every_position_history_says_what_the_domain_says(log in logs()) {
        let gone = erased(&log);
        let rows = Tables::after(&UserHistory, &decoded(&log, &gone));
        for position in 0..=log.len() {
            let held = rows.of(USER_HISTORY_TABLE.name).into_iter().filter(|row| held_at(row, position));
            let held: Vec<_> = held.filter(|row| row[5] != Value::Null).map(as_user).collect();
            let lived = users(&log[..position]).into_iter().filter_map(|user| match user {
                User::Live(user) if !gone.contains(&user.id) => Some(user),
                User::Live(_) | User::Absent | User::Erased(_) => None,
            });
            let wanted: Vec<_> = lived.map(|user| (full_row(&user), claims(&user))).collect();
            prop_assert_eq!(held, wanted, "at {}", position);
        }
    }

    #[test]
    fn states_follow_each_other_without_a_gap_and_the_last_one_holds(log in logs()) {
        let rows = Tables::after(&UserHistory, &decoded(&log, &erased(&log)));
        let rows = rows.of(USER_HISTORY_TABLE.name);
        prop_assert_eq!(rows.len(), log.len(), "each event is a state");
        for (n, row) in rows.iter().enumerate() {
            let next = rows.get(n + 1).filter(|next| next[0] == row[0]);
            let end = next.map_or(Value::BigInt(STILL_HOLDS), |next| next[2].clone());
            prop_assert_eq!(&row[3], &end);
            let first = rows.iter().find(|first| first[0] == row[0]).map(|first| &first[2]);
            prop_assert_eq!(Some(&row[17]), first, "where she was created stands in each");
        }
        for id in erased(&log) {
            let hers: Vec<_> = rows.iter().filter(|row| row[0] == Value::Uuid(id.0)).collect();
            let statuses: Vec<_> = hers.iter().map(|row| status_of(row, 10)).collect();
            prop_assert_eq!(statuses.last(), Some(&Status::Erased));
            prop_assert_eq!(statuses.first(), Some(&Status::Active), "she was there");
            let personal = hers.iter().flat_map(|row| row[5..10].iter().chain(&row[15..17]));
            prop_assert!(personal.into_iter().all(|value| *value == Value::Null));
        }
    }

    #[test]
    fn the_sum_of_all_days_is_how_many_users_there_are(log in logs()) {
        let tables = Tables::after(&UserActivity, &decoded(&log, &erased(&log)));
        let number = |value: &Value| match value { Value::BigInt(number) => *number, other => panic!("{other:?}") };
        for status in Status::ALL {
            let changes = tables.of(ACTIVITY_STATUS.name).into_iter().filter(|row| status_of(row, 1) == status);
            let users = users(&log).iter().filter(|user| user.status() == Some(status)).count();
            prop_assert_eq!(changes.map(|row| number(&row[2])).sum::<i64>(), i64::try_from(users).expect("they are few"));
            let rows = tables.of(ACTIVITY_USER.name).into_iter().filter(|row| status_of(row, 1) == status);
            prop_assert_eq!(rows.count(), users);
        }
        let events: i64 = tables.of(ACTIVITY_DAY.name).into_iter().map(|row| number(&row[2])).sum();
        prop_assert_eq!(events, i64::try_from(log.len()).expect("it is short"));
    }
}
