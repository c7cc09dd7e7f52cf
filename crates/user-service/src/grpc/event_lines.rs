//! Events as lines of text: JSON Lines for programs, CSV for spreadsheets.

use user_api::v1;

/// Spreadsheets take a cell that begins with one of these for a formula, and some run it.
pub(crate) const FORMULA: [char; 6] = ['=', '+', '-', '@', '\t', '\r'];

const COLUMNS: [&str; 15] = [
    "position",
    "time",
    "type",
    "user_id",
    "version",
    "actor",
    "event_id",
    "request_id",
    "correlation_id",
    "causation_id",
    "source_address",
    "user_agent",
    "unreadable",
    "changes",
    "api_token_id",
];

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EventLines {
    /// One JSON object a line.
    Json,
    /// RFC 4180.
    Csv,
}

impl EventLines {
    /// What stands before the first event; empty if nothing does.
    pub(crate) fn header(self) -> String {
        match self {
            Self::Json => String::new(),
            Self::Csv => COLUMNS.join(",") + "\r\n",
        }
    }

    /// One event, with the end of its line.
    pub(crate) fn line(self, event: &v1::UserEvent) -> String {
        match self {
            Self::Json => json(event) + "\n",
            Self::Csv => record(&cells(event)),
        }
    }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("messages have text keys, and memory does not fail to be written")
}

/// In the order of the columns. Changes are a list in a cell: how many there are differs from event to event.
fn cells(event: &v1::UserEvent) -> [String; 15] {
    let time = event.time.as_option().map(json).unwrap_or_default();
    [
        event.position.to_string(),
        time.trim_matches('"').to_owned(),
        event.r#type.clone(),
        event.user_id.clone(),
        event.version.to_string(),
        event.actor.clone(),
        event.event_id.clone(),
        event.request_id.clone(),
        event.correlation_id.clone(),
        event.causation_id.clone(),
        event.source_address.clone(),
        event.user_agent.clone(),
        if event.unreadable { "true".to_owned() } else { String::new() },
        if event.changes.is_empty() { String::new() } else { json(&event.changes) },
        event.api_token_id.clone(),
    ]
}

/// One record of a CSV file, with the end of its line.
pub(crate) fn record(cells: &[String]) -> String {
    cells.iter().map(|text| cell(text)).collect::<Vec<_>>().join(",") + "\r\n"
}

/// Quoted where RFC 4180 wants it, behind an apostrophe where a spreadsheet would calculate.
fn cell(text: &str) -> String {
    let apostrophe = if text.starts_with(FORMULA) { "'" } else { "" };
    if text.contains(['"', ',', '\r', '\n']) {
        format!("\"{apostrophe}{}\"", text.replace('"', "\"\""))
    } else {
        format!("{apostrophe}{text}")
    }
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;

    #[test]
    fn a_cell_is_never_a_formula() {
        for (text, written) in [
            ("", ""),
            ("alice", "alice"),
            ("a=b", "a=b"),
            ("=1+1", "'=1+1"),
            ("+49", "'+49"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\tx", "'\tx"),
            ("\rx", "\"'\rx\""),
            ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
            ("=HYPERLINK(\"http://x\",\"y\")", "\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\""),
            ("a,b", "\"a,b\""),
            ("a\"b", "\"a\"\"b\""),
            ("a\nb", "\"a\nb\""),
            ("'quoted'", "'quoted'"),
        ] {
            assert_eq!(cell(text), written, "{text:?}");
        }
    }

    fn event() -> v1::UserEvent {
        let change = v1::UserEventChange {
            field: "first_name".to_owned(),
            from: None,
            to: Some("=Alice, \"A\"".to_owned()),
            ..v1::UserEventChange::default()
        };
        v1::UserEvent {
            r#type: "user.profile_updated".to_owned(),
            version: 2,
            position: 7,
            time: super::super::user::time(jiff::Timestamp::UNIX_EPOCH),
            actor: "-svc".to_owned(),
            changes: vec![change],
            ..v1::UserEvent::default()
        }
    }

    #[test]
    fn a_line_holds_the_whole_event() {
        let unreadable = v1::UserEvent { unreadable: true, changes: Vec::new(), ..event() };
        let lines = [EventLines::Csv, EventLines::Json]
            .map(|lines| lines.header() + &lines.line(&event()) + &lines.line(&unreadable));
        assert_snapshot!(lines.concat().replace('\r', "␍"), @r#"
        position,time,type,user_id,version,actor,event_id,request_id,correlation_id,causation_id,source_address,user_agent,unreadable,changes,api_token_id␍
        7,1970-01-01T00:00:00Z,user.profile_updated,,2,'-svc,,,,,,,,"[{""field"":""first_name"",""to"":""=Alice, \""A\""""}]",␍
        7,1970-01-01T00:00:00Z,user.profile_updated,,2,'-svc,,,,,,,true,,␍
        {"type":"user.profile_updated","version":"2","position":"7","time":"1970-01-01T00:00:00Z","actor":"-svc","changes":[{"field":"first_name","to":"=Alice, \"A\""}]}
        {"type":"user.profile_updated","version":"2","position":"7","time":"1970-01-01T00:00:00Z","actor":"-svc","unreadable":true}
        "#);
    }
}
