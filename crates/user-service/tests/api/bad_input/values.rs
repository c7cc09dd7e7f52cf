//! What is wrong: fields, with values that a call must refuse, under a word for each.

use serde_json::{Value, json};

use crate::stage::PASSWORD;

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Each call as it would succeed, and fields with values that it must refuse, under a word for each.
pub(super) fn calls(id: &str) -> Vec<(&'static str, Value, Bad)> {
    let by_id = json!({"id": id});
    let create = json!({"email": "bob@example.org", "username": "bob", "password": PASSWORD});
    let change = json!({"id": id, "oldPassword": PASSWORD, "newPassword": "another horse"});
    let mut calls = vec![
        (
            "CreateUser",
            create,
            [emails(), usernames(), passwords("password"), names(), request_ids()].concat(),
        ),
        ("GetUser", json!({}), [nothing(), references()].concat()),
        ("BatchGetUsers", json!({"ids": [id]}), batches()),
        ("ListUsers", json!({}), [pages(), statuses(), searches(), orders()].concat()),
        ("UpdateUser", by_id.clone(), [targets(), emails(), usernames(), names(), masks()].concat()),
        ("ChangePassword", change, [targets(), passwords("newPassword"), claimed("oldPassword")].concat()),
        ("SetPassword", by_id.clone(), [nothing(), targets(), passwords("password"), hashes()].concat()),
        (
            "VerifyPassword",
            json!({"id": id, "password": PASSWORD}),
            [claimed("password"), malformed_ids()].concat(),
        ),
        ("SuspendUser", json!({"id": id, "reason": "spam"}), [targets(), reasons()].concat()),
        (
            "ListUserEvents",
            by_id.clone(),
            [malformed_ids(), pages(), event_filters(), event_orders(), hers_alone()].concat(),
        ),
        ("ListEvents", json!({}), [pages(), event_filters(), event_orders()].concat()),
        ("DiffUsers", json!({"from": {"position": "1"}}), [pages(), between()].concat()),
        ("GetActivity", json!({}), activities()),
        ("DiffUser", json!({"id": id, "from": {"position": "1"}}), differences()),
        ("ExplainUser", by_id.clone(), [malformed_ids(), moments("asOf")].concat()),
    ];
    for call in ["ActivateUser", "DeactivateUser", "ReinstateUser", "DeleteUser", "RestoreUser", "EraseUser"]
    {
        calls.push((call, by_id.clone(), targets()));
    }
    calls
}

/// A word for what is wrong, the field, and the value.
pub(super) type Bad = Vec<(&'static str, &'static str, Value)>;

fn texts(field: &'static str, values: &[(&'static str, &str)]) -> Bad {
    values.iter().map(|(word, value)| (*word, field, json!(value))).collect()
}

pub(super) fn long(length: usize) -> String {
    "x".repeat(length)
}

fn nothing() -> Bad {
    vec![("nothing", "", Value::Null)]
}

fn malformed_ids() -> Bad {
    let simple = NOBODY.replace('-', "");
    texts("id", &[("empty", ""), ("no UUID", "alice"), ("no hyphens", &simple), ("too long", &long(5000))])
}

fn batches() -> Bad {
    let many = vec![NOBODY; 1001];
    vec![
        ("none", "ids", json!([])),
        ("no UUID", "ids", json!([NOBODY, "alice"])),
        ("too many", "ids", json!(many)),
        ("not reached", "minPosition", json!("2")),
    ]
}

fn request_ids() -> Bad {
    texts("requestId", &[("no UUID", "1"), ("in braces", "{01890000-0000-7000-8000-000000000000}")])
}

fn targets() -> Bad {
    let etags = texts("etag", &[("no etag", "x"), ("too long", &long(5000)), ("control", "\u{0}")]);
    [malformed_ids(), etags, request_ids()].concat()
}

