//! What is asked of the service, as it goes over the wire.

use buffa::{Message, MessageField};
use buffa_types::google::protobuf::FieldMask;
use user_api::v1;
use user_api::v1::get_user_request::By;
use user_api::v1::verify_password_request;

use super::Call;
use super::people::PASSWORD;

/// A call about a user. If it is one that changes her, this is her first name from then on: never the one that she has,
/// which would change nothing, and write nothing.
pub(super) fn about(call: Call, id: &str, first_name: String) -> Vec<u8> {
    let id = id.to_owned();
    match call {
        Call::Get => {
            v1::GetUserRequest { by: Some(By::Id(id)), ..v1::GetUserRequest::default() }.encode_to_vec()
        }
        Call::Update => {
            let paths = vec!["first_name".to_owned()];
            let update_mask = MessageField::some(FieldMask { paths, ..FieldMask::default() });
            let first_name = Some(first_name);
            v1::UpdateUserRequest { id, first_name, update_mask, ..v1::UpdateUserRequest::default() }
                .encode_to_vec()
        }
        Call::Verify => v1::VerifyPasswordRequest {
            by: Some(verify_password_request::By::Id(id)),
            password: PASSWORD.to_owned(),
        }
        .encode_to_vec(),
    }
}
