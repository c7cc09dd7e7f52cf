//! What the projections of live users have in common: a row per user, made of her as she is, gone when she is erased.

use cqrs::Decider;
use cqrs::projection::Projector;
use eventstore::{ProjectionChange, ProjectionLayout, ProjectionRow, Row};
use user_domain::{CredentialAlgorithm, CredentialState, LiveUser, User, Users};

use super::DecodedUserEvent;
use crate::read_model::{USER_READ_MODEL, user_of};

/// A projection of one table, whose columns begin with those of the read model.
#[derive(Debug)]
pub struct LiveUsers {
    pub(super) layout: &'static ProjectionLayout,
    /// Her row, with what her row before says besides.
    pub(super) row: fn(&LiveUser, Option<&Row>) -> Row,
}

impl Projector<DecodedUserEvent> for LiveUsers {
    fn layout(&self) -> &'static ProjectionLayout {
        self.layout
    }

    fn aggregate_type(&self) -> &'static str {
        Users::AGGREGATE_TYPE
    }

    fn project(&self, state: Option<&Row>, event: &DecodedUserEvent) -> Vec<ProjectionRow> {
        let before = state.map_or(User::Absent, |row| User::Live(Box::new(live_user(row))));
        let change = match Users::evolve(before, &event.happened) {
            User::Absent => return Vec::new(),
            User::Live(user) => ProjectionChange::Put((self.row)(&user, state)),
            User::Erased(user) => ProjectionChange::DeleteStream(user.id),
        };
        vec![ProjectionRow { table: self.layout.tables[0], change }]
    }
}

/// The user of a row. What the vault knows of her password stands in no row, and none of its changes is looked at.
fn live_user(row: &Row) -> LiveUser {
    let own = row[..USER_READ_MODEL.columns.len()].to_vec();
    let credential = CredentialState::first(CredentialAlgorithm::Argon2id);
    user_of(own, credential).expect("a projection's state is a row that it has put")
}
