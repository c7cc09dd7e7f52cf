//! What holds of every value and event, whatever was sent for it: reading it ends with a value or a violation, and a value
//! that was taken once is taken again as it is.

use proptest::prelude::*;

use crate::outside::text;
use crate::{
    AvatarUrl, CredentialAlgorithm, Email, Password, PasswordHash, PasswordPolicy, PersonName, Personal,
    Reason, SearchText, UserEvent, Username,
};

const EMAILS: &[&str] =
    &["alice@example.org", "Ålice.B+tag@bücher.example", "a@xn--bcher-kva.example", "μαρία@ελ.gr"];
const NAMES: &[&str] = &["alice", "Ǆalice", "İstanbul", "阿丽丝-😀", "e\u{301}ve", "ﬀ"];
const URLS: &[&str] =
    &["https://example.org/a.png?x=1#y", "https://[::1]:8443/", "https://xn--bcher-kva.example/%20"];
const HASHES: &[&str] = &[
    "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2E$8m5WbEn2Nm8Nl2dXwKZbJ4F1jTsAzZk0Yq0gq0q0q0A",
    "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
];
const EVENTS: &[&str] = &[
    "{}",
    r#"{"reason":"spam"}"#,
    r#"{"from":"a@example.org","to":"b@example.org"}"#,
    r#"{"email":"a@example.org","username":"a","first_name":null,"last_name":null,"avatar_url":null}"#,
    r#"{"credential_version":2,"algorithm":"argon2id","kind":"changed"}"#,
    r#"{"fields":["first_name"]}"#,
];

proptest! {
    #[test]
    fn outside_bytes_are_an_email_or_none(input in text(EMAILS)) {
        if let Ok(email) = Email::parse(&input) {
            let key = email.compare_key();
            prop_assert_eq!(Email::from_stored(key.clone()).compare_key(), key);
            prop_assert_eq!(Email::parse(email.as_str()), Ok(email));
        }
    }

    #[test]
    fn outside_bytes_are_a_username_or_none(input in text(NAMES)) {
        if let Ok(name) = Username::parse(&input) {
            let key = name.compare_key();
            prop_assert_eq!(Username::from_stored(key.clone()).compare_key(), key);
            prop_assert_eq!(Username::parse(name.as_str()), Ok(name));
        }
    }

    #[test]
    fn outside_bytes_are_a_name_a_reason_and_a_search_or_none(input in text(NAMES)) {
        if let Ok(name) = PersonName::parse("first_name", &input) {
            prop_assert_eq!(PersonName::parse("first_name", name.as_str()), Ok(name));
        }
        if let Ok(reason) = Reason::parse(&input) {
            prop_assert_eq!(Reason::parse(reason.as_str()), Ok(reason));
        }
        if let Ok(search) = SearchText::parse(&input) {
            let folded = search.folded().to_owned();
            let again = SearchText::parse(&folded);
            prop_assert!(again.is_err() || again.is_ok_and(|again| again.folded() == folded));
        }
    }

    #[test]
    fn outside_bytes_are_a_url_or_none(input in text(URLS)) {
        if let Ok(url) = AvatarUrl::parse(&input) {
            prop_assert_eq!(AvatarUrl::parse(url.as_str()), Ok(url));
        }
    }

    #[test]
    fn outside_bytes_are_a_hash_or_none_and_a_password_or_none(input in text(HASHES)) {
        if let Ok(hash) = PasswordHash::parse("password_hash", &input) {
            prop_assert_eq!(hash.expose(), input.as_str());
        }
        let chosen = Password::chosen("password", &input, PasswordPolicy::default());
        prop_assert!(chosen.is_err() || Password::claimed("password", &input).is_ok());
        if let Some(algorithm) = CredentialAlgorithm::parse(&input) {
            prop_assert_eq!(algorithm.as_str(), input);
        }
    }

    #[test]
    fn outside_bytes_are_an_event_or_none(
        name in prop_oneof![9 => prop::sample::select(UserEvent::TYPES).prop_map(str::to_owned), 1 => text(UserEvent::TYPES)],
        version in 0..4_u16,
        open in text(EVENTS),
        personal in prop::option::of(text(EVENTS)),
    ) {
        let personal = personal.as_deref().map_or(Personal::None, Personal::Present);
        if let Ok(event) = UserEvent::decode(&name, version, &open, personal) {
            let encoded = event.encode();
            let personal = encoded.personal.as_ref().map_or(Personal::None, |text| Personal::Present(text));
            let again = UserEvent::decode(event.event_type(), event.schema_version(), &encoded.data, personal);
            prop_assert_eq!(again.as_ref(), Ok(&event));
        }
    }
}
