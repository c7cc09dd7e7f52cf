//! What callers ask for: the mix of `bench/src/workload`. Of a hundred commands 20 create a user, 10 change an e-mail
//! address, 5 a password, 65 a profile, and each caller has users of her own.

use fastrand::Rng;
use uuid::Uuid;

use crate::user::Command;

/// No caller changes more users than this.
const USERS_MAX: usize = 2000;

/// One caller, her users, and her luck.
#[derive(Debug)]
pub(crate) struct Caller {
    random: Rng,
    users: Vec<Uuid>,
}

impl Caller {
    pub(crate) fn new(number: usize) -> Self {
        Self { random: Rng::with_seed(number as u64 + 1), users: Vec::new() }
    }

    /// The next command, and the user it is about. Nothing here is refused: what was asked for counts as done.
    pub(crate) fn next(&mut self) -> (Uuid, Command) {
        let most = if self.users.len() < USERS_MAX { 0 } else { 20 };
        let kind = if self.users.is_empty() { 0 } else { self.random.u8(most..100) };
        if kind < 20 {
            let id = id();
            self.users.push(id);
            return (id, create(&mut self.random));
        }
        let command = match kind {
            20..30 => change_email(&mut self.random),
            30..35 => Command::ChangePassword,
            _ => update_profile(&mut self.random),
        };
        (self.users[self.random.usize(..self.users.len())], command)
    }
}

/// In the order of their making, as ours are: kind to every index.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever makes up users makes up their ids; no replay is meant to find them again"
)]
fn id() -> Uuid {
    Uuid::now_v7()
}

fn create(random: &mut Rng) -> Command {
    Command::Create {
        email: email(random),
        username: format!("person_{:08x}", random.u32(..)),
        first_name: first_name(random),
    }
}

fn change_email(random: &mut Rng) -> Command {
    Command::ChangeEmail { email: email(random) }
}

fn update_profile(random: &mut Rng) -> Command {
    Command::UpdateProfile { first_name: first_name(random) }
}

fn email(random: &mut Rng) -> String {
    format!("person.{:08x}@example.org", random.u32(..))
}

fn first_name(random: &mut Rng) -> String {
    format!("Ada {:08x}", random.u32(..))
}

/// A command of each kind.
#[cfg(test)]
pub(crate) fn one_of_each(random: &mut Rng) -> [Command; 4] {
    [create(random), change_email(random), Command::ChangePassword, update_profile(random)]
}
