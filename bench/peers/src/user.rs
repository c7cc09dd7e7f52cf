//! The user, written once for all peers: four commands, an event for each, a decision that needs what was loaded, a fold.
//!
//! Details stand in the events in the clear, as one would write them. `rest` fills each up to as many bytes as our events
//! have, the sealed part with the open one (`bench/src/workload/event.rs`); what is the same in all costs least to make.

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A user as her events make her; nobody before the first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct User {
    email: String,
    username: String,
    first_name: String,
    last_name: String,
    /// Count of her passwords: none before she is created.
    credential: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Command {
    Create { email: String, username: String, first_name: String },
    ChangeEmail { email: String },
    ChangePassword,
    UpdateProfile { first_name: String },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Event {
    Created { email: String, username: String, first_name: String, last_name: String, rest: String },
    EmailChanged { from: String, to: String, rest: String },
    PasswordChanged { version: u32, algorithm: String, rest: String },
    ProfileUpdated { from: String, to: String, rest: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub(crate) enum Refusal {
    #[error("she is there already")]
    There,
    #[error("there is nobody")]
    Nobody,
}

const LAST_NAME: &str = "Lovelace";
const ALGORITHM: &str = "argon2id";

/// How much is missing, for details of the lengths that the workload has.
const CREATED_REST: usize = 218;
const EMAIL_REST: usize = 132;
const PASSWORD_REST: usize = 35;
const PROFILE_REST: usize = 160;

impl User {
    pub(crate) fn decide(&self, command: Command) -> Result<Event, Refusal> {
        let there = self.credential > 0;
        match command {
            Command::Create { .. } if there => Err(Refusal::There),
            Command::Create { email, username, first_name } => Ok(Event::Created {
                email,
                username,
                first_name,
                last_name: LAST_NAME.to_owned(),
                rest: rest(CREATED_REST),
            }),
            Command::ChangeEmail { .. } | Command::ChangePassword | Command::UpdateProfile { .. }
                if !there =>
            {
                Err(Refusal::Nobody)
            }
            Command::ChangeEmail { email } => {
                Ok(Event::EmailChanged { from: self.email.clone(), to: email, rest: rest(EMAIL_REST) })
            }
            Command::ChangePassword => Ok(Event::PasswordChanged {
                version: self.credential + 1,
                algorithm: ALGORITHM.to_owned(),
                rest: rest(PASSWORD_REST),
            }),
            Command::UpdateProfile { first_name } => Ok(Event::ProfileUpdated {
                from: self.first_name.clone(),
                to: first_name,
                rest: rest(PROFILE_REST),
            }),
        }
    }

    #[must_use]
    pub(crate) fn evolve(self, event: Event) -> Self {
        match event {
            Event::Created { email, username, first_name, last_name, .. } => {
                Self { email, username, first_name, last_name, credential: 1 }
            }
            Event::EmailChanged { to, .. } => Self { email: to, ..self },
            Event::PasswordChanged { version, .. } => Self { credential: version, ..self },
            Event::ProfileUpdated { to, .. } => Self { first_name: to, ..self },
        }
    }
}

fn rest(bytes: usize) -> String {
    ".".repeat(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    /// Open and sealed parts of ours together, in the order of the commands.
    const OURS: [usize; 4] = [69 + 290, 2 + 230, 101, 2 + 230];

    #[test]
    fn an_event_has_as_many_bytes_as_ours() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut user = User::default();
        let lengths = workload::one_of_each(&mut random).map(|command| {
            let event = user.decide(command).unwrap();
            user = user.clone().evolve(event.clone());
            serde_json::to_string(&event).unwrap().len()
        });
        assert_eq!(lengths, OURS);
    }

    #[test]
    fn what_was_loaded_decides() {
        assert_eq!(User::default().decide(Command::ChangePassword), Err(Refusal::Nobody));
        let [create, ..] = workload::one_of_each(&mut fastrand::Rng::with_seed(1));
        let user = User::default().evolve(User::default().decide(create.clone()).unwrap());
        assert_eq!(user.decide(create), Err(Refusal::There));
    }
}
