//! The calls of the contract as an enum: what has to be said of each of them is a `match`, and the compiler finds the call
//! that somebody has forgotten. `build.rs` makes it from the protos.

use crate::SERVICE_NAME;

include!(concat!(env!("OUT_DIR"), "/methods.rs"));

impl Rpc {
    /// The call that a path asks for; `None` for one that asks for something else.
    #[must_use]
    pub fn of_path(path: &str) -> Option<Self> {
        let (service, name) = path.strip_prefix('/')?.split_once('/')?;
        if service == SERVICE_NAME { Self::of_name(name) } else { None }
    }

    /// The call of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|rpc| rpc.name() == name)
    }
}
