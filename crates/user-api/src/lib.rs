//! The surface in Rust: what `proto/` says, generated at build time, and the one way to answer an
//! error. It knows nothing of the domain or the stores; handlers turn its messages into commands at
//! once, so that the RPC stack can be replaced without them.

mod generated;
mod method;
mod type_registry;
mod error;

pub use error::{ApiError, ERROR_DOMAIN};
/// `google.rpc`: the error details as messages.
pub use generated::google::rpc;
/// `user.v1`: the messages, the trait `UserService`, its dispatcher `UserServiceServer` and, with
/// the feature `client`, `UserServiceClient`.
pub use generated::user::v1;
pub use method::Rpc;
pub use type_registry::install_type_registry;

/// The name health checks and reflection know the service by.
pub const SERVICE_NAME: &str = v1::USER_SERVICE_SERVICE_NAME;

/// The contract with all its imports as an encoded `FileDescriptorSet`, for reflection. Without
/// comments: they are in the protos, and would treble its size.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor_set.bin"));

/// The JSON side of the contract as an `OpenAPI` 3.1 document, with the comments of the protos. Streams are not in it.
pub const OPENAPI: &str = include_str!(concat!(env!("OUT_DIR"), "/openapi.json"));

/// The choices that requests hold (`oneof get_user_request::By`), owned and as views. The generator
/// puts them where no reader would look for them.
pub mod oneof {
    pub use crate::generated::user::v1::__buffa::oneof::{
        get_user_request, set_password_request, verify_password_request,
    };

    /// The same, borrowed from the request: what a handler matches on.
    pub mod view {
        pub use crate::generated::user::v1::__buffa::view::oneof::{
            get_user_request, set_password_request, verify_password_request,
        };
    }
}
