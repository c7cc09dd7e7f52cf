//! How what the service says is printed: as tables for people, or each thing as one JSON object on a line.

use std::io::{self, Write, stdout};

use serde_json::Value;

use super::table::{Table, name, print_fields, text};

/// For whom it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reader {
    Person,
    Program,
}

/// What a list is a list of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Users,
    /// One user's.
    HerEvents,
    /// Anybody's.
    Events,
    Differences,
    Origins,
    DailyEvents,
    DailyUsers,
    EmailDomains,
}

impl Kind {
    const fn heads(self) -> &'static [&'static str] {
        match self {
            Self::Users => &["ID", "STATUS", "USERNAME", "EMAIL", "NAME", "UPDATED"],
            Self::HerEvents => &["POSITION", "TIME", "TYPE", "VERSION", "ACTOR", "CHANGES"],
            Self::Events => &["POSITION", "TIME", "TYPE", "USER", "VERSION", "ACTOR", "CHANGES"],
            Self::Differences => &["USER", "KIND", "CHANGES"],
            Self::Origins => &["FIELD", "VALUE", "BEFORE", "EVENT", "POSITION", "TIME", "ACTOR"],
            Self::DailyEvents => &["DAY", "TYPE", "EVENTS"],
            Self::DailyUsers => &["DAY", "ACTIVE", "INACTIVE", "SUSPENDED", "DELETED", "ERASED"],
            Self::EmailDomains => &["DOMAIN", "USERS"],
        }
    }

    fn row(self, of: &Value) -> Vec<String> {
        match self {
            Self::Users => vec![
                text(&of["id"]),
                status(of),
                text(&of["username"]),
                text(&of["email"]),
                full_name(of),
                text(&of["updatedAt"]),
            ],
            Self::HerEvents => {
                [texts(of, &["position", "time", "type", "version", "actor"]), vec![changes(of)]].concat()
            }
            Self::Events => {
                let fields = ["position", "time", "type", "userId", "version", "actor"];
                [texts(of, &fields), vec![changes(of)]].concat()
            }
            Self::Differences => {
                vec![text(&of["userId"]), name(&of["kind"], "USER_DIFF_KIND_"), changes(of)]
            }
            Self::Origins => {
                let value = if of["erased"] == true { "(erased)".to_owned() } else { text(&of["value"]) };
                let mut row = vec![text(&of["field"]), value, text(&of["before"])];
                row.extend(texts(&of["event"], &["type", "position", "time", "actor"]));
                row
            }
            Self::DailyEvents => texts(of, &["day", "type", "events"]),
            Self::DailyUsers => {
                let mut row = texts(of, &["day", "active", "inactive", "suspended", "deleted", "erased"]);
                // The contract leaves out what is 0.
                row.iter_mut().filter(|cell| cell.is_empty()).for_each(|cell| cell.push('0'));
                row
            }
            Self::EmailDomains => texts(of, &["domain", "users"]),
        }
    }
}

/// A list that comes page by page.
pub(super) struct List {
    kind: Kind,
    /// None where a program reads.
    table: Option<Table>,
}

impl List {
    pub(super) fn new(kind: Kind, reader: Reader) -> Self {
        let table = match reader {
            Reader::Person => Some(Table::new(kind.heads())),
            Reader::Program => None,
        };
        Self { kind, table }
    }

    pub(super) fn print(&mut self, items: &[Value]) -> io::Result<()> {
        match &mut self.table {
            Some(table) => table.print(&items.iter().map(|item| self.kind.row(item)).collect::<Vec<_>>()),
            None => items.iter().try_for_each(|item| writeln!(stdout(), "{item}")),
        }
    }
}

/// One user, and where the log was when the change was made that answered with her.
pub(super) fn print_user(reader: Reader, answer: &Value) {
    let user = &answer["user"];
    if reader == Reader::Program {
        say!("{user}");
        return;
    }
    print_fields(&[
        ("id", text(&user["id"])),
        ("status", status(user)),
        ("username", text(&user["username"])),
        ("email", text(&user["email"])),
        ("first name", text(&user["firstName"])),
        ("last name", text(&user["lastName"])),
        ("avatar", text(&user["avatarUrl"])),
        ("created", text(&user["createdAt"])),
        ("updated", text(&user["updatedAt"])),
        ("deleted", text(&user["deletedAt"])),
        ("etag", text(&user["etag"])),
        ("position", text(&answer["position"])),
    ]);
}

fn texts(of: &Value, fields: &[&str]) -> Vec<String> {
    fields.iter().map(|field| text(&of[field])).collect()
}

fn status(user: &Value) -> String {
    name(&user["status"], "USER_STATUS_")
}

fn full_name(user: &Value) -> String {
    [text(&user["firstName"]), text(&user["lastName"])].join(" ").trim().to_owned()
}

/// `username: alice -> alix, first_name: Alice`
fn changes(of: &Value) -> String {
    let changes = of["changes"].as_array().map_or(&[][..], Vec::as_slice);
    changes.iter().map(change).collect::<Vec<_>>().join(", ")
}

fn change(change: &Value) -> String {
    let field = text(&change["field"]);
    match (change["erased"] == true, text(&change["from"]), text(&change["to"])) {
        (true, _, _) => format!("{field}: (erased)"),
        (false, from, to) if from.is_empty() => format!("{field}: {to}"),
        (false, from, to) => format!("{field}: {from} -> {to}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_column_has_a_cell() {
        use Kind::*;
        for kind in [Users, HerEvents, Events, Differences, Origins, DailyEvents, DailyUsers, EmailDomains] {
            assert_eq!(kind.row(&json!({})).len(), kind.heads().len(), "{kind:?}");
        }
    }

    #[test]
    fn what_changed_is_read_at_a_glance() {
        let event = json!({"changes": [
            {"field": "username", "from": "alice", "to": "alix"},
            {"field": "first_name", "to": "Alice"},
            {"field": "last_name", "from": "Liddell"},
            {"field": "email", "erased": true},
        ]});
        assert_eq!(
            changes(&event),
            "username: alice -> alix, first_name: Alice, last_name: Liddell -> , email: (erased)"
        );
    }
}
