//! Who may call, and what for: tokens as callers show them, one table of what each call takes, and the gate before all of
//! them, which asks before the body of a request is read.
//!
//! It decides by the vault's rows, kept for a second: a token that was revoked anywhere is refused everywhere soon after.

mod gate;
mod required;
mod principal;
mod bearer;
mod tokens;
mod known;
mod denial;

pub use bearer::BearerToken;
pub use denial::Denial;
pub use gate::{Gate, TokenRule};
pub use principal::Principal;
pub(crate) use required::FEED_PATH;
pub use required::scope_of;
pub use tokens::{NewToken, Tokens};
