//! What a writer asks for next. It knows its own users, so it knows beforehand what must be done and what refused.

use std::sync::{Arc, Mutex, PoisonError};

use fastrand::Rng;
use user_domain::{Standing, Status};

use crate::order::{Order, Told};
use crate::seed::uuid;

/// Users of a writer's own.
const OWN: usize = 2;

/// So many writers give one user to all.
const GIVERS: u64 = 4;

/// Users whom every writer changes: their ids.
pub(super) type Shared = Arc<Mutex<Vec<String>>>;

/// What a writer knows, and draws from.
#[derive(Debug)]
pub(super) struct Plan {
    own: Vec<Own>,
    shared: Shared,
    /// Whether this writer has yet to give one user to all.
    gives: bool,
    rng: Rng,
    count: u64,
    name: String,
}

#[derive(Debug)]
struct Own {
    id: String,
    email: String,
    first_etag: String,
    /// Whether her first etag is behind her.
    changed: bool,
    standing: Standing,
}

/// An order, and what it must come to.
#[derive(Debug)]
pub(super) struct Step {
    pub(super) order: Order,
    pub(super) must: Must,
    /// The user of one's own that it is about.
    about: Option<usize>,
}

/// What an order must come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Must {
    BeDone,
    BeRefused,
}

impl Plan {
    pub(super) fn new(writer: u64, shared: Shared, rng: Rng) -> Self {
        Self {
            own: Vec::new(),
            shared,
            gives: writer < GIVERS,
            rng,
            count: 0,
            name: format!("writer-{writer}"),
        }
    }

    /// Whether all users are there whom this writer needs.
    pub(super) fn is_at_home(&self) -> bool {
        !self.gives && self.own.len() == OWN
    }

    /// What is asked for next.
    pub(super) fn next(&mut self) -> Step {
        self.count += 1;
        if !self.is_at_home() {
            return Step { order: self.create(), must: Must::BeDone, about: None };
        }
        let n = self.rng.usize(..self.own.len());
        let (must, order, about) = match self.rng.u8(..100) {
            0..5 => (Must::BeDone, self.create(), None),
            5..15 => (Must::BeRefused, self.refusable(n), None),
            15..40 => match self.somebody_of_all() {
                Some(id) => (Must::BeDone, self.update(&id, None), None),
                None => (Must::BeDone, self.change(n), Some(n)),
            },
            40..65 => (Must::BeDone, self.step_in_life(n), Some(n)),
            _ => (Must::BeDone, self.change(n), Some(n)),
        };
        Step { order, must, about }
    }

    /// It has been done.
    pub(super) fn learn(&mut self, step: &Step, told: &Told) {
        match (&step.order, step.about) {
            (Order::Create { email, .. }, _) => self.welcome(email, told),
            (order, Some(n)) => self.own[n].learn(order),
            (_, None) => {}
        }
    }

    fn welcome(&mut self, email: &str, told: &Told) {
        let id = told.user.id.clone();
        if self.gives {
            self.gives = false;
            self.shared.lock().unwrap_or_else(PoisonError::into_inner).push(id);
            return;
        }
        if self.own.len() == OWN {
            self.own.swap_remove(self.rng.usize(..OWN));
        }
        let (email, first_etag) = (email.to_owned(), told.user.etag.clone());
        self.own.push(Own { id, email, first_etag, changed: false, standing: Standing::ACTIVE });
    }

    fn create(&self) -> Order {
        let username = format!("{}-{}", self.name, self.count);
        Order::Create { email: self.address(), username }
    }

    /// Never the same twice.
    fn address(&self) -> String {
        format!("{}-{}@example.org", self.name, self.count)
    }

    /// Never the same twice, so that it changes something.
    fn first_name(&self) -> String {
        format!("{} {}", self.name, self.count)
    }

    fn update(&self, id: &str, email: Option<String>) -> Order {
        let first_name = self.first_name();
        Order::Update { id: id.to_owned(), etag: String::new(), first_name, email }
    }

    fn somebody_of_all(&mut self) -> Option<String> {
        let shared = self.shared.lock().unwrap_or_else(PoisonError::into_inner);
        self.rng.choice(shared.iter()).cloned()
    }

    fn change(&mut self, n: usize) -> Order {
        let Own { id, standing, .. } = &self.own[n];
        let id = id.clone();
        if standing.deleted {
            return Order::Restore { id };
        }
        match self.rng.u8(..10) {
            0 => Order::SetPassword { id },
            1..4 => self.update(&id, Some(self.address())),
            _ => self.update(&id, None),
        }
    }

    fn step_in_life(&mut self, n: usize) -> Order {
        let Own { id, standing, .. } = &self.own[n];
        let (id, lucky) = (id.clone(), self.rng.bool());
        match (standing.status(), lucky) {
            (Status::Deleted | Status::Erased, _) => Order::Restore { id },
            (Status::Suspended, true) => Order::Reinstate { id },
            (Status::Inactive, true) => Order::Activate { id },
            (Status::Active, true) => Order::Deactivate { id },
            (Status::Active | Status::Inactive, false) => Order::Suspend { id },
            (Status::Suspended, false) => Order::Delete { id },
        }
    }

    fn refusable(&mut self, n: usize) -> Order {
        let nobody = uuid(&mut self.rng).to_string();
        let Own { id, email, first_etag, changed, standing } = &self.own[n];
        match (self.rng.u8(..4), standing) {
            (0, _) => Order::Delete { id: nobody },
            (1, _) => Order::Create { email: email.to_uppercase(), username: nobody },
            (_, Standing { deleted: true, .. }) => Order::Suspend { id: id.clone() },
            (_, Standing { suspended: true, .. }) => Order::Activate { id: id.clone() },
            _ if *changed => {
                let (id, etag) = (id.clone(), first_etag.clone());
                Order::Update { id, etag, first_name: self.first_name(), email: None }
            }
            _ => self.update(&nobody, None),
        }
    }
}

impl Own {
    fn learn(&mut self, order: &Order) {
        self.changed = true;
        let standing = &mut self.standing;
        match order {
            Order::Update { email: Some(email), .. } => self.email.clone_from(email),
            Order::Activate { .. } => standing.inactive = false,
            Order::Deactivate { .. } => standing.inactive = true,
            Order::Suspend { .. } => standing.suspended = true,
            Order::Reinstate { .. } => standing.suspended = false,
            Order::Delete { .. } => standing.deleted = true,
            Order::Restore { .. } => standing.deleted = false,
            // Nobody here asks for the last two of these.
            Order::Create { .. }
            | Order::Update { email: None, .. }
            | Order::SetPassword { .. }
            | Order::ChangePassword { .. }
            | Order::Erase { .. } => {}
        }
    }
}
