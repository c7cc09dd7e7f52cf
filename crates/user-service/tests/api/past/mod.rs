//! Looks at the past: each moment against a fold that is too simple to be wrong.

mod fold;
mod random;
mod one_user;
mod directory;
mod times;
mod parked;
