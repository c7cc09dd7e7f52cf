//! Feeds: what listeners are told, over gRPC and over plain HTTP.

mod listener;
mod telling;
mod limits;
mod other_logs;
mod over_http;
mod snapshots;