fn emails() -> Bad {
    let too_long = format!("a@{}example.org", "abcdefghi.".repeat(25));
    texts(
        "email",
        &[
            ("empty", ""),
            ("no @", "alice"),
            ("too long", &too_long),
            ("much too long", &long(5000)),
            ("control", "a\u{7}b@example.org"),
            ("no domain", "alice@localhost"),
        ],
    )
}

fn usernames() -> Bad {
    texts(
        "username",
        &[
            ("empty", ""),
            ("too long", &long(101)),
            ("much too long", &long(5000)),
            ("control", "a\u{0}b"),
            ("space", "a b"),
            ("invisible", "ali\u{200b}ce"),
        ],
    )
}

fn names() -> Bad {
    let values = [("blank", " "), ("too long", &*long(101)), ("control", "a\u{0}b")];
    let url = format!("https://example.org/{}", long(500));
    let urls = [("no https", "http://example.org"), ("too long", &*url), ("script", "javascript:alert(1)")];
    [texts("firstName", &values), texts("lastName", &values), texts("avatarUrl", &urls)].concat()
}

fn passwords(field: &'static str) -> Bad {
    texts(field, &[("empty", ""), ("too short", "1234567"), ("too long", &long(1025))])
}

fn claimed(field: &'static str) -> Bad {
    texts(field, &[("empty", ""), ("too long", &long(1025))])
}

fn hashes() -> Bad {
    texts("passwordHash", &[("empty", ""), ("no hash", "hunter2hunter2"), ("half a hash", "$argon2id$v=19$")])
}

fn reasons() -> Bad {
    texts("reason", &[("empty", ""), ("blank", "  "), ("too long", &long(501)), ("two lines", "a\nb")])
}

fn references() -> Bad {
    let position = texts("minPosition", &[("not reached", "1000000"), ("negative", "-1")]);
    [malformed_ids(), emails(), usernames(), position, moments("asOf"), versions()].concat()
}

fn moments(field: &'static str) -> Bad {
    vec![
        ("of no kind", field, json!({})),
        ("of both kinds", field, json!({"position": "1", "time": "2026-01-01T00:00:00Z"})),
        ("no time", field, json!({"time": "yesterday"})),
        ("in the year 10000", field, json!({"time": "10000-01-01T00:00:00Z"})),
        ("to come", field, json!({"time": "2126-01-01T00:00:00Z"})),
        ("no position", field, json!({"position": "-1"})),
        ("not reached", field, json!({"position": "1000000"})),
    ]
}

fn versions() -> Bad {
    texts("version", &[("zero", "0"), ("negative", "-1"), ("not reached", "2")])
}

fn differences() -> Bad {
    [malformed_ids(), between()].concat()
}

fn between() -> Bad {
    let none = vec![("none", "from", Value::Null)];
    let before = vec![("before from", "to", json!({"position": "0"}))];
    [none, moments("from"), moments("to"), before].concat()
}

