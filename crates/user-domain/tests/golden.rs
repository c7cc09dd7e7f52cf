//! What the log holds stays readable: one frozen file per type and version of event, in `tests/golden`.
//!
//! A file is written once, when its version is; what was written never changes, `decoded` follows the newest version.
//! A new file starts with an empty `decoded`, and the failing test prints what belongs there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use user_domain::{Personal, UserEvent};

struct Golden {
    event_type: String,
    schema_version: u16,
    data: String,
    personal: Option<String>,
    decoded: String,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn files() -> BTreeSet<String> {
    let entries = fs::read_dir(folder()).expect("the folder of golden files");
    entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("a plain name")).collect()
}

fn read(file: &str) -> Golden {
    let text = fs::read_to_string(folder().join(file)).expect(file);
    let json: Value = serde_json::from_str(&text).expect(file);
    let string = |key: &str| json[key].as_str().map(str::to_owned);
    let lines = json["decoded"].as_array().expect(file);
    Golden {
        event_type: string("event_type").expect(file),
        schema_version: json["schema_version"].as_u64().and_then(|v| v.try_into().ok()).expect(file),
        data: string("data").expect(file),
        personal: string("personal"),
        decoded: lines.iter().map(|line| line.as_str().expect(file)).collect::<Vec<_>>().join("\n"),
    }
}

impl Golden {
    fn decode(&self, personal: Personal<'_>) -> UserEvent {
        UserEvent::decode(&self.event_type, self.schema_version, &self.data, personal)
            .expect(&self.event_type)
    }

    fn known(&self) -> UserEvent {
        self.decode(self.personal.as_deref().map_or(Personal::None, Personal::Present))
    }
}

#[test]
fn every_type_and_version_has_its_golden_file_and_no_file_is_left_over() {
    let expected = UserEvent::TYPES.iter().flat_map(|event_type| {
        let newest = UserEvent::schema_version_of(event_type).expect("a type that is listed");
        (1..=newest).map(move |version| format!("{event_type}.v{version}.json"))
    });
    assert_eq!(files(), expected.collect());
}

#[test]
fn a_golden_file_is_named_after_what_it_holds() {
    for file in files() {
        let golden = read(&file);
        assert_eq!(file, format!("{}.v{}.json", golden.event_type, golden.schema_version));
    }
}

#[test]
fn what_was_written_still_means_the_same() {
    for file in files() {
        let golden = read(&file);
        let decoded = format!("{:#?}", golden.known());
        let lines = || serde_json::to_string_pretty(&decoded.lines().collect::<Vec<_>>()).expect("lines");
        assert_eq!(decoded, golden.decoded, "{file} means something else now: {}", lines());
    }
}

#[test]
fn what_is_written_today_is_written_with_the_same_bytes() {
    for file in files() {
        let golden = read(&file);
        let event = golden.known();
        if event.schema_version() == golden.schema_version {
            let encoded = event.encode();
            assert_eq!((encoded.data, encoded.personal), (golden.data, golden.personal), "{file}");
        }
    }
}

#[test]
fn what_was_written_can_be_read_without_the_users_key() {
    for file in files() {
        let golden = read(&file);
        let event = golden.decode(Personal::Erased);
        assert_eq!(event.is_redacted(), golden.personal.is_some(), "{file}");
        assert_eq!(event.changes().iter().any(|change| change.erased), golden.personal.is_some(), "{file}");
        assert_eq!(event.encode().personal, None, "{file}");
    }
}

#[test]
fn nothing_personal_stands_in_an_open_part() {
    for file in files() {
        let golden = read(&file);
        let personal = golden.known().changes().into_iter().filter(|change| PERSONAL.contains(&change.field));
        for value in personal.flat_map(|change| [change.from, change.to]).flatten() {
            assert!(!golden.data.contains(&value), "{file} shows {value}");
        }
    }
}

const PERSONAL: [&str; 6] = ["email", "username", "first_name", "last_name", "avatar_url", "reason"];
