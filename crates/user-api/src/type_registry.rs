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