/// What lists of events refuse alike.
fn event_filters() -> Bad {
    let filter = |(word, filter): (&'static str, Value)| (word, "filter", filter);
    let time = "2026-01-01T00:00:00Z";
    [
        ("of no type", json!({"types": ["user.teleported"]})),
        ("of too many types", json!({"types": vec!["user.created"; 51]})),
        ("of no user", json!({"userIds": ["alice"]})),
        ("of too many users", json!({"userIds": vec![NOBODY; 101]})),
        ("of no correlation", json!({"correlationId": "x"})),
        ("from no time", json!({"fromTime": "yesterday"})),
        ("of no time at all", json!({"fromTime": time, "untilTime": time})),
    ]
    .map(filter)
    .to_vec()
}

/// Rows of an import.
pub(super) fn rows() -> Bad {
    let numbers = vec![("zero", "row", json!("0")), ("negative", "row", json!("-1"))];
    let statuses = ["SUSPENDED", "DELETED", "ERASED"].map(|it| json!(format!("USER_STATUS_{it}")));
    let statuses =
        statuses.into_iter().chain([json!(7)]).map(|it| ("of no new user", "status", it)).collect();
    [numbers, emails(), usernames(), names(), statuses, passwords("password"), hashes()].concat()
}

/// What streams refuse. A feed begins at a position.
pub(super) fn streams() -> Vec<(&'static str, Value, Bad)> {
    let formats = vec![("of no name", "format", json!("XML")), ("unknown", "format", json!(7))];
    let positions = texts("afterPosition", &[("no position", "-1"), ("not reached", "1000000")]);
    let tokens = texts("resumeToken", &[("no token", "x"), ("empty", ""), ("too long", &long(5000))]);
    vec![
        ("ExportEvents", json!({}), [event_filters(), formats, positions.clone()].concat()),
        ("ExportUsers", json!({}), [exported(), tokens[..1].to_vec()].concat()),
        ("WatchEvents", json!({}), [event_filters(), positions, tokens].concat()),
    ]
}

fn exported() -> Bad {
    let moments = [("of no kind", json!({})), ("not reached", json!({"position": "1000000"}))];
    let moments = moments.map(|(word, moment)| (word, "asOf", moment)).to_vec();
    let statuses = [("unspecified", 0), ("erased", 5), ("unknown", 7)];
    let statuses = statuses.map(|(word, status)| (word, "statuses", json!([status]))).to_vec();
    [moments, statuses].concat()
}

fn event_orders() -> Bad {
    vec![("of no name", "order", json!("SIDEWAYS")), ("unknown", "order", json!(7))]
}

/// She is named by her id already.
fn hers_alone() -> Bad {
    vec![("of other users", "filter", json!({"userIds": [NOBODY]}))]
}

fn activities() -> Bad {
    [
        texts("fromDay", &[("no day", "yesterday"), ("too early", "1999-01-01"), ("to come", "9999-12-31")]),
        texts("untilDay", &[("no day", "2026-02-30")]),
        vec![("negative", "domainsMax", json!(-1))],
        texts("minPosition", &[("not reached", "1000000")]),
    ]
    .concat()
}

fn masks() -> Bad {
    texts(
        "updateMask",
        &[("unknown", "password"), ("everything", "*"), ("not hers to set", "firstName,status")],
    )
}

fn pages() -> Bad {
    let sizes = [("negative", -1), ("least", i32::MIN)];
    let sizes = sizes.map(|(word, size)| (word, "pageSize", json!(size))).to_vec();
    let too_large = vec![("too large", "pageSize", json!(1_u64 << 40))];
    let tokens = texts("pageToken", &[("no token", "x"), ("forged", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")]);
    [sizes, too_large, tokens].concat()
}

fn searches() -> Bad {
    let filter = |(word, filter): (&'static str, Value)| (word, "filter", filter);
    let long = long(101);
    [
        ("too long", json!({"query": long})),
        ("control", json!({"query": "a\u{0}b"})),
        ("two lines", json!({"query": "a\nb"})),
        ("owner of no address", json!({"email": "alice"})),
        ("owner of no name", json!({"username": "a b"})),
        ("no time", json!({"createdFrom": "yesterday"})),
        ("in the year 10000", json!({"createdUntil": "10000-01-01T00:00:00Z"})),
        (
            "of no time",
            json!({"createdFrom": "2026-01-01T00:00:00Z", "createdUntil": "2026-01-01T00:00:00Z"}),
        ),
    ]
    .map(filter)
    .to_vec()
}

fn orders() -> Bad {
    let orders = [
        ("unknown", "password"),
        ("two", "email, username"),
        ("no way", "email up"),
        ("too much", "email desc desc"),
        ("a statement", "email; DROP TABLE user_search"),
    ];
    [texts("orderBy", &orders), texts("minPosition", &[("not reached", "1000000")])].concat()
}

fn statuses() -> Bad {
    let statuses =
        [("unspecified", json!(0)), ("erased", json!("USER_STATUS_ERASED")), ("unknown", json!(99))];
    let named = [("of no name", json!("USER_STATUS_HAPPY"))];
    let filter = |(word, status)| (word, "filter", json!({"statuses": [status]}));
    statuses.into_iter().chain(named).map(filter).collect()
}
