//! The product as its callers reach it: the shipped binary in a process of its own, whoever calls it in another, and an
//! echo of the same messages that says what the way there and back costs.

mod pinned;
mod child;
mod people;
mod statement;
mod echo;
mod wire;
mod message;
mod closed;
mod schedule;
mod open;
mod generator;
mod measure;
mod import;
mod moving;

pub(crate) use child::Service;
pub(crate) use echo::Echo;
pub(crate) use generator::Generator;
pub(crate) use import::Importer;
pub(crate) use measure::{
    measure_echo, measure_echo_of_database, measure_followed, measure_reads, measure_service,
    measure_uncached,
};
pub(crate) use moving::{measure_imports, tenths};
pub(crate) use people::{PEOPLE, populate};

/// Which store it runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub(crate) const ALL: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres => "postgres",
        }
    }
}

/// What it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub(crate) enum Call {
    /// A user by her id
    Get,
    /// Another first name
    Update,
    /// Whether a password is hers, which it is
    Verify,
}

impl Call {
    pub(crate) const ALL: [Self; 3] = [Self::Get, Self::Update, Self::Verify];

    /// What the echo answers to.
    pub(crate) const ECHOED: [Self; 2] = [Self::Get, Self::Update];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Update => "update",
            Self::Verify => "verify",
        }
    }

    fn path(self) -> &'static str {
        match self {
            Self::Get => "user.v1.UserService/GetUser",
            Self::Update => "user.v1.UserService/UpdateUser",
            Self::Verify => "user.v1.UserService/VerifyPassword",
        }
    }
}

/// Where the processes of a measurement run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Cores {
    /// Who serves on one, who calls on another: neither takes the other's time.
    Apart,
    /// Wherever the system puts them.
    Shared,
}

/// How calls follow each other.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// So many are in flight, each with the next one behind it.
    Closed(usize),
    /// So many a second on average, whatever becomes of those before.
    Open(f64),
    /// The same. Some of the changes are followed until they are seen where they are derived.
    Followed(f64),
}
