//! `user.username_changed`: a user has another username.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType, Redactable};
use crate::{LiveUser, Username};

/// A user has another username. Nothing of it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsernameChanged {
    /// What she had and what she has.
    #[serde(skip)]
    pub personal: Redactable<UsernameChangedPersonal>,
}

/// What she had and what she has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsernameChangedPersonal {
    /// Her name here.
    pub username: Changed<Username>,
}

impl UsernameChanged {
    pub(crate) fn new(from: &Username, to: &Username) -> Self {
        let username = Changed { from: from.clone(), to: to.clone() };
        Self { personal: Redactable::Known(UsernameChangedPersonal { username }) }
    }
}

impl EventType for UsernameChanged {
    const NAME: &'static str = "user.username_changed";
    type Personal = UsernameChangedPersonal;

    fn personal(&self) -> Option<&Redactable<Self::Personal>> {
        Some(&self.personal)
    }

    fn personal_mut(&mut self) -> Option<&mut Redactable<Self::Personal>> {
        Some(&mut self.personal)
    }

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        if let Redactable::Known(UsernameChangedPersonal { username }) = &self.personal {
            user.username = username.to.clone();
        }
    }

    fn changes(&self) -> Vec<Change> {
        vec![match &self.personal {
            Redactable::Known(UsernameChangedPersonal { username }) => {
                Change::new("username", Some(username.from.as_str()), Some(username.to.as_str()))
            }
            Redactable::Erased => Change::erased("username"),
        }]
    }
}
