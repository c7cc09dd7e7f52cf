//! What the log holds of tokens stays readable: one frozen file per type of event, in `tests/golden_api_token`.

use std::fs;
use std::path::Path;

use user_domain::ApiTokenEvent;

/// The data as it was first written, and what it means.
const GOLDEN: [(&str, &str); 2] = [
    ("api_token.created", include_str!("golden_api_token/api_token.created.v1.json")),
    ("api_token.revoked", include_str!("golden_api_token/api_token.revoked.v1.json")),
];

#[test]
fn every_type_has_its_golden_file_and_no_file_is_left_over() {
    assert_eq!(GOLDEN.map(|(event_type, _)| event_type), ApiTokenEvent::TYPES);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden_api_token");
    assert_eq!(fs::read_dir(folder).expect("the folder of golden files").count(), GOLDEN.len());
}

#[test]
fn what_was_written_is_read_and_written_again_with_the_same_bytes() {
    for (event_type, file) in GOLDEN {
        let data = file.trim_end();
        let event = ApiTokenEvent::decode(event_type, 1, data).expect(event_type);
        assert_eq!((event.event_type(), event.schema_version()), (event_type, 1));
        assert_eq!(event.encode(), data);
    }
}

#[test]
fn what_was_written_still_means_the_same() {
    let [created, revoked] = GOLDEN.map(|(event_type, file)| {
        let event = ApiTokenEvent::decode(event_type, 1, file.trim_end()).expect(event_type);
        format!("{event:?}")
    });
    let expected = "Created(ApiTokenCreated { name: TokenName(\"billing\"), scopes: Scopes(3), \
        expires_at: Some(2027-01-01T00:00:00Z) })";
    assert_eq!(created, expected);
    assert_eq!(revoked, "Revoked(ApiTokenRevoked)");
}
