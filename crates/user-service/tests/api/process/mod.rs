//! The binary itself, as whoever runs it sees it: what it prints, how it ends, what it keeps, what it refuses.

mod logging;
mod looking_after;
mod restoring;
mod backing_up;
mod rotating;
mod reading_only;
mod standing_by;
mod running;
mod starting;
mod upgrading;
mod encrypted;
mod stopping;
mod watching;
mod web_pages;
mod users;
mod tokens;
mod transferring;
mod events;

pub(crate) use running::{Running, Said, user_service};
