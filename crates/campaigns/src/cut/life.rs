//! The lives of users, one after the other: together they are every kind of write, each changing something.

use crate::order::{Order, Told};

/// What is asked for of each user.
const STEPS: u64 = 14;

/// Where the life that is being lived has come to.
#[derive(Debug, Default)]
pub(super) struct Life {
    count: u64,
    id: String,
    etag: String,
}

impl Life {
    /// What is asked for next.
    pub(super) fn next(&self) -> Order {
        let (id, life) = (self.id.clone(), self.count / STEPS);
        match self.count % STEPS {
            0 => {
                Order::Create { email: format!("life-{life}@example.org"), username: format!("life-{life}") }
            }
            1 => Order::ChangePassword { id },
            2 => Order::SetPassword { id },
            3 | 11 => self.update(None),
            4 => self.update(Some(format!("life-{life}-moved@example.org"))),
            5 => Order::Deactivate { id },
            6 => Order::Activate { id },
            7 => Order::Suspend { id },
            8 => Order::Reinstate { id },
            9 | 12 => Order::Delete { id },
            10 => Order::Restore { id },
            _ => Order::Erase { id },
        }
    }

    fn update(&self, email: Option<String>) -> Order {
        let first_name = format!("name {}", self.count);
        Order::Update { id: self.id.clone(), etag: self.etag.clone(), first_name, email }
    }

    /// It has been done.
    pub(super) fn go_on(&mut self, told: &Told) {
        (self.id, self.etag) = (told.user.id.clone(), told.user.etag.clone());
        self.count += 1;
    }

    /// It has been done, and nobody has said so: all that is known is who she is.
    pub(super) fn go_on_with(&mut self, id: String) {
        (self.id, self.etag) = (id, String::new());
        self.count += 1;
    }
}
