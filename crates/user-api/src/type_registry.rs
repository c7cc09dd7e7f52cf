//! Tells the JSON codec which message types a `google.protobuf.Any` may hold.

use buffa::type_registry::{TypeRegistry, set_type_registry};

use crate::generated::{google, user};

/// Makes every message of the contract known to the process. Call it once, before serving: without
/// it an `Any` is silently written as base64 instead of as the JSON of the message inside.
pub fn install_type_registry() {
    let mut registry = TypeRegistry::new();
    buffa_types::register_wkt_types(&mut registry);
    google::rpc::register_types(&mut registry);
    user::v1::register_types(&mut registry);
    set_type_registry(registry);
}

#[cfg(test)]
mod tests {
    use buffa_types::google::protobuf::Any;

    use super::*;
    use crate::rpc::ErrorInfo;

    #[test]
    fn an_any_shows_the_message_inside_it_in_json() {
        install_type_registry();
        let info = ErrorInfo { reason: "EMAIL_TAKEN".to_owned(), ..ErrorInfo::default() };
        let any = Any::pack(&info, ErrorInfo::TYPE_URL);
        let json = serde_json::to_string(&any).expect("it has a JSON form");
        assert_eq!(json, r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"EMAIL_TAKEN"}"#);
    }
}
