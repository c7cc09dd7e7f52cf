//! What callers see of a user and of a difference, so that it can be compared: as the contract tells it, and no more.

use jiff::Timestamp;
use user_api::v1;

/// The personal fields of a user, by their names in the contract.
const PERSONAL: [&str; 5] = ["email", "username", "first_name", "last_name", "avatar_url"];

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) id: String,
    pub(super) personal: [Option<String>; PERSONAL.len()],
    pub(super) status: &'static str,
    pub(super) created_at: Option<Timestamp>,
    pub(super) updated_at: Option<Timestamp>,
    pub(super) deleted_at: Option<Timestamp>,
    pub(super) version: u64,
}

/// How a user differs between two moments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Difference {
    pub(super) id: String,
    kind: &'static str,
    /// Field, from, to; both `None` for what nobody can tell any more.
    changes: Vec<(String, Option<String>, Option<String>)>,
}

impl Seen {
    pub(super) fn of(user: v1::User) -> Self {
        let version = user.etag.split_once('-').and_then(|(hex, _)| u64::from_str_radix(hex, 16).ok());
        Self {
            created_at: user.created_at.into_option().and_then(|time| Timestamp::try_from(time).ok()),
            updated_at: user.updated_at.into_option().and_then(|time| Timestamp::try_from(time).ok()),
            deleted_at: user.deleted_at.into_option().and_then(|time| Timestamp::try_from(time).ok()),
            version: version.unwrap_or_default(),
            status: word(user.status.as_known()),
            id: user.id,
            personal: [
                Some(user.email).filter(|text| !text.is_empty()),
                Some(user.username).filter(|text| !text.is_empty()),
                user.first_name,
                user.last_name,
                user.avatar_url,
            ],
        }
    }

    fn is_erased(&self) -> bool {
        self.status == "erased"
    }
}

fn word(status: Option<v1::UserStatus>) -> &'static str {
    match status {
        Some(v1::UserStatus::Active) => "active",
        Some(v1::UserStatus::Inactive) => "inactive",
        Some(v1::UserStatus::Suspended) => "suspended",
        Some(v1::UserStatus::Deleted) => "deleted",
        Some(v1::UserStatus::Erased) => "erased",
        Some(v1::UserStatus::Unspecified) | None => "unknown",
    }
}

impl Difference {
    pub(super) fn of(diff: v1::UserDiff) -> Self {
        let change = |change: v1::UserEventChange| {
            let told = |text: Option<String>| match &*change.field {
                // However many digits a time is told with, it is the same time.
                "deleted_at" => {
                    text.map(|text| text.parse::<Timestamp>().map_or(text, |time| time.to_string()))
                }
                _ => text,
            };
            (change.field.clone(), told(change.from), told(change.to))
        };
        let kind = match diff.kind.as_known() {
            Some(v1::UserDiffKind::Added) => "added",
            Some(v1::UserDiffKind::Removed) => "removed",
            Some(v1::UserDiffKind::Changed) => "changed",
            Some(v1::UserDiffKind::Unspecified) | None => "the same",
        };
        Self { id: diff.user_id, kind, changes: diff.changes.into_iter().map(change).collect() }
    }

    /// `None` if nothing shows. Something happened to her in between.
    pub(super) fn between(earlier: Option<&Seen>, later: &Seen) -> Option<Self> {
        let mut changes = Vec::new();
        for (n, field) in PERSONAL.into_iter().enumerate() {
            let (from, to) = (earlier.and_then(|it| it.personal[n].clone()), later.personal[n].clone());
            if later.is_erased() || from != to {
                changes.push((field.to_owned(), from, to));
            }
        }
        let time = |time: Option<Timestamp>| time.map(|time| time.to_string());
        let rest = [
            ("status", earlier.map(|it| it.status.to_owned()), Some(later.status.to_owned())),
            ("deleted_at", earlier.and_then(|it| time(it.deleted_at)), time(later.deleted_at)),
        ];
        let rest = rest.into_iter().filter(|(_, from, to)| from != to);
        changes.extend(rest.map(|(field, from, to)| (field.to_owned(), from, to)));
        let kind = match earlier {
            _ if later.is_erased() && later.deleted_at.is_some() => "removed",
            None => "added",
            Some(_) => "changed",
        };
        (!changes.is_empty()).then(|| Self { id: later.id.clone(), kind, changes })
    }
}
