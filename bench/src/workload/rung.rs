//! The ladder: what an append holds, one ingredient more on each rung.

use eventstore::InlineTable;
use user_service::read_model::USER_READ_MODEL;
use user_service::vault::USER_SECRET;

/// Each rung has everything of those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Rung {
    /// Rows of the log, each with the bytes of its sealed part: the same rows on every rung.
    Log,
    /// E-mail, username, and what that could be confused with, are claimed.
    Claims,
    /// Each user has a wrapped key in the vault.
    Sealed,
    /// Passwords' hashes are written and replaced.
    Credentials,
    /// Each command's request id is remembered.
    Requests,
    /// The read model's row: everything on.
    Row,
}

impl Rung {
    pub(crate) const ALL: [Self; 6] =
        [Self::Log, Self::Claims, Self::Sealed, Self::Credentials, Self::Requests, Self::Row];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Log => "log",
            Self::Claims => "+claims",
            Self::Sealed => "+keys",
            Self::Credentials => "+credentials",
            Self::Requests => "+requests",
            Self::Row => "everything",
        }
    }

    /// The inline tables that the store is opened with.
    pub(crate) fn tables(self) -> &'static [&'static InlineTable] {
        match self {
            Self::Log | Self::Claims => &[],
            Self::Sealed | Self::Credentials | Self::Requests => VAULT,
            Self::Row => user_service::store::TABLES,
        }
    }
}

static VAULT: &[&InlineTable] = &[&USER_SECRET];

/// Whether users are in a table at all; the store has others, which are opened with it and stay empty.
pub(super) fn is_about_users(table: &InlineTable) -> bool {
    is_read_model(table) || table.name == USER_SECRET.name
}

/// Whether a table is the read model.
pub(super) fn is_read_model(table: &InlineTable) -> bool {
    table.name == USER_READ_MODEL.name
}
