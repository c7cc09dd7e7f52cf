//! How any type of event is written and read: the open part for everyone who has the log, the personal part for
//! whoever has the user's key as well. Exact bytes: writing what was read gives the same text.

use std::fmt;

use serde::de::DeserializeOwned;

use super::upcast::{JsonParts, upcast};
use super::{EventType, Redactable};

/// An event as the log takes it. `Debug` does not show the personal part.
#[derive(Clone, PartialEq, Eq)]
pub struct Encoded {
    /// The open part: JSON, ids and enums only.
    pub data: String,
    /// The personal part: JSON, to be encrypted. `None` when the type has none, or when it has been erased.
    pub personal: Option<String>,
}

impl fmt::Debug for Encoded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let personal = self.personal.as_ref().map(|_| "…");
        f.debug_struct("Encoded").field("data", &self.data).field("personal", &personal).finish()
    }
}

/// What the reader has of the personal part.
#[derive(Clone, Copy)]
pub enum Personal<'a> {
    /// Its JSON, decrypted.
    Present(&'a str),
    /// None was written.
    None,
    /// One was written, and the key to it is gone.
    Erased,
}

impl fmt::Debug for Personal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Present(_) => "Present(…)",
            Self::None => "None",
            Self::Erased => "Erased",
        })
    }
}

/// Why an event of the log cannot be read. It is parked, never skipped; its text never stands in the error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// No type of this name is known here. A newer version of the service wrote it: upgrade this one.
    #[error("the event type {event_type:?} is not known")]
    UnknownType {
        /// What the log says.
        event_type: String,
    },
    /// The type is known, not this version of it. A newer version of the service wrote it: upgrade this one.
    #[error("version {found} of {event_type} is not known; the newest known is {known}")]
    NewerVersion {
        /// What the log says.
        event_type: &'static str,
        /// What the log says.
        found: u16,
        /// What this service writes.
        known: u16,
    },
    /// The text is not what this type and version writes: the log is damaged, or a writer had a bug. Wake someone.
    #[error("the {part} of {event_type} version {found} cannot be read, at column {column}")]
    Malformed {
        /// What the log says.
        event_type: &'static str,
        /// What the log says.
        found: u16,
        /// Which part.
        part: Part,
        /// Where reading stopped; 0 when the part is missing, or present where none belongs.
        column: usize,
    },
}

/// One of the two parts of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Ids and enums.
    Open,
    /// What the user's key protects.
    Personal,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open part",
            Self::Personal => "personal part",
        })
    }
}

pub(crate) fn encode<E: EventType>(event: &E) -> Encoded {
    Encoded { data: to_json(event), personal: event.personal().and_then(Redactable::known).map(to_json) }
}

fn to_json<T: serde::Serialize>(part: &T) -> String {
    serde_json::to_string(part)
        .expect("parts have text keys and no floats, and memory does not fail to be written")
}

/// `found` is the schema version that the log says.
pub(crate) fn decode<E: EventType>(found: u16, data: &str, personal: Personal<'_>) -> Result<E, DecodeError> {
    let reader = Reader { event_type: E::NAME, found };
    let known = E::schema_version();
    if found > known {
        return Err(DecodeError::NewerVersion { event_type: E::NAME, found, known });
    }
    if found == known {
        return reader.assemble(data, personal);
    }
    let lifted = upcast(E::UPCASTERS, found, reader.json(data, personal)?);
    let (open, lifted) = (to_json(&lifted.open), lifted.personal.as_ref().map(to_json));
    let personal = match (personal, &lifted) {
        (Personal::Erased, _) => Personal::Erased,
        (Personal::Present(_) | Personal::None, Some(lifted)) => Personal::Present(lifted),
        (Personal::Present(_) | Personal::None, None) => Personal::None,
    };
    reader.assemble(&open, personal)
}

/// What an error has to name.
struct Reader {
    event_type: &'static str,
    found: u16,
}

