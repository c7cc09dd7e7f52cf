//! Messages in an `Any`.

use buffa_types::google::protobuf::Any;
use user_api::install_type_registry;
use user_api::rpc::ErrorInfo;

#[test]
fn an_any_shows_the_message_inside_it_in_json() {
    install_type_registry();
    let info = ErrorInfo { reason: "EMAIL_TAKEN".to_owned(), ..ErrorInfo::default() };
    let any = Any::pack(&info, ErrorInfo::TYPE_URL);
    let json = serde_json::to_string(&any).expect("it has a JSON form");
    assert_eq!(json, r#"{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"EMAIL_TAKEN"}"#);
}
