//! What a feed has seen, as its reader keeps it: opaque, authenticated, and good for any filter.
//!
//! It names the log, the position and the event that stood there, so that a log which was restored and has gone another
//! way since is told from the one that was read, however far it has come.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use eventstore::{Checkpoint, EventId, LogId, Position};
use uuid::Uuid;

use super::FeedError;
use crate::queries::PageToken;
use crate::vault::VaultRoot;

const BYTES: usize = 40;

const TAG_BYTES: usize = 16;

const TOKEN: PageToken<'_> = PageToken { method: "WatchEvents", question: b"" };

/// The token for what follows a place.
pub(super) fn issue(root: &VaultRoot, at: &Checkpoint) -> String {
    let event_id = at.event_id.map_or(Uuid::nil(), |event_id| event_id.0);
    let bytes = [&at.log_id.0.as_bytes()[..], &at.position.0.to_be_bytes(), event_id.as_bytes()].concat();
    TOKEN.issue(root, &bytes)
}

/// The place of this log that a token names, whether or not there is such a place; `None` if it is one of another log,
/// whose keys are not here to tell whether it is genuine.
pub(super) fn read(root: &VaultRoot, log_id: LogId, token: &str) -> Result<Option<Checkpoint>, FeedError> {
    if names_another_log(log_id, token) {
        return Ok(None);
    }
    let bytes: [u8; BYTES] =
        TOKEN.read(root, token).map_err(|_| FeedError::BadToken)?.ok_or(FeedError::BadToken)?;
    let (_, rest) = bytes.split_first_chunk::<16>().ok_or(FeedError::BadToken)?;
    let (position, rest) = rest.split_first_chunk().ok_or(FeedError::BadToken)?;
    let event_id = Uuid::from_slice(rest).map_err(|_| FeedError::BadToken)?;
    Ok(Some(Checkpoint {
        log_id,
        position: Position(u64::from_be_bytes(*position)),
        event_id: Some(event_id).filter(|event_id| !event_id.is_nil()).map(EventId),
    }))
}

fn names_another_log(log_id: LogId, token: &str) -> bool {
    let bytes = URL_SAFE_NO_PAD.decode(token).unwrap_or_default();
    bytes.len() == BYTES + TAG_BYTES && !bytes.starts_with(log_id.0.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use user_domain::outside::text;

    use super::*;

    const LOG: LogId = LogId(Uuid::from_u128(1));

    #[test]
    fn a_token_names_its_place() {
        let root = VaultRoot::for_test();
        let start = Checkpoint { log_id: LOG, position: Position::START, event_id: None };
        let later =
            Checkpoint { position: Position(300), event_id: Some(EventId(Uuid::from_u128(2))), ..start };
        for place in [start, later] {
            assert_eq!(read(&root, LOG, &issue(&root, &place)).ok(), Some(Some(place)));
        }
    }

    #[test]
    fn a_token_of_another_log_is_known_as_one() {
        let root = VaultRoot::for_test();
        let there = Checkpoint { log_id: LogId(Uuid::from_u128(2)), position: Position(1), event_id: None };
        assert!(matches!(read(&root, LOG, &issue(&root, &there)), Ok(None)));
    }

    proptest! {
        #[test]
        fn outside_bytes_are_no_resume_token_of_this_log(input in text(&["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"]), bytes in any::<[u8; 32]>()) {
            let root = VaultRoot::for_test();
            // One that looks like another log's cannot be known from one.
            prop_assert!(!matches!(read(&root, LOG, &input), Ok(Some(_))));
            let forged = URL_SAFE_NO_PAD.encode([&LOG.0.as_bytes()[..], &bytes, &bytes[..8]].concat());
            prop_assert!(matches!(read(&root, LOG, &forged), Err(FeedError::BadToken)));
        }
    }

    #[test]
    fn a_forged_or_cut_token_is_refused() {
        let root = VaultRoot::for_test();
        let place = Checkpoint { log_id: LOG, position: Position(1), event_id: None };
        let token = issue(&root, &place);
        let cut = &token[..token.len() - 4];
        let later = [cut, if token.ends_with("AAAA") { "AAAB" } else { "AAAA" }].concat();
        let page = PageToken { method: "ListEvents", question: b"" }.issue(&root, &[0; BYTES - 1]);
        for token in ["", "!", &token[1..], cut, &later, &page] {
            assert!(matches!(read(&root, LOG, token), Err(FeedError::BadToken)), "{token}");
        }
    }
}
