//! The user as a write model: how the generic command side reaches `decide` and `evolve`.

use cqrs::{Claim, Decider, Recorded};
use eventstore::Version;

use crate::{Refusal, User, UserCommand, UserEvent, Username, commands, user};

/// The directory of users; each stream of it is one user.
#[derive(Clone, Copy, Debug)]
pub struct Users;

impl Decider for Users {
    const AGGREGATE_TYPE: &'static str = "user";
    const LATER_SCOPES: &'static [&'static str] = &[Username::LOOK_ALIKE_SCOPE];

    type State = User;
    type Command = UserCommand;
    type Event = UserEvent;
    type Refusal = Refusal;

    fn decide(user: &User, command: &UserCommand) -> Result<Vec<UserEvent>, Refusal> {
        commands::decide(user, command)
    }

    fn evolve(user: User, recorded: &Recorded<UserEvent>) -> User {
        user::evolve(user, recorded)
    }

    fn claims(user: &User) -> Vec<Claim> {
        user.claims()
    }

    fn version(user: &User) -> Version {
        user.version()
    }
}
