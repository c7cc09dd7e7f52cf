//! `user.email_changed`: a user has another e-mail address.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Change, Changed, EventType, Redactable};
use crate::{Email, LiveUser};

/// A user has another e-mail address. Nothing of it is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailChanged {
    /// What she had and what she has.
    #[serde(skip)]
    pub personal: Redactable<EmailChangedPersonal>,
}

/// What she had and what she has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmailChangedPersonal {
    /// Her address.
    pub email: Changed<Email>,
}

impl EmailChanged {
    pub(crate) fn new(from: &Email, to: &Email) -> Self {
        let email = Changed { from: from.clone(), to: to.clone() };
        Self { personal: Redactable::Known(EmailChangedPersonal { email }) }
    }
}

impl EventType for EmailChanged {
    const NAME: &'static str = "user.email_changed";
    type Personal = EmailChangedPersonal;

    fn personal(&self) -> Option<&Redactable<Self::Personal>> {
        Some(&self.personal)
    }

    fn personal_mut(&mut self) -> Option<&mut Redactable<Self::Personal>> {
        Some(&mut self.personal)
    }

    fn apply(&self, user: &mut LiveUser, _: Timestamp) {
        if let Redactable::Known(EmailChangedPersonal { email }) = &self.personal {
            user.email = email.to.clone();
        }
    }

    fn changes(&self) -> Vec<Change> {
        vec![match &self.personal {
            Redactable::Known(EmailChangedPersonal { email }) => {
                Change::new("email", Some(email.from.as_str()), Some(email.to.as_str()))
            }
            Redactable::Erased => Change::erased("email"),
        }]
    }
}