impl Reader {
    fn assemble<E: EventType>(&self, data: &str, personal: Personal<'_>) -> Result<E, DecodeError> {
        let mut event: E = self.part(Part::Open, data)?;
        match (event.personal_mut(), personal) {
            (Some(place), Personal::Present(text)) => {
                *place = Redactable::Known(self.part(Part::Personal, text)?);
            }
            (Some(place), Personal::Erased) => *place = Redactable::Erased,
            (None, Personal::None | Personal::Erased) => {}
            (Some(_), Personal::None) | (None, Personal::Present(_)) => {
                return Err(self.malformed(Part::Personal, 0));
            }
        }
        Ok(event)
    }

    fn json(&self, data: &str, personal: Personal<'_>) -> Result<JsonParts, DecodeError> {
        if self.found == 0 {
            return Err(self.malformed(Part::Open, 0));
        }
        let personal = match personal {
            Personal::Present(text) => Some(self.part(Part::Personal, text)?),
            Personal::None | Personal::Erased => None,
        };
        Ok(JsonParts { open: self.part(Part::Open, data)?, personal })
    }

    /// The parser's own message is dropped: it quotes what it found, and that may be personal.
    fn part<T: DeserializeOwned>(&self, part: Part, text: &str) -> Result<T, DecodeError> {
        serde_json::from_str(text).map_err(|error| self.malformed(part, error.column()))
    }

    fn malformed(&self, part: Part, column: usize) -> DecodeError {
        DecodeError::Malformed { event_type: self.event_type, found: self.found, part, column }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{EmailChanged, UserActivated, UserEvent};

    const EMAIL: &str = r#"{"email":{"from":"carol@example.org","to":"carol@example.com"}}"#;
    const STATUS: &str = r#"{"status":{"from":"inactive","to":"active"}}"#;

    fn malformed<E: EventType + fmt::Debug>(data: &str, personal: Personal<'_>) -> Part {
        match decode::<E>(1, data, personal) {
            Err(DecodeError::Malformed { part, .. }) => part,
            other => panic!("{data} with {personal:?} gives {other:?}"),
        }
    }

    #[test]
    fn a_type_that_nobody_knows_is_named() {
        let error = UserEvent::decode("user.teleported", 1, "{}", Personal::None).expect_err("no such type");
        assert_eq!(error, DecodeError::UnknownType { event_type: "user.teleported".to_owned() });
    }

    #[test]
    fn the_two_parts_come_together_or_not_at_all() {
        assert_eq!(malformed::<EmailChanged>("{}", Personal::None), Part::Personal);
        assert_eq!(malformed::<UserActivated>(STATUS, Personal::Present(EMAIL)), Part::Personal);
        assert!(decode::<EmailChanged>(1, "{}", Personal::Present(EMAIL)).is_ok());
        assert!(decode::<UserActivated>(1, STATUS, Personal::None).is_ok());
    }

    #[test]
    fn what_this_version_never_wrote_is_not_read() {
        for data in [
            "",
            "null",
            "{}",
            r#"{"status":{"from":"inactive","to":"happy"}}"#,
            &STATUS.replace("}}", r#","x":1}}"#),
        ] {
            assert_eq!(malformed::<UserActivated>(data, Personal::None), Part::Open);
        }
        for personal in
            ["", "{}", r#"{"email":{"from":"carol@example.org"}}"#, &EMAIL.replace("}}", r#"},"x":1}"#)]
        {
            assert_eq!(malformed::<EmailChanged>("{}", Personal::Present(personal)), Part::Personal);
        }
    }

    #[test]
    fn neither_an_error_nor_a_debug_line_shows_what_is_personal() {
        let damaged = EMAIL.replace(r#""from":"carol@example.org""#, r#""from":1,"carol":2"#);
        let error = decode::<EmailChanged>(1, "{}", Personal::Present(&damaged)).expect_err("damaged");
        let encoded = encode(&decode::<EmailChanged>(1, "{}", Personal::Present(EMAIL)).expect("whole"));
        let shown = format!("{error} {error:?} {encoded:?} {:?}", Personal::Present(EMAIL));
        assert!(!shown.contains("carol"), "{shown}");
    }
}
